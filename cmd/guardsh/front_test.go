package main

import (
	"os"
	"strings"
	"testing"
)

// TestFront: how guardsh takes the place of a shell that sudo or su opens, the
// ways of sudo -i one a line; "" where the call is left as it is.
func TestFront(t *testing.T) {
	t.Setenv("SHELL", "/bin/bash")
	shells := func(user string) string {
		return map[string]string{"root": "/bin/bash", "#0": "/bin/bash", "ann": "/bin/bash", "self": "G", "web": "/usr/sbin/nologin"}[user]
	}
	for _, c := range []struct{ call, want string }{
		{"sudo -i", "sudo -i P -- G --front F -l --name -bash | sudo -H -- G --front F -l --home"},
		{"sudo -iu ann", "sudo -u ann -i P -- G --front F -l --name -bash | sudo -u ann -H -- G --front F -l --home"},
		{"sudo -Biuann -n", "sudo -B -u ann -n -i P -- G --front F -l --name -bash | sudo -B -u ann -n -H -- G --front F -l --home"},
		{"sudo --user ann -i LC_ALL=C --preserve-env=A,B", "sudo --user ann LC_ALL=C --preserve-env=A,B -i P -- G --front F -l --name -bash | sudo --user ann LC_ALL=C --preserve-env=A,B -H -- G --front F -l --home"},
		{"sudo -u self -i", "sudo -u self -i P -- G --front F -l --name -bash | sudo -u self -H -- G --front F -l --home"},
		{"sudo --log", "sudo -i P -- G --front F -l --name -bash | sudo -H -- G --front F -l --home"},
		{"sudo -u web -i", ""},
		{"sudo -u nobody-knows -i", ""},
		{"sudo -iE", ""},
		{"sudo -u ann -i id", ""},
		{"sudo -i -s", ""},
		{"sudo -R /mnt -i", ""},
		{"sudo -s", "sudo -- G --front F --shell /bin/bash"},
		{"sudo -su web", "sudo -u web -- G --front F --shell /bin/bash"},
		{"sudo -ls", ""},
		{"sudo -v", ""},
		{"sudo -h", ""},
		{"sudo", ""},
		{"sudo bash", "sudo -- G exec --front F -- bash"},
		{"sudo -u ann bash -i", "sudo -u ann -- G exec --front F -- bash -i"},
		{"sudo -g adm -- bash -l --norc", "sudo -g adm -- G exec --front F -- bash -l --norc"},
		{"sudo /bin/bash", "sudo -- G exec --front F -- /bin/bash"},
		{"sudo G", "sudo -- G --front F"},
		{"sudo -u ann G -l", "sudo -u ann -- G --front F -l"},
		{"sudo -u ann G -c id", ""},
		{"sudo -u ann bash x.sh", ""},
		{"sudo -u ann bash -c id", ""},
		{"sudo -u ann id bash", ""},
		{"sudo su", "sudo -- su -s G -- root --shell /bin/bash | sudo -- G exec --front F -- su"},
		{"sudo su - ann", "sudo -- su -s G -- - ann --shell /bin/bash | sudo -- G exec --front F -- su - ann"},
		{"su -", "su -s G -- - root --shell /bin/bash"},
		{"su ann -l", "su -s G -l -- ann --shell /bin/bash"},
		{"su -mg adm", "su -s G -mg adm -- root --shell /bin/bash"},
		{"su -w TZ ann", "su -s G -w TZ -- ann --shell /bin/bash"},
		{"su --group adm -", "su -s G --group adm -- - root --shell /bin/bash"},
		{"su - self", "su -s G -- - self --shell G"},
		{"sudo su - self", "sudo -- su -s G -- - self --shell G | sudo -- G exec --front F -- su - self"},
		{"su web", ""},
		{"su -lc id", ""},
		{"su -c id ann", ""},
		{"su ann -s /bin/sh", ""},
		{"su ann x.sh", ""},
		{"su --command=id", ""},
	} {
		f := strings.Fields(c.call)
		got := ""
		if f[0] == "su" {
			if args, _, ok := guardedSu(f[1:], "G", shells); ok {
				got = "su " + strings.Join(args, " ")
			}
		} else if ways, shell := readSudo(f[1:]).instead("G", shells, true); shell {
			got = spell(t, ways)
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.call, got, c.want)
		}
	}
}

// spell writes ways of starting guardsh: F for the socket, P for the mark of
// sudo -i.
func spell(t *testing.T, ways []instead) string {
	var out []string
	for _, w := range ways {
		if w.at > 0 {
			if w.args[w.at-1] != "--front" || w.args[w.at] != "" {
				t.Errorf("%q: the socket would stand behind %q", w.args, w.args[w.at-1])
			}
			w.args[w.at] = "F"
		}
		out = append(out, strings.ReplaceAll("sudo "+strings.Join(w.args, " "), "POSIXLY_CORRECT="+loginMark, "P"))
	}
	return strings.Join(out, " | ")
}

// TestBehind: how guardsh as root takes the place of a command; "" where the
// call is left as it is.
func TestBehind(t *testing.T) {
	t.Setenv("SHELL", "/bin/bash")
	shells := func(user string) string {
		return map[string]string{"root": "/bin/bash", "#0": "/bin/bash"}[user]
	}
	for _, c := range []struct{ call, want string }{
		{"id -u", "-- G exec --front F -- id -u"},
		{"-n -- rm -rf x", "-n -- G exec --front F -- rm -rf x"},
		{"-Eu root -C 5 A=1 -H a/b=2 make -j", "-E -u root -C 5 A=1 -H a/b=2 -- G exec --front F -- make -j"},
		{"-u #0 -D /tmp id", "-u #0 -D /tmp -- G exec --front F -- id"},
		{"-u root -g adm id", "-u root -g adm -- G exec --front F -- id"},
		{"-pwho: -Sk --preserve-env=A id", "-p who: -S -k --preserve-env=A -- G exec --front F -- id"},
		{"--us root --pro= --set id", "--us root --pro= --set -- G exec --front F -- id"},
		{"--non --chdir=/x --close-from 4 --command=3 id", "--non --chdir=/x --close-from 4 --command=3 -- G exec --front F -- id"},
		{"--preserve-env --preserve-g -AN id", "--preserve-env --preserve-g -A -N -- G exec --front F -- id"},
		{"-- A=1", "-- G exec --front F -- A=1"},
		{"/a=b c", "-- G exec --front F -- /a=b c"},
		{"=a c", "-- G exec --front F -- =a c"},
		{"- x", "-- G exec --front F -- - x"},
		{"-i echo a;b $HOME", `-i P -- G --front F -l --name -bash --percent -c echo a\;b %24HOME | sudo -H -- G --front F -l --home -c echo a\;b $HOME`},
		{"-D /x -i pwd", "-D /x -i P -- G --front F -l --name -bash --percent -c pwd | sudo -D /x -H -- G --front F -l --name -bash -c pwd"},
		{"PATH=/x id", ""},
		{"PATH=/x /bin/id", "PATH=/x -- G exec --front F -- /bin/id"},
		{"--preserve-env=A,PATH id", ""},
		{"sudoedit /etc/hosts", ""},
		{"-s echo *", `-- G --front F --shell /bin/bash -c echo \*`},
		{"bash -c id", "-- G exec --front F -- bash -c id"},
		{"bash x.sh", "-- G exec --front F -- bash x.sh"},
		{"zsh", "-- G exec --front F -- zsh"},
		{"su -c id", "-- G exec --front F -- su -c id"},
		{"G -c id", "-- G --front F -c id"},
		{"G exec -- id", "-- G exec --front F -- id"},
		{"G doctor", ""},
		{"-u ann id", ""},
		{"-g adm id", ""},
		{"-b id", ""},
		{"-R /mnt id", ""},
		{"-e /etc/hosts", ""},
		{"-l id", ""},
		{"-lv id", ""},
		{"-v", ""},
		{"-V", ""},
		{"-K id", ""},
		{"-U ann id", ""},
		{"A=1", ""},
		{"-h far id", ""},
		{"-hfar id", ""},
		{"--host far id", ""},
		{"--host=far id", ""},
		{"--h id", ""},   // help or host
		{"--pre id", ""}, // preserve-env or preserve-groups
		{"-u root -u root id", ""},
		{"--user root --us=root id", ""},
		{"--user= id", ""},
		{"-D", ""},
		{"-x id", ""},
		{"--login=x id", ""},
		{"--what id", ""},
		{"-is id", ""},
		{"-Ei id", ""},
		{"-c class id", ""},
	} {
		got := ""
		if ways, _ := readSudo(strings.Fields(c.call)).instead("G", shells, false); len(ways) > 0 {
			got = strings.TrimPrefix(spell(t, ways), "sudo ")
		}
		if got != c.want {
			t.Errorf("sudo %s:\n%s\nwant:\n%s", c.call, got, c.want)
		}
	}
}

// TestCallsFront holds that what sudo -i quotes comes back.
func TestCallsFront(t *testing.T) {
	argv := []string{"--front", "/tmp/x y/answers", "-l", "-c", asSudoQuotes([]string{"echo", "a b", "$HOME", "é;\"'\\", "-x"})}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := callsFront(asSudoQuotes(append([]string{self}, argv...)))
	if !ok || strings.Join(got, "\x00") != strings.Join(append([]string{self}, argv...), "\x00") {
		t.Errorf("%q, %v", got, ok)
	}
	for _, line := range []string{"id", asSudoQuotes([]string{self, "-l"}), "guardsh --front x"} {
		if got, ok := callsFront(line); ok {
			t.Errorf("%s: %q", line, got)
		}
	}
}
