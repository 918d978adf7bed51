package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"guardsh/rules"
	"guardsh/rules/hypothetical"
)

// What is not let through by its screen is no finding by its condition: each
// example's effects are asked of all rules that there are for them, both ways.
func TestScreensHideNothing(t *testing.T) {
	s := rules.Builtin()
	whole, screened, all := s.Unscreened()
	if screened < all/2 {
		t.Errorf("only %d of %d conditions have a screen", screened, all)
	}
	lines := matches(t, s)
	for _, id := range s.IDs() {
		r, err := s.Rule(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range r.Examples.Silent {
			lines = append(lines, rules.Match{Line: x.Line, At: x.At})
		}
	}
	for _, m := range lines {
		l, eff, facts := hypothetical.Try(m.Line, m.At)
		if want, got := rules.Judge(whole, l, eff, facts), rules.Judge(s, l, eff, facts); !same(want, got) {
			t.Errorf("%q: with screens it is\n%+v\nnot\n%+v", m.Line, got, want)
		}
	}
}

// literals are what has to be in whatever a pattern matches.
var literals = []struct {
	pattern string
	want    []string
}{
	{"^/etc/pve/", []string{"^/etc/pve/"}},
	{"^/etc/(net|boot)/x|^/var/lib/c", []string{"^/etc/net/x", "^/etc/boot/x", "^/var/lib/c"}},
	{"/[.]ssh/(authorized_keys|id_[a-z0-9]*[*]?)$", []string{"authorized_keys", "/.ssh/"}},
	{"^/(usr/)?lib/security/pam_[^/]+[.]so$", []string{"lib/security/pam_"}},
	{"^a", []string{"^a"}},
	{"^", nil},
	{"[a-z]+", nil},
	{"x|[a-z]", nil},
	{"", nil},
	{"(?i)etc", nil},
	{"(?i)/etc/|boot", nil},
	{"^/dev/((?i)SDA)", []string{"^/dev/"}},
	{"(?m)^/etc", []string{"/etc"}},
	{"ab+c", []string{"a"}},
	{"^/x+yz", []string{"yz"}},
	{"(abc)+d", []string{"abc"}},
	{"(abc)*de?", []string{"d"}},
	{"(abc){2}", nil},
	{"^(ab|cd)(ef|gh)", []string{"^abef", "^abgh", "^cdef", "^cdgh"}},
	{"(^|/)x", []string{"^x", "/"}},
	{"a[.]b$", []string{"a.b"}},
}

func TestLiterals(t *testing.T) {
	for _, c := range literals {
		if got := rules.Literals(c.pattern); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", c.pattern, got, c.want)
		}
	}
}

// FuzzLiterals holds that a text which a pattern matches has one of its literals.
func FuzzLiterals(f *testing.F) {
	for _, c := range literals {
		for _, l := range append(c.want, "", "/etc/passwd\n/etc", "abbbcabcd") {
			f.Add(c.pattern, strings.TrimPrefix(l, "^"))
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := regexp.Compile(pattern)
		if err != nil || !re.MatchString(text) {
			return
		}
		any := rules.Literals(pattern)
		if len(any) > 0 && !slices.ContainsFunc(any, func(l string) bool {
			begins, first := strings.CutPrefix(l, "^")
			return first && strings.HasPrefix(text, begins) || strings.Contains(text, l)
		}) {
			t.Errorf("%s matches %q, which has none of %q", pattern, text, any)
		}
	})
}
