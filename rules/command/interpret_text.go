package command

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// decoderOf is how a call turns a text into another: code that is not meant to
// be read is written so.
func decoderOf(call string) string {
	switch call {
	case "base64.b64decode", "base64.standard_b64decode", "base64.urlsafe_b64decode", "base64.decodebytes", "base64.decodestring", "binascii.a2b_base64", "Base64.decode64",
		"Base64.strict_decode64", "Base64.urlsafe_decode64", "base64_decode", "decode_base64", "MIME.Base64.decode_base64", "atob", "base64decode":
		return "base64"
	case "bytes.fromhex", "bytearray.fromhex", "binascii.unhexlify", "binascii.a2b_hex", "hex2bin", "hex2bytes":
		return "hex"
	case "str_rot13":
		return "rot13"
	case "strrev":
		return "reverse"
	}
	return ""
}

// codecOf is how by the name that a call gives it where one call has several.
func codecOf(name string) string {
	switch name {
	case "base64", "base64url", "base64_codec", "m", "m0":
		return "base64"
	case "hex", "hex_codec", "H*":
		return "hex"
	case "rot13", "rot_13":
		return "rot13"
	}
	return ""
}

// decode undoes an encoding.
func decode(codec, s string) (string, bool) {
	switch codec {
	case "base64":
		s = strings.TrimRight(strings.Join(strings.Fields(strings.NewReplacer("-", "+", "_", "/").Replace(s)), ""), "=")
		b, err := base64.RawStdEncoding.DecodeString(s)
		return string(b), err == nil
	case "hex":
		b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
		return string(b), err == nil
	case "rot13":
		return strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z':
				return 'a' + (r-'a'+13)%26
			case r >= 'A' && r <= 'Z':
				return 'A' + (r-'A'+13)%26
			}
			return r
		}, s), true
	case "reverse":
		r := []rune(s)
		slices.Reverse(r)
		return string(r), true
	}
	return "", false
}

// made is the text that a call makes of known ones, or reads from a file.
func (e *evaluator) made(name string, recv val, a callArgs) (val, bool) {
	lit := func(s string) (val, bool) { return val{w: word.Lit(s)}, true }
	arg, argKnown := a.at(0).Value()
	self, selfKnown := recv.w.Value()
	second, _ := a.at(1).Value()
	if codec := decoderOf(name); codec != "" && argKnown {
		if s, ok := decode(codec, arg); ok {
			return lit(s)
		}
	}
	switch name {
	case "codecs.decode", "Buffer.from", "pack":
		codec, text := codecOf(second), arg
		if name == "pack" { // pack("H*", TEXT)
			codec, text = codecOf(arg), second
		}
		if s, ok := decode(codec, text); ok && argKnown {
			return lit(s)
		} else if name == "Buffer.from" && argKnown {
			return lit(arg)
		}
	case ".unpack1", ".unpack", ".decode", ".pack":
		text, ok := self, selfKnown
		if name == ".pack" { // [TEXT].pack("H*")
			text, ok = recv.word().Value()
		}
		if s, done := decode(codecOf(arg), text); done && ok {
			return lit(s)
		}
		if name == ".decode" && selfKnown {
			return recv, true
		}
	case ".encode", ".toString", ".to_s", ".to_str", ".text", ".getvalue", "compile", "Meta.parse", "parse":
		switch {
		case selfKnown:
			return recv, true
		case name == "parse" && a.kv["text"].w.Know == word.Known:
			return a.kv["text"], true
		case (name == "compile" || name == "Meta.parse") && argKnown:
			return a.list[0], true
		}
	case ".strip", ".rstrip", ".lstrip", ".trim", ".chomp":
		if selfKnown && len(a.list) == 0 {
			return lit(strings.TrimSpace(self))
		}
	case ".lower", ".toLowerCase", ".downcase":
		if selfKnown {
			return lit(strings.ToLower(self))
		}
	case "lc", "strtolower":
		if argKnown {
			return lit(strings.ToLower(arg))
		}
	case ".reverse":
		if selfKnown {
			s, _ := decode("reverse", self)
			return lit(s)
		}
	case "reverse":
		if argKnown && len(a.list) == 1 {
			s, _ := decode("reverse", arg)
			return lit(s)
		}
	case "chr", "String.fromCharCode":
		var b strings.Builder
		for _, x := range (val{isList: true, list: a.list}).words() {
			s, _ := x.Value()
			n, err := strconv.Atoi(s)
			if err != nil {
				return val{}, false
			}
			b.WriteRune(rune(n))
		}
		return lit(b.String())
	case "join", "implode", ".join":
		list := val{isList: true, list: a.list}.words()
		sep := ""
		switch {
		case name == ".join" && recv.isList:
			list, sep = recv.words(), arg
			if len(a.list) == 0 && e.lang.template {
				sep = ","
			}
		case name == ".join":
			sep = self
		case len(list) > 0:
			sep, list = arg, list[1:]
		}
		parts, ok := known(list)
		if ok && len(parts) > 0 && (name != ".join" || recv.isList || selfKnown) {
			return lit(strings.Join(parts, sep))
		}
	case ".replace", ".replaceAll", ".gsub":
		if selfKnown && argKnown && len(a.list) == 2 && a.at(1).Know == word.Known {
			return lit(strings.ReplaceAll(self, arg, second))
		}
	case "open", "io.open", "codecs.open", "File.open", "File.new", "Path.open", ".open":
		mode := second
		if m, ok := a.kv["mode"].w.Value(); ok {
			mode = m
		}
		file := a.at(0)
		if name == ".open" {
			if file, mode = recv.word(), arg; !recv.path {
				return val{}, false
			}
		}
		if !strings.ContainsAny(mode, "wax+") && file.Know == word.Known {
			return val{w: word.Hidden(name, word.Var), file: file}, true
		}
	case ".read", ".read_text", ".read_bytes", ".readlines":
		file := recv.file
		if recv.path && name != ".read" {
			file = recv.word()
		}
		return e.contents(file)
	case "File.read", "IO.read", "fs.readFileSync", "Deno.readTextFileSync", "file_get_contents", "read_file", "fileread":
		return e.contents(a.at(0))
	}
	return val{}, false
}

// contents is the text of a file that is there now.
func (e *evaluator) contents(file word.Word) (val, bool) {
	if file.Know != word.Known {
		return val{}, false
	}
	text, ok := e.w.readFile(e.st, file)
	return val{w: word.Lit(text)}, ok
}

// evaluates are calls whose argument is code of the language itself.
func (e *evaluator) evaluates(name string) bool {
	switch name {
	case "eval", "evalc", "instance_eval", "class_eval", "binding.eval", "vm.runInThisContext", "vm.runInNewContext", "loadstring":
		return true
	case "exec":
		return !e.lang.sigils && e.lang.name != "ruby" && e.lang.name != "node"
	case "load":
		return e.lang.name == "lua"
	case "Function":
		return e.lang.name == "node"
	}
	return false
}

// said is what an interpreter's program writes to its output.
type said struct {
	texts []word.Word
	whole bool // and that is all that it does
}

// prints notes what a statement or a call prints.
func (e *evaluator) prints(list []val, between, end string) {
	if e.action < 0 {
		return
	}
	out := word.Lit("")
	for i, v := range list {
		if i > 0 {
			out = e.w.concat(out, word.Lit(between))
		}
		out = e.w.concat(out, v.word())
	}
	out = e.w.concat(out, word.Lit(end))
	p := e.w.says[e.action]
	if n := len(p.texts); n > 0 && e.lang.sigils && !strings.HasSuffix(p.texts[n-1].String(), "\n") {
		p.texts = append(p.texts[:n-1:n-1], e.w.concat(p.texts[n-1], out)) // print "a"; print "b\n"
	} else if n < maxList {
		p.texts = append(p.texts, out)
	}
	if e.w.says == nil {
		e.w.says = map[int]said{}
	}
	e.w.says[e.action] = p
	e.only = e.only && !e.inner() && out.Know == word.Known
}

// printEnd reports whether a call prints, and what it puts behind its arguments.
func printEnd(call string) (end string, prints bool) {
	switch call {
	case "print", "console.log", "println", "disp", "puts":
		return "\n", true
	case "sys.stdout.write", "process.stdout.write", "io.write", "cat":
		return "", true
	}
	return "", false
}

// print reads a statement that prints without brackets.
func (e *evaluator) print() bool {
	t := e.peek(0)
	if t.kind != tokName || !e.lang.bare && !e.lang.sigils {
		return false
	}
	end := ""
	switch t.text {
	case "print", "echo", "printf":
	case "say":
		end = "\n"
	case "puts", "p":
		if e.lang.name != "ruby" {
			return false
		}
		end = "\n"
	default:
		return false
	}
	if e.i++; e.peek(0).kind == tokName && (e.peek(0).text == "STDERR" || e.peek(0).text == "STDOUT") {
		if e.peek(0).text == "STDERR" {
			return true
		}
		e.i++
	}
	if n := e.peek(0); n.kind == tokLine || n.kind == 0 || n.kind == tokSign && (n.text == "{" || n.text == ";" || n.text == "}") || n.kind == tokName && stopWord(n.text) {
		e.only = false
		return true
	}
	at := len(e.w.line.Actions)
	list := e.bareArgs().list
	e.only = e.only && len(e.w.line.Actions) == at
	if t.text == "printf" && len(list) > 1 {
		list = []val{e.format(list[0], val{isList: true, list: list[1:]}.words(), "%s")}
	}
	e.prints(list, "", end)
	return true
}

// printedCode walks what interpreters print into a shell: whether it is that,
// and all of it, only shows when it runs.
func (w *walker) printedCode(sub *state, l launch, base string, from []int) {
	for _, j := range from {
		texts := w.says[j].texts
		if len(texts) == 0 {
			texts = w.template(&w.line.Actions[j])
		}
		for _, x := range texts {
			if _, ok := w.code(x); ok || x.Know == word.OneOf {
				w.shellCode(sub, l, base, x, func(s *state, c *context) {
					s.certain = Possible
					c.stdin = input{}
				})
			}
		}
	}
}
