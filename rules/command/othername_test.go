package command

import (
	"slices"
	"testing"
)

// A program under a name that says nothing is the one that its file is.
func TestOtherName(t *testing.T) {
	files := mapFiles{
		"/root/del":        "PROGRAM /usr/bin/rm",
		"/root/sc":         "PROGRAM /usr/bin/systemctl /usr/sbin/reboot",
		"/opt/bin/reboot":  "PROGRAM /usr/bin/systemctl /usr/sbin/reboot",
		"/root/with":       "PROGRAM /usr/bin/env",
		"/root/plain":      "#!/bin/sh\necho plain\n",
		"/usr/bin/strange": "PROGRAM /usr/bin/rm",
	}
	for line, want := range map[string]string{
		"./del -rf x":             "/usr/bin/rm -rf x",
		"/root/del -rf x":         "/usr/bin/rm -rf x",
		"cd /; ./root/del x":      "/usr/bin/rm x",
		"./sc reboot":             "/usr/bin/systemctl reboot",
		"/opt/bin/reboot -f":      "/opt/bin/reboot -f",
		"./with A=1 ./del x":      "/usr/bin/rm x",
		"./plain":                 "./plain",
		"./missing x":             "./missing x",
		"/usr/bin/strange x":      "/usr/bin/strange x",
		"ssh other /root/del x":   "/root/del x",
		"chroot /mnt /root/del x": "/root/del x",
	} {
		l := Understand(line, Options{Shell: &StaticShell{Dir: "/root", Login: "root"}, Files: files})
		var got []string
		for _, a := range l.Actions {
			got = append(got, argvOf(a))
		}
		if !slices.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func argvOf(a Action) (s string) {
	for i, x := range a.Argv {
		if i > 0 {
			s += " "
		}
		v, ok := x.Value()
		if !ok {
			v = "?"
		}
		s += v
	}
	return s
}
