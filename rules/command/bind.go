package command

import (
	"path"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// bind is a directory of this machine that a container sees under another
// name: docker run -v /:/host.
type bind struct {
	inside, outside string
	alone           bool // what lies above it is the container's own matter
}

// volumeStore is where an engine keeps the volumes that have a name; "" where
// that is not known.
func volumeStore(key string) string {
	switch engine, _, _ := strings.Cut(key, " "); engine {
	case "docker":
		return "/var/lib/docker/volumes"
	case "podman":
		return "/var/lib/containers/storage/volumes"
	}
	return ""
}

// binds reads what -v and --mount say; named is where volumes are that have a
// name. Read-only ones carry nothing out.
func (w *walker) binds(st *state, a option.Args, named string) []bind {
	var out []bind
	volume := func(name, to string) {
		if named != "" && name != "" && !strings.ContainsAny(name, "/.") && path.IsAbs(to) {
			out = append(out, bind{inside: path.Clean(to), outside: path.Join(named, name, "_data"), alone: true})
		}
	}
	add := func(from, to string) {
		if p, ok := absolute(st.cwd, from); ok && path.IsAbs(to) {
			out = append(out, bind{inside: path.Clean(to), outside: path.Clean(p)})
		}
	}
	for _, v := range append(a.Values["volume"], a.Values["b"]...) {
		s, ok := v.Value()
		if !ok {
			continue
		}
		f := strings.Split(s, ":")
		if len(f) == 1 && len(a.Values["b"]) > 0 {
			f = append(f, f[0])
		}
		switch {
		case len(f) < 2 || len(f) > 2 && hasField(f[2], "ro"):
		case strings.HasPrefix(f[0], "/"), strings.HasPrefix(f[0], "."):
			add(f[0], f[1])
		default:
			volume(f[0], f[1])
		}
	}
	if a.Has("privileged") {
		add("/dev", "/dev") // every device of this machine
	}
	for _, v := range a.Values["device"] {
		if s, ok := v.Value(); ok {
			f := strings.Split(s, ":")
			add(f[0], append(f, f[0])[1])
		}
	}
	for _, v := range a.Values["mount"] {
		s, ok := v.Value()
		if !ok {
			continue
		}
		kv := map[string]string{}
		for _, f := range strings.Split(s, ",") {
			k, val, _ := strings.Cut(f, "=")
			kv[k] = val
		}
		from := kv["source"] + kv["src"]
		to := kv["target"] + kv["destination"] + kv["dst"]
		_, ro := kv["readonly"]
		_, ro2 := kv["ro"]
		switch {
		case from == "" || ro && kv["readonly"] != "false" || ro2 && kv["ro"] != "false":
		case kv["type"] == "bind":
			add(from, to)
		case kv["type"] == "volume" || kv["type"] == "":
			volume(from, to)
		}
	}
	return out
}

func hasField(list, field string) bool {
	for _, f := range strings.Split(list, ",") {
		if f == field {
			return true
		}
	}
	return false
}

// outside is the path of this machine behind a container's path. A directory
// above a bind leads to what is bound: what goes through all of it goes
// through that.
func outside(bs []bind, p string) (string, bool) {
	best := -1
	clean := path.Clean(p)
	for i, b := range bs {
		if (clean == b.inside || b.inside == "/" || strings.HasPrefix(clean, b.inside+"/")) && (best < 0 || len(b.inside) > len(bs[best].inside)) {
			best = i
		}
	}
	if best >= 0 {
		rest := strings.TrimPrefix(clean, bs[best].inside)
		out := path.Join(bs[best].outside, rest)
		if strings.HasSuffix(p, "/") && out != "/" {
			out += "/"
		}
		return out, true
	}
	for _, b := range bs {
		if !b.alone && (clean == "/" || strings.HasPrefix(b.inside, clean+"/")) {
			return b.outside, true
		}
	}
	return "", false
}

// bound is an action of a container as it meets this machine, where a word of
// it leads through a bind.
func bound(bs []bind, a Action) (Action, bool) {
	found := false
	if d, ok := a.Cwd.Value(); ok {
		for _, b := range bs {
			found = found || d == b.inside || strings.HasPrefix(d, strings.TrimSuffix(b.inside, "/")+"/")
		}
	}
	conv := func(x word.Word) word.Word {
		y, ok := boundWord(bs, x)
		found = found || ok
		return y
	}
	argv := make([]word.Word, len(a.Argv))
	for i, x := range a.Argv {
		argv[i] = x
		if i > 0 {
			argv[i] = conv(x)
		}
	}
	redirs := make([]Redir, len(a.Redirs))
	for i, r := range a.Redirs {
		if r.Kind != Text && r.Kind != Duplicate {
			r.Target = conv(r.Target)
		}
		redirs[i] = r
	}
	if !found {
		return a, false
	}
	a.Argv, a.Redirs, a.Place = argv, redirs, Place{}
	if cwd, ok := boundWord(bs, a.Cwd); ok {
		a.Cwd = cwd
	} else {
		a.Cwd = word.Hidden("$PWD", word.Var)
	}
	if a.User == "" {
		a.User = "root"
	}
	return a, true
}

func boundWord(bs []bind, x word.Word) (word.Word, bool) {
	one := func(s string) (string, bool) {
		pre := ""
		if i := strings.Index(s, "=/"); i >= 0 && !strings.HasPrefix(s, "/") {
			pre, s = s[:i+1], s[i+1:]
		}
		if !path.IsAbs(s) {
			return pre + s, false
		}
		out, ok := outside(bs, s)
		if !ok {
			// It stays in the container: nothing of this machine.
			return "", false
		}
		return pre + out, true
	}
	switch x.Know {
	case word.Known, word.OneOf:
		vs := make([]string, len(x.Values))
		found, gone := false, false
		for i, v := range x.Values {
			s, ok := one(v)
			found = found || ok
			gone = gone || s == "" && v != ""
			vs[i] = s
		}
		if gone {
			h := word.Hidden(x.Src, word.Var)
			return h, false
		}
		return word.Set(x.Src, x.Origin, vs...), found
	case word.Unknown:
		p := x.Prefix()
		if !path.IsAbs(p) {
			return x, false
		}
		out, ok := outside(bs, p)
		if !ok {
			return word.Hidden(x.Src, word.Var), false
		}
		if strings.HasSuffix(p, "/") && !strings.HasSuffix(out, "/") {
			out += "/"
		}
		x.Shape = append([]word.Part{{Lit: out}}, x.Shape[1:]...)
		return x, true
	}
	return x, false
}
