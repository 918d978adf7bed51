package hypothetical

import (
	"fmt"
	"strings"
	"testing"

	"guardsh/rules"
)

// wrappings are ways to write an act: %s is the act, %q the act in single
// quotes, %n its program and %a its arguments.
var wrappings = []string{
	"%s", "  %s", "%s # why", "%s;", "%s && true", "true && %s", "true; %s", "{ %s; }", "( %s )", "! %s",
	"if true; then %s; fi", "while true; do %s; break; done", "for i in 1; do %s; done", "case x in x) %s;; esac",
	"sudo %s", "sudo -n -u root %s", "sudo -- %s", "env %s", "env A=b %s", "A=b %s", "nice %s", "nice -n 5 %s", "ionice -c3 %s", "nohup %s",
	"timeout 5 %s", "timeout -k 1 5s %s", "stdbuf -oL %s", "setsid %s", "command %s", "time %s", "sudo env nice %s",
	"bash -c %q", "sh -c %q", "/bin/bash -c %q", "bash -ec %q", "sudo sh -c %q", "sudo bash -c %q", "eval %q", "bash -c \"bash -c %q\"",
	"f() { %s; }; f", "function f { %s; }; f", "f() { \"$@\"; }; f %s", "X=%n; $X %a", "C=%q; eval \"$C\"", "C=%q; bash -c \"$C\"",
	"\\%s", "/bin/%s", "/usr/bin/%s", "$(echo %n) %a", "bash <<< %q", "echo %q | bash", "bash <<'E'\n%s\nE\n", "printf '%%s' %q | sh",
	"%s > /dev/null 2>&1", "%s &", "%s | cat", "echo x | %s", "trap %q EXIT", "xargs %s < /dev/null", "exec %s",
}

// acts are acts with the verdict that each of their wrappings has.
var acts = []struct {
	act     string
	verdict rules.Verdict
}{
	{"rm -rf /lib", rules.Block},
	{"rsync -aP rootfs/ /", rules.Block},
	{"chmod -R 777 /var", rules.Block},
	{"cp x /etc/passwd", rules.Confirm},
	{"crontab -r", rules.Confirm},
	{"mkfs.ext4 /dev/sdb1", rules.Challenge},
	{"reboot", rules.Challenge},
	{"rm -rf /etc/nginx", rules.Confirm},
	{"rm -rf ./build", rules.Allow},
	{"rsync -a src/ backup/", rules.Allow},
	{"chmod 755 file", rules.Allow},
}

func carry(carrier, act string) string {
	name, args, _ := strings.Cut(act, " ")
	return strings.NewReplacer("%%", "%", "%s", act, "%q", "'"+act+"'", "%n", name, "%a", args).Replace(carrier)
}

// An act has the same verdict however it is carried.
func TestCarriers(t *testing.T) {
	s := rules.Builtin()
	n := 0
	for _, c := range wrappings {
		for _, a := range acts {
			if strings.HasPrefix(c, "xargs") && (a.act == "crontab -r" || strings.HasPrefix(a.act, "rsync") || strings.HasPrefix(a.act, "cp")) {
				continue // xargs puts a word behind them that means another thing
			}
			line := carry(c, a.act)
			want := a.verdict
			if d := decide(s, line, Situation{}); d.Verdict != want && !(want == rules.Allow && d.Verdict == rules.Notify) {
				t.Errorf("%q is %s, want %s", line, d, want)
			}
			n++
		}
	}
	t.Logf("%d lines", n)
}

// With operands that come from a pipe or from find the act is still known.
func TestCarriedOperands(t *testing.T) {
	s := rules.Builtin()
	for line, want := range map[string]rules.Verdict{
		"echo /lib | xargs rm -rf":                      rules.Block,
		"echo /lib | xargs -I{} rm -rf {}":              rules.Block,
		"printf '/lib\\n' | xargs -n1 sudo rm -rf":      rules.Block,
		"for d in /lib /tmp/x; do rm -rf $d; done":      rules.Block,
		"for d in lib etc; do rm -rf /$d; done":         rules.Block,
		"D=/; rm -rf ${D}lib":                           rules.Block,
		"D=(/tmp/x /lib); rm -rf \"${D[@]}\"":           rules.Block,
		"find /lib -delete":                             rules.Block,
		"find /lib -exec rm -rf {} \\;":                 rules.Block,
		"ssh web1 rm -rf /lib":                          rules.Block,
		"ssh -p 22 root@web1 'cd / && rm -rf lib'":      rules.Block,
		"ssh web1 reboot":                               rules.Challenge,
		"ssh web1 sudo rm -rf /etc/nginx":               rules.Confirm,
		"ssh web1 rm -rf /srv/x":                        rules.Allow,
		"cd / && . ./x; rm -rf lib":                     rules.Block,
		"alias d='rm -rf'\nd /lib":                      rules.Block,
		"pushd /; rm -rf lib":                           rules.Block,
		"cd /usr; cd ..; rm -rf lib":                    rules.Block,
		"rm -rf /tmp/x /lib":                            rules.Block,
		"docker run --rm -v /srv/x:/x alpine rm -rf /x": rules.Allow,
		"rm -rf $'/lib'":                                rules.Block,
		"rm -rf /l[i]b":                                 rules.Block,
		"rm -rf /?ib":                                   rules.Block,
		"rm -rf /u*":                                    rules.Block,
		"r\"m\" -r'f' /lib":                             rules.Block,
	} {
		d := decide(s, line, Situation{})
		if d.Verdict != want && !(want == rules.Allow && d.Verdict == rules.Notify) {
			t.Errorf("%q is %s, want %s", line, d, want)
		}
	}
}

// Every finding has words, a reason and something to do about it.
func TestFindingsSpeak(t *testing.T) {
	s := rules.Builtin()
	for _, r := range rows(t) {
		for _, f := range decide(s, r.line, r.at).Findings {
			if f.Summary == "" || f.Why == "" || f.Hint == "" || f.Rule == "" || f.Object == "" {
				t.Errorf("%q: %+v", r.line, f)
			}
			if strings.Contains(f.Summary, "<nil>") || strings.Contains(f.Summary, "\x01") {
				t.Errorf("%q says %q", r.line, f.Summary)
			}
			if f.Verdict == rules.Challenge && f.Name == "" && f.Object != "" {
				t.Errorf("%q: a challenge without a name: %+v", r.line, f)
			}
		}
	}
}

func BenchmarkLine(b *testing.B) {
	s := rules.Builtin()
	for _, line := range []string{"ls -l", "rm -rf ./build", "rm -rf /etc/nginx", "for f in *.txt; do mv \"$f\" old/; done"} {
		b.Run(fmt.Sprintf("%.12s", line), func(b *testing.B) {
			for b.Loop() {
				decide(s, line, Situation{})
			}
		})
	}
}
