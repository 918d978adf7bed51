package effect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/option"
	"guardsh/rules/word"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// node is one level of a command's verbs, compiled when it is first needed.
type node struct {
	spec   *Spec
	parent *node
	path   string // "ip link set", for errors

	once    sync.Once
	err     error
	style   string // its own or the next above
	grammar *option.Grammar
	roles   []role
	derive  []cond
	when    []cond
	code    *coder
	verbs   map[string]*node // by each of their names
	attrs   map[string]bool  // declared here and above
	values  map[string]bool
}

// cond is a condition, compiled when it is first asked.
type cond struct {
	text string
	once sync.Once
	prog *vm.Program
	err  error
}

// helpOptions have no effect with any GNU tool that knows them.
const helpOptions = "--help : dry\n--version : dry\n"

func (n *node) compile() error {
	n.once.Do(func() {
		if err := n.build(); err != nil {
			n.err = fmt.Errorf("%s: %w", n.path, err)
		}
	})
	return n.err
}

func (n *node) build() error {
	s := n.spec
	st := s.Style
	if st == "" && n.parent != nil {
		st = n.parent.style
	}
	n.style = st
	style, err := parseStyle(st)
	if err != nil {
		return err
	}
	if len(s.Verbs) > 0 {
		style.Posix = true
	}
	g, err := option.Parse(style, s.Options)
	if err != nil {
		return err
	}
	if n.parent != nil && !s.Own {
		g.Under(n.parent.grammar)
	} else {
		g.Under(option.MustParse(option.Style{}, helpOptions))
	}
	n.grammar = g
	if n.roles, err = parseRoles(s.Operands); err != nil {
		return err
	}
	if s.Code != "" {
		c, ok := coders()[s.Code]
		if !ok {
			return fmt.Errorf("unknown code %q (%s)", s.Code, strings.Join(slices.Sorted(maps.Keys(coders())), ", "))
		}
		n.code = &c
	}
	n.declare()
	n.derive = make([]cond, len(s.Derive))
	for i, d := range s.Derive {
		n.derive[i].text = d.When
	}
	n.when = make([]cond, len(s.Effects))
	for i, c := range s.Effects {
		n.when[i].text = c.When
	}
	n.verbs = make(map[string]*node, len(s.Verbs))
	for names, v := range s.Verbs {
		if v == nil {
			v = &Spec{}
		}
		first, _, _ := strings.Cut(names, " ")
		sub := &node{spec: v, parent: n, path: n.path + " " + first}
		for _, name := range strings.Fields(names) {
			if _, twice := n.verbs[name]; twice {
				return fmt.Errorf("verb %q is given twice", name)
			}
			n.verbs[name] = sub
		}
	}
	if s.Default != "" && n.verbs[s.Default] == nil {
		return fmt.Errorf("the default verb %q is not among the verbs", s.Default)
	}
	return nil
}

// declare collects the names that conditions and clauses may use.
func (n *node) declare() {
	n.attrs, n.values = map[string]bool{}, map[string]bool{}
	if p := n.parent; p != nil {
		maps.Copy(n.attrs, p.attrs)
		maps.Copy(n.values, p.values)
	}
	for _, a := range n.grammar.Attributes() {
		n.attrs[a] = true
	}
	for _, a := range n.grammar.Arguments() {
		n.values[a] = true
	}
	for _, r := range n.roles {
		n.values[r.name] = true
	}
	if n.code != nil {
		for _, a := range n.code.attrs {
			n.attrs[a] = true
		}
		for _, v := range n.code.values {
			n.values[v] = true
		}
	}
	for _, d := range n.spec.Derive {
		for _, a := range d.Attrs {
			n.attrs[a] = true
		}
	}
}

// identifier is a name as conditions write it: a dash is an underscore.
func identifier(s string) string { return strings.ReplaceAll(s, "-", "_") }

// compileCond compiles a condition over the declared names. A misspelt name
// is an error.
func (n *node) compileCond(c *cond) error {
	c.once.Do(func() {
		env := make(map[string]any, len(n.attrs)+len(n.values)+1)
		for a := range n.attrs {
			env[identifier(a)] = false
		}
		for v := range n.values {
			env[identifier(v)] = []string{}
		}
		env["operands"] = []string{}
		env["name"] = ""
		c.prog, c.err = expr.Compile(c.text, expr.Env(env), expr.AsBool())
		if c.err != nil {
			first, _, _ := strings.Cut(c.err.Error(), "\n")
			if strings.Contains(first, "unknown name") {
				first += "; known are " + strings.Join(slices.Sorted(maps.Keys(env)), ", ")
			}
			if n.values[c.text] {
				first += "; for an argument write: len(" + identifier(c.text) + ") > 0"
			}
			c.err = fmt.Errorf("condition %q: %s", c.text, first)
		}
	})
	return c.err
}

// holds evaluates a condition of the present level. An error counts as true:
// an effect is rather said than lost.
func (c *call) holds(cd *cond) bool {
	n := c.node
	if cd.text == "" {
		return true
	}
	// The commonest condition is one attribute.
	if n.attrs[cd.text] {
		return c.args.Attrs[cd.text]
	}
	if n.compileCond(cd) != nil {
		return true
	}
	if c.env == nil {
		c.env = make(map[string]any, len(n.attrs)+len(n.values)+2)
		for a := range n.attrs {
			c.env[identifier(a)] = c.args.Attrs[a]
		}
		for v := range n.values {
			c.env[identifier(v)] = texts(c.args.Values[v])
		}
		c.env["operands"] = texts(c.args.Operands)
		c.env["name"] = c.name
	}
	out, err := expr.Run(cd.prog, c.env)
	if err != nil {
		return true
	}
	b, _ := out.(bool)
	return b
}

// texts is each word's value, or its source where it has none.
func texts(ws []word.Word) []string {
	if len(ws) == 0 {
		return none
	}
	out := make([]string, 0, len(ws))
	for _, w := range ws {
		out = append(out, w.String())
	}
	return out
}

var none = []string{}

// verb finds the level below for a verb's name. "*" stands for any other.
func (n *node) verb(name string) (sub *node, any bool) {
	if v := n.verbs[name]; v != nil {
		return v, false
	}
	if n.spec.Prefix && name != "" {
		var found *node
		for k, v := range n.verbs {
			if strings.HasPrefix(k, name) && v != found {
				if found != nil {
					return nil, false
				}
				found = v
			}
		}
		if found != nil {
			return found, false
		}
	}
	return n.verbs["*"], true
}

// check compiles everything below n and says what is wrong.
func (n *node) check() error {
	if err := n.compile(); err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", n.path, fmt.Sprintf(format, args...))
	}
	for a := range n.attrs {
		if n.values[a] {
			return bad("%q is both an attribute and an argument", a)
		}
	}
	for i := range n.derive {
		if err := n.compileCond(&n.derive[i]); err != nil {
			return bad("%v", err)
		}
	}
	for i, c := range n.spec.Effects {
		if !c.Kind.Known() {
			return bad("effect %d: unknown kind %q", i+1, c.Kind)
		}
		if c.Type != "" && !knownType(c.Type) {
			return bad("effect %d: unknown type %q", i+1, c.Type)
		}
		if c.Object == "" && c.Name == nil {
			return bad("effect %d: neither object nor name", i+1)
		}
		for _, v := range append([]string{c.Object, c.Source}, c.Params...) {
			if v != "" && !n.values[v] {
				return bad("effect %d: %q is neither an operand nor an option's argument", i+1, v)
			}
		}
		if c.When != "" {
			if err := n.compileCond(&n.when[i]); err != nil {
				return bad("effect %d: %v", i+1, err)
			}
		}
	}
	for _, r := range n.spec.Remote {
		if !n.values[r] {
			return bad("remote: %q is neither an operand nor an option's argument", r)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(n.verbs)) {
		if err := n.verbs[v].check(); err != nil {
			return err
		}
	}
	return nil
}

// knownType reports whether there is such a type.
func knownType(t Type) bool {
	switch t {
	case Path, Device, Service, Process, Host, Interface, Firewall, Route, Crontab, Account, Package, Container, Guest, Volume, Database, Cluster, Repo, Kernel,
		Code, Other:
		return true
	}
	return false
}
