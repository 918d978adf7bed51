package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

var exact = option.Style{Posix: true, Exact: true}

const sshOpts = "-4\n-6\n-A\n-a\n-C\n-f : background\n-G : ask\n-g\n-K\n-k\n-N : ask\n-n\n-q\n-s : subsystem\n-T\n-t\n-V : ask\n-v\n-X\n-x\n-Y\n-y\n-B =if\n-b =addr\n-c =cipher\n-D =port\n-E =file\n-e =char\n-F =file\n-I =lib\n-i =file\n-J =via\n-L =fwd\n-l =user\n-m =mac\n-O =ctl : ask\n-o =opt\n-P =tag\n-p =port\n-Q =query : ask\n-R =fwd\n-S =path\n-W =host : ask\n-w =tun"

var (
	autosshOptions = grammar{style: exact, text: sshOpts + "\n-M =port"}
	sshOptions     = grammar{style: exact, text: sshOpts + "\n-M"}
	pdshOptions    = grammar{style: exact, text: "-w =hosts\n-x =not\n-g =group\n-X =group2\n-a\n-A\n-l =user\n-f =n\n-t =s\n-u =s\n-R =type\n-b\n-q : ask\n-S\n-N\n-d\n-V : ask\n-L : ask\n-M =m\n-h : ask\n-i\n-P\n-j\n-C"}
	clushOptions   = grammar{style: exact, text: "-w --wnode =hosts\n-x --exclude =not\n-g --group =group\n-X =group2\n-a --all\n-q --quiet\n-v --verbose\n-N\n-n --nostdin\n-b --dshbak\n-B\n-r --regroup\n-S --maxrc\n-L\n-s --groupsource =s\n-f --fanout =n\n-l --user =user\n-o --options =o\n-t --connect_timeout =s\n-u --command_timeout =s\n-R --worker =w\n-c --copy : ask\n--rcopy : ask\n-p\n--dest =d\n--hostfile --machinefile =file\n-O =o\n--diff\n--outdir =d\n--errdir =d\n--pick =n\n--topology =f\n--color =c"}
	psshOptions    = grammar{style: exact, text: "-h --hosts =file\n-H --host =hosts\n-l --user =user\n-p --par =n\n-o --outdir =d\n-e --errdir =d\n-t --timeout =s\n-O --option =o\n-v --verbose\n-A --askpass\n-x --extra-args =x\n-X --extra-arg =x\n-i --inline\n--inline-stdout\n-I --send-input\n-P --print\n-g =g"}
	dshOptions     = grammar{style: exact, text: "-m --machine =hosts\n-a --all\n-g --group =group\n-r --remoteshell =sh\n-o --remoteshellopt =o\n-c --concurrent-shell\n-M --show-machine-names\n-H\n-i --duplicate-input\n-b --bufsize =n\n-q --quiet\n-f --file =file\n-w --wait-shell\n-F --forklimit =n\n-n --num-topology =n\n-v"}
	musshOptions   = grammar{style: exact, text: "-h =hosts\n-H =file\n-c =code\n-C =script\n-l =user\n-L =user\n-m [=n]\n-d [=n]\n-v [=n]\n-q\n-i\n-o =opt\n-a\n-A\n-b\n-B\n-u\n-U\n-P\n-p =proxy\n-k =f\n-t =s\n-s =sh\n-T\n-V : ask\n--help : ask"}
	csshOptions    = grammar{style: option.Style{Exact: true}, text: "-a --action =code\n-l --username =user\n-c --cluster-file =f\n-C --config-file =f\n-o --options =o\n-p --port =p\n-T --title =t\n-t --term-args =t\n-f --font =f\n-r --rows =n\n-x --cols =n\n-g --tile\n-G --no-tile\n-q --autoquit\n-Q --no-autoquit\n-A --autoclose =n\n-s --show-history\n-L --list : ask\n-h --help : ask\n-v --version : ask"}
	ansibleOptions = grammar{style: option.Style{Exact: true}, text: "-m --module-name =module\n-a --args =args\n-b --become : become\n--become-user =user\n--become-method =m\n-i --inventory --inventory-file =inv\n-u --user =login\n-l --limit =limit\n-f --forks =n\n-k --ask-pass\n-K --ask-become-pass\n-C --check : ask\n-D --diff\n-e --extra-vars =v\n-o --one-line\n-t --tree =d\n-v\n-vv\n-vvv\n-vvvv\n-B --background =s\n-P --poll =n\n-c --connection =c\n-T --timeout =s\n-M --module-path =p\n--list-hosts : ask\n--syntax-check : ask\n--private-key --key-file =k\n--vault-password-file =f\n--ssh-common-args =a\n--ssh-extra-args =a\n--version : ask\n-h --help : ask"}
)

// ssh runs code on another host. Its options may stand behind the host too.
func (w *walker) ssh(st *state, l launch, base string) result {
	g := &sshOptions
	if base == "autossh" {
		g = &autosshOptions
	}
	a := g.Read(l.argv[1:])
	ops := a.Operands
	ask := a.Has("ask") || a.Has("subsystem")
	var host, user word.Word
	user = last(a.Values["user"])
	if len(ops) > 0 {
		host, ops = ops[0], ops[1:]
		b := g.Read(ops)
		ops = b.Operands
		ask = ask || b.Has("ask") || b.Has("subsystem")
		if u := last(b.Values["user"]); u.Know != 0 {
			user = u
		}
	}
	if h, ok := strings.CutPrefix(host.Prefix(), "ssh://"); ok && host.Know == word.Known {
		host.Values = []string{strings.TrimSuffix(h, "/")}
	}
	if u, h, ok := cutWord(host, "@"); ok {
		host = h
		if user.Know == 0 {
			user = word.Lit(u)
		}
	}
	local := slices.ContainsFunc([]string{"localhost", "127.0.0.1", "::1", "[::1]"}, host.Is)
	for _, key := range []string{"port", "via", "opt"} {
		for _, v := range a.Values[key] {
			local = local && key == "port" && v.Is("22") // a forwarded port leads elsewhere
		}
	}
	var here []word.Word // code that runs on this side
	for _, o := range a.Values["opt"] {
		key, code := sshOption(o)
		switch {
		case sshStarts(key):
			here = append(here, code)
		case key == "remotecommand":
			ops = []word.Word{code}
		}
	}
	r := w.remoteCode(st, l, base, remoteRun{local: local, hosts: []word.Word{host}, user: user, ops: ops, ask: ask || host.Know == 0, input: true, async: a.Has("background")})
	for _, code := range here {
		if _, ok := w.code(code); ok && host.Know != 0 {
			w.shellCode(st, l, base, code, nil)
		}
	}
	return r
}

type remoteRun struct {
	kind  PlaceKind
	hosts []word.Word
	user  word.Word
	ops   []word.Word // words that are joined and run by the other side's shell
	argv  bool        // ops is an argv, not code
	ask   bool        // nothing is run
	binds []bind      // what the container sees of this machine
	fresh bool        // it is made for the command and given nothing
	host  bool        // and whether it sees this machine's processes
	bound Place       // the machine that is, where it is another
	dir   word.Word   // where it runs, if that is said
	local bool        // the other host is this one
	input bool        // without ops a shell there reads the input
	async bool
}

// remoteCode walks what runs on other hosts or in a container.
func (w *walker) remoteCode(st *state, l launch, base string, r remoteRun) result {
	if r.kind == Here {
		r.kind = Remote
	}
	in := w.standardInput(st, l)
	reads := !r.ask && len(r.ops) == 0 && r.input && (in.Kind == InputText || in.Kind == InputPipe || in.Kind == InputFile)
	runs := !r.ask && len(r.ops) > 0
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	if i < 0 || !runs && !reads {
		return both(st)
	}
	blurred := blurs(l.argv, r.ops)
	change := func(s *state, c *context) {
		if blurred {
			s.certain = Possible
		}
		remote(s, c, r.kind, r.hosts)
		c.place.Fresh = r.fresh
		c.binds, c.hostNS, c.bound = r.binds, r.host, r.bound
		if r.local {
			c.place, c.files = Place{}, w.files
		}
		if d := r.dir; d.Know != 0 {
			s.cwd = d
		}
		if v, ok := r.user.Value(); ok {
			c.user = v
		} else if r.user.Know != 0 {
			c.user = "?"
		}
		c.async = c.async || r.async
	}
	if reads {
		if in = w.carried(st, in); in.Kind == InputFile {
			return both(st)
		}
		sub := st.clone()
		w.beneath(sub, launch{at: l.at}, "", change, func() result {
			w.shellInput(sub, launch{at: l.at, in: nil}, i, base, shellArgs{}, in)
			return both(sub)
		})
		return both(st)
	}
	if in.Kind == InputFile {
		in = w.carried(st, in)
		l.in = &in
	}
	if r.argv {
		w.under(st, l, base, r.ops, change)
		return both(st)
	}
	code := w.joined(r.ops)
	if _, ok := w.code(code); !ok && code.Know != word.OneOf {
		sub := st.clone()
		w.beneath(sub, l, base, change, func() result {
			w.emit(sub, Action{Argv: r.ops}, l.at)
			return both(sub)
		})
		return both(st)
	}
	w.shellCode(st, l, base, code, change)
	return both(st)
}

// carried is an input of what runs elsewhere: a file is one of this machine, and
// only its text gets there.
func (w *walker) carried(st *state, in input) input {
	if in.Kind != InputFile {
		return in
	}
	text, ok := w.processText(in.Word)
	if !ok {
		text, ok = w.readFile(st, in.Word)
	}
	if ok {
		in.known, in.text = true, text
		in.Kind, in.Word = InputText, word.Word{Src: in.Word.Src, Know: word.Known, Values: []string{text}, Origin: word.FromInput}
	}
	return in
}

// manyHosts is pdsh and its relatives.
func (w *walker) manyHosts(st *state, l launch, base string) result {
	g := &pdshOptions
	switch base {
	case "clush":
		g = &clushOptions
	case "pssh", "parallel-ssh":
		g = &psshOptions
	case "dsh":
		g = &dshOptions
	case "mussh":
		g = &musshOptions
	case "cssh", "clusterssh", "csshX":
		g = &csshOptions
	}
	argv := l.argv[1:]
	if base == "mussh" {
		argv = eachBehind(argv, "-h", "-H")
	}
	a := g.Read(argv)
	named, ops, ask := a.Values["hosts"], a.Operands, a.Has("ask")
	switch base {
	case "mussh", "cssh", "clusterssh", "csshX":
		// What is run is an option's argument here, and the operands are hosts.
		named, ops = append(named[:len(named):len(named)], ops...), a.Values["code"]
		ask = ask || len(ops) == 0
	}
	var hosts []word.Word
	for _, h := range named {
		v, ok := h.Value()
		if !ok {
			// n[1-3] is a pattern to the shell; one that matches no file
			// stays as it is.
			if _, pattern := h.Pattern(); !pattern {
				hosts = append(hosts, h)
				continue
			}
			for _, p := range h.Shape {
				v += p.Lit + p.Src
			}
		}
		for _, name := range w.hostList(v) {
			if _, after, ok := strings.Cut(name, "@"); ok {
				name = after
			}
			hosts = append(hosts, word.Word{Src: h.Src, Know: word.Known, Values: []string{name}, Origin: word.FromLiteral})
		}
	}
	for _, key := range []string{"group", "file"} {
		for _, gr := range a.Values[key] {
			src := gr.Src
			if key == "file" {
				if text, ok := w.readFile(st, gr); ok {
					hosts = append(hosts, hostLines(text)...)
					continue
				}
				src = "the hosts in " + gr.Src
			}
			h := word.Hidden(src, word.Subst)
			h.Many = true
			hosts = append(hosts, h)
		}
	}
	if len(hosts) == 0 {
		h := word.Hidden("all hosts", word.Subst)
		h.Many = true
		hosts = append(hosts, h)
	}
	return w.remoteCode(st, l, base, remoteRun{hosts: hosts, user: last(a.Values["user"]), ops: ops, ask: ask})
}

// eachBehind puts an option before each of the words that may follow it:
// "-h a b -c x" is "-h a -h b -c x".
func eachBehind(argv []word.Word, options ...string) []word.Word {
	var out []word.Word
	from := word.Word{}
	for i, x := range argv {
		if v := x.Prefix(); strings.HasPrefix(v, "-") {
			from = word.Word{}
			if slices.Contains(options, v) {
				from = x
			}
		} else if from.Know != 0 && !argv[i-1].Is(from.Values[0]) {
			out = append(out, from)
		}
		out = append(out, x)
	}
	return out
}

// hostLines are the hosts of a file that names one on each line, with a user
// before it or behind it, a port, and comments.
func hostLines(text string) []word.Word {
	var out []word.Word
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) == 0 || len(out) >= maxHosts {
			continue
		}
		name := f[0]
		if _, after, ok := strings.Cut(name, "@"); ok {
			name = after
		}
		name, _, _ = strings.Cut(name, ":")
		out = append(out, fromInput(name))
	}
	return out
}

// maxHosts bounds the hosts that are read from a file.
const maxHosts = 256

// hostList expands n[1-3,7],m to the hosts it names.
func (w *walker) hostList(s string) []string {
	var out []string
	depth, from := 0, 0
	part := func(p string) {
		if p = strings.TrimSpace(p); p != "" && len(out) < w.lim.Unroll {
			out = append(out, hostRange(p, w.lim.Unroll)...)
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',', ' ':
			if depth == 0 {
				part(s[from:i])
				from = i + 1
			}
		}
	}
	part(s[from:])
	return out
}

func hostRange(s string, limit int) []string {
	i := strings.IndexByte(s, '[')
	j := strings.IndexByte(s, ']')
	if i < 0 || j < i {
		return []string{s}
	}
	var out []string
	rest := hostRange(s[j+1:], limit)
	for _, r := range strings.Split(s[i+1:j], ",") {
		from, to, ranged := strings.Cut(r, "-")
		if !ranged {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || b-a >= limit {
			return []string{s}
		}
		for n := a; n <= b; n++ {
			for _, tail := range rest {
				if len(out) >= limit {
					return out
				}
				out = append(out, fmt.Sprintf("%s%0*d%s", s[:i], len(from), n, tail))
			}
		}
	}
	return out
}

// ansible runs a module on the hosts of a pattern; the shell modules run code.
func (w *walker) ansible(st *state, l launch, base string) result {
	a := ansibleOptions.Read(l.argv[1:])
	name, ok := last(a.Values["module"]).Value()
	if !ok {
		name = "command"
	}
	// A module by its whole name stands below a collection: community.mysql.mysql_db.
	name = name[strings.LastIndexByte(name, '.')+1:]
	code := last(a.Values["args"])
	runs := (name == "command" || name == "shell" || name == "raw") && code.Know != 0
	user := word.Word{}
	if a.Has("become") {
		if user = last(a.Values["user"]); user.Know == 0 {
			user = word.Lit("root")
		}
	}
	var ops []word.Word
	if runs {
		ops = []word.Word{code}
		if v, ok := code.Value(); ok {
			f := strings.Fields(v)
			for len(f) > 0 && (strings.HasPrefix(f[0], "chdir=") || strings.HasPrefix(f[0], "creates=") || strings.HasPrefix(f[0], "removes=") || strings.HasPrefix(f[0], "executable=")) {
				v = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(v), f[0]))
				f = f[1:]
			}
			ops = []word.Word{{Src: code.Src, Know: word.Known, Values: []string{v}, Origin: code.Origin}}
		}
	}
	argv := false
	if text, ok := code.Value(); !runs && (ok || code.Know == 0) {
		ops, argv = module(name, text), true
	}
	hosts := a.Operands
	if lim := last(a.Values["limit"]); lim.Know != 0 {
		hosts = []word.Word{lim}
	}
	var names []word.Word
	for _, h := range hosts {
		v, ok := h.Value()
		if !ok || v == "all" || v == "*" || strings.ContainsAny(v, "*&!~[") {
			h = word.Word{Src: h.Src, Know: word.Unknown, Many: true, Shape: []word.Part{{Hole: word.Subst, Src: h.Src}}}
		}
		names = append(names, h)
	}
	return w.remoteCode(st, l, base, remoteRun{hosts: names, user: user, ops: ops, argv: argv, ask: a.Has("ask")})
}
