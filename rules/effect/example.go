package effect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"guardsh/rules/command"
)

// exampleDir is the working directory of a manifest's examples.
const exampleDir = "/w"

// Check compiles all of a manifest and runs its examples.
func (m *Manifest) Check() error {
	if len(m.Commands) == 0 {
		return errors.New("no commands")
	}
	if m.Summary == "" {
		return fmt.Errorf("%q has no summary", m.name())
	}
	if err := m.top.check(); err != nil {
		return err
	}
	k := only(m)
	loud, silent := false, false
	for _, ex := range m.Examples {
		if err := k.try(ex); err != nil {
			return err
		}
		loud = loud || len(ex.Effects) > 0
		silent = silent || len(ex.Effects) == 0
	}
	if !loud || !silent {
		return fmt.Errorf("%q needs an example with an effect and one without", m.name())
	}
	return nil
}

// try runs one example.
func (k *Knowledge) try(ex Example) error {
	sh := &command.StaticShell{Environ: []string{"HOME=/home/ann"}, Dir: exampleDir, Login: "ann"}
	line := command.Understand(ex.Line, command.Options{Shell: sh})
	got := k.Effects(line)
	said := func() string {
		var all []string
		for i := range got {
			all = append(all, got[i].example())
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	left := slices.Clone(got)
	for _, want := range ex.Effects {
		i := slices.IndexFunc(left, func(e Effect) bool { return e.matches(want) })
		if i < 0 {
			return fmt.Errorf("example %q: no effect %q in %s", ex.Line, want, said())
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		return fmt.Errorf("example %q: unexpected effect %q in %s", ex.Line, left[0].example(), said())
	}
	return nil
}

// example is the effect as an example would write it.
func (e *Effect) example() string {
	s := string(e.Kind) + " " + e.label()
	if e.Source != nil {
		s += " from " + e.Source.Display()
	}
	if len(e.Attrs) > 0 {
		var attrs []string
		for a := range e.Attrs {
			attrs = append(attrs, a)
		}
		slices.Sort(attrs)
		s += " : " + strings.Join(attrs, " ")
	}
	return s
}

// label is the object with its place in front, if that is another host's.
func (e *Effect) label() string {
	d := e.Object.Display()
	if e.Object.Name == "" && e.Object.Pattern == "" && len(e.Object.Word.Values) > 0 {
		d = ""
	}
	if e.Place.Kind == command.Remote && len(e.Place.Names) > 0 {
		d = e.Place.Names[0].String() + ":" + d
	}
	return d
}

func (e *Effect) matches(want string) bool {
	head, attrs, _ := strings.Cut(want, " :")
	head, source, from := strings.Cut(head, " from ")
	if strings.TrimSpace(head) != strings.TrimSpace(string(e.Kind)+" "+e.label()) {
		return false
	}
	if from && (e.Source == nil || e.Source.Display() != strings.TrimSpace(source)) {
		return false
	}
	for _, a := range strings.Fields(attrs) {
		off, not := strings.CutPrefix(a, "!")
		if e.Attrs[off] == not {
			return false
		}
	}
	return true
}
