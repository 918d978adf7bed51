package effect

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"guardsh/rules/command"
)

// TestManifests compiles every built-in manifest and runs its examples.
func TestManifests(t *testing.T) {
	files, err := fs.Glob(builtin, "manifests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	known := map[string]bool{}
	for _, a := range Vocabulary {
		known[a.Name] = true
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			b, err := builtin.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := parseManifest(file, b)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Check(); err != nil {
				line, col := locate(b, err.Error())
				t.Fatalf("%d:%d: %v", line, col, err)
			}
			for _, a := range m.attributes() {
				if !known[a] && a[0] != '_' {
					t.Errorf("attribute %q is not in the vocabulary", a)
				}
			}
		})
	}
}

// attributes is every attribute that a manifest may put on an effect.
func (m *Manifest) attributes() []string {
	var out []string
	var walk func(n *node)
	seen := map[*node]bool{}
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for a := range n.attrs {
			out = append(out, a)
		}
		for _, c := range n.spec.Effects {
			out = append(out, c.Attrs...)
		}
		for _, v := range n.verbs {
			walk(v)
		}
	}
	walk(m.top)
	return out
}

func understand(src string) *command.Line {
	sh := &command.StaticShell{Environ: []string{"HOME=/home/ann"}, Dir: exampleDir, Login: "ann"}
	return command.Understand(src, command.Options{Shell: sh})
}

// TestLines holds what no manifest's example says: redirections, what wrappers
// start, words that are not known.
func TestLines(t *testing.T) {
	k := Builtin()
	for _, c := range []struct {
		line string
		want []string
	}{
		{"> /etc/passwd", []string{"truncate /etc/passwd : empty redirect"}},
		{"{ date; } > /etc/x", []string{"truncate /etc/x : redirect !empty"}},
		{"echo x >> /etc/fstab", []string{"append /etc/fstab : redirect"}},
		{"ls > /dev/null 2>&1", nil},
		{"echo x > /dev/tcp/h/1; echo x > /dev/tty1; echo x > /dev/shm/a", []string{"truncate /dev/shm/a"}},
		{"cat image > /dev/sdb", []string{"raw-write /dev/sdb : redirect"}},
		{"cat image > /dev/../dev/sdb", []string{"raw-write /dev/sdb"}},
		{"echo b > /proc/sysrq-trigger", []string{"power  : reboot no-sync"}},
		{"echo o | sudo tee /proc/sysrq-trigger", []string{"power  : poweroff no-sync"}},
		{"tee /proc/sysrq-trigger <<< b", []string{"power  : reboot"}},
		{"echo s > /proc/sysrq-trigger", nil},
		{"echo 1 > /sys/block/sdx/device/delete", []string{"kernel-change /sys/block/sdx/device/delete"}},
		{"sudo echo x > /etc/passwd", []string{"truncate /etc/passwd"}},
		{"cd / && rsync -aP rootfs/ .", []string{"write-tree /. from /rootfs/ : contents"}},
		{"rsync -aP rootfs/ \"\"", []string{"write-tree /w/ : contents"}},
		{"mkfs.ext4 \"\"", nil},
		{"rm -rf $(cat list)", []string{"delete $(cat list) : recursive"}},
		{"cp -a rootfs/. $(cat where)", []string{"write-tree $(cat where) : contents"}},
		{"for i in a b; do rm -rf /srv/$i; done", []string{"delete /srv/a", "delete /srv/b"}},
		{"ssh web1 'rm -rf /srv/x'", []string{"delete web1:/srv/x : recursive"}},
		{"/etc/init.d/network restart", []string{"restart network"}},
		{"find / -name x -exec rm -rf {} +", []string{"delete {} : recursive"}},
		{"grep -r 'rm -rf /' . | sort | head", nil},
		{"echo 'crontab -r'", nil},
	} {
		if err := k.try(Example{Line: c.line, Effects: c.want}); err != nil {
			t.Error(err)
		}
	}
}

// TestLazy holds that only the manifests of commands that are named are read.
func TestLazy(t *testing.T) {
	k := Builtin()
	k.Effects(understand("ls -l; rm -rf x"))
	var read []string
	for file, e := range k.files {
		if e.m != nil {
			read = append(read, file)
		}
	}
	if len(read) != 1 {
		t.Errorf("%q were read for one command that has a manifest", read)
	}
}

func TestConcurrent(t *testing.T) {
	k := Builtin()
	line := understand("systemctl restart a; kubectl delete ns x; cp -a a/. /; ip l s eth0 down; git push -f; unzip x")
	want := len(k.Effects(line))
	var wg sync.WaitGroup
	fresh := Builtin()
	for range 8 {
		wg.Go(func() {
			if got := len(fresh.Effects(line)); got != want {
				t.Errorf("%d effects, want %d", got, want)
			}
		})
	}
	wg.Wait()
}

// TestDocumentation loads the example of the package documentation.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	in := false
	for _, l := range strings.Split(string(b), "\n") {
		in = in || l == "//\tcommands: [mirror]"
		code, ok := strings.CutPrefix(l, "//\t")
		if in && !ok {
			break
		}
		if in {
			text.WriteString(code + "\n")
		}
	}
	k := Builtin()
	if err := k.Add(fstest.MapFS{"mirror.yaml": {Data: []byte(text.String())}}); err != nil {
		t.Fatal(err)
	}
	if got := len(k.Effects(understand("mirror everything /srv"))); got != 1 {
		t.Errorf("%d effects of the documentation's example, want 1", got)
	}
}

// TestAdd holds that what is wrong in a site's manifest is said with its
// position.
func TestAdd(t *testing.T) {
	good := "commands: [x]\nsummary: s\noperands: file...\neffects:\n  - {kind: delete, object: file}\nexamples:\n  - {line: x a, effects: [delete /w/a]}\n  - {line: x --help, effects: []}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"unknown field", "summary: s", "sumary: s", "x.yaml:2:1:"},
		{"unknown kind", "kind: delete", "kind: remove", `5:12: x: effect 1: unknown kind "remove"`},
		{"unknown role", "object: file", "object: files", `effect 1: "files" is neither`},
		{"misspelt condition", "object: file}", "object: file, when: forse}", "unknown name forse"},
		{"lying example", "[delete /w/a]", "[delete /w/b]", `no effect "delete /w/b"`},
		{"unexpected effect", "[delete /w/a]", "[]", "unexpected effect"},
		{"no silent example", "  - {line: x --help, effects: []}\n", "", "needs an example"},
		{"unknown code", "operands:", "code: nothing\noperands:", `unknown code "nothing"`},
		{"bad operands", "file...", "'[file'", "no closing bracket"},
		{"bad style", "operands:", "style: dos\noperands:", `unknown style "dos"`},
	} {
		k := Builtin()
		err := k.Add(fstest.MapFS{"x.yaml": {Data: []byte(strings.Replace(good, c.old, c.new, 1))}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if _, known := k.Lookup("x"); known != (c.want == "") {
			t.Errorf("%s: known is %v", c.name, known)
		}
	}
}

// FuzzEffects holds that no line makes the effects panic or grow without end.
func FuzzEffects(f *testing.F) {
	for _, s := range []string{
		"cp -t", "tar xf", "dd of=", "find -exec", "kill -", "ip link set", "nft ';'", "mysql -e \"'\"", "sed -i", "chmod -- -x",
		"parted x mklabel", "unzip -d", "7z x -o", "kubectl delete", "mount -o", "rsync a: b:", "cp {a,b}{c,d} *", "crontab - <<< x", "apt install -",
	} {
		f.Add(s)
	}
	k := Builtin()
	f.Fuzz(func(t *testing.T, src string) {
		line := understand(src)
		for _, e := range k.Effects(line) {
			if !e.Kind.Known() || !knownType(e.Object.Type) || e.Certain == 0 {
				t.Errorf("%q: %+v", src, e)
			}
			if e.Action < 0 || e.Action >= len(line.Actions) {
				t.Errorf("%q: action %d of %d", src, e.Action, len(line.Actions))
			}
		}
	})
}

func BenchmarkEffects(b *testing.B) {
	k := Builtin()
	for _, src := range []string{"ls -l /srv", "rm -rf ./build", "rsync -aP --delete src/ web1:/srv/dst/", "systemctl restart nginx", "iptables -A INPUT -p tcp --dport 22 -j DROP"} {
		line := understand(src)
		b.Run(strings.Fields(src)[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Effects(line)
			}
		})
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		Builtin()
	}
}

// TestSpellings holds that every way to write an act has the same effect.
func TestSpellings(t *testing.T) {
	k := Builtin()
	for _, c := range []struct {
		want  []string
		lines []string
	}{
		{[]string{"write-tree / : contents recursive"}, []string{
			"rsync -a a/ /", "rsync -aP a/ /", "rsync a/ / -a", "rsync --archive -e 'ssh -p 2' a/ /", "rsync -rlptgoD --exclude x a/ /",
			"rsync --arch -- a/ /", "rsync -a --exclude=x --bwlimit 5 a/ /", "cp -a a/. /", "cp -aT a /", "cp --recursive a/. /", "cp -R --no-target-dir a /",
			"cp -rt / a/.", "tar xf x -C /", "tar -x -f x --directory=/", "tar --extract --file x -C/", "tar -C / -zxvf x", "tar xvzfC x /", "unzip x -d /", "unzip -qod / x",
			"7z x x.7z -o/", "cpio -id -D /", "debootstrap --variant=minbase stable / http://x", "sudo rsync -a a/ /", "nice -n 5 cp -a a/. /", "env A=b tar xf x -C /",
			"bash -c 'cp -a a/. /'", "timeout 5 rsync -a a/ /", "/usr/bin/rsync -a a/ /", "dpkg -x x.deb /", "dpkg-deb -x x.deb /", "scp -r web1:/x/. /",
		}},
		{[]string{"delete /lib : recursive"}, []string{
			"rm -rf /lib", "rm -r -f /lib", "rm -fr /lib", "rm /lib -rf", "rm --recursive --force /lib", "rm --rec /lib", "rm -Rv /lib", "rm -r -- /lib", "rm -rf '/lib'", "find /lib -delete",
		}},
		{[]string{"truncate /etc/x"}, []string{"> /etc/x", ": > /etc/x", "cat /dev/null > /etc/x", "tee /etc/x < /dev/null", "truncate -s 0 /etc/x", "truncate --size=0 /etc/x",
			"dd if=/dev/null of=/etc/x", "cp -T /dev/null /etc/x", "echo a >| /etc/x", "curl -so /etc/x http://h", "wget -qO /etc/x http://h", "sort a -o /etc/x", "sponge /etc/x", "echo a &> /etc/x"}},
		{[]string{"overwrite /etc/x : inplace"}, []string{"sed -i s/a/b/ /etc/x", "sed -ri -e s/a/b/ /etc/x", "sed --in-place s/a/b/ /etc/x", "sed -i.bak s/a/b/ /etc/x", "perl -pi -e s/a/b/ /etc/x", "perl -i -pe s/a/b/ /etc/x",
			"ruby -i -pe 'x' /etc/x", "gawk -i inplace 1 /etc/x", "dd if=a of=/etc/x conv=notrunc"}},
		{[]string{"raw-write /dev/sdb"}, []string{"dd if=a of=/dev/sdb", "dd of=/dev/sdb if=a bs=4M status=progress conv=fsync", "cat a > /dev/sdb", "cp a /dev/sdb", "tee /dev/sdb < a", "shred -n 1 /dev/sdb",
			"blkdiscard /dev/sdb", "badblocks -w /dev/sdb", "ddrescue -f a /dev/sdb map", "pv a > /dev/sdb", "zcat a | dd of=/dev/sdb", "nvme format /dev/sdb", "cryptsetup luksErase /dev/sdb"}},
		{[]string{"power  : reboot"}, []string{"reboot", "shutdown -r now", "shutdown --reboot 0", "systemctl reboot", "systemctl --force reboot", "init 6", "telinit 6", "sudo reboot -f", "systemctl start reboot.target",
			"systemctl isolate reboot.target", "loginctl reboot", "echo b > /proc/sysrq-trigger", "echo b | sudo tee /proc/sysrq-trigger", "printf b > /proc/sysrq-trigger", "/sbin/reboot", "bash -c reboot", "nohup reboot &"}},
		{[]string{"power  : poweroff"}, []string{"poweroff", "shutdown -h now", "shutdown now", "shutdown -P +1", "systemctl poweroff", "init 0", "halt -p", "echo o > /proc/sysrq-trigger"}},
		{[]string{"restart network"}, []string{"service network restart", "/etc/init.d/network restart", "systemctl restart network", "systemctl restart network.service", "systemctl --no-block try-restart network", "sudo invoke-rc.d network restart",
			"rc-service network restart"}},
		{[]string{"net-change eth0 : down"}, []string{"ip link set eth0 down", "ip link set dev eth0 down", "ip l set down dev eth0", "ip li se eth0 down", "ifconfig eth0 down", "ifdown eth0", "ifdown --force eth0", "nmcli dev disconnect eth0", "nmcli d d eth0"}},
		{[]string{"schedule-change  : delete"}, []string{"crontab -r", "crontab -ri", "crontab -ir", "crontab -i -r"}},
		{[]string{"schedule-change www : delete"}, []string{"crontab -u www -r", "crontab -r -u www", "crontab -ruwww", "sudo -u www crontab -r"}},
		{[]string{"kill -1 : all"}, []string{"kill -9 -1", "kill -KILL -1", "kill -s 9 -1", "kill -SIGTERM -- -1", "kill -- -1", "kill -n 15 -1", "kill -s KILL -- -1"}},
		{[]string{"format /dev/sdb1"}, []string{"mkfs.ext4 /dev/sdb1", "mkfs -t ext4 /dev/sdb1", "mke2fs -t ext4 -L x /dev/sdb1", "mkfs.xfs -f -n size=8192 /dev/sdb1", "mkfs.ext4 -F -b 4096 -m 0 /dev/sdb1 100000", "mkswap -L x /dev/sdb1", "wipefs -af /dev/sdb1", "pvcreate /dev/sdb1", "mkfs.vfat -n BOOT /dev/sdb1"}},
		{nil, []string{"rsync -an a/ /", "rsync --dry-run a/ /", "rsync -avnP a/ /", "rsync --list-only a/", "tar tf x -C /", "tar -tvf x", "unzip -l x -d /", "mkfs.ext4 -n /dev/sdb1", "apt-get -s remove x", "apt-get --dry-run purge x", "sgdisk -p /dev/sda",
			"ip -s link show eth0", "ip route get 1.1.1.1", "ip ro", "iptables -t nat -L -n -v", "iptables-save", "nft list ruleset", "systemctl list-units --failed", "systemctl cat ssh", "service ssh status", "docker logs web", "docker exec web ls",
			"kubectl describe pod x", "kubectl -n x get pvc", "git fetch --prune", "git rebase -i main", "git checkout -b x", "git stash", "git clean -ndx", "virsh dominfo v", "lvs", "zfs list -t snapshot", "find . -name x -print0", "find / -type f -size +1G", "sed -n 1p x",
			"perl -ne 'print' x", "sort -u x", "crontab -l -u www", "mount | grep x", "mount -l", "umount --help", "fuser -v /x", "kill -l", "kill -0 1", "dd if=/dev/sda bs=512 count=1 | xxd", "passwd -S root", "fdisk -l /dev/sda", "parted -s /dev/sda print", "sysctl -a", "exportfs -v",
			"history 10", "mysql -e 'show tables'", "redis-cli get x", "psql -c 'select 1'", "openstack server list", "ceph status", "gluster volume status", "terraform plan -out x", "helm list -A", "nmcli con show", "ufw status verbose", "shutdown -c", "gzip -dc x", "curl -sI http://h"}},
	} {
		for _, l := range c.lines {
			if err := k.try(Example{Line: l, Effects: c.want}); err != nil {
				t.Error(err)
			}
		}
	}
}
