package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// tellDeadline bounds the programs of a line that are asked about what they have
// charge of. They are asked only where guests, volumes or targets are stopped or
// deleted, which takes longer itself; no path or mount waits for them.
const tellDeadline = time.Second

// teller looks up what those who have charge of an object know about it.
type teller func(*gathering, *effect.Effect, *rules.ObjectFact)

// tellerOf is who is asked by the command that is typed; services have theirs.
func tellerOf(command string) teller {
	switch command {
	case "docker", "podman", "nerdctl", "lxc-stop", "lxc-destroy", "lxc", "incus", "machinectl", "pct":
		return containerRuns
	case "virsh", "qm":
		return guestRuns
	case "xl", "xm":
		return xenRuns
	case "kill", "pkill", "killall", "skill":
		return killed
	case "kubectl", "oc", "k3s-kubectl", "helm":
		return kubeTells
	case "ansible", "ansible-playbook", "kolla-ansible":
		return inventoryTells
	case "git":
		return repoTells
	case "heketi-cli":
		return heketiTells
	case "rbd":
		return watchersTell
	case "tgtadm", "tgt-admin", "targetcli", "targetctl":
		return initiatorsTell
	case "iscsiadm", "multipath", "multipathd":
		return lunUsers
	case "lvremove", "vgremove", "lvreduce", "lvresize":
		return volumeUsers
	case "dmsetup", "cryptsetup":
		return mapperUsers
	}
	return nil
}

// lunService reports a service that disks of other machines come through.
func lunService(name string) bool {
	switch name {
	case "iscsid", "iscsi", "open-iscsi", "multipathd":
		return true
	}
	return false
}

// tellers asks about each object once, of this machine's.
func (g *gathering) tellers() {
	if g.w.root != "" {
		return
	}
	asked := map[string]bool{}
	g.tellUntil = time.Now().Add(Fair(tellDeadline))
	for i := range g.effects {
		e := &g.effects[i]
		if !local(e) || e.Has("dry") {
			continue
		}
		tell := tellerOf(e.Command)
		switch {
		case e.Object.Type == effect.Service && lunService(e.Object.Name) && (e.Kind == effect.Stop || e.Kind == effect.Restart):
			tell = lunUsers
		case e.Kind == effect.KernelChange && strings.HasPrefix(e.Object.Name, "/sys/"):
			tell = sysfsUsers
		case e.Kind == effect.Kill && e.Object.Type != effect.Process:
			tell = nil
		}
		key := e.Command + " " + e.Object.Key()
		if tell == nil || asked[key] {
			continue
		}
		asked[key] = true
		of, _ := g.object(&e.Object)
		tell(g, e, of)
	}
}

// ask starts a program and gives its output; what went wrong is noted.
func (g *gathering) ask(of *rules.ObjectFact, what, name string, args ...string) ([]byte, bool) {
	b, err := output(g.tellUntil, name, args...)
	if err != nil {
		unknownf(of, "%s: %v", what, err)
		return nil, false
	}
	return b, true
}

// optionLike says that a name would be read as an option, or holds what no
// name holds.
func optionLike(s string) bool { return s == "" || s[0] == '-' || strings.ContainsAny(s, "\n\x00") }

// heketiTells says which volume an id is: its name and size.
func heketiTells(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	id := e.Object.Name
	if optionLike(id) || e.Has("create") {
		return
	}
	what := "device"
	if e.Kind == effect.VolumeDelete {
		what = "volume"
	}
	var v struct {
		Name    string `json:"name"`
		Size    int    `json:"size"` // GB
		Cluster string `json:"cluster"`
	}
	b, ok := g.ask(of, "which "+what+" that is", "heketi-cli", what, "info", id, "--json")
	if !ok {
		return
	}
	if err := json.Unmarshal(b, &v); err != nil {
		unknownf(of, "which %s that is: %v", what, err)
		return
	}
	said := fmt.Sprintf("heketi knows it as %s", v.Name)
	if v.Size > 0 {
		said += fmt.Sprintf(", %d GB", v.Size)
	}
	of.Tells = append(of.Tells, said)
}

// watchersTell says who has an image open.
func watchersTell(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	if optionLike(e.Object.Name) {
		return
	}
	b, ok := g.ask(of, "who watches the image", "rbd", "status", "--format", "json", e.Object.Name)
	if !ok {
		return
	}
	var v struct {
		Watchers json.RawMessage `json:"watchers"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		unknownf(of, "who watches the image: %v", err)
		return
	}
	// Old releases write an object with numbered members, newer ones a list.
	type watcher struct {
		Address string `json:"address"`
	}
	var list []watcher
	if json.Unmarshal(v.Watchers, &list) != nil {
		var byNumber map[string]watcher
		if json.Unmarshal(v.Watchers, &byNumber) == nil {
			for _, w := range byNumber {
				list = append(list, w)
			}
		}
	}
	var who []string
	for _, w := range list {
		who = append(who, w.Address)
	}
	if slices.Sort(who); len(who) > 0 {
		of.Tells = append(of.Tells, plural(len(who), "watcher")+" of the image now: "+strings.Join(who, ", "))
	}
}

// initiator is how tgtadm names who is logged in to a target.
var initiator = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^\s*Initiator: (\S+)`) })

// initiatorsTell says who is logged in to the targets that this host offers:
// the kernel's own in configfs, tgtd's by asking it.
func initiatorsTell(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	var who []string
	if strings.HasPrefix(e.Command, "tgt") {
		b, ok := g.ask(of, "who is logged in", "tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "target")
		if !ok {
			return
		}
		for _, m := range initiator().FindAllSubmatch(b, -1) {
			who = append(who, string(m[1]))
		}
	} else {
		who = kernelInitiators()
	}
	slices.Sort(who)
	if who = slices.Compact(who); len(who) > 0 {
		of.Tells = append(of.Tells, plural(len(who), "initiator")+" connected: "+strings.Join(who[:min(len(who), maxNamed)], ", "))
	}
}

// kernelInitiators are those with a session at one of the kernel's targets:
// named in an access list, or let in without one.
func kernelInitiators() []string {
	const groups = "/sys/kernel/config/target/iscsi/iqn.*/tpgt_*"
	var who []string
	infos, _ := filepath.Glob(groups + "/acls/*/info")
	for _, f := range infos {
		if text := sysText(path.Dir(f), "info"); text != "" && !strings.HasPrefix(text, "No active iSCSI Session") {
			who = append(who, path.Base(path.Dir(f)))
		}
	}
	dynamic, _ := filepath.Glob(groups + "/dynamic_sessions")
	for _, f := range dynamic {
		for _, n := range bytes.FieldsFunc([]byte(sysText(path.Dir(f), "dynamic_sessions")), func(r rune) bool { return r == 0 || r == '\n' }) {
			who = append(who, string(n))
		}
	}
	return who
}
