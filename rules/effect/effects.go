package effect

import (
	"fmt"
	"path"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/option"
	"guardsh/rules/word"
)

// maxObjects bounds the effects that one word of an action may have: its
// possible values times the possible working directories.
const maxObjects = 64

// maxEffects bounds the effects of one line.
const maxEffects = 1 << 16

// Effects says what the actions of a line do, in their order. Where it stops
// at its bound it adds a note to the line: what was not looked at is never
// passed over in silence.
func (k *Knowledge) Effects(line *command.Line) []Effect {
	var out []Effect
	var led *leads
	for i := range line.Actions {
		from := len(out)
		out = k.action(out, line, i, led)
		led = led.after(out[from:])
		if len(out) >= maxEffects {
			line.Notes = append(line.Notes, command.Note{
				Kind: command.TooLarge, Text: fmt.Sprintf("%d effects or more", maxEffects),
				Line: line.Actions[i].Line, Col: line.Actions[i].Col,
			})
			break
		}
	}
	k.quietAfar(line, out)
	everyListedName(line, out)
	madeAgain(out)
	return append(out, fetchedAndRun(line, out)...)
}

// madeAgain marks a file that goes, and that the same line makes again.
func madeAgain(out []Effect) {
	if len(out) > maxObjects {
		return
	}
	for i := range out {
		e := &out[i]
		if e.Kind != Delete && e.Kind != Move || e.Object.Type != Path || e.Object.Name == "" || e.Has("recursive") {
			continue
		}
		for j := i + 1; j < len(out); j++ {
			switch o := &out[j]; o.Kind {
			case Create, Overwrite, Truncate, Append:
				if o.Object.Type == Path && o.Action != e.Action && o.Object.Name != "" && path.Clean(o.Object.Name) == path.Clean(e.Object.Name) {
					e.mark("again")
				}
			}
		}
	}
}

func (k *Knowledge) action(out []Effect, line *command.Line, i int, led *leads) []Effect {
	a := &line.Actions[i]
	if len(a.Redirs) > 0 {
		c := call{line: line, at: i, action: a, out: &out, led: led}
		c.redirections()
	}
	if len(a.Left) > 0 {
		c := call{line: line, at: i, action: a, out: &out}
		c.gate()
	}
	name, ok := a.Name()
	if !ok {
		// The scripts that a loop or find gives: /etc/init.d/* stop.
		if m, name, argv := k.initScript(a); m != nil {
			c := call{line: line, at: i, action: a, out: &out, name: name, manifest: m, led: led}
			c.level(m.top, argv, nil)
		}
		return out
	}
	if len(a.Env) > 0 {
		c := call{line: line, at: i, action: a, out: &out, name: name}
		c.preloaded()
	}
	if a.Opens || otherShell(name) {
		c := call{line: line, at: i, action: a, out: &out}
		c.outside()
	}
	m, err := k.find(name)
	argv := a.Args()
	if multiCall(name) && len(argv) > 0 {
		// k3s kubectl …, lvm lvremove …
		rest := argv
		if len(rest) > 2 && rest[1].Is("--") {
			rest = append([]word.Word{rest[0]}, rest[2:]...)
		}
		if applet, ok := rest[0].Value(); ok {
			if am, _ := k.find(applet); am != nil {
				m, name, argv = am, applet, rest[1:]
			}
		}
	}
	if runsScripts(name) && len(argv) > 0 {
		// python3 manage.py flush, php artisan migrate:fresh, sh k3s-uninstall.sh.
		rest := argv
		for len(rest) > 1 && strings.HasPrefix(rest[0].Prefix(), "-") && !rest[0].Is("-c") && !rest[0].Is("-m") {
			rest = rest[1:]
		}
		if script, ok := rest[0].Value(); ok && projectScript(path.Base(script)) {
			if sm, _ := k.find(path.Base(script)); sm != nil {
				m, name, argv = sm, path.Base(script), rest[1:]
			}
		}
	}
	if strings.HasPrefix(name, "python") && len(argv) > 1 && argv[0].Is("-m") && argv[1].Is("pip") {
		if pm, _ := k.find("pip"); pm != nil {
			m, name, argv = pm, "pip", argv[2:]
		}
	}
	if m == nil {
		if err == nil {
			m, name, argv = k.initScript(a)
		}
		if m == nil {
			return out
		}
	}
	c := call{line: line, at: i, action: a, out: &out, name: name, manifest: m, led: led}
	c.level(m.top, argv, nil)
	for _, argv := range c.lines {
		c := call{line: line, at: i, action: a, out: &out, name: name, manifest: m, led: led}
		c.level(m.top, argv, nil)
	}
	return out
}

// multiCall reports whether a program's first word is the program that it is
// then.
func multiCall(name string) bool {
	switch name {
	case "xtables-nft-multi", "xtables-legacy-multi", "lvm", "k3s", "microk8s", "minikube", "rke2", "k0s", "toybox":
		return true
	}
	return false
}

// runsScripts reports whether a project's own script is started by an
// interpreter.
func runsScripts(name string) bool {
	switch name {
	case "python", "python3", "php", "ruby", "node", "sh", "bash", "dash", "ksh", "zsh":
		return true
	}
	return false
}

// projectScript reports whether the tasks of a script of that name are known.
func projectScript(base string) bool {
	switch base {
	case "manage.py", "artisan", "console", "rails", "rake", "occ":
		return true
	}
	return strings.HasSuffix(base, ".sh") // a tool that is a script, by its whole name
}

// initScript reads "/etc/init.d/network restart" as "service network restart",
// and any script of that directory as a service whose name is not known.
func (k *Knowledge) initScript(a *command.Action) (*Manifest, string, []word.Word) {
	if len(a.Argv) == 0 {
		return nil, "", nil
	}
	p, ok := a.Argv[0].Value()
	service := a.Argv[0]
	dir := ""
	if shape := a.Argv[0].Shape; len(shape) == 2 && shape[0].Hole == word.NoHole {
		if dir = path.Clean(shape[0].Lit) + "/"; dir == "./" {
			cwd, _ := a.Cwd.Value()
			dir = cwd + "/"
		}
	}
	if ok {
		var script string
		dir, script = path.Split(path.Clean(p))
		service = word.Lit(script)
	}
	if dir != "/etc/init.d/" && dir != "/etc/rc.d/init.d/" && dir != "/etc/rc.d/" {
		return nil, "", nil
	}
	m, ok := k.Lookup("service")
	if !ok {
		return nil, "", nil
	}
	return m, "service", append([]word.Word{service}, a.Args()...)
}

// call is one action being read by its manifest.
type call struct {
	line     *command.Line
	at       int
	action   *command.Action
	name     string // the command's base name
	manifest *Manifest
	node     *node
	args     option.Args
	out      *[]Effect
	led      *leads           // where names lead by what the line did before; nil nearly always
	attrs    map[string]bool  // those of args that are set, shared by the effects
	env      map[string]any   // what conditions see, once one was asked
	stands   map[string][]int // where words stand, by how they are written; see places
	lines    [][]word.Word    // other arguments that it is given, a command each; see commandLines
}

// level reads argv at one level of verbs.
func (c *call) level(n *node, argv []word.Word, outer *option.Args) {
	if n.compile() != nil {
		return
	}
	args := n.grammar.Read(argv)
	if outer != nil {
		for a, v := range outer.Attrs {
			if _, said := args.Attrs[a]; !said {
				args.Attrs[a] = v
			}
		}
		for v, ws := range outer.Values {
			if _, said := args.Values[v]; !said {
				args.Values[v] = ws
			}
		}
	}
	if args.Attrs["dry"] {
		return
	}
	if len(n.verbs) > 0 {
		switch {
		case len(args.Operands) == 0 && n.spec.Default != "":
			c.level(n.verbs[n.spec.Default], nil, &args)
			return
		case len(args.Operands) > 0:
			if c.verbs(n, &args) {
				return
			}
		}
	}
	c.node, c.args, c.attrs, c.env = n, args, nil, nil
	c.assign()
	if n.code != nil {
		n.code.run(c)
		if c.args.Attrs["dry"] {
			return
		}
	}
	for i := range n.derive {
		if c.holds(&n.derive[i]) {
			for _, a := range n.spec.Derive[i].Attrs {
				c.set(a)
			}
		}
	}
	if c.args.Attrs["dry"] {
		return
	}
	for i := range n.spec.Effects {
		if c.holds(&n.when[i]) {
			c.clause(&n.spec.Effects[i])
		}
	}
}

// verbs goes on at the level of the verb, or of each that the word may be.
func (c *call) verbs(n *node, args *option.Args) bool {
	w := args.Operands[0]
	found := false
	for i, v := range w.Values {
		if i >= maxObjects {
			break
		}
		sub, other := n.verb(v)
		if sub == nil {
			continue
		}
		found = true
		rest := args.Operands[1:]
		if other {
			rest = args.Operands
		}
		c.level(sub, rest, args)
	}
	if !found && n.verbs["*"] != nil {
		c.level(n.verbs["*"], args.Operands, args)
		return true
	}
	return found
}

// assign gives the operands their roles: each that must be there one, then
// each that may be there one, and what is left to the one that repeats. A role
// that an option has filled takes none.
func (c *call) assign() {
	left := len(c.args.Operands)
	var take [16]int
	roles := c.node.roles
	if len(roles) > len(take) {
		roles = roles[:len(take)]
	}
	for _, optional := range [...]bool{false, true} {
		for i, r := range roles {
			if left > 0 && r.optional == optional && len(c.args.Values[r.name]) == 0 {
				take[i], left = 1, left-1
			}
		}
	}
	ops := c.args.Operands
	for i, r := range roles {
		n := take[i]
		if n == 0 {
			continue
		}
		if r.repeated {
			n += left
		}
		c.args.Values[r.name] = ops[:n:n]
		ops = ops[n:]
	}
}

func (c *call) has(attr string) bool           { return c.args.Attrs[attr] }
func (c *call) values(name string) []word.Word { return c.args.Values[name] }

// set puts an attribute on the effects that follow.
func (c *call) set(attr string) {
	c.args.Attrs[attr] = true
	c.attrs = nil
	if c.env != nil {
		c.env[identifier(attr)] = true
	}
}

// text is the known values of an argument or role.
func (c *call) text(name string) []string {
	var out []string
	for _, w := range c.args.Values[name] {
		out = append(out, w.Values...)
	}
	return out
}

// shared is the attributes that options set. The map is shared by all effects
// of the call, none of which changes it.
func (c *call) shared() map[string]bool {
	if c.attrs == nil {
		c.attrs = make(map[string]bool, len(c.args.Attrs))
		for a, on := range c.args.Attrs {
			if on && !strings.HasPrefix(a, "_") {
				c.attrs[a] = true
			}
		}
	}
	return c.attrs
}

// clause adds the effects of one clause.
func (c *call) clause(cl *Clause) {
	typ := cl.Type
	if typ == "" {
		typ = Path
	}
	e := c.effect(cl.Kind, cl.Attrs...)
	for _, p := range cl.Params {
		if vs := c.text(p); len(vs) > 0 {
			e.param(p, vs...)
		}
	}
	sources := []*Object{nil}
	if cl.Source != "" {
		if s := c.sources(cl.Source); len(s) > 0 {
			sources = s
		}
	}
	words := c.args.Values[cl.Object]
	if cl.Object == "" || len(words) == 0 {
		if cl.Name == nil {
			return
		}
		o := Object{Type: typ, Name: *cl.Name, Word: word.Lit(*cl.Name)}
		for _, s := range sources {
			e.Source = s
			if (typ == Path || typ == Device) && o.Name != "" {
				c.emitWord(e, typ, o.Word, false)
			} else {
				c.emit(e, o)
			}
		}
		return
	}
	remote := c.remote(cl.Object)
	for _, w := range words {
		for _, s := range sources {
			e.Source = s
			c.emitWord(e, typ, w, remote)
		}
	}
}

func (c *call) remote(role string) bool {
	for _, r := range c.node.spec.Remote {
		if r == role {
			return true
		}
	}
	return false
}

// sources is the objects behind a role that is read.
func (c *call) sources(role string) []*Object {
	var out []*Object
	remote := c.remote(role)
	for _, w := range c.args.Values[role] {
		if remote {
			if host, p, ok := splitRemote(w); ok {
				out = append(out, &Object{Type: Other, Name: host.String() + ":" + p.String(), Word: w})
				continue
			}
		}
		objs := c.objects(Path, w)
		for i := range objs {
			if len(out) >= maxObjects {
				return out
			}
			out = append(out, &objs[i])
		}
	}
	return out
}

// effect is an effect of this call without an object, with the attributes
// that are set and some more.
func (c *call) effect(kind Kind, attrs ...string) Effect {
	e := Effect{
		Kind: kind, Attrs: c.shared(), Command: c.name, Look: c.look(), Action: c.at,
		Certain: c.action.Certain, Place: c.action.Place, User: c.action.User,
	}
	e.mark(attrs...)
	return e
}

// look is the line that shows what the command has charge of.
func (c *call) look() string {
	if c.manifest == nil {
		return ""
	}
	return strings.ReplaceAll(c.manifest.Look, "{name}", c.name)
}

// mark adds attributes to a copy of the map, which others share.
func (e *Effect) mark(attrs ...string) {
	if len(attrs) == 0 {
		return
	}
	m := make(map[string]bool, len(e.Attrs)+len(attrs))
	for a, on := range e.Attrs {
		m[a] = on
	}
	for _, a := range attrs {
		if off, ok := strings.CutPrefix(a, "!"); ok {
			delete(m, off)
		} else {
			m[a] = true
		}
	}
	e.Attrs = m
}

// param sets a value worth knowing, on a copy of the map.
func (e *Effect) param(name string, values ...string) {
	m := make(map[string][]string, len(e.Params)+1)
	for k, v := range e.Params {
		m[k] = v
	}
	m[name] = values
	e.Params = m
}

// emitWord adds the effect on each object that a word may name.
func (c *call) emitWord(e Effect, typ Type, w word.Word, remote bool) {
	if remote && (typ == Path || typ == Device) {
		if host, p, ok := splitRemote(w); ok {
			e.Place = command.Place{Kind: command.Remote, Names: []word.Word{host}}
			o := Object{Type: typ, Word: p}
			if v, known := p.Value(); known && path.IsAbs(v) {
				o.Name = v
			} else if pattern, ok := p.Pattern(); ok && path.IsAbs(pattern) {
				o.Pattern = pattern
			} else if known {
				// Relative to the login directory there.
				o.Name = "~/" + v
			}
			c.emit(e, o)
			return
		}
	}
	for _, o := range c.objects(typ, w) {
		c.emit(e, o)
	}
}

// ofMachine reports what an effect does to the machine it happens on, and to
// nothing beyond it.
func ofMachine(e *Effect) bool {
	switch e.Object.Type {
	case Path, Device, Service, Process, Interface, Firewall, Route, Crontab, Account, Package, Kernel:
		return true
	}
	return e.Kind == Power
}

// emit adds one effect, turned into what it is where its path is special.
func (c *call) emit(e Effect, o Object) {
	if len(*c.out) >= maxEffects {
		return
	}
	e.Object = o
	if o.Type == Service && (e.Kind == Stop || e.Kind == Restart) && !e.Has("reload") {
		if link := linkOf(o.Name); link != "" {
			how := "restart"
			if e.Kind == Stop {
				how = "down"
			}
			e.Kind, e.Object = NetChange, Object{Type: Interface, Name: link, Word: o.Word}
			e.mark(how)
			if e.Place.Kind == command.Namespace {
				e.Place = command.Place{} // the service manager is not in it
			}
		}
	}
	if o.Type == Path && c.led != nil {
		c.led.to(&e)
	}
	if (o.Type == Path || o.Type == Device) && !c.special(&e) {
		return
	}
	if e.Object.Type == Device && e.Place.Kind == command.Chroot {
		e.Place = command.Place{} // another root has the same devices
	}
	if e.Place.Fresh && ofMachine(&e) {
		return // it goes with the container
	}
	c.near(&e)
	*c.out = append(*c.out, e)
	if e.Kind == Delete && o.Type == Path && !e.Has("recursive") {
		if unit := startedBy(e.Object.Name); unit != "" {
			if strings.Contains(e.Object.Name, "/lib/systemd/system/"+unit) {
				e.mark("remove") // the unit itself, which its package put there
			}
			e.Kind, e.Object = Disable, Object{Type: Service, Name: unit, Word: o.Word}
			*c.out = append(*c.out, e)
		}
	}
}

// startedBy is the service that a link, or its own unit, starts at boot: what systemctl disable
// and update-rc.d remove.
func startedBy(name string) string {
	dir, base := path.Split(name)
	switch {
	case (strings.HasPrefix(dir, "/etc/systemd/system/") || strings.HasPrefix(dir, "/usr/lib/systemd/system/")) && (strings.HasSuffix(dir, ".wants/") || strings.HasSuffix(dir, ".requires/")):
		return strings.TrimSuffix(base, ".service")
	case dir == "/lib/systemd/system/" || dir == "/usr/lib/systemd/system/":
		return strings.TrimSuffix(base, ".service")
	case strings.HasPrefix(dir, "/etc/rc") && strings.HasSuffix(dir, ".d/") && len(base) > 3 && base[0] == 'S' && numbered(base[1:3]):
		return base[3:]
	case strings.HasPrefix(dir, "/etc/runlevels/"):
		return base
	case dir == "/var/service/" || dir == "/etc/service/" || dir == "/service/" || strings.HasPrefix(dir, "/etc/runit/runsvdir/") || dir == "/etc/dinit.d/boot.d/":
		return base
	}
	return ""
}
