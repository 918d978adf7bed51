package host

import (
	"os"
	"strings"

	"guardsh/rules/effect"
)

// maxLower bounds the way down from an interface: a VLAN on a bridge on a bond
// is three.
const maxLower = 8

// links fills in which interfaces carry this session.
func (g *gathering) links() {
	own := g.facts.Session.Interface
	// Where it came to is not known to a user who may not look into the
	// processes above: then it may be any.
	unknown := g.w.cards.local == ""
	if !g.facts.Session.SSH || own == "" && !unknown {
		return
	}
	var under map[string]bool
	for i := range g.effects {
		e := &g.effects[i]
		if e.Object.Type != effect.Interface || e.Object.Name == "" || !local(e) {
			continue
		}
		of, fresh := g.object(&e.Object)
		if !fresh {
			continue
		}
		if under == nil {
			under = map[string]bool{}
			if own != "" {
				lower(own, under, 0)
			}
		}
		name := e.Object.Name
		_, err := os.Lstat("/sys/class/net/" + name)
		of.Link.Exists = err == nil && !strings.Contains(name, "/")
		// A connection's or an alias's name is in no table of the kernel's.
		of.Link.Carries = unknown || under[name] || !of.Link.Exists
	}
}

// lower adds an interface and those below it: a VLAN's parent, the members of a
// bond or a bridge.
func lower(name string, into map[string]bool, depth int) {
	if into[name] || depth > maxLower {
		return
	}
	into[name] = true
	entries, _ := os.ReadDir("/sys/class/net/" + name + "/")
	for _, e := range entries {
		if l, ok := strings.CutPrefix(e.Name(), "lower_"); ok {
			lower(l, into, depth+1)
		}
	}
}
