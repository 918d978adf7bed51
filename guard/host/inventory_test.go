package host

import (
	"os"
	"testing"
)

// How many hosts a pattern means is counted from both written forms.
func TestInventory(t *testing.T) {
	const ini = "jump\n# x\n[web]\nweb[01:20].example a=b\n[db]\ndb-[a:c]\n[web:vars]\nport=80\n[prod:children]\nweb\ndb\n[loop:children]\nloop\n"
	const yml = "all:\n  hosts:\n    jump:\n  children:\n    web:\n      hosts:\n        web[1:3]:\n    db:\n      children:\n        pg:\n          hosts: {db1: {x: y}, web1: }\n"
	for _, c := range []struct {
		name, text, pattern string
		want                int
	}{
		{"hosts", ini, "", 24},
		{"hosts", ini, "all", 24},
		{"hosts", ini, "web", 20},
		{"hosts", ini, "prod", 23},
		{"hosts", ini, "web,jump", 21},
		{"hosts", ini, "web07.example", 1},
		{"hosts", ini, "nobody", 0},
		{"hosts", ini, "loop", 0},
		{"hosts", ini, "prod:!db", -1},
		{"hosts", ini, "web*", -1},
		{"hosts", "", "", 0},
		{"i.yml", yml, "", 5},
		{"i.yml", yml, "db", 2},
		{"i.yml", yml, "web", 3},
	} {
		inv := newInventory()
		if err := inv.read(c.name, []byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := inv.count(c.pattern); n != c.want {
			t.Errorf("%s: %q is %d hosts, want %d", c.name, c.pattern, n, c.want)
		}
	}
	for name, text := range map[string]string{"dynamic": "#!/bin/sh\necho {}\n", "i.yml": "- a\n- b\n"} {
		if err := newInventory().read(name, []byte(text)); err == nil {
			t.Errorf("%s is an inventory", name)
		}
	}
}

// What is named twice counts once, and each file adds its own.
func TestInventories(t *testing.T) {
	inv := newInventory()
	for name, text := range map[string]string{"a": "[web]\nw1\nw2\n", "b.yml": "web: {hosts: {w2: , w3: }}\ndb: {hosts: {d1: }}\n"} {
		if err := inv.read(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]int{"": 4, "web": 3, "db": 1} {
		if n := inv.count(pattern); n != want {
			t.Errorf("%q is %d hosts, want %d", pattern, n, want)
		}
	}
}

// What containers' managers answer about the first process.
func TestLeaderPID(t *testing.T) {
	for text, want := range map[string]string{
		"4711\n": "4711", "Leader=12\n": "12", "Name: web\nStatus: RUNNING\nPID: 99\nIps:\n": "99", "Pid: 7\n": "7", "0\n": "0",
		"": "", "Error: no such container\n": "", "Memory: 12\n": "",
	} {
		got := ""
		if m := leaderPID().FindStringSubmatch(text); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The disks of a guest, in the ways that libvirt and people write them.
func TestGuestDisks(t *testing.T) {
	argv := []string{"qemu", "-drive", "file=/a.qcow2,if=virtio", "-blockdev", `{"driver":"file","filename":"/b.raw","node-name":"x"}`,
		"-hda", "/c.img", "-drive", "if=pflash,file.filename=/d.fd", "-name", "file=/no"}
	got := guestDisks(argv)
	want := []string{"/a.qcow2", "/b.raw", "/c.img", "/d.fd"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A guest is this host's alone where each of its disks is.
func TestLocalDisks(t *testing.T) {
	w := New(Options{})
	t.Cleanup(func() { w.Close() })
	disk := t.TempDir() + "/a.qcow2"
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const head = " Type   Device   Target   Source\n------------------\n"
	for list, want := range map[string]bool{
		head + " file   disk   vda   " + disk + "\n file   cdrom   sda   -\n":    true,
		head + " file   disk   vda   " + disk + "\n network disk vdb pool/img\n": false,
		head + " file   disk   vda   /nowhere/a.qcow2\n":                         false,
		head + " file   cdrom  sda   -\n":                                        false,
		"":                                                                       false,
	} {
		if got := w.localDisks(list); got != want {
			t.Errorf("%q: %t, want %t", list, got, want)
		}
	}
}
