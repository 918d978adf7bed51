package rescue

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// network is ip, as far as it shows: addr, link and route.
func network(c *call) {
	f := c.options()
	brief := f.BoolP("brief", "b", false, "a line each")
	f.BoolP("4", "4", false, "as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	what := "addr"
	if len(args) > 0 {
		what, args = args[0], args[1:]
	}
	if len(args) > 0 && (strings.HasPrefix("show", args[0]) || args[0] == "list" || args[0] == "ls") {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "dev" {
		args = args[1:]
	}
	switch {
	case len(args) > 1:
		c.say("%s only shows here; it changes nothing", c.name)
	case strings.HasPrefix("address", what):
		c.interfaces(args, true, *brief)
	case strings.HasPrefix("link", what):
		c.interfaces(args, false, *brief)
	case strings.HasPrefix("route", what):
		c.routes()
	default:
		c.misuse()
	}
}

func (c *call) interfaces(only []string, addresses, brief bool) {
	all, err := net.Interfaces()
	if err != nil {
		c.fail(err)
		return
	}
	seen := false
	for _, i := range all {
		if len(only) > 0 && i.Name != only[0] {
			continue
		}
		seen = true
		var addrs []string
		if addresses {
			list, err := i.Addrs()
			c.fail(err)
			for _, a := range list {
				addrs = append(addrs, a.String())
			}
		}
		state := "DOWN"
		if i.Flags&net.FlagUp != 0 {
			state = "UP"
		}
		if brief {
			c.tell("%-16s %-14s %s", i.Name, state, strings.Join(append(addrs, i.HardwareAddr.String()), " "))
			continue
		}
		c.tell("%d: %s: <%s> mtu %d state %s", i.Index, i.Name, strings.ToUpper(strings.ReplaceAll(i.Flags.String(), "|", ",")), i.MTU, state)
		if len(i.HardwareAddr) > 0 {
			c.tell("    link/ether %s", i.HardwareAddr)
		}
		for _, a := range addrs {
			family := "inet"
			if strings.Contains(a, ":") {
				family = "inet6"
			}
			c.tell("    %s %s", family, a)
		}
	}
	if !seen && len(only) > 0 {
		c.say("Device \"%s\" does not exist.", only[0])
	}
}

// routes shows the table of /proc/net/route, which is IPv4's.
func (c *call) routes() {
	b, err := os.ReadFile("/proc/net/route")
	if err != nil {
		c.noProc(err)
		return
	}
	address := func(s string) (net.IP, bool) {
		n, err := strconv.ParseUint(s, 16, 32)
		ip := make(net.IP, net.IPv4len)
		binary.NativeEndian.PutUint32(ip, uint32(n))
		return ip, err == nil
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		to, ok1 := address(f[1])
		via, ok2 := address(f[2])
		mask, ok3 := address(f[7])
		if !ok1 || !ok2 || !ok3 {
			continue // the title
		}
		ones, _ := net.IPMask(mask).Size()
		dest := fmt.Sprintf("%s/%d", to, ones)
		if ones == 0 {
			dest = "default"
		}
		if !via.IsUnspecified() {
			dest += " via " + via.String()
		}
		c.tell("%s dev %s metric %s", dest, f[0], f[6])
	}
}
