package audit

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// plain is the line of an event as package json makes it, whose knowledge of a
// type takes a session's first event longer to make than all the rest of it. ok
// is false for what it leaves to that: findings and facts, text that is not ASCII,
// times that are none of today's.
func plain(e *Event) (line []byte, ok bool) {
	if len(e.Findings) > 0 || len(e.Facts) > 0 {
		return nil, false
	}
	p := plainLine{b: make([]byte, 0, 1024), ok: true}
	p.int("v", int64(e.V))
	p.int("seq", e.Seq)
	p.time("time", e.Time)
	p.text("session", e.Session)
	p.text("kind", string(e.Kind))
	p.intIf("line", int64(e.Line))
	p.textIf("text", e.Text)
	p.bytesIf("text_raw", e.TextRaw)
	p.intIf("text_cut", e.TextCut)
	p.textIf("source", e.Source)
	p.textIf("cwd", e.Cwd)
	p.bytesIf("cwd_raw", e.CwdRaw)
	p.textIf("user", e.User)
	p.intOf("uid", e.UID)
	p.textIf("tty", e.TTY)
	p.textIf("host", e.Host)
	p.textIf("peer", e.Peer)
	p.textIf("parent", e.Parent)
	p.textIf("verdict", e.Verdict)
	p.textIf("outcome", string(e.Outcome))
	p.textsIf("unknowns", e.Unknowns)
	p.textIf("answer", e.Answer)
	p.intIf("took_ns", int64(e.Took))
	p.intOf("status", e.Status)
	p.intIf("duration_ns", int64(e.Duration))
	p.intIf("cast_offset", e.Offset)
	p.textsIf("snapshots", e.Snapshots)
	p.textsIf("argv", e.Argv)
	p.intIf("pid", int64(e.PID))
	p.intIf("pid_start", e.PIDStart)
	p.intIf("count", int64(e.Count))
	p.textIf("rule", e.Rule)
	if e.Until != nil {
		p.time("until", *e.Until)
	}
	p.textIf("reason", e.Reason)
	p.intIf("lost", int64(e.Lost))
	p.textIf("journal", e.Journal)
	p.intIf("size", e.Size)
	p.textIf("tree", e.Tree)
	p.text("prev", e.Prev)
	p.text("hash", e.Hash)
	return append(p.b, "}\n"...), p.ok
}

// plainLine is one that is being made.
type plainLine struct {
	b  []byte
	ok bool
}

func (p *plainLine) name(name string) {
	sep := byte(',')
	if len(p.b) == 0 {
		sep = '{'
	}
	p.b = append(p.b, sep, '"')
	p.b = append(p.b, name...)
	p.b = append(p.b, '"', ':')
}

func (p *plainLine) int(name string, n int64) {
	p.name(name)
	p.b = strconv.AppendInt(p.b, n, 10)
}

func (p *plainLine) intIf(name string, n int64) {
	if n != 0 {
		p.int(name, n)
	}
}

func (p *plainLine) intOf(name string, n *int) {
	if n != nil {
		p.int(name, int64(*n))
	}
}

func (p *plainLine) text(name, s string) {
	p.name(name)
	p.quote(s)
}

func (p *plainLine) textIf(name, s string) {
	if s != "" {
		p.text(name, s)
	}
}

func (p *plainLine) textsIf(name string, all []string) {
	if len(all) == 0 {
		return
	}
	p.name(name)
	for i, s := range all {
		p.b = append(p.b, "[,"[min(i, 1)])
		p.quote(s)
	}
	p.b = append(p.b, ']')
}

func (p *plainLine) bytesIf(name string, b []byte) {
	if len(b) > 0 {
		p.name(name)
		p.b = append(p.b, '"')
		p.b = base64.StdEncoding.AppendEncode(p.b, b)
		p.b = append(p.b, '"')
	}
}

func (p *plainLine) time(name string, t time.Time) {
	_, zone := t.Zone()
	p.ok = p.ok && t.Year() >= 0 && t.Year() <= 9999 && zone == 0
	p.name(name)
	p.b = append(p.b, '"')
	p.b = t.AppendFormat(p.b, time.RFC3339Nano)
	p.b = append(p.b, '"')
}

func (p *plainLine) quote(s string) {
	p.b = append(p.b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			p.ok = false
		case c == '"' || c == '\\':
			p.b = append(p.b, '\\', c)
		case c >= ' ':
			p.b = append(p.b, c)
		case c == '\n':
			p.b = append(p.b, '\\', 'n')
		case c == '\t':
			p.b = append(p.b, '\\', 't')
		case c == '\r':
			p.b = append(p.b, '\\', 'r')
		default:
			p.ok = false
		}
	}
	p.b = append(p.b, '"')
}

// line is a line of a heads file as package json makes it.
func (h *headLine) line() ([]byte, error) {
	var p plainLine
	p.int("v", int64(h.V))
	p.name("note")
	p.b = append(p.b, '"')
	p.b = append(p.b, strings.ReplaceAll(h.Note, "\n", `\n`)...)
	p.b = append(p.b, '"')
	p.name("frontier")
	for i, hash := range h.Frontier {
		p.b = append(p.b, "[,"[min(i, 1)])
		p.quote(hash.String())
	}
	p.b = append(p.b, ']')
	p.int("bytes", h.Bytes)
	p.b = append(p.b, '}')
	special := func(r rune) bool {
		return r < ' ' && r != '\n' || strings.ContainsRune("\"\\<>&\u2028\u2029", r)
	}
	if len(h.Frontier) == 0 || strings.ContainsFunc(h.Note, special) || !utf8.ValidString(h.Note) {
		return json.Marshal(h)
	}
	return p.b, nil
}

// readHeadLine reads one.
func readHeadLine(line []byte) (h headLine, err error) {
	rest, ok := strings.CutPrefix(string(line), `{"v":1,"note":"`)
	note, rest, is := strings.Cut(rest, `","frontier":["`)
	ok = ok && is
	frontier, size, is := strings.Cut(rest, `"],"bytes":`)
	ok = ok && is && strings.HasSuffix(size, "}")
	h.V, h.Note = 1, strings.ReplaceAll(note, `\n`, "\n")
	for hash := range strings.SplitSeq(frontier, `","`) {
		parsed, err := tlog.ParseHash(hash)
		h.Frontier = append(h.Frontier, parsed)
		ok = ok && err == nil
	}
	h.Bytes, err = strconv.ParseInt(strings.TrimSuffix(size, "}"), 10, 64)
	if !ok || err != nil || strings.ContainsAny(h.Note, "\"\\") {
		h = headLine{}
		err = json.Unmarshal(line, &h)
	}
	return h, err
}
