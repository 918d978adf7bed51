package main

import (
	"strings"
	"testing"
)

// TestFront: how guardsh takes the place of a shell that sudo or su opens; ""
// where the call is left as it is.
func TestFront(t *testing.T) {
	t.Setenv("SHELL", "/bin/bash")
	shells := func(user string) string {
		return map[string]string{"root": "/bin/bash", "ann": "/bin/bash", "web": "/usr/sbin/nologin"}[user]
	}
	for _, c := range []struct{ call, want string }{
		{"sudo -i", "sudo -H -- G -l --home"},
		{"sudo -iu ann", "sudo -u ann -H -- G -l --home"},
		{"sudo -Eiuann -n", "sudo -uann -E -n -H -- G -l --home"},
		{"sudo --login --user=ann", "sudo --user=ann -H -- G -l --home"},
		{"sudo --user ann -i LC_ALL=C", "sudo --user ann LC_ALL=C -H -- G -l --home"},
		{"sudo -u web -i", ""},
		{"sudo -u nobody-knows -i", ""},
		{"sudo -i id", ""},
		{"sudo -i -s", ""},
		{"sudo -R /mnt -i", ""},
		{"sudo -s", "sudo -- G --shell /bin/bash"},
		{"sudo -su web", "sudo -u web -- G --shell /bin/bash"},
		{"sudo -s id", ""},
		{"sudo -ls", ""},
		{"sudo -v", ""},
		{"sudo -h", ""},
		{"sudo", ""},
		{"sudo bash", "sudo -- G"},
		{"sudo -g adm -- bash -l --norc", "sudo -g adm -- G -l --norc"},
		{"sudo /bin/bash", "sudo -- G"},
		{"sudo /opt/no/bash", ""},
		{"sudo bash x.sh", ""},
		{"sudo bash -c id", ""},
		{"sudo zsh", ""},
		{"sudo id", ""},
		{"sudo -u ann id bash", ""},
		{"sudo su", "sudo -- su -s G -- root --shell /bin/bash"},
		{"sudo su - ann", "sudo -- su -s G -- - ann --shell /bin/bash"},
		{"sudo su -c id", ""},
		{"sudo su web", ""},
		{"su -", "su -s G -- - root --shell /bin/bash"},
		{"su ann -l", "su -s G -l -- ann --shell /bin/bash"},
		{"su -mg adm", "su -s G -mg adm -- root --shell /bin/bash"},
		{"su -w TZ ann", "su -s G -w TZ -- ann --shell /bin/bash"},
		{"su --group adm -", "su -s G --group adm -- - root --shell /bin/bash"},
		{"su -lc id", ""},
		{"su -c id ann", ""},
		{"su ann -s /bin/sh", ""},
		{"su ann x.sh", ""},
		{"su --command=id", ""},
	} {
		f := strings.Fields(c.call)
		var args []string
		var ok bool
		if f[0] == "su" {
			args, _, ok = guardedSu(f[1:], "G", shells)
		} else {
			var in instead
			in, ok = readSudo(f[1:]).guarded("G", shells)
			args = in.args
		}
		got := ""
		if ok {
			got = strings.Join(append(f[:1:1], args...), " ")
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.call, got, c.want)
		}
	}
}

// TestBehind: how guardsh as root takes the place of a command; "" where the
// call is left as it is.
func TestBehind(t *testing.T) {
	t.Setenv("SHELL", "/bin/bash")
	shells := func(user string) string { return map[string]string{"root": "/bin/bash"}[user] }
	for _, c := range []struct{ call, want string }{
		{"id -u", "-- G exec --front  -- id -u"},
		{"-n -- rm -rf x", "-n -- G exec --front  -- rm -rf x"},
		{"-Eu root -C 5 A=1 -H a/b=2 make -j", "-u root -E -C 5 A=1 -H a/b=2 -- G exec --front  -- make -j"},
		{"-u #0 -D /tmp id", "-u #0 -D /tmp -- G exec --front  -- id"},
		{"-pwho: -Sk --preserve-env=A id", "-pwho: -Sk --preserve-env=A -- G exec --front  -- id"},
		{"-- A=1", "-- G exec --front  -- A=1"},
		{"/a=b c", "-- G exec --front  -- /a=b c"},
		{"-i echo a;b $HOME", `-H -- G --front  -l --home -c echo a\;b $HOME`},
		{"-s echo *", `-- G --front  --shell /bin/bash -c echo \*`},
		{"-u ann id", ""},
		{"-g adm id", ""},
		{"-b id", ""},
		{"-R /mnt id", ""},
		{"-e /etc/hosts", ""},
		{"-l id", ""},
		{"-v", ""},
		{"A=1", ""},
		{"-h far id", ""},
	} {
		in, ok := readSudo(strings.Fields(c.call)).behind("G", shells)
		got := ""
		if ok {
			got = strings.Join(in.args, " ")
			if in.args[in.at-1] != "--front" {
				t.Errorf("%s: the socket would stand behind %q", c.call, in.args[in.at-1])
			}
		}
		if got != c.want {
			t.Errorf("sudo %s: %q, want %q", c.call, got, c.want)
		}
	}
}
