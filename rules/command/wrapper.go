package command

import (
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// wrappers are the programs whose own work is to start another, of those that
// are not in wrapperTable.
var wrappers map[string]func(*walker, *state, launch, string) result

// wrapper is one such program as data: its options, and what stands before
// the command. The attribute "ask" marks options with which nothing is
// started; arguments named code are run by a shell.
type wrapper struct {
	opts   string
	style  option.Style
	skip   int  // operands before the command: a duration, a lock file, a root
	again  bool // options may stand behind those too
	env    bool // name=value operands before the command
	joined bool // the operands are joined and run by a shell
	split  bool // a single operand is run by a shell, several are not
	async  bool // it goes on behind the line
	// change says what is different for the command. rest are the operands
	// that were skipped.
	change func(w *walker, a option.Args, rest []word.Word, s *state, c *context)
}

var posix = option.Style{Posix: true}

var wrapperTable = map[string]wrapper{
	"sudo": {style: posix, env: true, change: sudoChange, opts: `
-A --askpass
-B --bell
-b --background : background
-C --close-from =number
-D --chdir =dir
-E : keep
--preserve-env [=list] : keep
-e --edit : ask
-g --group =group
-H --set-home
-h --host =host
--help : ask
-i --login : login
-K --remove-timestamp : ask
-k --reset-timestamp
-l --list : ask
-N --no-update
-n --non-interactive
-P --preserve-groups
-p --prompt =text
-R --chroot =root
-r --role =role
-S --stdin
-s --shell : shell
-T --command-timeout =time
-t --type =type
-U --other-user =other
-u --user =user
-V --version : ask
-v --validate : ask`},
	"doas":   {style: posix, env: true, change: sudoChange, opts: "-n\n-s : shell\n-L : ask\n-u =user\n-C =conf : ask\n-a =style"},
	"pkexec": {style: posix, change: sudoChange, opts: "--user =user\n--disable-internal-agent\n--keep-cwd\n--version : ask\n--help : ask"},
	"env": {style: posix, env: true, change: envChange, opts: `
-i --ignore-environment : clear
-u --unset =unset
-C --chdir =dir
-S --split-string =split
-0 --null
-a --argv0 =name
-v --debug
--block-signal [=sig]
--default-signal [=sig]
--ignore-signal [=sig]
--list-signal-handling
--help : ask
--version : ask`},
	"nice":     {style: posix, opts: "-n --adjustment =n\n-#\n--help : ask\n--version : ask"},
	"ionice":   {style: posix, opts: "-c --class =class\n-n --classdata =n\n-t --ignore\n-p --pid =pid : ask\n-P --pgid =pid : ask\n-u --uid =uid : ask"},
	"chrt":     {style: posix, skip: 1, opts: "-a --all-tasks\n-b --batch\n-d --deadline\n-e --ext\n-f --fifo\n-i --idle\n-m --max : ask\n-o --other\n-p --pid : ask\n-r --rr\n-R --reset-on-fork\n-T --sched-runtime =ns\n-P --sched-period =ns\n-D --sched-deadline =ns\n-v --verbose"},
	"taskset":  {style: posix, skip: 1, opts: "-a --all-tasks\n-c --cpu-list\n-p --pid : ask"},
	"nohup":    {style: posix, opts: "--help : ask\n--version : ask"},
	"timeout":  {style: posix, skip: 1, opts: "-k --kill-after =time\n-s --signal =sig\n-f --foreground\n-p --preserve-status\n-v --verbose\n--help : ask\n--version : ask"},
	"time":     {style: posix, opts: "-f --format =format\n-o --output =file\n-a --append\n-p --portability\n-q --quiet\n-v --verbose\n-V --version : ask"},
	"stdbuf":   {style: posix, opts: "-i --input =mode\n-o --output =mode\n-e --error =mode"},
	"setsid":   {style: posix, opts: "-c --ctty\n-f --fork\n-w --wait"},
	"setpriv":  {style: posix, opts: "--reuid =uid\n--regid =gid\n--groups =g\n--clear-groups\n--keep-groups\n--init-groups\n--inh-caps =c\n--ambient-caps =c\n--bounding-set =c\n--no-new-privs\n--pdeathsig =s\n--selinux-label =l\n--apparmor-profile =p\n--reset-env\n-d --dump : ask"},
	"chroot":   {style: posix, skip: 1, change: chrootChange, opts: "--userspec =user\n--groups =groups\n--skip-chdir"},
	"unshare":  {style: posix, change: namespaceChange, opts: "-m --mount [=file]\n-u --uts [=file]\n-i --ipc [=file]\n-n --net [=file]\n-p --pid [=file]\n-U --user [=file]\n-C --cgroup [=file]\n-T --time [=file]\n-f --fork\n--mount-proc [=dir]\n--mount-binfmt [=dir]\n-r --map-root-user\n-c --map-current-user\n--map-auto\n--map-user =u\n--map-group =g\n--map-users =u\n--map-groups =g\n--kill-child [=sig]\n--keep-caps\n--propagation =p\n--setgroups =s\n-R --root =root\n-w --wd =dir\n-S --setuid =uid\n-G --setgid =gid"},
	"nsenter":  {style: posix, change: namespaceChange, opts: "-a --all\n-t --target =pid\n-m --mount [=file]\n-u --uts [=file]\n-i --ipc [=file]\n-n --net [=file]\n-p --pid [=file]\n-C --cgroup [=file]\n-U --user [=file]\n-T --time [=file]\n-S --setuid =uid\n-G --setgid =gid\n--preserve-credentials\n-r --root [=root]\n-w --wd [=dir]\n-W --wdns =dir\n-e --env\n-F --no-fork\n-Z --follow-context"},
	"watch":    {style: posix, joined: true, opts: "-b --beep\n-c --color\n-C --no-color\n-d --differences [=how]\n-e --errexit\n-g --chgexit\n-n --interval =s\n-p --precise\n-q --equexit =n\n-r --no-rerun\n-s --shotsdir =dir\n-t --no-title\n-w --no-wrap\n-x --exec : exec\n-h --help : ask\n-v --version : ask"},
	"strace":   {style: posix, opts: "-A\n-a --columns =n\n-b =call\n-c\n-C\n-D\n-d\n-e --trace =expr\n-E --env =var\n-f\n-F\n-h --help : ask\n-i\n-I =n\n-k\n-n\n-o --output =file\n-O =n\n-P =path\n-p --attach =pid\n-q\n-r\n-s =n\n-S =by\n-t\n-T\n-u =user\n-v\n-V : ask\n-w\n-x\n-X =f\n-y\n-z\n-Z"},
	"ltrace":   {style: posix, opts: "-a =n\n-A =n\n-b\n-c\n-C\n-D =n\n-e =expr\n-f\n-F =file\n-h : ask\n-i\n-l =lib\n-L\n-n =n\n-o =file\n-p =pid\n-r\n-s =n\n-S\n-t\n-T\n-u =user\n-V : ask\n-w =n\n-x =expr"},
	"entr":     {style: posix, change: nil, opts: "-a\n-c\n-d\n-n\n-p\n-r\n-s : shell\n-x\n-z"},
	"busybox":  {style: posix, opts: "--help : ask\n--list : ask\n--list-full : ask\n--install : ask"},
	"toybox":   {style: posix, opts: "--help : ask\n--long : ask\n--version : ask"},
	"numactl":  {style: posix, opts: "-i --interleave =n\n-p --preferred =n\n-m --membind =n\n-N --cpunodebind =n\n-C --physcpubind =n\n-l --localalloc\n-b --balancing\n-a --all\n-s --show : ask\n-H --hardware : ask"},
	"prlimit":  {style: option.Style{Posix: true}, opts: "-p --pid =pid : ask\n-c --core [=l]\n-d --data [=l]\n-f --fsize [=l]\n-l --memlock [=l]\n-m --rss [=l]\n-n --nofile [=l]\n-s --stack [=l]\n-t --cpu [=l]\n-u --nproc [=l]\n-v --as [=l]"},
	"choom":    {style: posix, opts: "-n --adjust =n\n-p --pid =pid : ask"},
	"cgexec":   {style: posix, opts: "-g =g\n--sticky\n-b"},
	"faketime": {style: posix, skip: 1, opts: "-f\n-m\n-p =pid"},
	"fakeroot": {style: posix, opts: "-l --lib =l\n-s =f\n-i =f\n-u --unknown-is-real\n-b --fd-base =n\n-h : ask\n-v : ask"},
	"sshpass":  {style: posix, opts: "-p =p\n-f =f\n-d =d\n-e\n-P =p\n-v"},
	"rlwrap":   {style: posix, opts: "-a\n-b =c\n-c\n-f =f\n-H =f\n-s =n\n-r\n-i"},
	"unbuffer": {style: posix, opts: "-p"}, "proxychains": {style: posix, opts: "-q\n-f =f"}, "proxychains4": {style: posix, opts: "-q\n-f =f"},
	"torsocks": {style: posix, opts: "-i\n-u =u\n-p =p"}, "eatmydata": {style: posix, opts: "--"}, "dbus-run-session": {style: posix, opts: "--config-file =f\n--dbus-daemon =f"},
	"setarch": {style: posix, skip: 1, again: true, opts: archOpts}, "linux32": {style: posix, opts: archOpts}, "linux64": {style: posix, opts: archOpts},
	"ssh-agent":   {style: posix, opts: "-a =addr\n-c\n-D : ask\n-d : ask\n-E =hash\n-k : ask\n-O =opt\n-P =list\n-s\n-t =life"},
	"dbus-launch": {style: posix, opts: "--sh-syntax\n--csh-syntax\n--auto-syntax\n--exit-with-session\n--exit-with-x11\n--autolaunch =id\n--config-file =f\n--version : ask"},
	"firejail":    {style: option.Style{Posix: true, Exact: true}, opts: "--help : ask\n--version : ask\n--list : ask\n--tree : ask\n--noprofile\n--private\n--quiet\n--net =n\n--profile =p\n-c"},
	"proot":       {style: posix, change: prootChange, opts: "-r --rootfs =root\n-b --bind -m --mount =b\n-q --qemu =q\n-w --pwd --cwd =dir\n--kill-on-exit\n-v --verbose =n\n-V --version : ask\n-h --help : ask\n-k --kernel-release =k\n-0 --root-id\n-i --change-id =id\n-R =root\n-S =root"},
	"run0":        {style: posix, change: sudoChange, opts: "-u --user =user\n-g --group =group\n-D --chdir =dir\n--unit =u\n--property =p\n--description =d\n--slice =s\n--slice-inherit\n--nice =n\n--setenv =v\n--background =c\n--pty\n--pipe\n--machine =m\n--no-ask-password\n--shell-prompt-prefix =p\n-h --help : ask\n--version : ask"},
	"valgrind":    {style: option.Style{Posix: true, Exact: true}, opts: "--version : ask\n--help : ask\n-q\n-v"},
	"catchsegv":   {style: posix, opts: "--help : ask"}, "aa-exec": {style: posix, opts: "-p --profile =p\n-n --namespace =n\n-i --immediate\n-d --debug\n-v --verbose"},
	"tsp":        {style: posix, async: true, opts: "-n\n-g\n-f\n-m\n-d\n-L =l\n-N =n\n-E\n-B\n-D =id\n-W =id"},
	"caffeinate": {style: posix, opts: "-d\n-i\n-m\n-s\n-u\n-t =s\n-w =pid"}, "daemonize": {style: posix, async: true, opts: "-a\n-c =dir\n-e =f\n-o =f\n-p =f\n-l =f\n-u =user\n-E =v\n-v", change: userChange},
	"setuser": {style: posix, skip: 1, change: userFirst, opts: "-h : ask"}, "with-lock-ex": {style: posix, skip: 1, opts: "-w\n-q\n-f"}, "xvfb-run": {style: posix, opts: "-a --auto-servernum\n-e --error-file =f\n-f --auth-file =f\n-n --server-num =n\n-l --listen-tcp\n-p --xauth-protocol =p\n-s --server-args =a\n-w --wait =n"},
	"systemd-inhibit": {style: posix, opts: "--what =w\n--who =w\n--why =w\n--mode =m\n--list : ask\n--no-pager\n--no-legend"},
	"cpulimit":        {style: posix, opts: "-l --limit =n\n-p --pid =pid : ask\n-e --exe =f : ask\n-b\n-f\n-z\n-i\n-q\n-v\n-m"},
	"gosu":            {style: posix, skip: 1, change: userFirst, opts: "--version : ask"},
	"su-exec":         {style: posix, skip: 1, change: userFirst, opts: "--version : ask"},
	"setuidgid":       {style: posix, skip: 1, change: userFirst, opts: "-s"},
	"s6-setuidgid":    {style: posix, skip: 1, change: userFirst, opts: "-D =u"},
	"chpst":           {style: posix, opts: "-u =user\n-U =user2\n-b =argv0\n-e =dir\n-/ =root\n-C =dir\n-n =n\n-l =f\n-L =f\n-m =b\n-d =b\n-o =n\n-p =n\n-f =b\n-c =b\n-v\n-P\n-0\n-1\n-2", change: sudoChange},
	"arch-chroot":     {style: posix, skip: 1, change: chrootChange, opts: "-u =user\n-N\n-r\n-h : ask"},
	"systemd-nspawn":  {style: posix, change: nspawnChange, opts: "-D --directory =root\n-M --machine =name\n-u --user =user\n-b --boot : ask\n-q --quiet\n--bind =b\n--bind-ro =b\n--chdir =dir\n--network-veth\n-n\n-U\n--private-users [=u]\n-E --setenv =v\n--capability =c\n--ephemeral\n-x\n-i --image =f\n--as-pid2\n-a\n--tmpfs =t\n--resolv-conf =m\n--pipe\n-P\n--console =m"},
	"systemd-run":     {style: posix, async: false, change: systemdChange, opts: "-u --unit =unit\n-p --property =prop\n-t --pty\n-P --pipe\n-S --shell : shell\n-d --same-dir : samedir\n-G --collect\n-q --quiet\n-r --remain-after-exit\n--scope : scope\n--user\n--system\n-M --machine =machine\n-H --host =host\n--wait\n--no-block\n--no-ask-password\n--send-sighup\n--uid =user\n--gid =group\n--nice =n\n--working-directory =dir\n-E --setenv =var\n--slice =slice\n--slice-inherit\n--description =text\n--service-type =type\n--expand-environment =b\n--on-active =t\n--on-boot =t\n--on-startup =t\n--on-unit-active =t\n--on-unit-inactive =t\n--on-calendar =t\n--on-clock-change\n--on-timezone-change\n--path-property =p\n--socket-property =p\n--timer-property =p"},
	"screen":          {style: posix, async: true, opts: "-a\n-A\n-c =file\n-d\n-D\n-e =xy\n-f [=x]\n-h =n\n-i\n-l\n-ls : ask\n-list : ask\n-L\n-Logfile =file\n-m\n-O\n-p =window\n-q\n-Q : ask\n-r : ask\n-R\n-s =shell\n-S =name\n-t =title\n-T =term\n-U\n-v : ask\n-wipe : ask\n-x : ask\n-X : ask"},
}

const archOpts = "-B --32bit\n-F\n-I\n-L\n-R --addr-no-randomize\n-S\n-T\n-X\n-Z\n-v --verbose\n-3\n--4gb\n--uname-2.6\n--list : ask"

// grammar is a grammar that is parsed when it is first needed.
func grammar(style option.Style, text string) func() *option.Grammar {
	return sync.OnceValue(func() *option.Grammar { return option.MustParse(style, text) })
}

func init() {
	wrappers = map[string]func(*walker, *state, launch, string) result{
		"su": (*walker).su, "runuser": (*walker).su, "flock": (*walker).flock, "ip": (*walker).ip,
		"find": (*walker).find, "xargs": (*walker).xargs, "parallel": (*walker).parallel,
		"ssh": (*walker).ssh, "rsh": (*walker).ssh, "slogin": (*walker).ssh, "autossh": (*walker).ssh, "mosh": (*walker).ssh, "salt": (*walker).salt, "dsh": (*walker).manyHosts, "pdsh": (*walker).manyHosts, "clush": (*walker).manyHosts, "pssh": (*walker).manyHosts, "parallel-ssh": (*walker).manyHosts,
		"ansible": (*walker).ansible, "docker": (*walker).container, "podman": (*walker).container, "nerdctl": (*walker).container,
		"kubectl": (*walker).kubectl, "oc": (*walker).kubectl, "lxc-attach": (*walker).lxcAttach, "lxc": (*walker).lxc, "incus": (*walker).lxc, "pct": (*walker).lxc,
		"script": (*walker).scriptTool, "at": (*walker).atJob, "batch": (*walker).atJob, "tmux": (*walker).tmux, "sg": (*walker).sg,
		"gdb": (*walker).argsTool, "lldb": (*walker).argsTool, "capsh": (*walker).capsh, "machinectl": (*walker).machinectl,
		"crontab": (*walker).crontab, "make": (*walker).makeTool, "gmake": (*walker).makeTool,
	}
}

// wrapperOf is what reads a program whose own work is to start another; nil
// where it is none.
func wrapperOf(base string) func(*walker, *state, launch, string) result {
	if wr := wrappers[base]; wr != nil {
		return wr
	}
	wr, ok := wrapperTable[base]
	if !ok {
		return nil
	}
	return func(w *walker, st *state, l launch, base string) result {
		return w.wrap(st, l, base, wr, wr.grammar(base))
	}
}

// wrapperGrammars are those of wrapperTable that were needed so far, by name.
var wrapperGrammars sync.Map

func (wr wrapper) grammar(base string) *option.Grammar {
	if g, ok := wrapperGrammars.Load(base); ok {
		return g.(*option.Grammar)
	}
	g := option.MustParse(wr.style, wr.opts)
	wrapperGrammars.Store(base, g)
	return g
}

// wrap starts a wrapper of the table and the command behind it.
func (w *walker) wrap(st *state, l launch, base string, wr wrapper, g *option.Grammar) result {
	a := g.Read(l.argv[1:])
	ops := a.Operands
	if s := a.Values["split"]; len(s) > 0 {
		if v, ok := s[len(s)-1].Value(); ok {
			ops = append(word.Lits(fieldsOf(v)...), ops...)
		} else {
			ops = append([]word.Word{s[len(s)-1]}, ops...)
		}
	}
	var assigns []Assign
	for wr.env && len(ops) > 0 {
		name, val, ok := cutWord(ops[0], "=")
		if !ok || name == "" || strings.HasPrefix(name, "/") {
			if base == "env" && ops[0].Is("-") {
				a.Attrs["clear"] = true
				ops = ops[1:]
				continue
			}
			break
		}
		assigns = append(assigns, Assign{Name: name, Value: val})
		ops = ops[1:]
		if base == "sudo" && len(ops) > 0 && strings.HasPrefix(ops[0].Prefix(), "-") {
			// sudo takes options behind assignments too.
			b := g.Read(ops)
			ops = b.Operands
			for k, v := range b.Attrs {
				a.Attrs[k] = v
			}
			for k, v := range b.Values {
				a.Values[k] = append(a.Values[k], v...)
			}
		}
	}
	skip := wr.skip
	if wr.again && len(l.argv) > 1 && strings.HasPrefix(l.argv[1].Prefix(), "-") {
		skip = 0 // setarch: the architecture can be left out
	}
	rest := ops[:min(skip, len(ops))]
	ops = ops[len(rest):]
	if wr.again {
		b := g.Read(ops)
		ops = b.Operands
		a.Attrs["ask"] = a.Has("ask") || b.Has("ask")
	}
	blurred := blurs(l.argv, ops)
	runs := len(ops) > 0 && !a.Has("ask")
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	if !runs {
		w.carries(st, l, base)
		return w.inputShell(st, l, i, base, a, wr, rest)
	}
	change := func(s *state, c *context) {
		if blurred {
			s.certain = Possible
		}
		c.async = c.async || wr.async || a.Has("background")
		if d := last(a.Values["dir"]); d.Know != 0 {
			s.cwd = w.arrive(s.cwd, d)
		}
		if wr.change != nil {
			wr.change(w, a, rest, s, c)
		}
		for _, as := range assigns {
			s.set(as.Name, variable{state: VarSet, val: as.Value, exported: true})
		}
	}
	if wr.joined && !a.Has("exec") || base == "entr" && a.Has("shell") || wr.split && len(ops) == 1 {
		w.shellCode(st, l, base, w.joined(ops), change)
		return both(st)
	}
	w.under(st, l, base, ops, change)
	return both(st)
}

// blurs reports whether what a program prints stands before a wrapper's command:
// it may be any number of words, so that the command may begin elsewhere.
func blurs(argv, command []word.Word) bool {
	before := argv[:max(0, len(argv)-len(command))]
	return slices.ContainsFunc(before, func(x word.Word) bool {
		return x.Many && slices.ContainsFunc(x.Shape, func(p word.Part) bool { return p.Hole == word.Subst })
	})
}

// inputShell is a wrapper without a command that starts a shell instead, which
// reads the wrapper's own input: sudo -i, chroot DIR, unshare.
func (w *walker) inputShell(st *state, l launch, i int, base string, a option.Args, wr wrapper, rest []word.Word) result {
	starts := a.Has("login") || a.Has("shell") || base == "unshare" || base == "nsenter" || (base == "chroot" || base == "arch-chroot") && len(rest) > 0
	in := w.standardInput(st, l)
	if !starts || a.Has("ask") || i < 0 || in.Kind == InputClosed {
		return both(st)
	}
	if in.Kind == InputShell {
		w.line.Actions[i].Opens = true
		return both(st)
	}
	w.under(st, l, base, word.Lits("sh"), func(s *state, c *context) {
		if wr.change != nil {
			wr.change(w, a, rest, s, c)
		}
	})
	return both(st)
}

func (w *walker) shellCode(st *state, l launch, via string, code word.Word, change func(*state, *context)) {
	sub := st.clone()
	w.beneath(sub, l, via, change, func() result {
		sub.fresh()
		return w.run(sub, code, l.at, via)
	})
}

func last(ws []word.Word) word.Word {
	if len(ws) == 0 {
		return word.Word{}
	}
	return ws[len(ws)-1]
}

// fieldsOf splits env -S's argument: blanks, quotes and backslashes.
func fieldsOf(s string) []string {
	var out []string
	var b strings.Builder
	has := false
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != '\'' && c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			has = true
		case quote != 0:
			b.WriteByte(c)
		case c == '\'' || c == '"':
			quote, has = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if has {
				out = append(out, b.String())
			}
			b.Reset()
			has = false
		default:
			b.WriteByte(c)
			has = true
		}
	}
	if has {
		out = append(out, b.String())
	}
	return out
}

// become sets the user that a command runs as.
func (w *walker) become(s *state, c *context, user word.Word, def string) {
	u, ok := user.Value()
	switch {
	case user.Know == 0:
		u = def
	case !ok:
		u = "?"
	case u == "#0" || u == "0":
		u = "root"
	}
	if i := strings.IndexByte(u, ':'); i > 0 {
		u = u[:i]
	}
	c.user = u
}

// newEnv forgets the environment: another user's.
func newEnv(s *state, c *context) {
	s.own()
	s.vars = nil
	c.env = envUnknown
}

func sudoChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	w.become(s, c, last(a.Values["user"]), "root")
	if !a.Has("keep") {
		newEnv(s, c)
	}
	if r := last(a.Values["root"]); r.Know != 0 {
		chroot(s, c, r)
	}
	if a.Has("login") {
		s.cwd = w.homeOf(s, c)
	}
}

func (w *walker) homeOf(s *state, c *context) word.Word {
	if c.user != "?" && c.place.Kind == Here { // "" is the session's own
		if d, err := c.files.Home(c.user); err == nil && d != "" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{d}, Origin: word.FromShell}
		}
		if c.user == "root" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{"/root"}, Origin: word.FromShell}
		}
	}
	return word.Hidden("~", word.Var)
}

func userChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		w.become(s, c, u, "")
	}
}

// prootChange is proot, whose root needs no privilege and is as real.
func prootChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if r := last(a.Values["root"]); r.Know != 0 {
		dir := s.cwd
		chroot(s, c, r)
		if len(a.Values["dir"]) > 0 {
			s.cwd = dir
		}
	}
}

func userFirst(w *walker, _ option.Args, rest []word.Word, s *state, c *context) {
	w.become(s, c, last(rest), "?")
}

func envChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if a.Has("clear") {
		s.own()
		s.vars = nil
		c.env = envNone
	}
	for _, u := range a.Values["unset"] {
		if n, ok := u.Value(); ok {
			s.set(n, variable{state: VarUnset})
		}
	}
}

func chroot(s *state, c *context, root word.Word) {
	if !root.Is("/") {
		if v, ok := root.Value(); ok && c.place.Kind == Container && len(c.binds) > 0 {
			// A container's directory that is one of this machine.
			if p, ok := outside(c.binds, v); ok && path.IsAbs(v) {
				c.place, c.binds = Place{}, nil
				chroot(s, c, word.Lit(p))
				return
			}
		}
		if v, ok := root.Value(); ok {
			if p, ok := absolute(s.cwd, v); ok {
				root = word.Word{Src: root.Src, Know: word.Known, Values: []string{p}, Origin: root.Origin}
			}
		}
		c.place = Place{Kind: Chroot, Names: []word.Word{root}}
	}
	s.cwd = word.Lit("/")
}

func chrootChange(w *walker, a option.Args, rest []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		w.become(s, c, u, "")
	}
	chroot(s, c, last(rest))
}

func nspawnChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	w.become(s, c, last(a.Values["user"]), "root")
	newEnv(s, c)
	c.binds = w.binds(s, a)
	c.place = Place{Kind: Container, Names: append(a.Values["name"], a.Values["root"]...)}
	s.cwd = word.Hidden("$PWD", word.Var)
}

func namespaceChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if r := last(a.Values["root"]); r.Know != 0 {
		chroot(s, c, r)
		return
	}
	if last(a.Values["pid"]).Is("1") && (c.place.Kind == Here || c.hostNS) {
		c.place, c.binds = Place{}, nil // the first process is this machine itself
		return
	}
	if c.place.Kind == Here {
		c.place = Place{Kind: Namespace, Names: a.Values["pid"]}
	}
}

func systemdChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		w.become(s, c, u, "")
	}
	if h := append(a.Values["host"], a.Values["machine"]...); len(h) > 0 {
		remote(s, c, Remote, h)
		return
	}
	if !a.Has("scope") {
		if d := last(a.Values["dir"]); d.Know == 0 && !a.Has("samedir") {
			s.cwd = word.Lit("/")
		}
		newEnv(s, c)
		c.async = true
	}
}

// remote puts a command on another host or in a container: nothing of this
// machine's files and environment is known there.
func remote(s *state, c *context, kind PlaceKind, names []word.Word) {
	newEnv(s, c)
	s.own()
	s.funcs, s.aliases, s.opts = nil, nil, nil
	c.shell = false
	c.user = ""
	c.files = NoFiles{}
	c.place = Place{Kind: kind, Names: names}
	s.cwd = word.Hidden("$PWD", word.Var)
	s.oldpwd = word.Word{}
}
