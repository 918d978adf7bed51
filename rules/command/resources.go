package command

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// resource is one thing that a program for configuration is told to bring into
// a state: its type, its name, and what is said of it.
type resource struct {
	kind, title string
	attrs       map[string]string
}

// argv is the command that does the same; code is run by a shell.
func (r resource) argv() (argv []word.Word, code string) {
	get := func(names ...string) string {
		for _, n := range names {
			if v := r.attrs[n]; v != "" {
				return v
			}
		}
		return r.title
	}
	is := func(name, value string) bool { return r.attrs[name] == value }
	gone := is("ensure", "absent") || is("ensure", "purged") || is("action", "delete") || is("action", "remove") || is("action", "purge")
	deep := is("force", "true") || is("recurse", "true") || is("recursive", "true")
	command := func(s, last string) []word.Word { return append(word.Lits(strings.Fields(s)...), word.Lit(last)) }
	switch r.kind {
	case "file", "directory", "link", "cookbook_file", "remote_file", "template", "tidy":
		p := get("path", "target_file")
		switch {
		case r.kind == "tidy":
			if is("recurse", "true") || is("rmdirs", "true") {
				return command("rm -rf --", strings.TrimSuffix(p, "/")+"/*"), ""
			}
		case gone && deep:
			return command("rm -rf --", p), ""
		case gone && r.kind == "directory":
			return command("rmdir --", p), ""
		case gone:
			return command("rm -f --", p), ""
		case is("ensure", "link") || r.kind == "link":
			if to := r.attrs["target"] + r.attrs["to"]; to != "" {
				return word.Lits("ln", "-sfn", "--", to, p), ""
			}
		case r.attrs["content"] != "" || r.attrs["source"] != "" || r.kind == "template" || r.kind == "cookbook_file" || r.kind == "remote_file":
			return command("cp file", p), ""
		case r.attrs["mode"] != "" && deep:
			return word.Lits("chmod", "-R", r.attrs["mode"], p), ""
		case r.attrs["owner"] != "" && deep:
			return word.Lits("chown", "-R", r.attrs["owner"], p), ""
		case r.attrs["mode"] != "":
			return word.Lits("chmod", r.attrs["mode"], p), ""
		}
	case "exec", "execute", "bash", "script":
		return nil, get("command", "code")
	case "package", "apt_package", "dnf_package", "yum_package":
		if gone {
			return command("apt-get remove -y", get("name", "package_name")), ""
		}
	case "service", "systemd_unit":
		name := get("name", "service_name")
		switch {
		case is("ensure", "stopped") || is("ensure", "false") || is("action", "stop"):
			return command("systemctl stop", name), ""
		case is("enable", "mask") || is("action", "mask"):
			return command("systemctl mask", name), ""
		case is("enable", "false") || is("action", "disable"):
			return command("systemctl disable", name), ""
		case is("action", "restart"):
			return command("systemctl restart", name), ""
		}
	case "user":
		switch {
		case gone && (is("managehome", "true") || is("manage_home", "true")):
			return command("userdel -r", get("name", "username")), ""
		case gone:
			return command("userdel", get("name", "username")), ""
		case is("action", "lock"):
			return command("usermod -L", get("name", "username")), ""
		}
	case "group":
		if gone {
			return command("groupdel", get("name", "group_name")), ""
		}
	case "mount":
		if gone || is("ensure", "unmounted") || is("action", "umount") || is("action", "unmount") {
			return command("umount", get("name", "mount_point")), ""
		}
	case "reboot":
		return word.Lits("reboot"), ""
	}
	return nil, ""
}

// resourceKind reports whether a type is known.
func resourceKind(name string) bool {
	switch name {
	case "file", "directory", "link", "cookbook_file", "remote_file", "template", "tidy", "exec", "execute", "bash", "script", "package", "apt_package", "dnf_package", "yum_package", "service", "systemd_unit", "user", "group", "mount", "reboot":
		return true
	}
	return false
}

// configured walks what puppet apply and chef-apply are given: code behind -e,
// or a file of it.
func (w *walker) configured(st *state, l launch, _ int, base string) {
	args := l.argv[1:]
	read, lang := chefResources, languages()["ruby"]
	if base == "puppet" {
		if !firstOf(args).Is("apply") {
			return
		}
		args = args[1:]
		read, lang = puppetResources, &language{name: "puppet", hash: true}
	}
	var texts []string
	for i := 0; i < len(args); i++ {
		v, ok := args[i].Value()
		switch {
		case v == "--noop" || v == "-W" || v == "--why-run" || v == "--parseonly":
			return
		case (v == "-e" || v == "--execute") && i+1 < len(args):
			i++
			if text, ok := w.code(args[i]); ok {
				texts = append(texts, text)
			}
		case strings.HasPrefix(v, "--execute="):
			texts = append(texts, strings.TrimPrefix(v, "--execute="))
		case !ok || !strings.HasPrefix(v, "-"):
			if ext := path.Ext(v); ext == ".pp" || ext == ".rb" {
				if text, ok := w.readFile(st, args[i]); ok {
					texts = append(texts, text)
				}
			}
		}
	}
	if in := w.standardInput(st, l); len(texts) == 0 && in.known {
		texts = append(texts, in.text)
	}
	for _, text := range texts {
		for _, r := range read(lex(lang, text)) {
			argv, code := r.argv()
			if code != "" {
				w.shellCode(st, l, base, word.Lit(code), nil)
			} else if len(argv) > 0 {
				w.under(st, l, base, argv, nil)
			}
		}
	}
}

// maxResources bounds what is looked at of one text.
const maxResources = 256

// puppetResources are those of a Puppet manifest: kind { "title": name => value }.
func puppetResources(toks []token) []resource {
	var out []resource
	at := func(i int) token {
		if i < len(toks) {
			return toks[i]
		}
		return token{}
	}
	sign := func(i int, s string) bool { return at(i).kind == tokSign && at(i).text == s }
	for i := 0; i < len(toks) && len(out) < maxResources; i++ {
		if at(i).kind != tokName || !resourceKind(at(i).text) {
			continue
		}
		kind := at(i).text
		j := i + 1
		next := func() {
			for at(j).kind == tokLine {
				j++
			}
		}
		if next(); !sign(j, "{") {
			continue
		}
		j++
		for j < len(toks) { // one body, or several behind semicolons
			var titles []string
			for next(); at(j).kind == tokString || sign(j, "[") || sign(j, "]") || sign(j, ","); j++ {
				if at(j).kind == tokString {
					titles = append(titles, at(j).text)
				}
				for at(j+1).kind == tokLine {
					j++
				}
			}
			if len(titles) == 0 || !sign(j, ":") {
				break
			}
			j++
			attrs := map[string]string{}
			for next(); j < len(toks) && !sign(j, "}") && !sign(j, ";"); j++ {
				if at(j).kind == tokName && sign(j+1, "=>") {
					if v := at(j + 2); v.kind == tokString || v.kind == tokName || v.kind == tokNumber {
						attrs[at(j).text] = v.text
						j += 2
					}
				}
			}
			for _, t := range titles {
				out = append(out, resource{kind, t, attrs})
			}
			if !sign(j, ";") {
				break
			}
			j++
		}
		i = max(i, j-1)
	}
	return out
}

// chefResources are those of a recipe: kind "title" do name value … end.
func chefResources(toks []token) []resource {
	var out []resource
	for i := 0; i+1 < len(toks) && len(out) < maxResources; i++ {
		if toks[i].kind != tokName || !resourceKind(toks[i].text) || toks[i+1].kind != tokString {
			continue
		}
		r := resource{toks[i].text, toks[i+1].text, map[string]string{}}
		i++
		if i+1 < len(toks) && (toks[i+1].text == "do" || toks[i+1].text == "{") {
			for i += 2; i < len(toks) && toks[i].text != "end" && toks[i].text != "}"; i++ {
				if toks[i].kind != tokName {
					continue
				}
				j := i + 1
				for j < len(toks) && toks[j].kind == tokSign && strings.Trim(toks[j].text, ":[") == "" {
					j++
				}
				if j < len(toks) && (toks[j].kind == tokString || toks[j].kind == tokName || toks[j].kind == tokNumber) {
					r.attrs[toks[i].text] = strings.TrimPrefix(toks[j].text, ":")
					i = j
				}
			}
		}
		out = append(out, r)
	}
	return out
}
