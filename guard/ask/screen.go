package ask

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"

	"guardsh/rules"
)

// Bounds of a question; more is not read.
const (
	maxLineRows  = 12
	maxLineBytes = 800 // of one row: half a screen
	maxFindings  = 4
	maxDetails   = 8
	maxTextBytes = 400 // of a reason, a detail: a name may be as long as anything
	minWidth     = 20
	maxWidth     = 100 // longer rows are hard to read
)

// Style is how a terminal may be written to: NO_COLOR and TERM=dumb take the
// colours away; the width is that of its window, else 80.
func Style(out *os.File) (color bool, width int) {
	width = 80
	if ws, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
		width = int(ws.Col)
		color = os.Getenv("NO_COLOR") == "" && !dumb()
	}
	return color, min(max(width, minWidth), maxWidth)
}

func dumb() bool {
	t := os.Getenv("TERM")
	return t == "" || t == "dumb"
}

// writer lays out rows of a bounded width.
type writer struct {
	b     strings.Builder
	color bool
	width int
}

// hyphen stands for "-" while rows are broken, so that options and rule ids stay
// whole. It is no printable character: no text holds it by then.
const hyphen = "\ue000"

// row writes a paragraph: a lead, the text wrapped behind it, further rows set
// in below the lead.
func (w *writer) row(indent int, lead, text string, style ansi.Style) {
	hang := 0
	if lead != "" {
		hang = 2
	}
	room := max(w.width-1-indent-hang, minWidth/2)
	whole := strings.ReplaceAll(lead+visible(text), "-", hyphen)
	pad := strings.Repeat(" ", indent)
	for i, r := range strings.Split(ansi.Wrap(whole, room, ""), "\n") {
		r = strings.TrimRight(strings.ReplaceAll(r, hyphen, "-"), " ")
		l := strings.TrimRight(lead, " ")
		switch {
		case w.color && i == 0 && lead != "" && strings.HasPrefix(r, l):
			r = ansi.Style{}.Bold().Styled(l) + r[len(l):]
		case w.color && style != nil:
			r = style.Styled(r)
		}
		w.b.WriteString(pad + r + "\n")
		if i == 0 {
			pad += strings.Repeat(" ", hang)
		}
	}
}

// Screen is the question as shown, without its prompt.
func Screen(q *Question, color bool, width int) string {
	w := &writer{color: color, width: width}
	d := &q.Decision
	what := "this line asks for a yes first"
	if q.Started {
		what = "a program that starts below this line asks for a yes first"
	}
	w.text(0, "guardsh: ", what)
	w.line(q.Line)
	w.findings(d, layout{indent: 2, why: true, hint: 4})
	if q.Undo != "" {
		w.text(2, "undo: ", q.Undo)
	}
	w.unknowns(d)
	return w.b.String()
}

// Refusal is what is said of a line that does not run.
func Refusal(d *rules.Decision, color bool, width int) string {
	w := &writer{color: color, width: min(max(width, minWidth), maxWidth)}
	if len(d.Findings) == 0 {
		w.text(0, "guardsh: ", "refused")
	}
	w.findings(d, layout{lead: func(rules.Verdict) string { return "guardsh: " }, hint: 2})
	w.unknowns(d)
	return w.b.String()
}

// Notice is one thing that is said beside what was found.
func Notice(text string, color bool, width int) string {
	w := &writer{color: color, width: min(max(width, minWidth), maxWidth)}
	w.text(0, "guardsh: ", text)
	return w.b.String()
}

// Findings is what would be said of a line that nobody runs now.
func Findings(d *rules.Decision, color bool, width int) string {
	w := &writer{color: color, width: width}
	w.findings(d, layout{indent: 2, lead: func(v rules.Verdict) string { return v.String() + ": " }, hint: 4})
	w.unknowns(d)
	return w.b.String()
}

// explanation is why, in full.
func explanation(d *rules.Decision, color bool, width int) string {
	w := &writer{color: color, width: width}
	for _, f := range d.Findings {
		w.text(2, "rule: ", f.Rule+" ("+f.Verdict.String()+", "+string(f.Effect)+" of "+orWhole(f.Object)+")")
		if f.Why != "" {
			w.row(4, "", f.Why, nil)
		}
		for _, t := range f.Details {
			w.text(4, "", t)
		}
		if f.Snapshot != "" {
			w.text(4, "kept before: ", f.Snapshot)
		}
	}
	return w.b.String()
}

func orWhole(object string) string {
	if object == "" {
		return "the line"
	}
	return object
}

// text writes a row of words about the line, none of them without end.
func (w *writer) text(indent int, lead, text string) {
	w.row(indent, lead, bounded(text), nil)
}

// bounded cuts a text that is too long to be read, between two characters.
func bounded(text string) string {
	if len(text) <= maxTextBytes {
		return text
	}
	n := maxTextBytes
	for n > maxTextBytes-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return fmt.Sprintf("%s… %d more bytes", text[:n], len(text)-n)
}

// line shows the bytes that would run.
func (w *writer) line(src string) {
	rows := strings.Split(strings.TrimRight(src, "\n"), "\n")
	for i, r := range rows {
		if i == maxLineRows {
			w.row(2, "", fmt.Sprintf("… %d more lines", len(rows)-i), nil)
			return
		}
		more := ""
		if n := len(r) - maxLineBytes; n > 0 {
			r, more = r[:maxLineBytes], fmt.Sprintf("… %d more bytes", n)
		}
		w.row(2, "", r, ansi.Style{}.Bold())
		if more != "" {
			w.row(2, "", more, nil)
		}
	}
}

// layout is how findings stand on the screen. In a question the reason stands
// below, in a refusal it leads.
type layout struct {
	indent, hint int
	lead         func(rules.Verdict) string
	why          bool
}

// findings shows what the line would do, strictest first.
func (w *writer) findings(d *rules.Decision, l layout) {
	for i, g := range grouped(d.Findings) {
		if i == maxFindings {
			w.row(2, "", "… and "+strings.Join(otherRules(grouped(d.Findings)[i:]), ", "), nil)
			return
		}
		f := g[0]
		lead := ""
		if l.lead != nil {
			lead = l.lead(f.Verdict)
		}
		w.row(l.indent, lead, bounded(f.Summary)+" ["+f.Rule+"]", nil)
		for j, t := range f.Details {
			if j == maxDetails {
				w.text(4, "", fmt.Sprintf("… %d more", len(f.Details)-j))
				break
			}
			w.text(4, "", t)
		}
		switch {
		case len(g) > 1 && slices.ContainsFunc(g, func(o *rules.Finding) bool { return o.Summary != f.Summary }):
			w.text(4, "", "the same for "+objects(g[1:]))
		case len(g) > 1: // they say one thing together
			w.text(4, "", objects(g))
		}
		if l.why && f.Why != "" {
			w.text(4, "why: ", firstSentence(f.Why))
		}
		if f.Hint != "" {
			w.text(l.hint, "hint: ", f.Hint)
		}
	}
}

// grouped puts the findings of one rule together, the strictest first and, of
// equals, what falls on most: rm -rf /* is one thing to read, not twenty.
func grouped(findings []rules.Finding) [][]*rules.Finding {
	var groups [][]*rules.Finding
	at := map[string]int{}
	for i := range findings {
		f := &findings[i]
		if f.Verdict < rules.Notify {
			continue
		}
		key := f.Verdict.String() + f.Rule
		if n, ok := at[key]; ok {
			groups[n] = append(groups[n], f)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, []*rules.Finding{f})
	}
	slices.SortStableFunc(groups, func(a, b []*rules.Finding) int {
		return cmp.Or(cmp.Compare(b[0].Verdict, a[0].Verdict), cmp.Compare(len(b), len(a)))
	})
	return groups
}

// maxObjects is how many further objects of a finding are named.
const maxObjects = 6

func objects(g []*rules.Finding) string {
	var names []string
	for _, f := range g {
		if len(names) == maxObjects {
			break
		}
		names = append(names, f.Object)
	}
	s := strings.Join(names, " ")
	if n := len(g) - len(names); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

func otherRules(groups [][]*rules.Finding) []string {
	var ids []string
	for _, g := range groups {
		ids = append(ids, g[0].Rule)
	}
	return ids
}

func (w *writer) unknowns(d *rules.Decision) {
	for i, u := range d.Unknowns {
		if i == maxDetails {
			w.text(2, "", fmt.Sprintf("… %d more not known", len(d.Unknowns)-i))
			return
		}
		w.text(2, "not known: ", u)
	}
}

// firstSentence is enough in a question; e gives the rest.
func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i > 0 {
		return s[:i+1]
	}
	return s
}

// screen is where survey writes. It keeps to one row: what moves the cursor
// elsewhere is dropped, and questions to the terminal are answered by keys.
type screen struct {
	out   *os.File
	keys  *keys
	dumb  bool
	asked bool // survey moved to the far corner to ask for the size
}

// Fd is part of what survey writes to.
func (s *screen) Fd() uintptr { return s.out.Fd() }

// Replies of a terminal that is wide enough for any answer.
const (
	sizeReply     = "\x1b[1;9999R"
	locationReply = "\x1b[1;1R"
)

func (s *screen) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for i := 0; i < len(p); {
		if p[i] != esc {
			b.WriteByte(p[i])
			i++
			continue
		}
		n := sequence(p[i:])
		s.control(&b, p[i:i+n])
		i += n
	}
	if b.Len() == 0 {
		return len(p), nil
	}
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// control passes on what stays within the row.
func (s *screen) control(b *bytes.Buffer, seq []byte) {
	switch seq[len(seq)-1] {
	case 'f', 'H':
		s.asked = true
	case 'n':
		if s.asked {
			s.keys.replies.WriteString(sizeReply)
			s.asked = false
		} else {
			s.keys.replies.WriteString(locationReply)
		}
	case 'C', 'D', 'K':
		if !s.dumb {
			b.Write(seq)
		}
	}
}

// sequence is the length of the escape sequence that p begins with.
func sequence(p []byte) int {
	if len(p) < 2 {
		return len(p)
	}
	if p[1] != '[' {
		return 2
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= 0x40 && p[i] <= 0x7e {
			return i + 1
		}
	}
	return len(p)
}
