package guard

import (
	"testing"

	"guardsh/rules"
)

// A stream's part is judged by what it adds: what was said of an earlier one is
// not said again, what is done again is.
func TestNewIn(t *testing.T) {
	j, sh := Hypothetical("/root", "root")
	for _, parts := range [][]struct {
		text string
		want rules.Verdict
	}{
		{{"cp -R /etc/pam.d x\n", rules.Notify}, {"ls\n", rules.Allow}, {"cp -R /etc/pam.d x\n", rules.Notify}},
		{{"rm -rf /srv/data\n", rules.Notify}, {"rm -rf /usr\n", rules.Block}, {"true\n", rules.Allow}, {"rm -rf /usr\n", rules.Block}, {"rm -r /usr\n", rules.Block}},
		// What was set before counts, and what stands at the end comes once.
		{{"d=/usr\n", rules.Allow}, {"rm -rf $d\n", rules.Block}, {"rm -rf $d\n", rules.Block}},
		{{"trap 'rm -rf /usr' EXIT\n", rules.Block}, {"true\n", rules.Allow}, {"rm -rf /etc\n", rules.Block}},
		{{"eval \"$x\"\n", rules.Notify}, {"true\n", rules.Allow}},
	} {
		var b before
		text := ""
		for i, p := range parts {
			text += p.text
			out := j.Line(withInput("bash -s", text), sh)
			j.newIn(&out, &b)
			if out.Decision.Verdict != p.want {
				t.Errorf("%q, part %d: %s, want %s: %v", text, i+1, out.Decision.Verdict, p.want, out.Decision.Findings)
			}
		}
	}
}
