package guard

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"guardsh/audit/snapshot"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// TestStates judges lines as on an ordinary server and looks what would be
// asked of which program, and what is said to be lost all the same.
func TestStates(t *testing.T) {
	know := effect.Builtin()
	const accounts = "create /etc/passwd,create /etc/shadow,create /etc/group,create /etc/gshadow,create /etc/subuid,create /etc/subgid"
	for line, want := range map[string]string{
		"ip link set eth0 down":                           "network ; ",
		"ip route del default":                            "network ; ",
		"iptables -F":                                     "iptables ,ip6tables ; ",
		"ufw enable":                                      "iptables ,ip6tables ; ",
		"nft flush ruleset":                               "nftables ; ",
		"nmcli con down X":                                "network ; ",
		"systemctl stop nfs-server":                       "unit nfs-server ; what nfs-server was doing",
		"systemctl restart networking":                    "unit networking,network ; what networking was doing",
		"sysctl -w net.ipv4.ip_forward=0":                 "sysctl net.ipv4.ip_forward ; ",
		"tune2fs -e continue /dev/sda1":                   "tune2fs /dev/sda1 ; ",
		"mount -o remount,errors=continue /srv":           "on-errors /srv ; ",
		"lvremove -f vg0/data":                            "lvm vg0 ; what is written",
		"lvreduce -L -10G /dev/mapper/my--vg-data":        "lvm my-vg ; what is written",
		"lvremove -f /dev/vg1/data":                       "lvm vg1 ; what is written",
		"virsh destroy v":                                 "libvirt v ; what ran in v",
		"lxc-stop -n web":                                 "lxc web ; what ran in web",
		"docker rm -f web":                                "docker web ; web itself",
		"heketi-cli volume delete 0fab":                   "heketi ; 0fab itself",
		"gluster --mode=script volume delete v":           "gluster v ; v itself",
		"ceph osd out 3":                                  "ceph ; 3 itself",
		"iscsiadm -m node -u":                             "create /etc/iscsi/nodes,create /var/lib/iscsi/nodes ; the sessions",
		"targetcli clearconfig confirm=True":              "targetcli ; the initiators",
		"tgtadm --op delete --mode target --tid 1":        "tgt ; the initiators",
		"kubectl -n shop delete pod web --grace-period=0": "kubectl -n shop pod web ; what it ran",
		"kubectl drain n1 --ignore-daemonsets":            "kubectl node n1 ; what it ran",
		"kubectl delete ns $NS":                           " ; cluster-change",
		"userdel root":                                    accounts + " ; ",
		"userdel -r root":                                 accounts + ",delete /root,delete /var/mail/root ; ",
		"userdel -r nobody-of-this-name":                  accounts + " ; the home directory of nobody-of-this-name",
		"usermod -d /srv/root -m root":                    accounts + ",delete /root ; ",
		"gpasswd -d ann wheel":                            accounts + " ; ",
		"samba-tool user delete ann":                      " ; account-change",
	} {
		l := command.Understand(line, command.Options{Shell: &command.StaticShell{Dir: "/w"}})
		seen, lost := []string{}, ""
		for _, e := range know.Effects(l) {
			items, beyond, ok := statesFor(l, &e)
			if !ok {
				lost = string(e.Kind)
				continue
			}
			lost = beyond
			for _, it := range items {
				name := it.Name
				if it.Path != "" {
					name = it.Path
				}
				seen = append(seen, strings.TrimRight(string(it.Class)+" "+name, " "))
			}
		}
		items, beyond, _ := strings.Cut(want, " ; ")
		if got := strings.Join(seen, ","); got != strings.ReplaceAll(items, " ,", ",") || !strings.Contains(lost, beyond) || (beyond == "") != (lost == "") {
			t.Errorf("%s: keeps %q, loses %q; want %q", line, got, lost, want)
		}
	}
}

func TestReach(t *testing.T) {
	firewall, inspect := snapshot.Item{Class: snapshot.IPTables}, snapshot.Item{Class: snapshot.Container, Name: "web"}
	for _, c := range []struct {
		p    snapshot.Plan
		want string
	}{
		{snapshot.Plan{}, ""},
		{snapshot.Plan{Items: []snapshot.Item{firewall}}, "FULL: guardsh undo brings it back"},
		{snapshot.Plan{Items: []snapshot.Item{firewall}, Beyond: []string{"x"}}, "FILES: guardsh undo brings back what was kept; not undone: x"},
		{snapshot.Plan{Items: []snapshot.Item{firewall}, Missing: []string{"x"}}, "PARTIAL: guardsh undo brings back only some of it; not undone: x"},
		{snapshot.Plan{Items: []snapshot.Item{inspect}, Missing: []string{"x"}, Beyond: []string{"y"}}, "NONE: x; y"},
		{snapshot.Plan{Beyond: []string{"x"}}, "NONE, it cannot be undone: x"},
	} {
		if got := reach(c.p); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}

// TestActs: each kind of effect can be named in a question.
func TestActs(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("..", "rules", "effect", "effect.go"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\t\w+ +Kind = "([a-z-]+)"`).FindAllSubmatch(src, -1)
	if len(kinds) < 30 {
		t.Fatalf("%d kinds were found in effect.go", len(kinds))
	}
	for _, k := range kinds {
		if !effect.Kind(k[1]).Known() {
			t.Errorf("%s is not known", k[1])
		}
		if doing()[effect.Kind(k[1])] == "" {
			t.Errorf("no words for %s", k[1])
		}
	}
	bob := effect.Object{Type: effect.Account, Name: "bob"}
	for want, e := range map[string]effect.Effect{
		"changing the account bob":          {Kind: effect.AccountChange, Object: bob},
		"removing the package libc6":        {Kind: effect.PackageRemove, Object: effect.Object{Type: effect.Package, Name: "libc6"}},
		"changing the data of the database": {Kind: effect.DBChange, Object: effect.Object{Type: effect.Database}},
	} {
		if got := act(&e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
