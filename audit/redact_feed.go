package audit

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A secret also stands in what a program reads: a here-string, a here-document,
// what echo and printf write into a pipe. Whether it is one is said by who reads
// it.

// feedOperators end a simple command, lead to what it reads, or hold a part of
// the line together.
const feedOperators = `<<<|<<-?|\|\|?&?|&&?|;;?|[()]|\n|[<>]&?`

// feedToken is a word or an operator.
var feedToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)(?P<w>` + word + `)|(?P<o>` + feedOperators + `)`)
})

// span is a part of a line, by its bytes.
type span struct{ from, to int }

// simple is one simple command of a line and what is fed into it.
type simple struct {
	words []span
	feeds []span    // of here-strings and here-documents
	from  []*simple // what writes what it reads: all before it in its pipeline, what stands in <( )
	own   feeding   // what it reads from its own feeds
	on    feeding   // what of that which it writes is read by one behind it
}

// feeding is what of a text is secret.
type feeding int

const (
	nothing feeding = iota
	pairs           // of lines of user:secret, what stands behind the colon
	all
)

// readsSecret says whether a program reads a secret from its standard input,
// and what of that.
func readsSecret(argv []string) feeding {
	program := ""
	rest := argv
	wrapped, option := false, false
	for i, a := range argv {
		name := base(a)
		switch {
		case strings.HasPrefix(a, "-"):
			option = true
			continue
		case assigns(a):
			continue
		case secretReader(a):
		case feedWrapper(name):
			wrapped, option = true, false
			if name == "sudo" && (slices.Contains(argv, "-S") || slices.Contains(argv, "--stdin")) {
				return all
			}
			continue
		case wrapped && (option || strings.Trim(a, "0123456789.smhd") == ""):
			option = false // the wrapper's own argument
			continue
		}
		program, rest = name, argv[i+1:]
		break
	}
	switch {
	case program == "":
		return nothing
	case secretReader(program) && strings.HasPrefix(program, "ch"): // chpasswd, chgpasswd
		return pairs
	case secretReader(program):
		return all
	}
	for i, a := range rest {
		a = strings.Trim(a, `'"`)
		if readsByOption().MatchString(a) || i > 0 && passSource().MatchString(rest[i-1]) && (a == "stdin" || a == "fd:0") {
			return all
		}
	}
	return nothing
}

// secretReader names the programs that read a secret from standard input where
// that is no terminal: by their names, whoever made them.
func secretReader(a string) bool {
	dir := a[:strings.LastIndexByte(a, '/')+1]
	if dir != "" && !strings.HasSuffix(dir, "bin/") {
		return false // /etc/passwd is read, not started
	}
	name := base(a)
	if i := strings.IndexByte(name, '='); i >= 0 {
		return false
	}
	return strings.HasSuffix(name, "passwd") || strings.Contains(name, "passphrase") ||
		slices.Contains([]string{"cryptsetup", "kinit", "su", "sshpass", "newusers", "secret-tool"}, name)
}

// feedWrapper reports whether a word starts another program, which reads what it
// is fed.
func feedWrapper(name string) bool {
	switch name {
	case "sudo", "doas", "env", "nice", "ionice", "nohup", "time", "timeout", "command", "builtin", "exec", "setsid", "stdbuf", "if", "then", "do", "else", "elif",
		"while", "until", "!", "{":
		return true
	}
	return false
}

// readsByOption are options by which a program takes its secret from standard
// input: --password-stdin, --passphrase-fd, --with-token.
var readsByOption = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^--?(?:[a-z]+-)*(?:(?:password|passwd|passphrase|pass|secret|token|key)-(?:stdin|fd|file=(?:-|/dev/stdin))|with-token)(?:=.*)?$`)
})

// passSource is an option that says where a pass phrase comes from.
var passSource = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-pass(?:in|out)?$`) })

func assigns(a string) bool { return assignedName().MatchString(a) }

var assignedName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_]\w*\+?=`) })

// mayFeed says whether a line can hold a program that reads a secret: nearly
// none does.
func mayFeed(low string) bool {
	return strings.ContainsAny(low, "|<") &&
		(containsAny(low, stems) || containsAny(low, []string{"cryptsetup", "kinit", "newusers", "su ", "sudo"}))
}

// hideFeeds redacts what such programs read.
func hideFeeds(line string) string {
	commands := simples(line)
	found := false
	for _, c := range commands {
		if c.own = readsSecret(texts(line, c.words)); c.own == nothing {
			continue
		}
		found = true
		for _, up := range slices.Backward(c.from) {
			if up.on >= c.own {
				break // and so is all before it
			}
			up.on = c.own
		}
	}
	if !found {
		return line
	}
	var cut []span
	for _, c := range commands {
		cut = append(cut, c.fed(line)...)
	}
	slices.SortFunc(cut, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, c := range cut {
		if c.from < at || named(line[c.from:c.to]) {
			continue
		}
		b.WriteString(line[at:c.from])
		b.WriteString(hidden)
		at = c.to
	}
	b.WriteString(line[at:])
	return b.String()
}

func texts(line string, words []span) (out []string) {
	for _, w := range words {
		out = append(out, line[w.from:w.to])
	}
	return out
}

// fed is where in the line a secret stands that a command reads, or writes for
// one that reads it.
func (c *simple) fed(line string) (cut []span) {
	for _, f := range c.feeds {
		cut = append(cut, secretsIn(line, f, max(c.own, c.on))...)
	}
	if c.on == nothing || len(c.words) == 0 || !slices.Contains([]string{"echo", "printf", "yes"}, base(line[c.words[0].from:c.words[0].to])) {
		return cut
	}
	for _, arg := range c.words[1:] {
		if a := line[arg.from:arg.to]; !strings.HasPrefix(a, "-") && !format().MatchString(a) {
			cut = append(cut, secretsIn(line, arg, c.on)...)
		}
	}
	return cut
}

// format is a word of printf that holds nothing but places for others.
var format = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^['"]?(?:%s|%b|:|\\n|\s)+['"]?$`) })

// secretsIn is where in a part of the line what is secret stands.
func secretsIn(line string, at span, what feeding) (cut []span) {
	switch what {
	case nothing:
		return nil
	case all:
		return []span{at}
	case pairs:
	}
	for from := at.from; from < at.to; {
		to := at.to
		for _, end := range []string{"\n", `\n`} {
			if i := strings.Index(line[from:to], end); i >= 0 {
				to = from + i
			}
		}
		if i := strings.IndexByte(line[from:to], ':'); i >= 0 {
			end := to
			if to == at.to && to > from && strings.ContainsRune(`'"`, rune(line[at.from])) && line[to-1] == line[at.from] {
				end-- // the quote that ends the word
			}
			if end > from+i+1 {
				cut = append(cut, span{from + i + 1, end})
			}
		}
		from = max(to, from) + 1
		if strings.HasPrefix(line[to:], `\n`) {
			from = to + 2
		}
	}
	return cut
}

// maxBrackets is how deep brackets are followed, so that a line of nothing else
// costs no time.
const maxBrackets = 64

// simples are the simple commands of a line as far as a reader of feeds needs
// them: a line that is no bash gives what it looks like.
func simples(line string) []*simple {
	p := feedParser{line: line, cur: &simple{}}
	re := feedToken()
	for p.at < len(line) {
		m := re.FindStringSubmatchIndex(line[p.at:])
		if m == nil {
			break
		}
		s := span{p.at + m[0], p.at + m[1]}
		p.at = s.to
		if m[2] >= 0 {
			p.word(s)
		} else {
			p.operator(line[s.from:s.to])
		}
	}
	p.finish()
	return p.commands
}

// feedParser goes through a line once.
type feedParser struct {
	line     string
	at       int
	commands []*simple
	cur      *simple
	group    []*simple // since the pipeline began: what a | behind it is fed by
	opened   []bracket
	feed     string    // the operator whose word comes next
	docs     []hereDoc // that begin behind the end of this row
}

// bracket is an open one.
type bracket struct {
	group []*simple // around it
	of    *simple   // the command that a process substitution is a word of; nil for another bracket
	reads bool      // and that command reads it: <( )
}

// hereDoc is a here-document that is to come.
type hereDoc struct {
	of   *simple
	end  string
	tabs bool // those in front of a row do not count
}

// finish ends a simple command.
func (p *feedParser) finish() {
	if len(p.cur.words) > 0 || len(p.cur.feeds) > 0 {
		p.commands, p.group = append(p.commands, p.cur), append(p.group, p.cur)
	}
	p.cur = &simple{}
}

func (p *feedParser) open() {
	if len(p.opened) < maxBrackets {
		p.opened, p.group = append(p.opened, bracket{group: p.group}), nil
	}
}

// substitute opens a process substitution: the command that it is a word of goes
// on behind it.
func (p *feedParser) substitute() {
	p.opened = append(p.opened, bracket{p.group, p.cur, p.feed == "<"})
	p.group, p.cur, p.feed = nil, &simple{}, ""
}

func (p *feedParser) shut() {
	n := len(p.opened) - 1
	if n < 0 {
		return
	}
	b := p.opened[n]
	p.opened = p.opened[:n]
	if b.of == nil {
		p.group = append(b.group, p.group...)
		return
	}
	if b.reads {
		b.of.from = append(b.of.from, p.group...)
	}
	p.group, p.cur = b.group, b.of
}

func (p *feedParser) word(s span) {
	text := p.line[s.from:s.to]
	switch {
	case p.feed == "<<<":
		p.cur.feeds = append(p.cur.feeds, s)
	case strings.HasPrefix(p.feed, "<<"):
		p.docs = append(p.docs, hereDoc{p.cur, strings.Trim(text, `'"\`), p.feed == "<<-"})
	case p.feed != "": // a file
	case text == "{" && len(p.cur.words) == 0 && len(p.opened) < maxBrackets:
		p.open()
	case text == "}" && len(p.cur.words) == 0 && len(p.opened) > 0:
		p.shut()
	default:
		p.cur.words = append(p.cur.words, s)
	}
	p.feed = ""
}

func (p *feedParser) operator(text string) {
	switch text {
	case "<<<", "<<", "<<-", "<", ">", "<&", ">&":
		p.feed = text
	case "|", "|&":
		p.finish()
		p.cur.from = slices.Clip(p.group)
	case "(":
		if (p.feed == "<" || p.feed == ">") && len(p.opened) < maxBrackets {
			p.substitute()
			break
		}
		p.finish()
		p.open()
	case ")":
		p.finish()
		p.shut()
	default:
		p.finish()
		if len(p.opened) == 0 {
			p.group = nil
		}
	}
	if text == "\n" {
		p.documents()
	}
}

// documents reads the here-documents that begin here.
func (p *feedParser) documents() {
	for _, d := range p.docs {
		from := p.at
		for p.at < len(p.line) {
			row, _, _ := strings.Cut(p.line[p.at:], "\n")
			if d.ends(row) {
				break
			}
			p.at = min(p.at+len(row)+1, len(p.line))
		}
		if p.at > from {
			text := strings.TrimSuffix(p.line[from:p.at], "\n")
			d.of.feeds = append(d.of.feeds, span{from, from + len(text)})
		}
		if _, rest, more := strings.Cut(p.line[p.at:], "\n"); more {
			p.at = len(p.line) - len(rest)
		} else {
			p.at = len(p.line)
		}
	}
	p.docs = nil
}

// ends says whether a row is the document's end.
func (d *hereDoc) ends(row string) bool {
	if d.tabs {
		row = strings.TrimLeft(row, "\t")
	}
	return row == d.end
}
