package command

import (
	"encoding/json"
	"strings"

	"guardsh/rules/word"
)

// aws ssm send-command runs code on the instances that it names or chooses.
func (w *walker) aws(st *state, l launch, base string) result {
	r := remoteRun{ask: true, user: word.Lit("root")}
	verb := 0 // 1 behind ssm, 2 behind send-command
	args := l.argv[1:]
	for i := 0; i < len(args); i++ {
		x := args[i]
		v, _ := x.Value()
		switch {
		case verb == 0 && v == "ssm", verb == 1 && v == "send-command":
			verb++
		case verb < 2:
		case v == "--parameters" && i+1 < len(args):
			i++
			if text, ok := w.code(args[i]); ok {
				if code := ssmCommands(text); code != "" {
					r.ops, r.ask = word.Lits(code), false
				}
			} else {
				r.ops, r.ask = args[i:i+1], false
			}
		case v == "--instance-ids":
			for i+1 < len(args) && !strings.HasPrefix(args[i+1].Prefix(), "--") {
				i++
				r.hosts = append(r.hosts, args[i])
			}
		case v == "--targets" && i+1 < len(args):
			i++
			r.hosts = append(r.hosts, ssmTargets(args[i])...)
		}
	}
	if verb < 2 {
		r.ask = true
	}
	if len(r.hosts) == 0 {
		r.hosts = []word.Word{word.Hidden(base, word.Subst)}
	}
	return w.remoteCode(st, l, base, r)
}

// ssmCommands is the code in the parameters of a document: commands=["a","b"],
// commands=a,b or {"commands":["a","b"]}.
func ssmCommands(s string) string {
	s = strings.TrimSpace(s)
	var doc map[string][]string
	if json.Unmarshal([]byte(s), &doc) == nil {
		return strings.Join(doc["commands"], "\n")
	}
	i := strings.Index(s, "commands=")
	if i < 0 {
		return ""
	}
	s = strings.TrimSpace(s[i+len("commands="):])
	var list []string
	if strings.HasPrefix(s, "[") {
		n := closing(s, '[', ']')
		if json.Unmarshal([]byte(s[:n]), &list) == nil {
			return strings.Join(list, "\n")
		}
		s = strings.TrimSuffix(s[1:n], "]") // the shorthand needs no quotes
	}
	for _, c := range strings.Split(s, ",") {
		list = append(list, strings.Trim(strings.TrimSpace(c), `"'`))
	}
	return strings.Join(list, "\n")
}

// ssmTargets are the instances behind Key=…,Values=…: all that have a tag, or
// those that are named.
func ssmTargets(x word.Word) []word.Word {
	v, ok := x.Value()
	key, values, named := strings.Cut(v, ",Values=")
	if !ok || !named || !strings.EqualFold(key, "Key=InstanceIds") {
		h := word.Hidden(x.Src, word.Subst)
		h.Many = true
		return []word.Word{h}
	}
	return word.Lits(strings.Split(values, ",")...)
}

// az vm run-command invoke runs scripts on a machine.
func (w *walker) az(st *state, l launch, base string) result {
	r := remoteRun{ask: true, user: word.Lit("root")}
	runs := false
	args := l.argv[1:]
	var scripts []word.Word
	for i := 0; i < len(args); i++ {
		switch v, _ := args[i].Value(); {
		case v == "run-command":
			runs = i+1 < len(args) && (args[i+1].Is("invoke") || args[i+1].Is("create"))
		case (v == "-n" || v == "--name" || v == "--vm-name" || v == "--ids") && i+1 < len(args):
			i++
			r.hosts = append(r.hosts, args[i])
		case v == "--scripts" || v == "--script":
			for i+1 < len(args) && !strings.HasPrefix(args[i+1].Prefix(), "--") {
				i++
				scripts = append(scripts, args[i])
			}
		}
	}
	if runs && len(scripts) > 0 {
		code := word.Lit("")
		for i, x := range scripts {
			if file, ok := strings.CutPrefix(x.Prefix(), "@"); ok {
				text, read := w.readFile(st, word.Lit(file))
				if !read {
					continue
				}
				x = word.Lit(text)
			}
			if i > 0 {
				code = w.concat(code, word.Lit("\n"))
			}
			code = w.concat(code, x)
		}
		r.ops, r.ask = []word.Word{code}, false
	}
	if len(r.hosts) == 0 {
		r.hosts = []word.Word{word.Hidden(base, word.Subst)}
	}
	return w.remoteCode(st, l, base, r)
}
