package host

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// maxInventory bounds a file of hosts, maxHosts what is counted.
const (
	maxInventory = 1 << 20
	maxHosts     = 100_000
)

// inventory is a file of hosts as ansible reads it: groups, what is below
// each, and all hosts.
type inventory struct {
	groups   map[string][]string
	children map[string][]string
	hosts    map[string]bool
}

// inventoryTells says how many hosts a run will reach, and by which file.
func inventoryTells(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	opts := g.options(e, "l", "limit")
	var given []string
	g.eachOption(e, []string{"i", "inventory", "inventory-file"}, func(_, v string) { given = append(given, v) })
	if len(given) == 0 {
		given = []string{""}
	}
	inv := newInventory()
	source := ""
	for _, v := range given { // each -i adds its hosts to those of the others
		file, ok := g.inventoryFile(e, v)
		if !ok {
			unknownf(of, "how many hosts that is: the inventory is not known")
			return
		}
		if strings.Contains(file, ",") {
			for h := range strings.SplitSeq(file, ",") {
				if h != "" {
					inv.add("ungrouped", h)
				}
			}
			continue
		}
		b, err := g.w.ReadFile(file, maxInventory)
		if err == nil {
			err = inv.read(file, b)
		}
		if err != nil {
			unknownf(of, "how many hosts that is: %v", err)
			return
		}
		source = " of the inventory " + file
		if len(given) > 1 {
			source = fmt.Sprintf(" of %d inventories", len(given))
		}
	}
	pattern := first(opts["limit"], opts["l"])
	if e.Command == "ansible" && pattern == "" {
		pattern = e.Object.Name
	}
	if n := inv.count(pattern); n >= 0 {
		of.Tells = append(of.Tells, "that is "+plural(n, "host")+source)
		return
	}
	of.Tells = append(of.Tells, fmt.Sprintf("some of the %s%s", plural(len(inv.hosts), "host"), source))
}

// inventoryFile is the one that ansible will read: as given, from the
// environment, from its configuration, or its own.
func (g *gathering) inventoryFile(e *effect.Effect, given string) (string, bool) {
	place := func(s string) string {
		if strings.Contains(s, ",") {
			return s // hosts themselves
		}
		return g.absolute(e, s)
	}
	if given != "" {
		return place(given), true
	}
	env, ok := g.aim(e, "ANSIBLE_INVENTORY")
	if !ok || env != "" {
		return place(env), ok
	}
	config, ok := g.aim(e, "ANSIBLE_CONFIG")
	if !ok {
		return "", false
	}
	files := []string{config, "ansible.cfg", "~/.ansible.cfg", "/etc/ansible/ansible.cfg"}
	for _, f := range files {
		if f == "" {
			continue
		}
		f = g.absolute(e, f)
		b, err := g.w.ReadFile(f, maxInventory)
		if err != nil {
			continue
		}
		// The first one that is there is the only one.
		section := ""
		for l := range strings.Lines(string(b)) {
			l = strings.TrimSpace(l)
			if strings.HasPrefix(l, "[") {
				section = strings.Trim(l, "[]")
			}
			k, v, ok := strings.Cut(l, "=")
			if ok && section == "defaults" && strings.TrimSpace(k) == "inventory" {
				if v = strings.TrimSpace(v); !path.IsAbs(v) && !strings.HasPrefix(v, "~") {
					v = path.Join(path.Dir(f), v)
				}
				return place(v), true
			}
		}
		break
	}
	if e.Command == "kolla-ansible" {
		return "/etc/kolla/ansible/inventory/all-in-one", true
	}
	return "/etc/ansible/hosts", true
}

func newInventory() *inventory {
	return &inventory{groups: map[string][]string{}, children: map[string][]string{}, hosts: map[string]bool{}}
}

// read adds one of the two written forms; a program that makes one is not run
// for it.
func (v *inventory) read(name string, b []byte) error {
	switch ext := path.Ext(name); {
	case strings.HasPrefix(string(b), "#!"):
		return fmt.Errorf("%s is a program that makes the inventory", name)
	case ext == ".yml" || ext == ".yaml" || ext == ".json" || strings.HasPrefix(strings.TrimSpace(string(b)), "---"):
		var doc map[string]yamlGroup
		if err := yaml.Unmarshal(b, &doc); err != nil {
			return fmt.Errorf("%s is no inventory", name)
		}
		for n, g := range doc {
			v.addYAML(n, g, 0)
		}
	default:
		v.addINI(string(b))
	}
	return nil
}

type yamlGroup struct {
	Hosts    map[string]any       `yaml:"hosts"`
	Children map[string]yamlGroup `yaml:"children"`
}

// maxGroups bounds groups in groups.
const maxGroups = 32

func (v *inventory) addYAML(name string, g yamlGroup, depth int) {
	if depth > maxGroups {
		return
	}
	for _, h := range slices.Sorted(maps.Keys(g.Hosts)) {
		v.add(name, h)
	}
	for n, c := range g.Children {
		v.children[name] = append(v.children[name], n)
		v.addYAML(n, c, depth+1)
	}
}

func (v *inventory) addINI(text string) {
	group, kind := "ungrouped", ""
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';':
		case l[0] == '[':
			head, _, _ := strings.Cut(l[1:], "]")
			group, kind, _ = strings.Cut(head, ":")
		case kind == "children":
			v.children[group] = append(v.children[group], strings.Fields(l)[0])
		case kind == "":
			v.add(group, strings.Fields(l)[0])
		}
	}
}

// add is a host, or a range of them: web[01:20].example.
func (v *inventory) add(group, host string) {
	before, rest, ok := strings.Cut(host, "[")
	span, after, closed := strings.Cut(rest, "]")
	from, to, two := strings.Cut(span, ":")
	if !ok || !closed || !two {
		v.groups[group] = append(v.groups[group], host)
		v.hosts[host] = true
		return
	}
	to, _, _ = strings.Cut(to, ":") // a step
	names := func(yield func(string) bool) {
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		switch {
		case err1 == nil && err2 == nil:
			for i := a; i <= b && len(v.hosts) < maxHosts; i++ {
				if !yield(fmt.Sprintf("%0*d", len(from), i)) {
					return
				}
			}
		case len(from) == 1 && len(to) == 1:
			for c := from[0]; c <= to[0] && c >= from[0]; c++ {
				if !yield(string(c)) {
					return
				}
			}
		}
	}
	for n := range names {
		v.add(group, before+n+after)
	}
}

// count is how many hosts a pattern means; -1 where it is one of ansible's
// richer ones.
func (v *inventory) count(pattern string) int {
	switch {
	case pattern == "" || pattern == "all" || pattern == "*":
		return len(v.hosts)
	case strings.ContainsAny(pattern, "!&*?[]~@"):
		return -1
	}
	meant := map[string]bool{}
	for _, p := range strings.FieldsFunc(pattern, func(r rune) bool { return r == ',' || r == ':' }) {
		if v.hosts[p] {
			meant[p] = true
			continue
		}
		v.below(p, meant, 0)
	}
	return len(meant)
}

func (v *inventory) below(group string, meant map[string]bool, depth int) {
	if depth > maxGroups {
		return
	}
	for _, h := range v.groups[group] {
		meant[h] = true
	}
	for _, c := range v.children[group] {
		v.below(c, meant, depth+1)
	}
}
