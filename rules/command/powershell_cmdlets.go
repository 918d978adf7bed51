package command

import (
	"strings"
	"sync"

	"guardsh/rules/word"
)

// cmdlets are what stands for a cmdlet, in small letters: a command, or a way
// of its own. The aliases are those that a Linux system has.
var cmdlets = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"remove-item": "rm", "ri": "rm", "del": "rm", "erase": "rm", "rd": "rm", "clear-content": "empty", "clc": "empty", "set-content": "write", "out-file": "write", "tee-object": "write", "add-content": "append", "ac": "append",
		"move-item": "mv", "mi": "mv", "move": "mv", "rename-item": "rename", "rni": "rename", "ren": "rename", "copy-item": "cp", "cpi": "cp", "copy": "cp", "new-item": "new",
		"restart-computer": "reboot", "stop-computer": "poweroff", "stop-process": "kill", "spps": "kill", "invoke-expression": "code", "iex": "code", "start-process": "start", "saps": "start", "set-location": "cd", "sl": "cd", "cd": "cd", "chdir": "cd",
		"expand-archive": "expand",
	}
})

// cmdlet is a command that stands in cmdlets, or none of the system's.
type cmdlet struct {
	*powershell
	does    string // what cmdlets says
	args    []word.Word
	named   map[string][]word.Word // behind a parameter's name
	given   []word.Word            // by the command before the pipe
	perhaps bool                   // it may not be come to
}

// target is what it works on.
func (c *cmdlet) target() []word.Word {
	for _, n := range []string{"path", "literalpath", "filepath", "name", "id"} {
		if x := c.named[n]; len(x) > 0 {
			return x
		}
	}
	if len(c.args) > 0 {
		return c.args
	}
	return c.given
}

// run starts a command of the system, with words behind it.
func (c *cmdlet) run(head string, rest ...word.Word) {
	c.start(append(word.Lits(strings.Fields(head)...), rest...), c.perhaps)
}

// handsOn is what a cmdlet that does nothing hands on in a pipeline; false for
// what is no such cmdlet.
func (c *cmdlet) handsOn(name string) (out []word.Word, ok bool) {
	switch name {
	case "get-item", "gi", "resolve-path", "get-process", "gps":
		return c.target(), true
	case "get-childitem", "gci", "dir":
		for _, d := range c.target() {
			out = append(out, c.w.glob(c.st, nil, []piece{{text: strings.TrimSuffix(d.Prefix(), "/") + "/*"}}, d.Src+"/*")...)
		}
		return out, true
	case "where-object", "?", "where", "select-object", "select", "sort-object", "foreach-object", "%", "foreach":
		return c.given, true
	case "if", "elseif", "else", "while", "for", "switch", "do", "try", "catch", "finally", "function", "param", "return", "write-output", "write-host", "echo":
		return nil, true
	}
	return nil, false
}

// do starts what the cmdlet stands for.
func (c *cmdlet) do() {
	target := c.target()
	switch c.does {
	case "rm":
		opts := "rm -f --"
		if c.named["recurse"] != nil || c.named["r"] != nil {
			opts = "rm -rf --"
		}
		if len(target) > 0 {
			c.run(opts, target...)
		}
	case "empty":
		c.run("truncate -s 0 --", target...)
	case "write", "append", "new":
		if len(target) > 0 && (c.does != "new" || c.named["force"] != nil && len(c.named["value"]) > 0) {
			kind := Out
			if c.does == "append" || c.named["append"] != nil {
				kind = Append
			}
			c.writes(target[0], kind, c.perhaps)
		}
	case "mv", "cp":
		c.copyOrMove()
	case "rename":
		if len(c.args) > 1 {
			c.run("mv --", c.args[:2]...)
		}
	case "reboot", "poweroff":
		c.run(c.does)
	case "kill":
		switch {
		case len(c.named["name"]) > 0:
			c.run("killall -9", c.named["name"]...)
		case len(target) > 0:
			c.run("kill -9", target...)
		}
	case "code":
		if text, ok := c.w.code(firstOf(c.args)); ok {
			c.script(text, c.perhaps)
		}
	case "start":
		if len(target) > 0 {
			c.start(append(target[:1:1], c.named["argumentlist"]...), c.perhaps)
		}
	case "expand":
		if d := c.named["destinationpath"]; len(d) > 0 {
			c.run("unzip -o", append(target[:len(target):len(target)], word.Lit("-d"), d[0])...)
		}
	case "cd":
		if len(target) > 0 {
			was := c.st.cwd
			c.st = c.st.clone() // PowerShell's own directory
			if c.st.cwd = c.w.arrive(was, target[0]); c.perhaps {
				c.st.cwd = c.w.either(c.st.cwd, was)
			}
		}
	}
}

func (c *cmdlet) copyOrMove() {
	from, to := c.target(), c.named["destination"]
	if len(to) == 0 && len(c.args) > 1 {
		from, to = c.args[:len(c.args)-1], c.args[len(c.args)-1:]
	}
	if len(to) == 0 || len(from) == 0 {
		return
	}
	how := c.does
	if c.named["recurse"] != nil {
		how += " -r"
	}
	c.run(how+" --", append(from[:len(from):len(from)], to[0])...)
}

// psSwitch reports whether a parameter takes no argument.
func psSwitch(param string) bool {
	switch param {
	case "recurse", "r", "force", "whatif", "append", "passthru", "confirm", "verbose", "nonewline", "asjob", "wait", "noclobber", "container", "hidden", "directory", "file", "usessl":
		return true
	}
	return false
}

// psArguments are a cmdlet's, those behind a parameter's name by it.
func psArguments(ws []psWord) (args []word.Word, named map[string][]word.Word) {
	named = map[string][]word.Word{}
	param := ""
	for _, x := range ws {
		if x.braced {
			param = ""
			continue
		}
		v := x.w.Prefix()
		switch {
		case x.bare && len(v) > 1 && v[0] == '-' && (v[1] < '0' || v[1] > '9'):
			param = strings.ToLower(strings.TrimSuffix(v[1:], ":"))
			name, _, _ := strings.Cut(param, ":")
			if strings.HasSuffix(param, ":$false") || x.w.Is(v[:len(name)+1]+":$false") {
				param = ""
				continue
			}
			if len(name) > 1 && strings.HasPrefix("recurse", name) {
				name = "recurse"
			}
			if named[name] == nil {
				named[name] = []word.Word{}
			}
			if param = name; psSwitch(name) {
				param = ""
			}
		case param != "":
			named[param] = append(named[param], x.w)
			if param != "path" && param != "argumentlist" && param != "name" {
				param = ""
			}
		default:
			args = append(args, x.w)
		}
	}
	return args, named
}

// method is [System.IO.File]::Delete("x").
func (p *powershell) method(s, class string, perhaps bool) {
	_, call, _ := strings.Cut(s, "]::")
	name, rest, _ := strings.Cut(call, "(")
	first, more, _ := strings.Cut(strings.TrimSuffix(rest, ")"), ",")
	v, ok := plainText(strings.TrimSpace(first))
	if !ok {
		return
	}
	second, _ := plainText(strings.TrimSpace(more))
	class = strings.TrimPrefix(class, "system.")
	switch class + "." + strings.ToLower(name) {
	case "io.file.delete":
		p.start(word.Lits("rm", "-f", "--", v), perhaps)
	case "io.directory.delete":
		if strings.Contains(strings.ToLower(more), "$true") {
			p.start(word.Lits("rm", "-rf", "--", v), perhaps)
		} else {
			p.start(word.Lits("rmdir", "--", v), perhaps)
		}
	case "io.file.move", "io.directory.move":
		p.start(word.Lits("mv", "--", v, second), perhaps)
	case "io.file.writealltext", "io.file.writeallbytes", "io.file.writealllines", "io.file.create":
		p.writes(word.Lit(v), Out, perhaps)
	}
}
