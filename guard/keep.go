package guard

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"guardsh/audit/snapshot"
	"guardsh/guard/ask"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// What is kept before a line without asking about the time and room it takes.
// Past a few seconds a person would rather be asked; the bytes and files are
// what fits into them on an ordinary disk.
var keepBudget = snapshot.Options{Files: 200_000, Bytes: 2 << 30, Time: 5 * time.Second}

// keepBudget is keepBudget with the configuration's time.
func (s *Session) keepBudget() snapshot.Options {
	o := keepBudget
	o.Time = cmp.Or(s.Config.Snapshots.Budget, o.Time)
	return o
}

// snapshotPlan says what to keep for the findings of a line that will run:
// exactly what their effects name, and nothing below scratch paths.
func snapshotPlan(j Judgement) snapshot.Plan {
	var p snapshot.Plan
	seen := map[string]bool{}
	add := func(items []snapshot.Item, beyond string) {
		if beyond != "" {
			p.Beyond = append(p.Beyond, beyond)
		}
		for _, item := range items {
			if key := fmt.Sprint(item); !seen[key] {
				seen[key] = true
				p.Items = append(p.Items, item)
			}
		}
	}
	for _, f := range j.Decision.Findings {
		if f.Snapshot == "" || f.EffectAt < 0 {
			continue
		}
		e := &j.Effects[f.EffectAt]
		of := j.Facts.Of(e.Object)
		// What a slash leads into was not looked at by who typed it: it is kept
		// wherever it lies.
		if of.Path.Class == rules.Scratch && !(of.Path.Follows && of.Path.Link != "") {
			continue
		}
		add(itemsFor(j.Line, e, of))
		if !e.Has("remove-source") {
			continue
		}
		// What is moved over something else lies there alone afterwards: to bring
		// back what was there takes it away, so that it is kept too, scratch or not,
		// and wherever the line took it from.
		for i := range j.Effects {
			if m := &j.Effects[i]; m.Kind == effect.Move {
				add(itemsFor(j.Line, m, j.Facts.Of(m.Object)))
			}
		}
	}
	return p
}

// itemsFor is what to keep of one effect, and what that will not bring back.
func itemsFor(l *command.Line, e *effect.Effect, of *rules.ObjectFact) ([]snapshot.Item, string) {
	if here(e) {
		if items, beyond, ok := statesFor(l, e); ok {
			return items, beyond
		}
	}
	item, beyond := itemFor(l, e, of)
	if beyond != "" {
		return nil, beyond
	}
	return []snapshot.Item{item}, ""
}

// here reports an effect on this machine that this process may keep.
func here(e *effect.Effect) bool {
	return e.Place.Kind == 0 && (e.User == "" || e.User == sessionUser() || os.Geteuid() == 0)
}

// itemFor is the way to keep what one effect changes, or what to say about
// that it cannot be kept.
func itemFor(l *command.Line, e *effect.Effect, of *rules.ObjectFact) (snapshot.Item, string) {
	if e.Place.Kind != 0 {
		return snapshot.Item{}, act(e) + " elsewhere"
	}
	if e.User != "" && e.User != sessionUser() && os.Geteuid() != 0 {
		return snapshot.Item{}, onlyRoot(e)
	}
	if e.Kind == effect.ScheduleChange && e.Object.Type == effect.Crontab {
		return snapshot.Item{Class: snapshot.Crontab, User: of.Crontab.User}, ""
	}
	if e.Object.Type == effect.Device && of.Device.Block && e.Object.Name != "" {
		return deviceItem(l, e)
	}
	class, ok := classOf(e.Kind)
	if !ok || e.Object.Type != effect.Path && !(e.Object.Type == effect.Device && !of.Device.Block) {
		return snapshot.Item{}, act(e)
	}
	if e.Object.Name == "" {
		return snapshot.Item{}, act(e) + ", which is not known before it runs"
	}
	path := e.Object.Name
	if of.Path.Follows && of.Path.Real != "" {
		path = of.Path.Real
	}
	return snapshot.Item{Class: class, Path: path}, ""
}

// onlyRoot says of another user's effect that a plain user cannot keep it.
func onlyRoot(e *effect.Effect) string {
	return fmt.Sprintf("what %s does to %s %s (only root could keep it)", e.User, e.Object.Type, e.Object.Display())
}

// deviceItem is the way to keep what is written over on a block device.
func deviceItem(l *command.Line, e *effect.Effect) (snapshot.Item, string) {
	it := snapshot.Item{Class: snapshot.Device, Path: e.Object.Name}
	switch {
	case e.Has("shred"), e.Has("erase") && e.Kind == effect.RawWrite:
		return it, fmt.Sprintf("%s on %s is meant to be final: nothing is copied", e.Command, e.Object.Name)
	case e.Has("discard"):
		it.Write = snapshot.Discards
	case e.Kind == effect.Partition:
		it.Write = snapshot.Table
	case e.Kind == effect.Format && makesFilesystem(e.Command):
		it.Write = snapshot.Makes
		for _, w := range l.Actions[e.Action].Argv {
			v, ok := w.Value()
			if !ok {
				it.Argv, it.Write = nil, snapshot.Anywhere
				break
			}
			it.Argv = append(it.Argv, v)
		}
	case e.Kind == effect.Format && (e.Command == "wipefs" || strings.HasPrefix(e.Command, "pv") || strings.HasPrefix(e.Command, "vg")):
		it.Write = snapshot.Signatures
	case e.Kind == effect.Format || e.Kind == effect.RawWrite || e.Kind == effect.Fsck:
		it.Write = snapshot.Anywhere
	default:
		return it, act(e)
	}
	return it, ""
}

// makesFilesystem names the programs that can be rehearsed: they write the
// same to every empty device of one size.
func makesFilesystem(command string) bool {
	return strings.HasPrefix(command, "mkfs") || command == "mke2fs" || command == "mkswap"
}

// classOf is the snapshot class for a kind of effect on a path. A kind that has
// none cannot be kept as files.
func classOf(k effect.Kind) (snapshot.Class, bool) {
	switch k {
	case effect.Create, effect.WriteTree:
		return snapshot.Create, true
	case effect.Overwrite, effect.Truncate, effect.Append:
		return snapshot.InPlace, true
	case effect.Delete, effect.Move:
		return snapshot.Delete, true
	case effect.Metadata:
		return snapshot.Metadata, true
	}
	return "", false
}

// reach tells how far an undo can go, before the question is asked: the best
// that the plan can give.
func reach(p snapshot.Plan) string {
	beyond := strings.Join(p.Beyond, "; ")
	switch {
	case len(p.Items) == 0 && len(p.Beyond) == 0:
		return ""
	case len(p.Items) == 0:
		return fmt.Sprintf("%s, it cannot be undone: %s", snapshot.None, beyond)
	case !slices.ContainsFunc(p.Items, func(it snapshot.Item) bool { return it.Class.CanRestore() }):
		return fmt.Sprintf("%s: %s", snapshot.None, strings.Join(append(p.Missing, p.Beyond...), "; "))
	case len(p.Missing) > 0:
		return fmt.Sprintf("%s: guardsh undo brings back only some of it; not undone: %s", snapshot.Partial, strings.Join(append(p.Missing, p.Beyond...), "; "))
	case len(p.Beyond) > 0:
		return fmt.Sprintf("%s: guardsh undo brings back what was kept; not undone: %s", snapshot.Files, beyond)
	}
	return fmt.Sprintf("%s: guardsh undo brings it back", snapshot.Full)
}

// undoWords is reach for a question: what sudo will do as root is not lost, where
// root's side of sudo judges it once more and keeps it.
func (s *Session) undoWords(r Request, j Judgement, p snapshot.Plan) string {
	left := s.leftToRoot(r, j)
	n := len(p.Beyond)
	p.Beyond = slices.DeleteFunc(slices.Clone(p.Beyond), func(b string) bool { return slices.Contains(left, b) })
	if len(p.Beyond) == n {
		return reach(p)
	}
	root := "root's side of sudo keeps what it can"
	if !r.Behind { // sudo is asked only when the line runs
		root += ", if sudoers lets guardsh run there; else " + string(snapshot.None)
	}
	if here := reach(p); here != "" {
		return here + "; " + root
	}
	return root
}

// leftToRoot is what a plain user's plan says cannot be kept, of effects that
// reach root through the sudo that guardsh stands in for.
func (s *Session) leftToRoot(r Request, j Judgement) (beyond []string) {
	if os.Geteuid() == 0 || s.Config.Sudo == SudoFront || !r.Behind && !s.place.Interactive {
		return nil
	}
	for i := range j.Line.Actions {
		a := &j.Line.Actions[i]
		if name, _ := a.Name(); sudoName(name) {
			if v, _ := a.Argv[0].Value(); v != name {
				return nil // by its path: nobody stands in for it
			}
		}
	}
	for i := range j.Effects {
		e := &j.Effects[i]
		if e.Place.Kind == command.Here && e.User == "root" && e.Action >= 0 && slices.ContainsFunc(j.Line.Actions[e.Action].Via, sudoName) {
			beyond = append(beyond, onlyRoot(e))
		}
	}
	return beyond
}

// sudoName says whether sudo goes by a name.
func sudoName(name string) bool { return name == "sudo" || name == "sudoedit" }

// foresee is the plan with what can be found out about it before the question.
func (s *Session) foresee(ctx context.Context, j Judgement) snapshot.Plan {
	p := snapshotPlan(j)
	if len(p.Items) == 0 {
		return p
	}
	st, err := s.snapshots()
	if err == nil {
		err = st.Room()
	}
	if err != nil {
		// Said with the question, and not after a yes to what it promised.
		s.trail.degraded(fmt.Sprintf("no undo for this line: %v", err))
		p.Items, p.Missing, p.Beyond = nil, nil, append(p.Beyond, err.Error())
		return p
	}
	return st.Foresee(ctx, p)
}

// takeSnapshot keeps what a plan names. Too much to keep within the budget is
// a question of its own, but only where a question was due anyway; a line that
// is only notified runs, and is told that it cannot be undone.
func (s *Session) takeSnapshot(ctx context.Context, r Request, j Judgement, plan snapshot.Plan, out *Outcome) bool {
	why := ""
	st, err := s.snapshots()
	if err == nil {
		var snap *snapshot.Snapshot
		snap, err = st.Take(ctx, plan)
		if err == nil {
			out.Kept = append(out.Kept, snap.ID)
			s.trail.kept(out.Number, snap.ID, string(snap.Reach))
			if j.Decision.Verdict > rules.Allow && snap.Reach != snapshot.None {
				how := "guardsh undo brings it back"
				if snap.Reach == snapshot.Partial {
					how = "guardsh undo brings some of it back"
				}
				out.Say += notice(fmt.Sprintf("kept as %s; %s", snap.Short, how))
			}
			s.arm(ctx, r, j, plan, snap, out)
			return true
		}
	}
	if ctx.Err() != nil {
		if !out.start {
			s.Cancelled(*out)
		}
		return false // it was withdrawn while it was kept: there is nobody to ask
	}
	why = fmt.Sprintf("no undo for this line: %v", err)
	s.trail.degraded(why)
	if j.Decision.Verdict < rules.Confirm {
		if j.Decision.Verdict > rules.Allow {
			out.Say += notice(why)
		}
		return true
	}
	in, term, restore, oerr := r.open()
	if oerr != nil {
		out.Say += notice(why + ", so it does not run")
		s.refused(*out)
		return false
	}
	a, aerr := ask.Ask(ctx, ask.Terminal{In: in, Out: term}, ask.Question{
		Line: r.part(),
		Decision: rules.Decision{Verdict: rules.Confirm, Findings: []rules.Finding{{
			Rule: "shell/no-undo", Verdict: rules.Confirm, Summary: why,
			Hint: "make room or name less, and type the line again", Action: -1, EffectAt: -1,
		}}},
		Undo: string(snapshot.None),
	})
	restore()
	s.trail.answer(out.Number, a)
	if aerr != nil || !a.Yes {
		return false
	}
	return true
}
