package command

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// ErrUnknown is what Shell and Files say where they cannot know.
var ErrUnknown = errors.New("not known here")

// The bounds of a line, where Options names none.
const (
	defaultBytes   = 1 << 20
	defaultDepth   = 16
	defaultActions = 4096
	defaultUnroll  = 1024
	defaultValues  = 64

	// maxSteps bounds the statements walked each time that they run: functions
	// that call each other twice each grow without adding an action. maxWalk
	// bounds those that are walked at all, and the actions; see far.
	maxSteps = 1 << 15
	maxWalk  = 1 << 17
	// maxNest bounds how deep syntax may nest while walking.
	maxNest = 400
	// maxOpen bounds the opening tokens of one text. The parser recurses on
	// each that stays open, and a Go stack that is full ends the process.
	maxOpen = 40000
	// maxValue bounds a value in bytes: x=$x$x doubles with each turn.
	maxValue = 64 << 10
	// maxWords bounds the words of one command after expansion, maxExpanded
	// those of the whole line: a loop may make many commands of many words.
	// Behind it the walk is far out, and as many more are the end.
	maxWords    = 1 << 14
	maxExpanded = 1 << 17
	// maxBraceBytes bounds what a brace expansion writes out.
	maxBraceBytes = 16 << 20
	// MaxText bounds a line whose here-documents make it large; they are data
	// and are set aside before it is parsed.
	MaxText = 8 << 20
	// maxWritten bounds the text that is followed through pipes, in all.
	maxWritten = 64 << 20
)

// Understand reads a line as bash would and returns what it would start. It
// never fails: what cannot be understood is a note.
func Understand(src string, opts Options) (line *Line) {
	line = &Line{Src: src}
	lim := opts.Limits
	setDefault(&lim.Bytes, defaultBytes)
	setDefault(&lim.Depth, defaultDepth)
	setDefault(&lim.Actions, defaultActions)
	setDefault(&lim.Unroll, defaultUnroll)
	setDefault(&lim.Values, defaultValues)
	if opts.Shell == nil {
		opts.Shell = &StaticShell{}
	}
	if opts.Files == nil {
		opts.Files = NoFiles{}
	}
	opts.Files = &asked{Files: opts.Files}
	w := &walker{shell: opts.Shell, files: opts.Files, below: opts.Below, lim: lim, line: line, src: src}
	defer func() {
		// The last resort: what was understood so far stays, and the rest is
		// a finding of its own.
		if r := recover(); r != nil {
			line.Notes = append(line.Notes, Note{Kind: NotUnderstood, Text: fmt.Sprintf("internal error: %v", r), Line: 1, Col: 1})
		}
	}()
	var r result
	if st := newState(opts.Shell, opts.Files); len(opts.Argv) > 0 {
		argv := make([]word.Word, len(opts.Argv))
		for i, a := range opts.Argv {
			argv[i] = word.Lit(a)
			argv[i].Src = quoteShell(a)
		}
		r = w.start(st, launch{argv: argv, at: position{1, 1}, exec: true})
	} else {
		r = w.text(st, src)
	}
	end := w.join(r.ok, r.fail)
	w.gateLeft(newState(opts.Shell, opts.Files), end)
	w.prompted(newState(opts.Shell, opts.Files), end)
	r.each(func(s *state) {
		if s.atExit != nil {
			s.certain = Possible // the shell may be one that goes on
		}
		w.leave(s)
	})
	w.planted()
	return line
}

func setDefault(n *int, v int) {
	if *n <= 0 {
		*n = v
	}
}

// walker goes through one line as bash would run it.
type walker struct {
	shell Shell
	files Files
	lim   Limits
	below bool // see Options
	line  *Line
	meta  []meta // one for each action

	src     string    // the text of the tree that is walked
	at      *position // where inlined code is called from, in the line itself
	spliced map[*syntax.Word]string

	depth    int // texts within each other
	nest     int // syntax within each other
	steps    int
	unrolled int
	followed int // bytes of text followed through pipes so far
	expanded int // words of commands so far
	cased    int // how many values the present command is walked for; see cases

	referring  int         // references to elements within each other
	evaluating int         // values that are read as expressions within each other
	docs       []string    // here-documents that were set aside
	pipes      int         // pipes seen so far; a number each
	cond       int         // above zero where a failure does not end a set -e shell
	forking    int         // above zero inside a pipeline or background job
	sub        int         // subshells and programs around the present command
	holes      []word.Part // what marks in inlined text stand for

	processes map[string]string // what <(…) writes, by its source
	within    map[string][]int  // the actions inside $(…) and <(…), by their source

	apart  int // what may not run at all, around the present command
	exits  int // how often the shell may have ended so far
	jumps  int // how often a function or an outer loop may have been left so far
	calls  []*frame
	loops  []*loop
	fatal  mishap // what an expansion or an assignment came to
	noted  map[string]bool
	doubt  bool // the last redirections may fail, and with them their command
	denied bool // the last file is there and may not be read
	status bool // a command substitution gave the status of an assignment

	inputs    int               // numbers of inputs given so far
	says      map[int]said      // what interpreters print, by their actions
	coprocs   map[string]coproc // shells that read what the line writes to a coprocess
	sinks     []sink            // process substitutions that the present command writes to
	spilt     map[int]spill     // inputs that a program may have read from
	maybeRead bool              // the last read came to nothing if a program took the rest
	guessing  int               // above zero in a loop whose turns are not counted
	widened   map[string]bool   // functions that are walked for all calls of themselves
	units     int               // lines of texts read so far
	unit      int               // the one that the present command was read in
	trial     int               // steps that went into counting turns in vain

	once      map[any]bool           // far out: what was walked there
	functions map[string][]*function // and what functions were defined there

	shellSub int            // the value of sub where the present shell began
	base     int            // lines of the text that stand before w.src
	dropped  *state         // where bash goes on with the next line after an error
	tree     []*syntax.Stmt // the text that is walked
}

// meta is what the walk itself needs to know of an action.
type meta struct {
	pipe   int  // the pipe it reads from; 0 none
	hidden bool // its output goes into a word or is redirected, not into the pipe
}

type position struct{ line, col int }

// mishap is an error of an expansion or an assignment, as it ends more than
// its own command. The zero value is none.
type mishap uint8

const (
	drops mishap = iota + 1 // the rest of the line is dropped, the next is read
	ends                    // the shell ends, if nobody types into it
)

// failed is where an error of an expansion leads.
func (w *walker) failed(st *state) result {
	s := st.clone()
	s.certain = Possible
	if w.fatal == drops {
		w.dropped = w.join(w.dropped, s)
	} else {
		w.leave(s)
	}
	w.fatal = 0
	w.exits++
	return result{}
}

// fork begins a process of its own: loops and errors of the parent are not its
// business. The function that it returns ends it.
func (w *walker) fork() func() {
	loops, dropped := w.loops, w.dropped
	w.loops, w.dropped = nil, nil
	w.sub++
	return func() {
		w.sub--
		w.loops, w.dropped = loops, dropped
	}
}

// frame is a function or sourced file that is being inlined.
type frame struct {
	name     string
	ok, fail *state // where return leads
	forking  int
	doubts   int
	sub      int // subshells around it; -1 is no frame to return from
	locals   map[string]*variable
	wide     bool // it was entered far out

	opts      map[string]bool // what "local -" keeps
	keepsOpts bool

	source bool // a sourced file: local belongs to the function around it
}

// loop is a loop that is being walked.
type loop struct {
	breaks, continues []*state
}

var parsers = sync.Pool{New: func() any { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }}

// parse reads a text. It returns what stands before the place where it cannot
// go on, and that place; nil where there is none. w.src becomes the text that
// the tree's positions fit, where that is not the text itself.
func (w *walker) parse(text string) (*syntax.File, *gap) {
	if (len(text) > w.lim.Bytes || deep(text)) && len(text) <= MaxText {
		if short, docs := setAside(text, len(w.docs)); docs != nil {
			n := len(w.docs)
			w.docs = append(w.docs, docs...)
			short = onlyRunes(short)
			if len(short) <= w.lim.Bytes && !deep(short) {
				if f, err := parseText(short); err == nil && documents(f, n) == len(docs) {
					w.src = short
					return f, nil
				}
			}
		}
	}
	if len(text) > w.lim.Bytes {
		g := &gap{kind: TooLarge, says: fmt.Sprintf("%d bytes of text, the bound is %d", len(text), w.lim.Bytes)}
		head := onlyRunes(text[:strings.LastIndexByte(text[:w.lim.Bytes], '\n')+1])
		w.src = head
		f, err := parseText(head)
		return wholeLines(f, err), g
	}
	if r := onlyRunes(text); r != text {
		text, w.src = r, r
	}
	f, err := parseText(text)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, errDeep) {
		return f, &gap{kind: TooLarge, says: "nesting"}
	}
	var pe syntax.ParseError
	if !errors.As(err, &pe) {
		return nil, &gap{kind: NotUnderstood, says: err.Error()}
	}
	// bash takes the end of the text for the end of a here-document.
	if rest, ok := strings.CutPrefix(pe.Text, "unclosed here-document `"); ok {
		if full, err := parseText(strings.TrimSuffix(text, "\n") + "\n" + strings.TrimSuffix(rest, "`") + "\n"); err == nil {
			return full, nil
		}
	}
	if mended, full := mend(text, pe); full != nil {
		w.src = mended
		return full, nil
	}
	g := &gap{kind: NotUnderstood, says: pe.Text, at: &position{int(pe.Pos.Line()), int(pe.Pos.Col())}}
	return wholeLines(f, err), g
}

// deep reports whether a text opens so much that parsing it could exhaust the
// stack, if all of that stays open.
func deep(text string) bool { return len(text) >= maxOpen && opens(text) > maxOpen }

// opens counts what a text may open.
func opens(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '{', '[', '`', '!', '~', '-', '?', '=':
			n++
		}
	}
	for _, key := range []string{"if", "while", "until", "for", "case", "do", "then", "else", "time", "coproc", "function", "select"} {
		n += strings.Count(text, key+" ") + strings.Count(text, key+"\n") + strings.Count(text, key+"\t")
	}
	return n
}

// errDeep is what a single command comes to that opens too much.
var errDeep = errors.New("nesting")

// parsePieces parses a text that opens much, a command at a time: what one has
// opened is closed where the next begins. It returns what stands before the
// error, if there is one.
func parsePieces(p *syntax.Parser, text string) (*syntax.File, error) {
	f := &syntax.File{}
	in := &pieces{text: text}
	for s, err := range p.StmtsSeq(in) {
		if in.open > maxOpen {
			return f, errDeep
		}
		if err != nil {
			return f, err
		}
		f.Stmts = append(f.Stmts, s)
		in.open = 0
	}
	return f, nil
}

// pieces reads a text line by line and ends where a command opens too much.
type pieces struct {
	text string
	open int
}

func (p *pieces) Read(b []byte) (int, error) {
	n := strings.IndexByte(p.text, '\n') + 1
	if n == 0 {
		n = len(p.text)
	}
	if n = min(n, len(b)); n == 0 {
		return 0, io.EOF
	}
	if p.open += opens(p.text[:n]); p.open > maxOpen {
		return 0, io.EOF
	}
	copy(b, p.text[:n])
	p.text = p.text[n:]
	return n, nil
}

// text walks a text in the given state, as eval would, and returns the states
// it may end in.
func (w *walker) text(st *state, text string) result {
	if w.depth >= w.lim.Depth {
		w.note(TooLarge, fmt.Sprintf("depth: more than %d scripts, functions or -c within each other", w.lim.Depth), nil)
		return both(st)
	}
	saved := w.src
	w.src = text
	f, g := w.parse(text)
	if f == nil {
		w.src = saved
		w.unparsed(g)
		return both(st)
	}
	if w.far() {
		anew := w.anew(st, textKey{text, st.ctx.user, st.ctx.place.Kind})
		w.widen(st)
		if !anew {
			w.src = saved
			return both(st)
		}
	}
	w.depth++
	shell, dropped := w.shellSub, w.dropped
	own := w.depth == 1 || w.sub != shell || !inAlias(w.calls)
	if own {
		w.shellSub, w.dropped = w.sub, nil
	}
	tree, base := w.tree, w.base
	w.tree = f.Stmts
	kind, unit := textLines, w.unit
	if own {
		kind = shellLines
	}
	r := w.seq(st, f.Stmts, kind)
	if s := w.join(w.join(r.ok, r.fail), w.dropped); g != nil && s != nil {
		// It is come to, and what stands behind it may be.
		w.unparsed(g)
		if g.kind == NotUnderstood {
			b := w.beyond(s.clone(), f, kind)
			r = result{ok: w.join(r.ok, b.ok), fail: w.join(r.fail, b.fail)}
		}
	}
	w.tree, w.unit, w.base = tree, unit, base
	if own {
		r.fail = w.join(r.fail, w.dropped)
		w.shellSub, w.dropped = shell, dropped
	}
	w.depth--
	w.src = saved
	return r
}

// inAlias reports whether what is walked is the body of an alias: part of the
// line that it stands in.
func inAlias(calls []*frame) bool {
	return len(calls) > 0 && strings.HasPrefix(calls[len(calls)-1].name, "alias ")
}

// inline walks a text that stands elsewhere: its actions carry the position of
// the command that runs it.
func (w *walker) inline(st *state, text string, at position) result {
	saved := w.at
	if w.at == nil {
		w.at = &at
	}
	r := w.text(st, text)
	w.at = saved
	return r
}

func (w *walker) where(p syntax.Pos) position {
	if w.at != nil {
		return *w.at
	}
	return position{w.base + int(p.Line()), int(p.Col())}
}

// note records what no action says, once for each kind and text.
func (w *walker) note(kind NoteKind, text string, at *position) {
	key := string(kind) + "\x00" + text
	if w.noted[key] {
		return
	}
	if w.noted == nil {
		w.noted = map[string]bool{}
	}
	w.noted[key] = true
	n := Note{Kind: kind, Text: text, Line: 1, Col: 1}
	if w.at != nil {
		at = w.at
	}
	if at != nil {
		n.Line, n.Col = at.line, at.col
	}
	w.line.Notes = append(w.line.Notes, n)
}

// unseen notes that code is run which cannot be seen, and who writes it.
func (w *walker) unseen(text string, from []int, at *position) {
	if len(from) > 0 && !slices.ContainsFunc(from, func(i int) bool { return !printsCode(&w.line.Actions[i]) }) {
		return
	}
	n := len(w.line.Notes)
	w.note(RunUnknown, text, at)
	if len(w.line.Notes) > n {
		w.line.Notes[n].From = from
	}
}

// sources lists the actions inside the substitutions that a word holds.
func (w *walker) sources(x word.Word) []int {
	var out []int
	for _, p := range x.Shape {
		out = append(out, w.within[p.Src]...)
	}
	return out
}

// emit adds an action and returns its index, or -1 past the bound.
func (w *walker) emit(st *state, a Action, at position) int {
	if hard := max(maxWalk, w.lim.Actions); len(w.line.Actions) >= hard {
		w.note(TooLarge, fmt.Sprintf("more than %d actions", hard), nil)
		return -1
	}
	c := st.ctx
	a.Cwd, a.User, a.Place = st.cwd, c.user, c.place
	if a.Via == nil {
		a.Via = c.via
	}
	if a.Certain == 0 {
		a.Certain = st.sure()
	}
	a.Async = a.Async || c.async
	a.Line, a.Col = at.line, at.col
	m := meta{hidden: c.hidden}
	inherits := a.Stdin.Kind == InputShell
	if inherits {
		a.Stdin = c.stdin.Input
	}
	if a.Stdin.Kind == InputPipe {
		m.pipe = c.stdin.pipe
	}
	if len(a.Argv) > 0 && !a.Builtin && inherits {
		w.spill(c.stdin, a)
	}
	for _, r := range a.Redirs {
		if r.FD == 1 && r.Kind != In && r.Kind != Text {
			m.hidden = true
		}
	}
	a.Env = w.aims(st, a)
	if len(c.binds) > 0 && a.Place.Kind == Container {
		var out bool
		if a, out = bound(c.binds, a); out {
			a.Place = c.bound
		}
	}
	a.Argv, a.Place.Names = w.readable(a.Argv), w.readable(a.Place.Names)
	w.line.Actions = append(w.line.Actions, a)
	w.meta = append(w.meta, m)
	return len(w.line.Actions) - 1
}

// source is the text of a node.
func (w *walker) source(n syntax.Node) string {
	if x, ok := n.(*syntax.Word); ok && w.spliced != nil {
		if s, ok := w.spliced[x]; ok {
			return s
		}
	}
	a, b := n.Pos().Offset(), n.End().Offset()
	if int(b) > len(w.src) || a > b {
		return ""
	}
	return asBytes(w.src[a:b])
}

// absolute joins a path with a working directory, cleaning nothing: a trailing
// slash and ".." mean something.
func absolute(cwd word.Word, p string) (string, bool) {
	if path.IsAbs(p) {
		return p, true
	}
	d, ok := cwd.Value()
	if !ok || d == "" {
		return "", false
	}
	if strings.HasSuffix(d, "/") {
		return d + p, true
	}
	return d + "/" + p, true
}
