package snapshot

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// turn takes a snapshot, changes something, and takes it back; it returns what
// look said before, after the change, and in the end.
func turn(t *testing.T, it Item, look func() string, change ...string) (before, between, after string) {
	t.Helper()
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "store"))
	before = look()
	x, err := s.Take(ctx, Plan{Items: []Item{it}})
	if err != nil {
		t.Fatal(err)
	}
	if x.Reach != Full {
		t.Fatalf("reach %s: %q", x.Reach, x.Reasons)
	}
	for _, c := range change {
		command(t, "sh", "-c", c)
	}
	between = look()
	if err := s.Finish(ctx, x.ID); err != nil {
		t.Fatal(err)
	}
	rep, err := s.Restore(ctx, x.ID, RestoreOptions{})
	if err != nil || len(rep.Failed) > 0 {
		t.Fatalf("%q: %+v, %v", change, rep, err)
	}
	after = look()
	// And the undo of the undo.
	if rep.Undo == "" {
		t.Fatalf("%q: the present was not kept: %+v", change, rep)
	}
	if rep, err := s.Restore(ctx, rep.Undo, RestoreOptions{}); err != nil || len(rep.Failed) > 0 {
		t.Errorf("%q: undo of the undo: %+v, %v", change, rep, err)
	} else if got := look(); got != between {
		t.Errorf("%q: after the undo of the undo\n%s\nwant\n%s", change, got, between)
	}
	if rep, err := s.Restore(ctx, x.ID, RestoreOptions{Force: true}); err != nil || len(rep.Failed) > 0 {
		t.Errorf("%q: undo for the second time: %+v, %v", change, rep, err)
	}
	return before, between, after
}

// TestRealStates changes what the real programs hold, in a network namespace
// and on a loop device of its own, and takes it back.
func TestRealStates(t *testing.T) {
	if !isolated(t) {
		return
	}
	command(t, "sh", "-c", `set -e
ip link set lo up
ip link add eth0 type veth peer name far0
ip link set eth0 up mtu 1400; ip link set far0 up
ip addr add 10.9.9.1/24 broadcast 10.9.9.255 dev eth0
ip addr add 10.9.9.2/24 dev eth0 label eth0:1
ip -6 addr add fd00::1/64 dev eth0 nodad
ip route add default via 10.9.9.254
ip route add 10.50.0.0/16 via 10.9.9.253 metric 7 table 100
ip -6 route add fd01::/64 via fd00::2
ip route add blackhole 10.66.0.0/16
ip rule add pref 50 fwmark 0x1 lookup 100
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -P INPUT DROP
nft add table inet site
nft add chain inet site in '{ type filter hook input priority 5; policy accept; }'
nft add rule inet site in tcp dport 80 counter drop`)
	disk := loopDevice(t, 64)
	command(t, "mkfs.ext4", "-q", "-F", "-e", "remount-ro", disk)
	say := func(cmd string) func() string { return func() string { return command(t, "sh", "-c", cmd) } }
	ip := say("ip -o addr | grep -v fe80 | sed 's/valid_lft.*//; s/tentative //'; ip route show table all | grep -v 'table local\\|fe80' | sed 's/ linkdown//' | sort; ip -6 route | grep -v 'kernel\\|fe80'; ip rule; ip -o link | grep -o '^[0-9].*mtu [0-9]*' | sed 's/NO-CARRIER,//; s/,LOWER_UP//; s/M-DOWN,//'")
	tables := say("for t in filter nat; do iptables -t $t -S; done")
	rules := say("nft -s list ruleset | grep -v '^#' || true")
	for _, c := range []struct {
		class  Class
		name   string
		look   func() string
		change []string
	}{
		{Network, "", ip, []string{"ip link set eth0 down"}},
		{Network, "", ip, []string{"ip addr flush dev eth0"}},
		{Network, "", ip, []string{"ip route del default", "ip rule del pref 50"}},
		{Network, "", ip, []string{"ip route replace default via 10.9.9.200", "ip addr add 10.1.1.1/24 dev eth0", "ip link set eth0 mtu 1500", "ip rule add pref 60 from 10.0.0.0/8 lookup 100"}},
		{IPTables, "", tables, []string{"iptables -F"}},
		{IPTables, "", tables, []string{"iptables -P INPUT ACCEPT", "iptables -P FORWARD DROP", "iptables -t nat -A POSTROUTING -j MASQUERADE"}},
		{NFTables, "", rules, []string{"nft flush ruleset"}},
		{NFTables, "", rules, []string{"nft add table ip other", "nft delete table inet site"}},
		{Sysctl, "net.ipv4.ip_forward", say("cat /proc/sys/net/ipv4/ip_forward"), []string{"sysctl -qw net.ipv4.ip_forward=1"}},
		{Sysctl, "net.ipv4.conf.eth0.rp_filter", say("cat /proc/sys/net/ipv4/conf/eth0/rp_filter"), []string{"sysctl -qw net/ipv4/conf/eth0/rp_filter=2"}},
		{ExtParams, disk, say("tune2fs -l " + disk + " | grep -v 'Last\\|Lifetime\\|Checksum'"), []string{"tune2fs -e continue " + disk, "tune2fs -c 5 -L new -r 100 " + disk}},
	} {
		before, between, after := turn(t, Item{Class: c.class, Name: c.name}, c.look, c.change...)
		if before == between {
			t.Errorf("%q changed nothing", c.change)
		}
		if after != before {
			t.Errorf("%q: after the undo\n%s\nbefore it all\n%s", c.change, after, before)
		}
	}
	at := t.TempDir()
	command(t, "mount", disk, at)
	defer command(t, "umount", at)
	before, between, after := turn(t, Item{Class: OnErrors, Name: at}, say("grep errors= /proc/fs/ext4/$(basename $(findmnt -no SOURCE "+at+"))/options"), "mount -o remount,errors=continue "+at)
	if before == between || before != after {
		t.Errorf("errors=: %q, %q, %q", before, between, after)
	}
}

// TestRestoreUnseen: where the program does not answer any more, nobody knows
// whether the state is another, and the snapshot is not taken for undone.
func TestRestoreUnseen(t *testing.T) {
	bin := t.TempDir()
	old := programDirs
	programDirs = append([]string{bin}, old...)
	defer func() { programDirs = old }()
	dead := filepath.Join(bin, "dead")
	if err := os.WriteFile(filepath.Join(bin, "tgt-admin"), []byte("#!/bin/sh\ntest ! -e "+dead+" || { echo 'no answer' >&2; exit 1; }\necho '<target iqn.x>'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "store"))
	x, err := s.Take(ctx, Plan{Items: []Item{{Class: TGT}}})
	if err != nil || x.Reach != Full {
		t.Fatalf("%+v, %v", x, err)
	}
	if err := s.Finish(ctx, x.ID); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rep, err := s.Restore(ctx, x.ID, RestoreOptions{})
	if err != nil || len(rep.Changes) > 0 || len(rep.Unseen) != 1 || !strings.Contains(rep.Unseen[0], "no answer") {
		t.Fatalf("%+v, %v", rep, err)
	}
	if x, err = s.Load(x.ID); err != nil || x.State == Undid {
		t.Fatalf("%+v, %v", x, err)
	}
	if err := os.Remove(dead); err != nil {
		t.Fatal(err)
	}
	if rep, err = s.Restore(ctx, x.ID, RestoreOptions{}); err != nil || len(rep.Unseen) > 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if x, err = s.Load(x.ID); err != nil || x.State != Undid {
		t.Fatalf("%+v, %v", x, err)
	}
}

// TestStandInStates uses scripts for programs that cannot run here: each says
// what a file holds, and takes it back as the real one would be given it.
func TestStandInStates(t *testing.T) {
	bin, held := t.TempDir(), t.TempDir()
	old := programDirs
	programDirs = append([]string{bin}, old...)
	defer func() { programDirs = old }()
	script := func(name, body string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nH="+held+"\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, content string) {
		if err := os.WriteFile(filepath.Join(held, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script("systemctl", `for u; do :; done
case $1 in
is-active|is-enabled) f=$H/$1; cat $f; grep -qx 'active\|enabled' $f;;
--no-ask-password) case $2 in
	start) echo active > $H/is-active;; stop) echo inactive > $H/is-active;;
	enable|unmask) echo enabled > $H/is-enabled;; disable) echo disabled > $H/is-enabled;; mask) echo masked > $H/is-enabled;;
	*) exit 1;; esac;;
*) exit 1;; esac
`)
	put("is-active", "active\n")
	put("is-enabled", "enabled\n")
	script("vgcfgbackup", `cp $H/vg $2`)
	script("vgcfgrestore", `cp $2 $H/vg`)
	put("vg", "# Generated by LVM2: today\n\nvg0 {\nphysical_volumes { }\nlv data\n}\n")
	script("virsh", `case $1 in
dumpxml) test -s $H/domain || { echo "error: failed to get domain 'v'" >&2; exit 1; }; cat $H/domain;;
define) cat $2 > $H/domain;; *) exit 1;; esac
`)
	put("domain", "<domain><name>v</name></domain>\n")
	script("kubectl", `case $1 in
get) test -s $H/kube || { echo 'Error from server (NotFound): pods "x" not found' >&2; exit 1; }; cat $H/kube;;
apply) cat > $H/kube;; *) exit 1;; esac
`)
	put("kube", "apiVersion: v1\nkind: Pod\n")
	script("targetctl", `case $1 in save) cat $H/target;; restore) cat $2 > $H/target;; esac`)
	put("target", `{"targets": [{"wwn": "iqn.x"}]}`+"\n")
	script("tgt-admin", `case $1 in --dump) cat $H/tgt;; --execute) cat $3 > $H/tgt;; esac`)
	put("tgt", "<target iqn.x>\n</target>\n")
	say := func(name string) func() string {
		return func() string {
			b, err := os.ReadFile(filepath.Join(held, name))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	for _, c := range []struct {
		it     Item
		file   string
		change string
	}{
		{Item{Class: Unit, Name: "nfs-server"}, "is-active", "echo inactive > is-active"},
		{Item{Class: Unit, Name: "nfs-server"}, "is-enabled", "echo masked > is-enabled"},
		{Item{Class: VolumeMeta, Name: "vg0"}, "vg", "sed -i '/lv data/d; /^#/d; /^$/d; 1i contents = \"Text Format Volume Group\"\\nversion = 1\\n' vg"},
		{Item{Class: Domain, Name: "v"}, "domain", "echo '<domain><name>v</name><x/></domain>' > domain"},
		{Item{Class: Kube, Argv: []string{"pod", "x"}, Name: "pod x"}, "kube", "printf 'kind: Pod\\nx: y\\n' > kube"},
		{Item{Class: Target}, "target", "echo '{\"targets\": [1]}' > target"},
		{Item{Class: TGT}, "tgt", "echo '<target iqn.y>' > tgt"},
	} {
		before, between, after := turn(t, c.it, say(c.file), "cd "+held+" && "+c.change)
		if c.it.Class == VolumeMeta { // the heading, which names the time, is left out
			before = before[strings.Index(before, "\nvg0"):]
			after = after[strings.Index(after, "\nvg0"):]
		}
		if before == between || before != after {
			t.Errorf("%s: before %q, between %q, after %q", c.it.Class, before, between, after)
		}
	}
	// What goes altogether comes back as well.
	for _, it := range []Item{{Class: Domain, Name: "v"}, {Class: Kube, Argv: []string{"pod", "x"}}} {
		file := map[Class]string{Domain: "domain", Kube: "kube"}[it.Class]
		s := open(t, filepath.Join(t.TempDir(), "store"))
		was := say(file)()
		x, err := s.Take(context.Background(), Plan{Items: []Item{it}})
		if err != nil {
			t.Fatal(err)
		}
		put(file, "")
		if err := s.Finish(context.Background(), x.ID); err != nil {
			t.Fatal(err)
		}
		if rep, err := s.Restore(context.Background(), x.ID, RestoreOptions{}); err != nil || len(rep.Failed) > 0 || say(file)() != was {
			t.Errorf("%s: %+v, %v: %q", it.Class, rep, err, say(file)())
		}
	}
}

// TestDumpsThatFail: a program that fails, hangs, or says nothing or nonsense
// has kept nothing, and that is known before the question.
func TestDumpsThatFail(t *testing.T) {
	bin := t.TempDir()
	old := programDirs
	programDirs = []string{bin, "/usr/bin", "/bin"}
	defer func() { programDirs = old }()
	s := open(t, filepath.Join(t.TempDir(), "store"))
	for body, want := range map[string]string{
		"exit 1":                      "exit status 1",
		"exit 0":                      "empty",
		"echo '{}'":                   "empty",
		"echo null":                   "empty",
		"echo '{\"volumes\": ['":      "no JSON",
		"sleep 30":                    "no answer",
		"echo '{\"volumes\": {}}'; :": "",
	} {
		if err := os.WriteFile(filepath.Join(bin, "heketi-cli"), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		p := s.Foresee(context.Background(), Plan{Items: []Item{{Class: Heketi}}})
		got := strings.Join(p.Beyond, "; ")
		if (want == "") != (got == "") || !strings.Contains(got, want) || (len(p.Items) == 0) != (want != "") {
			t.Errorf("%q: beyond %q, items %v; want %q", body, got, p.Items, want)
		}
	}
	if err := os.Remove(filepath.Join(bin, "heketi-cli")); err != nil {
		t.Fatal(err)
	}
	if p := s.Foresee(context.Background(), Plan{Items: []Item{{Class: Heketi}}}); len(p.Beyond) != 1 {
		t.Errorf("without the program: %+v", p)
	}
}
