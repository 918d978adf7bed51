package guard

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"syscall"

	"guardsh/audit"
)

// exposure is a directory of root's that others can change: what is wrong with
// it, and what ends that. It is used as it is.
type exposure struct{ says, remedy string }

// exposed looks at the directories with root's trail, allowances and snapshots.
func (p Place) exposed() (all []exposure) {
	done := map[string]bool{}
	for _, d := range []struct{ dir, holds string }{
		{cmp.Or(p.Trail, audit.Root()), "the trail"},
		{p.State, "what is allowed and kept"},
		{cmp.Or(p.Store, p.State), "what is kept"},
	} {
		if e, found := exposureOf(d.dir); found && !done[d.dir] {
			done[d.dir] = true
			e.says = fmt.Sprintf("%s: others than root can change %s", e.says, d.holds)
			all = append(all, e)
		}
	}
	return all
}

// exposureOf says in what way others than root can change a directory of root's.
func exposureOf(dir string) (e exposure, found bool) {
	st, err := os.Stat(dir)
	if os.Geteuid() != 0 || err != nil || !st.IsDir() {
		return e, false
	}
	var wrong, right []string
	name := Quote([]string{dir})
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && sys.Uid != 0 {
		wrong = append(wrong, fmt.Sprintf("belongs to user %d", sys.Uid))
		right = append(right, "chown root "+name)
	}
	if perm := st.Mode().Perm(); perm&0o022 != 0 {
		wrong = append(wrong, fmt.Sprintf("can be written by others (%04o)", perm))
		right = append(right, "chmod go-w "+name)
	}
	if wrong == nil {
		return e, false
	}
	return exposure{dir + " " + strings.Join(wrong, " and "), strings.Join(right, "; ")}, true
}
