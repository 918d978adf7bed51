package rules

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// compiled is a rule that can be asked.
type compiled struct {
	rule     *Rule
	verdict  Verdict
	when     *vm.Program // nil: always
	unless   *vm.Program // nil: never
	raise    []raise
	summary  text
	details  []detail
	why      text
	instead  text
	hint     text
	name     text
	snapshot string
}

type raise struct {
	when    *vm.Program
	verdict Verdict
}

type detail struct {
	say  text
	when *vm.Program
}

// text is words with expressions between them.
type text []piece

type piece struct {
	lit  string
	expr *vm.Program
}

// isProvider reports whether a rule may name a snapshot so.
func isProvider(name string) bool {
	switch name {
	case "", "files", "metadata", "crontab", "blocks", "partition-table", "network", "firewall", "service", "guest", "container", "lvm", "cluster", "database",
		"sysctl", "history", "accounts":
		return true
	}
	return false
}

func (s *Set) compile(name string, source []byte, r *Rule) (*compiled, error) {
	c := &compiled{rule: r, snapshot: r.Snapshot}
	opts := s.options()
	var first error
	fail := func(where string, err error) {
		if first == nil && err != nil {
			first = at(name, source, where, err)
		}
	}
	cond := func(where, src string) *vm.Program {
		if src == "" {
			return nil
		}
		p, err := expr.Compile(src, append(opts, expr.AsBool())...)
		fail(where, err)
		return p
	}
	words := func(where, src string) text {
		t, err := interpolate(src, opts)
		fail(where, err)
		return t
	}
	verdict := func(where, v string) Verdict {
		p, err := ParseVerdict(v)
		fail(where, err)
		return p
	}
	c.verdict = verdict("$.verdict", r.Verdict)
	c.when, c.unless = cond("$.when", r.When), cond("$.unless", r.Unless)
	for i, x := range r.Raise {
		c.raise = append(c.raise, raise{cond(fmt.Sprintf("$.raise[%d].when", i), x.When), verdict(fmt.Sprintf("$.raise[%d].verdict", i), x.Verdict)})
		if x.When == "" {
			fail(fmt.Sprintf("$.raise[%d]", i), fmt.Errorf("raise without when"))
		}
	}
	c.summary, c.why = words("$.summary", r.Summary), words("$.why", r.Why)
	c.instead, c.hint, c.name = words("$.instead", r.Instead), words("$.hint", r.Hint), words("$.name", r.Name)
	for i, d := range r.Details {
		where := fmt.Sprintf("$.details[%d]", i)
		c.details = append(c.details, detail{words(where, d.Say), cond(where, d.When)})
	}
	if !isProvider(r.Snapshot) {
		fail("$.snapshot", fmt.Errorf("unknown snapshot provider %q", r.Snapshot))
	}
	return c, first
}

// interpolate reads words with {expr} in them; {{ stands for a brace.
func interpolate(src string, opts []expr.Option) (text, error) {
	var t text
	var lit strings.Builder
	src = strings.TrimSpace(src)
	for i := 0; i < len(src); i++ {
		if src[i] != '{' {
			lit.WriteByte(src[i])
			continue
		}
		if i+1 < len(src) && src[i+1] == '{' {
			lit.WriteByte('{')
			i++
			continue
		}
		end := closing(src, i)
		if end < 0 {
			return nil, fmt.Errorf("a { without its } in %q (write {{ for a brace)", src)
		}
		p, err := expr.Compile(src[i+1:end], opts...)
		if err != nil {
			return nil, err
		}
		if lit.Len() > 0 {
			t = append(t, piece{lit: lit.String()})
			lit.Reset()
		}
		t = append(t, piece{expr: p})
		i = end
	}
	if lit.Len() > 0 {
		t = append(t, piece{lit: lit.String()})
	}
	return t, nil
}

// closing is the index of the brace that ends the one at i, strings minded.
func closing(s string, i int) int {
	depth := 0
	var q byte
	for ; i < len(s); i++ {
		switch {
		case q != 0:
			if s[i] == q {
				q = 0
			}
		case s[i] == '"' || s[i] == '\'':
			q = s[i]
		case s[i] == '{':
			depth++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// say is the words for an effect. An expression that fails says so in place;
// words must never keep a finding from being made.
func (t text) say(m *vm.VM, v *env) string {
	var b strings.Builder
	for _, p := range t {
		if p.expr == nil {
			b.WriteString(p.lit)
			continue
		}
		x, err := m.Run(p.expr, v)
		switch {
		case err != nil:
			b.WriteString("?")
		default:
			switch x := x.(type) {
			case []string:
				b.WriteString(listed(x))
			default:
				fmt.Fprint(&b, x)
			}
		}
	}
	return b.String()
}
