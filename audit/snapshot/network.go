package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// network is a network namespace's state in the words of ip(8), so that it can
// be read, compared, and given back: each string is what follows "ip addr
// add", "ip route replace" or "ip rule add".
type network struct {
	Links  []link   `json:"links"`
	Addrs  []string `json:"addrs"`
	Routes []string `json:"routes"` // the family first: "-4 default via …"
	Rules  []string `json:"rules"`
}

type link struct {
	Name   string `json:"name"`
	Up     bool   `json:"up"`
	MTU    int    `json:"mtu"`
	Master string `json:"master,omitempty"`
}

// passing are words in what ip shows that say how things are at the moment and
// that it does not take.
var passing = []string{"linkdown", "dead", "pervasive", "offload", "rt_offload", "rt_trap", "trap", "[detached]", "onlink-detached", "\\"}

func networkNow(ctx context.Context) (*network, error) {
	out, _, err := ask(ctx, nil, "ip", "-j", "addr", "show")
	if err != nil {
		return nil, err
	}
	var links []struct {
		Ifname, Master string
		Flags          []string
		MTU            int
		AddrInfo       []struct {
			Family, Local, Address, Broadcast, Scope, Label string
			Prefixlen                                       int
			Dynamic, Nodad, Noprefixroute                   bool
			Protocol                                        string
		} `json:"addr_info"`
	}
	if err := json.Unmarshal(out, &links); err != nil {
		return nil, fmt.Errorf("ip -j addr: %w", err)
	}
	if len(links) == 0 {
		return nil, errors.New("ip names no interface")
	}
	n := &network{}
	for _, l := range links {
		name, _, _ := strings.Cut(l.Ifname, "@")
		n.Links = append(n.Links, link{name, slices.Contains(l.Flags, "UP"), l.MTU, l.Master})
		for _, a := range l.AddrInfo {
			if a.Dynamic || a.Protocol == "kernel_ra" {
				continue // what a server or router gave it gives again
			}
			s := fmt.Sprintf("%s/%d", a.Local, a.Prefixlen)
			if a.Address != "" {
				s = fmt.Sprintf("%s peer %s/%d", a.Local, a.Address, a.Prefixlen)
			}
			if a.Broadcast != "" {
				s += " broadcast " + a.Broadcast
			}
			if a.Scope != "" {
				s += " scope " + a.Scope
			}
			if a.Label != "" && a.Label != name {
				s += " label " + a.Label
			}
			if a.Nodad {
				s += " nodad"
			}
			if a.Noprefixroute {
				s += " noprefixroute"
			}
			n.Addrs = append(n.Addrs, s+" dev "+name)
		}
	}
	for _, family := range []string{"-4", "-6"} {
		out, errs, err := ask(ctx, nil, "ip", family, "-o", "route", "show", "table", "all")
		if err != nil && strings.TrimSpace(string(errs)) != "" {
			return nil, err
		}
		for l := range strings.Lines(string(out)) {
			f := words(l)
			if len(f) == 0 || slices.Contains([]string{"local", "broadcast", "multicast", "anycast"}, f[0]) ||
				family == "-6" && slices.Contains(f, "kernel") || slices.Contains(f, "ra") {
				continue
			}
			n.Routes = append(n.Routes, family+" "+strings.Join(f, " "))
		}
		if out, _, err = ask(ctx, nil, "ip", family, "-o", "rule", "show"); err != nil {
			return nil, err
		}
		for l := range strings.Lines(string(out)) {
			pref, rest, ok := strings.Cut(strings.TrimSpace(l), ":")
			if !ok {
				continue
			}
			n.Rules = append(n.Rules, family+" pref "+pref+" "+strings.Join(words(rest), " "))
		}
	}
	slices.Sort(n.Routes) // the kernel shows those of equal weight in any order
	return n, nil
}

// words are a line's words that ip takes again.
func words(l string) []string {
	return slices.DeleteFunc(strings.Fields(l), func(w string) bool { return slices.Contains(passing, w) })
}

func networkDump(ctx context.Context, _ Item) ([]byte, bool, error) {
	n, err := networkNow(ctx)
	if err != nil {
		return nil, false, err
	}
	b, err := json.MarshalIndent(n, "", "  ")
	return append(b, '\n'), err == nil, err
}

// networkRestore changes what differs until nothing does: what goes with an
// interface or an address takes more with it, and comes back by itself or not.
func networkRestore(ctx context.Context, _ Item, b []byte, _ bool) error {
	var was network
	if err := json.Unmarshal(b, &was); err != nil {
		return err
	}
	var errs error
	for range 3 {
		now, err := networkNow(ctx)
		if err != nil {
			return err
		}
		if same, _ := json.Marshal(now); bytes.Equal(same, compact(b)) {
			return nil
		}
		errs = was.apply(ctx, now)
	}
	return errs
}

func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return nil
	}
	return out.Bytes()
}

// apply changes what is now towards what was, links first: an interface that
// went down has lost its routes, and those need their addresses.
func (was *network) apply(ctx context.Context, now *network) error {
	var errs []error
	ip := func(args ...string) {
		if _, _, err := ask(ctx, nil, "ip", args...); err != nil {
			errs = append(errs, fmt.Errorf("ip %s: %w", strings.Join(args, " "), err))
		}
	}
	for _, l := range was.Links {
		i := slices.IndexFunc(now.Links, func(o link) bool { return o.Name == l.Name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("the interface %s is gone, and is not made again", l.Name))
			continue
		}
		if n := now.Links[i]; n != l {
			if n.Master != l.Master {
				if l.Master == "" {
					ip("link", "set", "dev", l.Name, "nomaster")
				} else {
					ip("link", "set", "dev", l.Name, "master", l.Master)
				}
			}
			if n.MTU != l.MTU {
				ip("link", "set", "dev", l.Name, "mtu", fmt.Sprint(l.MTU))
			}
			if n.Up != l.Up {
				ip("link", "set", "dev", l.Name, map[bool]string{true: "up", false: "down"}[l.Up])
			}
		}
	}
	both := func(was, now []string, do func(line string, add bool)) {
		for _, l := range was {
			if !slices.Contains(now, l) {
				do(l, true)
			}
		}
		for _, l := range now {
			if !slices.Contains(was, l) {
				do(l, false)
			}
		}
	}
	both(was.Addrs, now.Addrs, func(l string, add bool) {
		ip(append([]string{"addr", map[bool]string{true: "replace", false: "del"}[add]}, strings.Fields(l)...)...)
	})
	// What came or went with a link or an address is not there to be changed.
	now, err := networkNow(ctx)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	both(was.Rules, now.Rules, func(l string, add bool) {
		f := strings.Fields(l)
		ip(append([]string{f[0], "rule", map[bool]string{true: "add", false: "del"}[add]}, f[1:]...)...)
	})
	// A route through a gateway needs the one to the gateway.
	direct := func(l string) int {
		if strings.Contains(l, " via ") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(was.Routes, func(a, b string) int { return direct(a) - direct(b) })
	both(was.Routes, now.Routes, func(l string, add bool) {
		f := strings.Fields(l)
		ip(append([]string{f[0], "route", map[bool]string{true: "replace", false: "del"}[add]}, f[1:]...)...)
	})
	return errors.Join(errs...)
}
