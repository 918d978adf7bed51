package rules

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/command"
	"guardsh/rules/effect"

	"github.com/expr-lang/expr/vm"
)

// machine is what it takes to ask rules about one effect after the other.
type machine struct {
	vm  vm.VM
	env env
}

var machines = sync.Pool{New: func() any { return new(machine) }}

// Judge decides about a line. It is pure: the same line, effects and facts
// always give the same decision, in whatever order rules and effects come.
func Judge(s *Set, line *command.Line, effects []effect.Effect, facts *Facts) Decision {
	return JudgeSome(s, line, effects, facts, func(int) bool { return true })
}

// JudgeSome hears the rules only about those effects, by their index, that are
// new; the others happened before, and are what the new ones are judged by.
func JudgeSome(s *Set, line *command.Line, effects []effect.Effect, facts *Facts, isNew func(int) bool) Decision {
	m := machines.Get().(*machine)
	defer func() {
		m.env = env{}
		machines.Put(m)
	}()
	j := &judgement{set: s, line: line, facts: facts, vm: &m.vm, env: &m.env, seen: map[string]int{}}
	j.effects = effects
	ends := false
	for i := range effects {
		if isNew(i) {
			j.effect(&effects[i], i)
		}
		ends = ends || effects[i].Kind == effect.SessionEnd
	}
	if line.Ends && !ends {
		j.effect(&effect.Effect{Kind: effect.SessionEnd, Object: effect.Object{Type: effect.Other, Name: "the session"}, Attrs: map[string]bool{"self": true}, Action: -1, Certain: command.Certain}, -1)
	}
	for _, n := range line.Notes {
		j.note(n)
	}
	return j.decide()
}

// judgement is the work on one line.
type judgement struct {
	set      *Set
	line     *command.Line
	facts    *Facts
	effects  []effect.Effect
	vm       *vm.VM
	env      *env // of the effect that the rules are asked about
	findings []Finding
	seen     map[string]int // rule and object → index in findings
	unknowns []string
	said     struct { // see words
		of   *command.Action
		argv string
	}
}

func (j *judgement) effect(e *effect.Effect, i int) {
	if e.Has("dry") || j.impossible(e) || j.entered(e) || j.absent(e) {
		return
	}
	for _, o := range []*effect.Object{&e.Object, e.Source} {
		if o == nil {
			continue
		}
		for _, u := range j.facts.Of(*o).Unknown {
			j.unknowns = append(j.unknowns, o.Display()+": "+u)
		}
	}
	entries := j.set.index().byKind[string(e.Kind)]
	if len(entries) == 0 && len(j.set.policy.Notes) == 0 && len(j.set.policy.Names) == 0 {
		return
	}
	v := j.env
	j.set.tell(v, j.line, e, j.words(e), j.facts)
	if v.Remote {
		v.All = j.everywhere(e.Kind)
	}
	for _, en := range entries {
		j.ask(en, v, e.Kind, e.Action, i)
	}
	j.siteNotes(e, v, i)
	j.otherEnvironment(e, v, i)
}

// impossible reports "cp x dest" meaning dest/x where dest is there and is no
// directory: then the effect on dest itself is the only one.
func (j *judgement) impossible(e *effect.Effect) bool {
	if !e.Has("inside") || !e.Has("maybe-into") || e.Object.Name == "" {
		return false
	}
	dest := j.facts.Of(effect.Object{Type: effect.Path, Name: path.Dir(e.Object.Name)}).Path
	return dest.Exists && dest.Type != "dir" && dest.Type != "link" && dest.Type != ""
}

// absent reports a deletion or a change of mode where nothing is, and nothing
// before it in the line could put something there.
func (j *judgement) absent(e *effect.Effect) bool {
	if e.Kind != effect.Delete && e.Kind != effect.Metadata || e.Place.Kind != command.Here || e.Object.Type != effect.Path || e.Object.Name == "" || e.Action < 0 {
		return false
	}
	of := j.facts.Of(e.Object)
	if of.Path.Exists || of.Path.Real == "" || len(of.Unknown) > 0 {
		return false
	}
	for _, a := range j.line.Actions[:e.Action] {
		if !a.Builtin && !a.Wrapper && len(a.Argv) > 0 || len(a.Redirs) > 0 {
			return false
		}
	}
	return true
}

// entered reports an effect that a line has only where its cd fails, while the
// directory that it goes to is there.
func (j *judgement) entered(e *effect.Effect) bool {
	return e.Dir != nil && j.facts.Of(*e.Dir).Path.Type == "dir" && j.facts.Of(*e.Dir).Path.Exists
}

// everywhere is all other hosts on which the line does a kind of act, sorted.
func (j *judgement) everywhere(kind effect.Kind) []string {
	var all []string
	for i := range j.effects {
		if e := &j.effects[i]; e.Kind == kind && e.Place.Kind == command.Remote {
			all = append(all, hostNames(e.Place.Names)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// note asks the rules about what could not be understood.
func (j *judgement) note(n command.Note) {
	entries := j.set.index().byKind["note:"+string(n.Kind)]
	if len(entries) == 0 {
		return
	}
	v := &env{Kind: "note:" + string(n.Kind), Object: n.Text, Note: n.Text, Line: j.line.Src, Attr: noAttrs, Param: noParams, Place: "here"}
	for i := range j.line.Actions {
		name, _ := j.line.Actions[i].Name()
		v.Fetches = v.Fetches || fetches(name)
	}
	if j.facts != nil {
		v.Session, v.Host, v.User = j.facts.Session, j.facts.Host, j.facts.Session.User
	}
	for _, en := range entries {
		j.ask(en, v, effect.RunUnknown, -1, -1)
	}
}

// fetches reports whether a program writes what another host sends.
func fetches(name string) bool {
	switch name {
	case "curl", "wget", "fetch", "aria2c", "lynx", "http", "https", "GET", "lwp-request", "lwp-download", "ftp", "tftp", "links", "w3m", "axel", "xh", "wget2":
		return true
	}
	return false
}

// ask puts one effect to one rule.
func (j *judgement) ask(en *entry, v *env, kind effect.Kind, action, index int) {
	if g := j.set.gateOf(en); g != nil {
		if g.screen != nil && !g.screen(v) {
			return
		}
		if o := j.set.open(g); o != nil && (!j.holds(o.when, v, true) || j.holds(o.unless, v, false)) {
			return
		}
	}
	c, err := j.set.load(en)
	if err != nil {
		// A built-in rule that does not load cannot get past the tests. It
		// is said, since what it would have stopped runs.
		j.add(Finding{Rule: en.id, Verdict: Notify, Effect: kind, Object: v.Object, Summary: "the rule is broken and was not asked: " + err.Error(),
			Hint: "guardsh rules lint", Action: action, EffectAt: index})
		return
	}
	if !j.holds(c.when, v, true) || j.holds(c.unless, v, false) {
		return
	}
	verdict := c.verdict
	for _, r := range c.raise {
		if j.holds(r.when, v, false) {
			verdict = max(verdict, r.verdict)
		}
	}
	if verdict == Allow && c.snapshot == "" {
		return
	}
	f := Finding{Rule: en.id, Verdict: j.elsewhere(verdict, v), Effect: kind, Object: named(v), Snapshot: c.snapshot, Action: action, EffectAt: index}
	f.Summary = c.summary.say(j.vm, v)
	for _, d := range c.details {
		if j.holds(d.when, v, true) {
			if s := d.say.say(j.vm, v); s != "" {
				f.Details = append(f.Details, s)
			}
		}
	}
	f.Details = append(f.Details, v.Tells...)
	f.Why = c.why.say(j.vm, v)
	f.Hint = c.instead.say(j.vm, v)
	if h := c.hint.say(j.vm, v); f.Hint == "" {
		f.Hint = h
	} else if h != "" {
		f.Hint += "   # " + h
	}
	f.Name = c.name.say(j.vm, v)
	j.add(f)
}

// named is an effect's object for people, also where it is all of its kind.
func named(v *env) string {
	switch {
	case v.Object != "":
		return v.Object
	case v.Type == string(effect.Host) && v.Remote && len(v.All) > 0:
		return listed(v.All)
	case v.Type == string(effect.Host):
		return cmp.Or(v.Host.Name, "this host")
	}
	return cmp.Or(v.Type, v.Kind)
}

// elsewhere weakens block to confirm for what happens in a container or below
// another root: this machine survives it.
func (j *judgement) elsewhere(v Verdict, e *env) Verdict {
	if v == Block && (e.Place == "container" || e.Place == "chroot") && (e.Type == string(effect.Path) || e.Type == string(effect.Package)) {
		return Confirm
	}
	return v
}

// holds evaluates a condition; nil is empty. One that fails is taken as true
// for when and false for exceptions: failing is no way past a rule.
func (j *judgement) holds(p *vm.Program, v *env, empty bool) bool {
	if p == nil {
		return empty
	}
	x, err := j.vm.Run(p, v)
	if err != nil {
		return empty
	}
	b, _ := x.(bool)
	return b
}

func (j *judgement) siteNotes(e *effect.Effect, v *env, i int) {
	for _, n := range j.set.policy.Notes {
		if !n.matches(v.Type, v.Object, v.Command) && (v.Path.Real == "" || !n.matches(v.Type, v.Path.Real, v.Command)) {
			continue
		}
		j.add(Finding{Rule: "site/note", Verdict: cmp.Or(n.Verdict, Confirm), Effect: e.Kind, Object: v.Object, Snapshot: "files",
			Summary: n.Text, Why: "the site's own note", Hint: "ask whoever wrote the note, or wait for a window", Action: e.Action, EffectAt: i})
	}
	if v.Service.Note != "" && !slices.ContainsFunc(j.set.policy.Notes, func(n Note) bool { return n.Text == v.Service.Note }) {
		j.add(Finding{Rule: "site/note", Verdict: Confirm, Effect: e.Kind, Object: v.Object, Snapshot: "files",
			Summary: v.Service.Note, Why: "the site's own note", Hint: "ask whoever wrote the note, or wait for a window", Action: e.Action, EffectAt: i})
	}
}

// add keeps a finding; of two by the same rule about the same object the
// stricter one.
func (j *judgement) add(f Finding) {
	if f.Verdict == Confirm && (len(j.set.policy.Labels) > 0 || j.facts != nil && len(j.facts.Host.Labels) > 0) {
		f.Verdict = Challenge
		f.Details = append(f.Details, "this host is labelled "+strings.Join(j.labels(), ", "))
	}
	if f.Verdict == Challenge && f.Name == "" {
		f.Name = j.defaultName(f)
	}
	key := f.Rule + "\x00" + f.Object
	if i, ok := j.seen[key]; ok {
		if strictest(f, j.findings[i]) < 0 {
			j.findings[i] = f
		}
		return
	}
	j.seen[key] = len(j.findings)
	j.findings = append(j.findings, f)
}

func (j *judgement) labels() []string {
	all := slices.Clone(j.set.policy.Labels)
	if j.facts != nil {
		all = append(all, j.facts.Host.Labels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// defaultName is what has to be typed where the rule names nothing: the host's
// name, else the object.
func (j *judgement) defaultName(f Finding) string {
	if j.facts != nil && j.facts.Host.Name != "" {
		return j.facts.Host.Name
	}
	return cmp.Or(f.Object, f.Rule)
}

func (j *judgement) decide() Decision {
	d := Decision{Verdict: Allow, Findings: j.findings}
	slices.SortFunc(d.Findings, strictest)
	for _, f := range d.Findings {
		d.Verdict = max(d.Verdict, f.Verdict)
	}
	slices.Sort(j.unknowns)
	d.Unknowns = slices.Compact(j.unknowns)
	return d
}

// unseenRule is the id of the finding about a line that the gate could not
// read.
const unseenRule = "shell/unseen-line"

// Unseen is a decision about a line that the gate could not read in full, or
// not at all: it is asked, whatever else was found.
func Unseen(d Decision) Decision {
	d.Findings = append(slices.Clone(d.Findings), Finding{
		Rule: unseenRule, Verdict: Confirm, Effect: effect.RunUnknown, Object: "the line",
		Summary: "guardsh could not see this line as bash read it",
		Why:     "bash kept it out of its history (a setting, a leading space), so what runs may not be what was judged",
		Hint:    "type it again without a leading space, or: set -o history",
		Action:  -1, EffectAt: -1,
	})
	slices.SortFunc(d.Findings, strictest)
	d.Verdict = max(d.Verdict, Confirm)
	return d
}

// String is a decision in a line, for logs and tests.
func (d Decision) String() string {
	var ids []string
	for _, f := range d.Findings {
		ids = append(ids, fmt.Sprintf("%s(%s %s)", f.Verdict, f.Rule, f.Object))
	}
	return d.Verdict.String() + " [" + strings.Join(ids, " ") + "]"
}
