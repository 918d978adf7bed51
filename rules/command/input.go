package command

import (
	"slices"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// spill says that something may have read from an input beside the builtins
// that are followed.
type spill struct {
	by      int  // the action that did first
	partial bool // it may have left the rest; others take all or nothing
}

// readsPart reports whether a program reads a part of its input and leaves the
// rest to the next; the interpreters of other languages can, too.
func readsPart(name string) bool {
	switch name {
	case "head", "sed", "dd", "line", "awk", "gawk", "mawk":
		return true
	}
	return false
}

// spill notes that a program has an input of the shell for its own.
func (w *walker) spill(in input, a Action) {
	name, ok := a.Name()
	if in.id == 0 || a.Wrapper && name != "xargs" && name != "parallel" {
		return // what a wrapper starts reads, not the wrapper
	}
	s, had := w.spilt[in.id]
	if !had {
		s.by = len(w.line.Actions)
	}
	s.partial = s.partial || !ok || readsPart(name) || isShell(name) || languageOf(name) != nil
	if w.spilt == nil {
		w.spilt = map[int]spill{}
	}
	w.spilt[in.id] = s
}

// standardInput is what a command can read: what the commands before it left.
func (w *walker) standardInput(st *state, l launch) input {
	if l.in != nil {
		return *l.in
	}
	in := st.ctx.stdin
	at := st.at[in.id]
	if s, had := w.spilt[in.id]; had && in.id != 0 && s.by != len(w.line.Actions)-1 {
		at = -1
	}
	if in.id == 0 || at == 0 {
		return in
	}
	text, known := w.inputText(st, in)
	if !known || at < 0 || at > len(text) {
		in.known, in.text = false, ""
		return in
	}
	in.known, in.text = true, text[at:]
	in.Kind, in.Word = InputText, word.Word{Src: "input", Know: word.Known, Values: []string{in.text}, Origin: word.FromInput}
	return in
}

// inputText is all that an input holds, where that is known.
func (w *walker) inputText(st *state, in input) (string, bool) {
	if in.Kind == InputFile {
		return w.readFile(st, in.Word)
	}
	return in.text, in.known
}

// advance notes how far an input was read.
func (w *walker) advance(st *state, in input, at int) {
	if in.id == 0 {
		return
	}
	if in.sub != w.sub {
		// The process above shares the place in the input.
		if w.spilt == nil {
			w.spilt = map[int]spill{}
		}
		w.spilt[in.id] = spill{by: -1, partial: true}
	}
	st.own()
	if st.at == nil {
		st.at = map[int]int{}
	}
	st.at[in.id] = at
}

var readOptions = grammar{style: exact, text: "-r : raw\n-s\n-e\n-a =array\n-d =delim\n-i =text\n-n =count\n-N =exactly\n-p =prompt\n-t =time\n-u =fd"}

// read assigns a piece of its input: a line, as a rule.
func (w *walker) read(st *state, l launch, _ int) result {
	a := readOptions.Read(l.argv[1:])
	var in input
	if l.in != nil {
		in = *l.in
	} else {
		in = st.ctx.stdin
	}
	ifs, known := w.ifs(st)
	for _, as := range l.assigns {
		if as.Name == "IFS" {
			ifs, known = as.Value.Value()
		}
	}
	delim, most, exactly := "\n", -1, false
	for opt, vs := range a.Values {
		switch v, ok := vs[len(vs)-1].Value(); {
		case opt == "count" || opt == "exactly":
			n := integer(vs[len(vs)-1])
			if most, exactly = int(n.n), opt == "exactly"; !n.known || n.n < 0 || n.n > maxValue {
				known = false
			}
		case opt == "delim" && ok:
			if delim = "\x00"; v != "" {
				delim = v[:1]
			}
		case opt == "array" || opt == "prompt" || opt == "text":
		case opt == "time" && ok && strings.Trim(v, "0.") != "":
		default:
			known = false
		}
	}
	text := ""
	if known {
		text, known = w.inputText(st, in)
	}
	at, lost := 0, w.guessing > in.guess
	taken, spilt := w.spilt[in.id]
	if l.in == nil && known {
		at = st.at[in.id]
		lost = lost || at < 0 || at > len(text) || spilt && taken.partial
		known = in.id != 0 || in.known
	}
	raw := a.Has("raw")
	if !known || lost {
		var any []string
		if !known && len(a.Operands) == 1 && delim == "\n" && most < 0 && a.Values["array"] == nil {
			if x, ok := w.anyItem(in); ok {
				if name, ok := a.Operands[0].Value(); ok {
					w.storeNamed(st, name, x)
					return both(st)
				}
			}
		}
		if known && most < 0 {
			any = readAll(text, delim, raw, w.lim.Values)
		}
		w.advance(st, in, -1)
		w.give(st, a, ifs, any)
		return both(st)
	}
	piece, n, ended := cutInput(text[at:], delim, raw)
	switch left := text[at:]; {
	case exactly && most < len(left):
		piece, n, ended = left[:most], most, true
	case exactly:
		piece, n, ended = left, len(left), false
	case most >= 0 && most < len(piece):
		piece, n, ended = piece[:most], most, true
	}
	if most >= 0 && strings.IndexFunc(text, func(c rune) bool { return c == '\\' || c >= 0x80 }) >= 0 {
		w.advance(st, in, -1)
		w.give(st, a, ifs, nil)
		return both(st)
	}
	if exactly {
		ifs = "" // what it reads is not split
	}
	w.advance(st, in, at+n)
	if l.in == nil && spilt {
		// What stands here is read, or all of it was gone before.
		w.maybeRead = true
		r := both(st)
		r.part()
		if ended {
			w.give(r.ok, a, ifs, []string{piece})
			r.ok.certain = Possible
		} else {
			r.ok = nil
		}
		w.give(r.fail, a, ifs, []string{piece, ""})
		return r
	}
	w.give(st, a, ifs, []string{piece})
	if !ended {
		return failure(st)
	}
	return success(st)
}

// anyItem is one of the words that a pipe hands on, or nothing.
func (w *walker) anyItem(in input) (word.Word, bool) {
	ws := w.items(in)
	if len(ws) == 0 {
		return word.Word{}, false
	}
	out := ws[0]
	for _, x := range ws[1:] {
		out = w.either(out, x)
	}
	out.Many = false
	return out, len(out.Shape) > 1 || len(ws) == 1 && out.Know == word.Unknown || out.Know == word.OneOf
}

// cutInput takes what stands before a delimiter: its text, its length with the
// delimiter, and whether there was one. Without raw a backslash hides a
// delimiter and joins lines; it stays for the splitting.
func cutInput(text, delim string, raw bool) (piece string, n int, ended bool) {
	if raw {
		i := strings.Index(text, delim)
		if i < 0 {
			return text, len(text), false
		}
		return text[:i], i + 1, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			if i++; text[i] != '\n' {
				b.WriteByte('\\')
				b.WriteByte(text[i])
			}
		case text[i] == delim[0]:
			return b.String(), i + 1, true
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), len(text), false
}

// readAll is every piece that reads of a text may give; nil where they are too
// many.
func readAll(text, delim string, raw bool, most int) []string {
	out := []string{""}
	for text != "" {
		piece, n, _ := cutInput(text, delim, raw)
		if text = text[n:]; !slices.Contains(out, piece) {
			out = append(out, piece)
		}
		if len(out) > most {
			return nil
		}
	}
	return out
}

// give sets the variables that read names from one of some texts; with none
// they are unknown.
func (w *walker) give(st *state, a option.Args, ifs string, texts []string) {
	if a.Has("raw") {
		// The splitting takes a backslash for an escape.
		texts = slices.Clone(texts)
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], `\`, `\\`)
		}
	}
	if arr := a.Values["array"]; len(arr) > 0 {
		n, ok := arr[len(arr)-1].Value()
		if !ok || !isName(n) {
			w.lose(st)
			return
		}
		v := variable{state: VarSet, isList: true, more: true}
		if len(texts) == 1 {
			v.more = false
			for rest := texts[0]; ; {
				var field string
				if rest = trimBlanks(rest, ifs); rest == "" {
					break
				}
				field, rest = cutField(rest, ifs)
				v.list = append(v.list, fromRead(n, field))
			}
		}
		st.set(n, v)
		return
	}
	names := a.Operands
	if len(names) == 0 {
		// All of it, blanks too.
		v := word.Hidden("$REPLY", word.Var)
		if len(texts) > 0 {
			v = fromRead("REPLY", texts...)
		}
		w.storeNamed(st, "REPLY", v)
		return
	}
	rests := slices.Clone(texts)
	for i, x := range names {
		name, ok := x.Value()
		if !ok {
			w.lose(st)
			continue
		}
		if len(rests) == 0 {
			w.storeNamed(st, name, word.Hidden("$"+name, word.Var))
			continue
		}
		fields := make([]string, len(rests))
		for j, rest := range rests {
			rest = trimBlanks(rest, ifs)
			if i < len(names)-1 {
				fields[j], rests[j] = cutField(rest, ifs)
				continue
			}
			fields[j] = lastField(rest, ifs)
		}
		w.storeNamed(st, name, fromRead(name, fields...))
	}
}

// fromRead is a value that was read, without the backslashes that were kept
// for the splitting.
func fromRead(name string, vs ...string) word.Word {
	var out []string
	for _, v := range vs {
		v = unbackslash(v)
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return word.Set("$"+name, word.FromInput, out...)
}

func unbackslash(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func trimBlanks(s, ifs string) string { return strings.TrimLeft(s, blanks(ifs)) }

// cutField takes the first field and the separator behind it off.
func cutField(s, ifs string) (field, rest string) {
	i := 0
	for i < len(s) && strings.IndexByte(ifs, s[i]) < 0 {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		i++
	}
	field, rest = s[:min(i, len(s))], s[min(i, len(s)):]
	rest = trimBlanks(rest, ifs)
	if rest != "" && strings.IndexByte(ifs, rest[0]) >= 0 {
		rest = trimBlanks(rest[1:], ifs)
	}
	return field, rest
}

// lastField is all that is left for the last name, without the blanks at its
// end; one other separator at the end goes where nothing else precedes it.
func lastField(s, ifs string) string {
	end := len(s)
	for end > 0 && strings.IndexByte(blanks(ifs), s[end-1]) >= 0 && (end < 2 || s[end-2] != '\\') {
		end--
	}
	s = s[:end]
	if field, rest := cutField(s, ifs); rest == "" {
		return field
	}
	return s
}

func blanks(ifs string) string {
	var b []byte
	for _, c := range []byte(" \t\n") {
		if strings.IndexByte(ifs, c) >= 0 {
			b = append(b, c)
		}
	}
	return string(b)
}

var mapfileOptions = grammar{style: exact, text: "-t : trim\n-d =delim\n-n =count\n-O =origin\n-s =skip\n-u =fd\n-C =callback\n-c =quantum"}

// mapfile assigns the lines of its input to an array.
func (w *walker) mapfile(st *state, l launch, _ int) result {
	a := mapfileOptions.Read(l.argv[1:])
	name := "MAPFILE"
	if len(a.Operands) > 0 {
		n, ok := a.Operands[0].Value()
		if !ok {
			w.lose(st)
			return both(st)
		}
		if !isName(n) {
			return failure(st)
		}
		name = n
	}
	in := w.standardInput(st, l)
	if cb, ok := last(a.Values["callback"]).Value(); ok {
		// What it calls has the index and the line behind it.
		sub := st.clone()
		w.branch(sub, true, func(s *state) result {
			return w.run(s, w.concat(word.Lit(cb+" "), word.Hidden("line", word.Var)), l.at, "mapfile -C")
		})
	}
	text, known := w.inputText(st, in)
	known = known && (w.guessing <= in.guess || l.in != nil) && len(text) < maxValue
	delim := "\n"
	count, skip, origin := number{known: true}, number{known: true}, number{known: true}
	for opt, vs := range a.Values {
		v := vs[len(vs)-1]
		switch opt {
		case "delim":
			d, ok := v.Value()
			known = known && ok
			if delim = "\x00"; d != "" {
				delim = d[:1]
			}
		case "count":
			count = integer(v)
		case "skip":
			skip = integer(v)
		case "origin":
			origin = integer(v)
		default:
			known = false
		}
	}
	w.advance(st, st.ctx.stdin, -1)
	if !known || !count.known || !skip.known || !origin.known || origin.n < 0 || origin.n > maxIndex {
		st.set(name, variable{state: VarSet, isList: true, more: true, list: w.items(in)})
		return both(st)
	}
	v := variable{state: VarSet, isList: true}
	if len(a.Values["origin"]) > 0 {
		if old := w.lookup(st, name); old.state != VarUnset && !(old.isList && !old.more && !old.loose()) {
			st.set(name, variable{state: VarSet, isList: true, more: true})
			return both(st)
		} else if old.isList {
			v = old
		}
	}
	for n := origin.n; text != ""; {
		line, rest, ended := strings.Cut(text, delim)
		text = rest
		if skip.n > 0 {
			skip.n--
			continue
		}
		if count.n > 0 && n-origin.n >= count.n {
			break
		}
		if ended && !a.Has("trim") {
			line += delim
		}
		if delim == "\x00" {
			line = strings.TrimSuffix(line, delim)
		}
		v.put(n, word.Word{Src: "$" + name, Know: word.Known, Values: []string{line}, Origin: word.FromInput})
		n++
	}
	st.set(name, v)
	return success(st)
}
