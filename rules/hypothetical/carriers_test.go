package hypothetical

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"guardsh/rules"
)

// act is an act as it is typed plainly, and the words of its program's start;
// none where it is more than that.
type act struct {
	row
	argv []string
}

// plainActs are the rows of the incidents that are one start of a program,
// written as it would be typed without a shell's help.
func plainActs(t *testing.T) []act {
	var out []act
	seen := map[string]bool{}
	for _, r := range rows(t) {
		if r.spelled || seen[r.line] || r.want == rules.Allow || strings.ContainsAny(r.line, "$`{}\n;&|<>~'\"\\*?[") {
			continue
		}
		seen[r.line] = true
		a := act{row: r}
		l, _, _ := Try(r.line, r.at)
		if len(l.Actions) != 1 || l.Actions[0].Builtin {
			continue
		}
		for _, w := range l.Actions[0].Argv {
			v, ok := w.Value()
			if !ok {
				t.Fatalf("%q has a word that is not known", r.line)
			}
			a.argv = append(a.argv, v)
		}
		if strings.Join(a.argv, " ") == r.line && !strings.Contains(a.argv[0], "/") {
			out = append(out, a)
		}
	}
	return out
}

// A carrier is a way to write an act; testdata/carriers.txt says how.
type carrier struct {
	text     string
	user     string
	dir      string
	far, box bool
	except   []string // the beginnings of acts that are another act there
}

func readCarriers(t *testing.T) []carrier {
	b, err := os.ReadFile("testdata/carriers.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []carrier
	for n, row := range strings.Split(string(b), "\n") {
		head, text, ok := strings.Cut(row, "| ")
		switch {
		case row == "" || strings.HasPrefix(row, "#"):
			continue
		case strings.HasPrefix(row, "- "):
			prefix, why, _ := strings.Cut(row[2:], ": ")
			if why == "" || len(out) == 0 {
				t.Fatalf("carriers.txt:%d: %q has no reason", n+1, row)
			}
			out[len(out)-1].except = append(out[len(out)-1].except, prefix)
			continue
		case !ok:
			t.Fatalf("carriers.txt:%d: %q has no head", n+1, row)
		}
		c := carrier{text: text}
		for _, h := range strings.Fields(head) {
			key, v, _ := strings.Cut(h, "=")
			switch key {
			case "as":
				c.user = v
			case "in":
				c.dir = v
			case "far":
				c.far = true
			case "box":
				c.box = true
			default:
				t.Fatalf("carriers.txt:%d: %q", n+1, h)
			}
		}
		out = append(out, c)
	}
	return out
}

// carry is the line that carries an act.
func (c carrier) carry(a act) string {
	name, args, _ := strings.Cut(a.line, " ")
	text, _ := json.Marshal(a.line)
	list, _ := json.Marshal(a.argv)
	once := "'" + a.line + "'"
	twice := `''\''` + a.line + `'\'''`
	return strings.NewReplacer("%%", "%", "%s", a.line, "%q", once, "%Q", twice, "%j", string(text), "%J", string(list), "%n", name, "%a", args, "¶", "\n").Replace(c.text)
}

// plain is the act where the carrier takes it, plainly typed.
func (c carrier) plain(a act) (string, Situation) {
	at := a.at
	if c.user != "" {
		at.Cwd = New(at).at.Cwd // that of the session
		at.User = c.user
	}
	switch c.dir {
	case "":
	case "~":
		at.Cwd = homeOf(New(at).at.User)
	default:
		at.Cwd = c.dir
	}
	switch {
	case c.far:
		return "ssh web1 '" + a.line + "'", at
	case c.box:
		return "docker exec web sh -c '" + a.line + "'", at
	}
	return a.line, at
}

// An act has the same verdict however it is carried.
func TestCarriers(t *testing.T) {
	s := rules.Builtin()
	cs, acts := readCarriers(t), plainActs(t)
	if len(cs) < 350 || len(acts) < 100 {
		t.Fatalf("%d carriers, %d acts", len(cs), len(acts))
	}
	lines := 0
	for i, c := range cs {
		missed := 0
		for j, a := range acts {
			if (i+j)%every != 0 || slices.ContainsFunc(c.except, func(p string) bool { return strings.HasPrefix(a.line, p) }) {
				continue
			}
			lines++
			plain, at := c.plain(a)
			want := decide(s, plain, at)
			if got := decide(s, c.carry(a), a.at); got.Verdict != want.Verdict {
				if missed++; missed < 4 {
					t.Errorf("%q is %s, want %s", c.carry(a), got, want)
				}
			}
		}
		if missed > 3 {
			t.Errorf("%q: %d acts have another verdict", c.text, missed)
		}
	}
	t.Logf("%d carriers, %d acts, %d lines", len(cs), len(acts), lines)
}

// What an act is worth on another host and in a container is said outright:
// there nothing of this machine's facts is known.
func TestFarActs(t *testing.T) {
	s := rules.Builtin()
	for _, c := range []struct {
		act      string
		far, box rules.Verdict
	}{
		{"rm -rf /lib", rules.Block, rules.Confirm}, // a container can be made again
		{"rm -rf /etc/nginx", rules.Confirm, rules.Confirm},
		{"rm -rf ./build", rules.Allow, rules.Allow},
		{"chmod -R 777 /var", rules.Block, rules.Confirm},
		{"rsync -aP rootfs/ /", rules.Block, rules.Confirm},
		{"cp x /etc/passwd", rules.Confirm, rules.Confirm},
		{"crontab -r", rules.Confirm, rules.Confirm},
		{"mkfs.ext4 /dev/sdb1", rules.Challenge, rules.Allow}, // devices of this machine are not there
		{"reboot", rules.Challenge, rules.Challenge},
		{"systemctl restart nfs-server", rules.Confirm, rules.Confirm},
		{"systemctl restart networking", rules.Allow, rules.Allow}, // it does not carry this session
		{"userdel -r ann", rules.Confirm, rules.Confirm},
	} {
		if d := decide(s, "ssh web1 '"+c.act+"'", Situation{}); d.Verdict != c.far {
			t.Errorf("%q on another host is %s, want %s", c.act, d, c.far)
		}
		if d := decide(s, "docker exec web sh -c '"+c.act+"'", Situation{}); d.Verdict != c.box {
			t.Errorf("%q in a container is %s, want %s", c.act, d, c.box)
		}
	}
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
		"ssh web1 rm -rf /srv/x":                        rules.Notify,
		"cd / && . ./x; rm -rf lib":                     rules.Block,
		"alias d='rm -rf'\nd /lib":                      rules.Block,
		"pushd /; rm -rf lib":                           rules.Block,
		"cd /usr; cd ..; rm -rf lib":                    rules.Block,
		"rm -rf /tmp/x /lib":                            rules.Block,
		"docker run --rm -v /srv/x:/x alpine rm -rf /x": rules.Notify,
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

// A container that is made for one command and given nothing loses nothing;
// what it reaches outside is what it always is.
func TestFreshContainer(t *testing.T) {
	s := rules.Builtin()
	for line, want := range map[string]rules.Verdict{
		"docker run --rm alpine rm -rf /etc":                                     rules.Allow,
		"docker run --rm debian bash -c 'apt-get update; apt-get purge systemd'": rules.Allow,
		"podman run --rm fedora dnf -y remove glibc":                             rules.Allow,
		"docker run -it --network=shop alpine reboot":                            rules.Allow,
		"docker run --rm alpine sh -c 'iptables -F; userdel -r ann'":             rules.Allow,
		"docker run --rm -v data:/data alpine rm -rf /data /etc":                 rules.Confirm,
		"docker run --rm -v /:/host alpine rm -rf /host/etc":                     rules.Block,
		"docker run --rm --volumes-from db alpine rm -rf /etc":                   rules.Confirm,
		"docker run --rm --privileged alpine mkfs.ext4 /dev/sdb1":                rules.Challenge,
		"docker run --rm --pid=host alpine kill -9 -1":                           rules.Block,
		"docker compose run web rm -rf /etc":                                     rules.Confirm,
		"docker run --rm kubectl kubectl delete ns prod":                         rules.Challenge,
		"docker run --rm mysql mysql -h db1 -e 'drop database shop'":             rules.Challenge,
		"docker run --rm alpine ssh web1 reboot":                                 rules.Challenge,
		"docker run --rm alpine rsync -a --delete /empty/ root@web1:/etc/":       rules.Block,
		"docker exec web apt-get -y purge bash":                                  rules.Confirm,
	} {
		if d := decide(s, line, Situation{}); d.Verdict != want {
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
