package guard

import (
	"os"
	"strings"
	"testing"

	"guardsh/audit/snapshot"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

func TestSnapshotPlan(t *testing.T) {
	path := func(k effect.Kind, name string) effect.Effect {
		return effect.Effect{Kind: k, Object: effect.Object{Type: effect.Path, Name: name}}
	}
	for _, c := range []struct {
		name   string
		effect effect.Effect
		fact   rules.ObjectFact
		class  snapshot.Class // "" nothing is kept
		path   string
		beyond string // a word of what cannot be kept; "" none
	}{
		{"a tree", path(effect.Delete, "/srv/x"), rules.ObjectFact{}, snapshot.Delete, "/srv/x", ""},
		{"through a link", path(effect.Delete, "/srv/l/"), rules.ObjectFact{Path: rules.PathFact{Real: "/srv/x", Follows: true}}, snapshot.Delete, "/srv/x", ""},
		{"in place", path(effect.Truncate, "/etc/x"), rules.ObjectFact{}, snapshot.InPlace, "/etc/x", ""},
		{"modes", path(effect.Metadata, "/etc"), rules.ObjectFact{}, snapshot.Metadata, "/etc", ""},
		{"scratch", path(effect.Delete, "/tmp/x"), rules.ObjectFact{Path: rules.PathFact{Class: rules.Scratch}}, "", "", ""},
		{"through a link into scratch", path(effect.Delete, "/srv/l/"), rules.ObjectFact{Path: rules.PathFact{Real: "/tmp/x", Link: "/tmp/x", Follows: true, Class: rules.Scratch}}, snapshot.Delete, "/tmp/x", ""},
		{"a pattern", path(effect.Delete, ""), rules.ObjectFact{}, "", "", "not known"},
		{"a device", effect.Effect{Kind: effect.Format, Object: effect.Object{Type: effect.Device, Name: "/dev/sdz1"}}, rules.ObjectFact{Device: rules.DeviceFact{Block: true}}, snapshot.Device, "/dev/sdz1", ""},
		{"shredded", effect.Effect{Kind: effect.RawWrite, Attrs: map[string]bool{"shred": true}, Object: effect.Object{Type: effect.Device, Name: "/dev/sdz1"}}, rules.ObjectFact{Device: rules.DeviceFact{Block: true}}, "", "", "final"},
		{"another host", effect.Effect{Kind: effect.Delete, Object: effect.Object{Type: effect.Path, Name: "/srv/x"}, Place: command.Place{Kind: command.Remote}}, rules.ObjectFact{}, "", "", "elsewhere"},
		{"a crontab", effect.Effect{Kind: effect.ScheduleChange, Object: effect.Object{Type: effect.Crontab}}, rules.ObjectFact{Crontab: rules.CrontabFact{User: "www"}}, snapshot.Crontab, "", ""},
	} {
		j := Judgement{
			Line:     &command.Line{Actions: make([]command.Action, 1)},
			Effects:  []effect.Effect{c.effect},
			Facts:    &rules.Facts{Objects: map[string]*rules.ObjectFact{c.effect.Object.Key(): &c.fact}},
			Decision: rules.Decision{Findings: []rules.Finding{{Rule: "x/y", Verdict: rules.Confirm, Snapshot: "files"}}},
		}
		p := snapshotPlan(j)
		if c.class == "" && len(p.Items) != 0 || c.class != "" && (len(p.Items) != 1 || p.Items[0].Class != c.class || p.Items[0].Path != c.path) {
			t.Errorf("%s: keeps %+v, want %s %s", c.name, p.Items, c.class, c.path)
		}
		if got := strings.Join(p.Beyond, "; "); c.beyond == "" && got != "" || !strings.Contains(got, c.beyond) {
			t.Errorf("%s: beyond reach %q, want %q", c.name, got, c.beyond)
		}
	}
	// What another user does is that user's to keep: a plain user's snapshot
	// of it would miss what it may not read.
	e := path(effect.Delete, "/srv/x")
	e.User = "somebody-else"
	if _, beyond := itemFor(nil, &e, &rules.ObjectFact{}); (beyond != "") != (os.Geteuid() != 0) {
		t.Errorf("as another user, uid %d: %q", os.Geteuid(), beyond)
	}
}
