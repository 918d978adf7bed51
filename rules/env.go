package rules

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"

	"github.com/expr-lang/expr"
)

// env is what a condition or an interpolated text of a rule may name. The
// package documentation tells each.
type env struct {
	Kind    string              `expr:"kind"`
	Object  string              `expr:"object"`
	Type    string              `expr:"type"`
	Known   bool                `expr:"known"`
	Glob    bool                `expr:"glob"`
	Pattern string              `expr:"pattern"`
	Word    string              `expr:"word"`
	Attr    map[string]bool     `expr:"attr"`
	Param   map[string]string   `expr:"param"`
	Params  map[string][]string `expr:"params"`
	Command string              `expr:"command"`
	Look    string              `expr:"look"`
	Argv    string              `expr:"argv"`
	Via     []string            `expr:"via"`
	Certain bool                `expr:"certain"`
	Place   string              `expr:"place"`
	Remote  bool                `expr:"remote"`
	Hosts   []string            `expr:"hosts"`
	All     []string            `expr:"everywhere"`
	User    string              `expr:"user"`
	Cwd     string              `expr:"cwd"`
	Empty   emptied             `expr:"empty"`
	Under   string              `expr:"under"`
	Every   bool                `expr:"everything"`
	Vital   []string            `expr:"vital"`
	Unsure  bool                `expr:"unsure"`
	Fetches bool                `expr:"fetches"`
	Split   split               `expr:"apart"`
	Blank   []string            `expr:"blank"`
	Gone    []string            `expr:"gone"`
	First   bool                `expr:"first"`
	Dir     string              `expr:"intended"`
	DirIs   PathFact            `expr:"intendedDir"`
	From    string              `expr:"from"`
	Source  PathFact            `expr:"source"`
	Path    PathFact            `expr:"path"`
	Device  DeviceFact          `expr:"device"`
	Crontab CrontabFact         `expr:"crontab"`
	Service ServiceFact         `expr:"service"`
	Link    LinkFact            `expr:"link"`
	Repo    RepoFact            `expr:"repo"`
	Own     string              `expr:"own"`
	OwnIn   []string            `expr:"ownBelow"`
	Runs    RunsFact            `expr:"runs"`
	Same    []SameJob           `expr:"same"`
	Tells   []string            `expr:"tells"`
	Account AccountFact         `expr:"account"`
	Unknown []string            `expr:"unknown"`
	Session SessionFact         `expr:"session"`
	Host    HostFact            `expr:"host"`
	Line    string              `expr:"line"`
	Note    string              `expr:"note"`
}

// emptied is what an object becomes when the variables in its word are empty.
type emptied struct {
	Vars  []string `expr:"vars"`  // as written: $X
	Path  string   `expr:"path"`  // the path or pattern that is left; "" none
	Class Class    `expr:"class"` // of that
	Reach []string `expr:"reach"` // the protected paths it would reach
}

// placeName is what the rules call a kind of place.
func placeName(k command.PlaceKind) string {
	switch k {
	case command.Here:
		return "here"
	case command.Remote:
		return "remote"
	case command.Container:
		return "container"
	case command.Chroot:
		return "chroot"
	case command.Namespace:
		return "namespace"
	}
	return ""
}

// tell makes an env that of one effect.
func (s *Set) tell(v *env, line *command.Line, e *effect.Effect, argv string, facts *Facts) {
	*v = env{
		Kind: string(e.Kind), Object: e.Object.Display(), Type: string(e.Object.Type), Known: e.Object.Name != "",
		Glob: e.Object.Name == "" && e.Object.Pattern != "", Pattern: strings.TrimSuffix(e.Object.Pattern, "/"), Word: e.Object.Word.Src,
		Attr: e.Attrs, Params: e.Params, Command: e.Command, Look: e.Look,
		Certain: e.Certain == command.Certain, Place: placeName(e.Place.Kind), Remote: e.Place.Kind == command.Remote,
		User: e.User, Line: line.Src,
	}
	if v.Attr == nil {
		v.Attr = noAttrs
	}
	v.Param = noParams
	if len(e.Params) > 0 {
		v.Param = make(map[string]string, len(e.Params))
		for k, p := range e.Params {
			v.Param[k] = strings.Join(p, " ")
		}
	}
	v.Hosts = hostNames(e.Place.Names)
	placed := false
	if e.Action >= 0 && e.Action < len(line.Actions) {
		a := &line.Actions[e.Action]
		placed = partKnown(a.Cwd)
		v.Via = a.Via
		v.Cwd = a.Cwd.String()
		v.Argv = argv
	}
	if facts != nil {
		v.Session, v.Host = facts.Session, facts.Host
		if v.User == "" {
			v.User = facts.Session.User
		}
	}
	of := facts.Of(e.Object)
	v.Path, v.Device, v.Crontab, v.Service, v.Link, v.Unknown = of.Path, of.Device, of.Crontab, of.Service, of.Link, of.Unknown
	v.Repo, v.Runs, v.Same, v.Tells = of.Repo, of.Runs, of.Same, of.Tells
	v.Account = of.Account
	s.complete(&v.Path, e.Object, v.Cwd)
	if e.Object.Type == effect.Path && !v.Remote && v.Path.Real != "" {
		v.Own, v.OwnIn = s.ownAt(v.Path.Real), s.ownBelow(v.Path.Real)
	}
	if named := v.Param["named"]; named != "" && v.Path.Real != "" {
		v.Vital = s.vital(v.Path.Real, named, false) // -delete takes no directory that holds anything
	}
	if e.Object.Type == effect.Path && e.Object.Name == "" {
		if v.found(e.Object.Word); v.Under != "" {
			v.Vital = s.vital(v.Under, namedBelow(e.Object.Word), e.Has("recursive"))
		}
		v.Unsure = v.Under == "" && e.Object.Pattern == "" && !strings.HasPrefix(v.Cwd, "/") && !placed && everythingHere(e.Object.Word.Src)
	}
	if e.Source != nil {
		v.From = e.Source.Display()
		v.Source = facts.Of(*e.Source).Path
		s.complete(&v.Source, *e.Source, v.Cwd)
		if e.Source.Type == effect.Device && e.Object.Type == effect.Path {
			v.Device = facts.Of(*e.Source).Device
		}
	}
	if e.Object.Type == effect.Path && e.Object.Name == "" {
		v.Empty = s.emptied(e, line)
	}
	v.near(line, e, facts)
}

var (
	noAttrs  = map[string]bool{}
	noParams = map[string]string{}
)

// complete says what a path's text alone tells, where no fact could be had:
// on another host, or past a deadline.
func (s *Set) complete(p *PathFact, o effect.Object, cwd string) {
	if o.Type != effect.Path && o.Type != effect.Device || p.Real != "" || p.Class != Ordinary {
		return
	}
	switch {
	case o.Name != "":
		q := PathFact{Real: path.Clean(o.Name)}
		s.protection.Fill(&q)
		p.Class, p.Account, p.Kernel, p.Loader, p.Config = q.Class, q.Account, q.Kernel, q.Loader, q.Config
		p.Real, p.Protected = q.Real, q.Protected
	case o.Pattern != "":
		p.Class, p.Protected = s.protection.Pattern(o.Pattern)
	default:
		// What is not known of a name stands for a name that is in no table:
		// an unknown part alone never makes a path protected.
		name := shaped(o.Word)
		if name != "" && !strings.HasPrefix(name, "/") && strings.HasPrefix(cwd, "/") {
			name = cwd + "/" + name
		}
		if strings.HasPrefix(name, "/") {
			q := PathFact{Real: path.Clean(name)}
			s.protection.Fill(&q)
			p.Class, p.Account, p.Kernel, p.Loader, p.Config, p.Real = q.Class, q.Account, q.Kernel, q.Loader, q.Config, q.Real
		}
	}
}

// partKnown reports whether a part of a directory's name is known: that is then
// neither empty nor the directory of before.
func partKnown(dir word.Word) bool {
	return slices.ContainsFunc(dir.Shape, func(p word.Part) bool { return p.Hole == word.NoHole && strings.Trim(p.Lit, "/.") != "" })
}

// everythingHere reports whether a word means all of the working directory,
// whichever that is.
func everythingHere(src string) bool {
	switch src {
	case "*", "./*", ".", "./", ".*", "**", "./.":
		return true
	}
	return false
}

// found fills in what a word says that stands for the names that find or a
// pipe of names gives: the directory below which they lie, and "/…".
func (v *env) found(w word.Word) {
	n := foundAt(w) + 1
	if n < 2 {
		return
	}
	v.Under = path.Clean(shaped(word.Word{Know: word.Unknown, Shape: w.Shape[:n-1]}))
	if !strings.HasPrefix(v.Under, "/") {
		if !strings.HasPrefix(v.Cwd, "/") {
			v.Under = ""
			return
		}
		v.Under = path.Join(v.Cwd, v.Under)
	}
	v.Object = strings.TrimSuffix(v.Under, "/") + word.Found
	if n < len(w.Shape) {
		v.Object += "/" + namedBelow(w) // find -name passwd
	}
	v.Every = w.Shape[n-1].All
}

// namedBelow is the name that all of a found word's have, or the pattern that
// they match; "" where that is not known.
func namedBelow(w word.Word) string {
	var name strings.Builder
	for _, p := range w.Shape[foundAt(w)+1:] {
		if p.Hole == word.Glob {
			name.WriteString(p.Src)
		} else {
			name.WriteString(p.Lit)
		}
	}
	return strings.TrimPrefix(name.String(), "/")
}

// vital is what has such a name, or one that matches the pattern, somewhere
// below a directory, and without which the machine cannot be booted, reached or
// repaired. Directories are among it where the act takes whole trees.
func (s *Set) vital(dir, name string, trees bool) []string {
	if name == "" || strings.Contains(name, "/") {
		return nil
	}
	_, out := s.protection.Pattern(strings.TrimSuffix(dir, "/") + "/**/" + name)
	out = slices.DeleteFunc(out, func(p string) bool { return !s.protection.vital(p, trees) })
	for _, k := range bootAndLogin {
		if strings.Trim(name, "*?") != "" && MatchName(name, path.Base(k)) && strings.HasPrefix(k, strings.TrimSuffix(merged(dir), "/")+"/") {
			out = append(out, k)
		}
	}
	return out
}

// bootAndLogin are names that a kernel, what it begins with and the keys of a
// login have, for patterns to be tried against.
var bootAndLogin = []string{"/root/.ssh/authorized_keys", "/etc/ssh/sshd_config", "/etc/ssh/ssh_host_ed25519_key", "/usr/lib/modules/6.1.0/kernel/fs/ext4/ext4.ko",
	"/boot/vmlinuz", "/boot/vmlinuz-6.1.0", "/boot/initrd.img", "/boot/initrd.img-6.1.0", "/boot/initramfs-6.1.0.img"}

// foundAt is where the hole of a found name stands in a word: last, or before
// the name that all of them have or the pattern that they match; -1 in any other
// word.
func foundAt(w word.Word) int {
	least := len(w.Shape) - 2
	if n := len(w.Shape); n > 2 && w.Shape[n-1].Hole == word.Glob {
		least--
	}
	for i := len(w.Shape) - 1; w.Know == word.Unknown && i >= max(0, least); i-- {
		if w.Shape[i].Src == word.Found && (i == len(w.Shape)-1 || strings.HasPrefix(w.Shape[i+1].Lit, "/")) {
			return i
		}
	}
	return -1
}

// shaped is an unknown word as a name, with the source of what is not known in
// its place; "" where it begins with that.
func shaped(w word.Word) string {
	if w.Know != word.Unknown || w.Prefix() == "" {
		return ""
	}
	var b strings.Builder
	for _, p := range w.Shape {
		if p.Hole == word.NoHole {
			b.WriteString(p.Lit)
		} else {
			b.WriteString(strings.ReplaceAll(p.Src, "/", "\x01"))
		}
	}
	return b.String()
}

// emptied is what is left of an unknown word when what is not known is empty:
// "$X/"* is /*.
func (s *Set) emptied(e *effect.Effect, line *command.Line) emptied {
	var out emptied
	w := e.Object.Word
	if w.Know != word.Unknown || foundAt(w) >= 0 {
		return out
	}
	var b strings.Builder
	globs := false
	for _, p := range w.Shape {
		switch p.Hole {
		case word.NoHole:
			b.WriteString(p.Lit)
		case word.Glob:
			globs = true
			b.WriteString(p.Src)
		default:
			if neverEmpty(p.Src) {
				return out
			}
			out.Vars = append(out.Vars, p.Src)
		}
	}
	rest := b.String()
	if len(out.Vars) == 0 || !strings.HasPrefix(rest, "/") {
		return emptied{}
	}
	out.Path = rest
	if globs {
		out.Class, out.Reach = s.protection.Pattern(rest)
		if d := path.Dir(rest); path.Base(rest) == "*" {
			out.Class = Higher(out.Class, s.protection.Class(d))
		}
	} else {
		out.Class, out.Reach = s.protection.Class(rest), s.protection.Reach(rest, maxNamed)
	}
	return out
}

// neverEmpty reports parameters that cannot be empty: special ones, those that
// the shell sets itself, and those with a default or a check.
func neverEmpty(src string) bool {
	switch strings.Trim(strings.TrimPrefix(src, "$"), "{}") {
	case "$", "!", "?", "#", "0", "RANDOM", "PPID", "UID", "EUID", "BASHPID", "SECONDS", "HOSTNAME", "PWD", "HOME", "USER", "LOGNAME", "LINENO", "BASH_VERSION", "OSTYPE", "SHLVL":
		return true
	}
	if bare := strings.TrimSuffix(src, `""}`); strings.HasSuffix(src, ":-}") || bare != src && strings.HasSuffix(bare, ":-") {
		return false // the default says that it may be
	}
	for _, op := range [...]string{":?", ":-", "$(pwd", "`pwd", "$(mktemp", "`mktemp", "$((", "$(date", "`date", "$(uname", "`uname", "$(hostname", "$(whoami", "$(id", "$(nproc", "$(basename"} {
		// What comes through a filter may be nothing.
		if strings.Contains(src, op) && (op[0] == ':' || !strings.Contains(src, "|")) {
			return true
		}
	}
	return false
}

func hostNames(ws []word.Word) []string {
	var out []string
	for _, h := range ws {
		if h.Know == word.OneOf {
			out = append(out, h.Values...)
		} else {
			out = append(out, h.String())
		}
	}
	return out
}

// words are an effect's command. It is the same text for each of its effects,
// which may be as many as it has words.
func (j *judgement) words(e *effect.Effect) string {
	if e.Action < 0 || e.Action >= len(j.line.Actions) {
		return ""
	}
	a := &j.line.Actions[e.Action]
	if a == j.said.of {
		return j.said.argv
	}
	var b strings.Builder
	for i, w := range a.Argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.String())
	}
	j.said.of, j.said.argv = a, b.String()
	return j.said.argv
}

// options are the functions of conditions and texts.
func (s *Set) options() []expr.Option {
	p := s.protection
	str := func(f func(string) any, t any, name string) expr.Option {
		return expr.Function(name, func(a ...any) (any, error) { return f(a[0].(string)), nil }, t)
	}
	return []expr.Option{
		expr.Env(env{}),
		expr.DisableBuiltin("count"),
		str(func(x string) any { return string(p.Class(x)) }, new(func(string) string), "class"),
		str(func(x string) any { return p.Gathers(x) }, new(func(string) bool), "gathers"),
		str(func(x string) any { return path.Dir(x) }, new(func(string) string), "dir"),
		str(func(x string) any { return fitsAll(path.Base(x)) }, new(func(string) bool), "fitsAll"),
		str(func(x string) any { return path.Base(x) }, new(func(string) string), "base"),
		str(func(x string) any { return quote(x) }, new(func(string) string), "quote"),
		str(func(x string) any { return strings.TrimRight(x, "/") }, new(func(string) string), "unslash"),
		expr.Function("modeHarm", func(a ...any) (any, error) {
			f, ok := a[0].(PathFact)
			if !ok {
				f = PathFact{Real: a[0].(string), Type: "file"}
			}
			return p.ModeHarm(f.Real, f.Type, f.Mode, a[1].(string)), nil
		}, new(func(PathFact, string) string), new(func(string, string) string)),
		str(func(x string) any { return sizeOf(x) }, new(func(string) int64), "sizeOf"),
		expr.Function("bytes", func(a ...any) (any, error) { return human(toInt(a[0])), nil }, new(func(int64) string), new(func(int) string)),
		expr.Function("count", func(a ...any) (any, error) {
			return counted(toInt(a[0]), a[1].(string), a[2].(string)), nil
		}, new(func(int, string, string) string), new(func(int64, string, string) string)),
		expr.Function("list", func(a ...any) (any, error) {
			return listed(a[0].([]string)), nil
		}, new(func([]string) string)),
	}
}

func toInt(v any) int64 {
	switch n := v.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// human is a size in bytes for people: 1.5 GiB.
func human(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	f := float64(n)
	for _, u := range [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"} {
		if f /= 1024; f < 1024 || u == "EiB" {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") + " " + u
		}
	}
	return ""
}

// sizeOf is a size as lvresize and resize2fs take it, in bytes; 0 where it is
// not one: a percentage, a number of extents or blocks.
func sizeOf(s string) int64 {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i <= 0 {
		return 0
	}
	f, err := strconv.ParseFloat(s[:i], 64)
	if err != nil {
		return 0
	}
	switch unit := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(s[i:]), "ib"), "b"); unit {
	case "k", "m", "g", "t", "p", "e":
		for range strings.Index("kmgtpe", unit) + 1 {
			f *= 1024
		}
	default:
		return 0
	}
	return int64(f)
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// maxListed bounds the names in one sentence.
const maxListed = 6

// listed is names for a sentence: a, b and 3 more.
func listed(xs []string) string {
	if len(xs) > maxListed {
		return strings.Join(xs[:maxListed], ", ") + fmt.Sprintf(" and %d more", len(xs)-maxListed)
	}
	return strings.Join(xs, ", ")
}

// quote is a word as it has to be typed. What does not print is escaped, so that
// the word can be read from the terminal as it is.
func quote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		var b strings.Builder
		b.WriteString("$'")
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == '\'' || r == '\\':
				b.WriteString("\\" + s[i:i+n])
			case r == '\n':
				b.WriteString(`\n`)
			case r == '\t':
				b.WriteString(`\t`)
			case r != utf8.RuneError && unicode.IsPrint(r):
				b.WriteString(s[i : i+n])
			default:
				for _, c := range []byte(s[i : i+n]) {
					fmt.Fprintf(&b, `\%03o`, c)
				}
			}
			i += n
		}
		return b.String() + "'"
	}
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`*?[]{}()<>|&;!#~=%^") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
