package guard

import (
	"os"
	"os/user"
	"path"
	"slices"
	"strings"

	"guardsh/audit/snapshot"
	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

// statesFor is what to keep of an effect that changes something that is no
// file: the states that the programs in charge can tell, and what is lost all
// the same. ok is false where nothing is known to keep it.
func statesFor(l *command.Line, e *effect.Effect) (items []snapshot.Item, beyond string, ok bool) {
	of := func(c snapshot.Class) []snapshot.Item { return []snapshot.Item{{Class: c, Name: e.Object.Name}} }
	about := func(c snapshot.Class) []snapshot.Item { return []snapshot.Item{{Class: c}} }
	switch e.Kind {
	case effect.NetChange:
		return netStates(e), "", true
	case effect.Stop, effect.Restart, effect.Disable:
		if e.Object.Type != effect.Service || e.Object.Name == "" {
			return nil, "", false
		}
		items = append(of(snapshot.Unit), databaseOf(e.Object.Name)...)
		if carriesNetwork(e.Object.Name) {
			items = append(items, snapshot.Item{Class: snapshot.Network})
		}
		return items, "what " + e.Object.Name + " was doing", true
	case effect.KernelChange:
		key, _, set := strings.Cut(e.Object.Name, "=")
		return []snapshot.Item{{Class: snapshot.Sysctl, Name: key}}, "", e.Command == "sysctl" && set
	case effect.Fsck:
		return of(snapshot.ExtParams), "", e.Command == "tune2fs" && e.Object.Name != ""
	case effect.Remount:
		return of(snapshot.OnErrors), "", e.Has("errors-continue") && strings.HasPrefix(e.Object.Name, "/") && !strings.HasPrefix(e.Object.Name, "/dev/")
	case effect.AccountChange:
		return accountFiles(e)
	case effect.GuestStop, effect.GuestMigrate, effect.VolumeDelete, effect.VolumeChange, effect.ClusterChange:
	default:
		return nil, "", false
	}
	lost := e.Object.Display() + " itself"
	switch name := e.Command; {
	case name == "virsh" && e.Object.Type == effect.Guest && e.Object.Name != "":
		return of(snapshot.Domain), "what ran in " + e.Object.Name, true
	case strings.HasPrefix(name, "lxc-") && e.Object.Name != "" && path.Base(e.Object.Name) == e.Object.Name:
		return of(snapshot.LXC), "what ran in " + e.Object.Name, true
	case (name == "docker" || name == "podman" || name == "nerdctl") && e.Object.Type == effect.Container && e.Object.Name != "":
		items = of(snapshot.Container)
		items[0].Argv = []string{name}
		return items, lost, true
	case slices.Contains([]string{"lvremove", "vgremove", "lvreduce", "lvresize", "vgreduce", "lvconvert", "vgsplit"}, name):
		vg := groupOf(e.Object.Name)
		return []snapshot.Item{{Class: snapshot.VolumeMeta, Name: vg}}, "what is written to its blocks afterwards", vg != ""
	case name == "heketi-cli" || name == "heketi":
		return about(snapshot.Heketi), lost, true
	case name == "gluster":
		items = about(snapshot.Gluster)
		if e.Kind == effect.VolumeDelete || e.Kind == effect.VolumeChange {
			items[0].Name = e.Object.Name
		}
		return items, lost, true
	case name == "ceph" || name == "rbd" || name == "rados":
		return about(snapshot.Ceph), lost, true
	case name == "iscsiadm":
		return []snapshot.Item{{Class: snapshot.Create, Path: "/etc/iscsi/nodes"}, {Class: snapshot.Create, Path: "/var/lib/iscsi/nodes"}}, "the sessions", true
	case name == "targetcli" || name == "targetctl":
		return about(snapshot.Target), "the initiators' sessions", true
	case name == "tgtadm" || name == "tgt-admin":
		return about(snapshot.TGT), "the initiators' sessions", true
	case name == "kubectl":
		args, ok := kubeGet(l.Actions[e.Action].Argv)
		return []snapshot.Item{{Class: snapshot.Kube, Name: strings.Join(args, " "), Argv: args}}, "what it ran and held", ok
	}
	return nil, "", false
}

// localAccounts are the programs that change this machine's own accounts: all
// that they do lies in a few files, and with a purge in the home directory.
var localAccounts = []string{"adduser", "addgroup", "chage", "chfn", "chgpasswd", "chpasswd", "chsh", "deluser", "delgroup", "gpasswd", "groupadd",
	"groupdel", "groupmems", "groupmod", "grpconv", "grpunconv", "newusers", "passwd", "pwconv", "pwunconv", "useradd", "userdel", "usermod"}

// accountFiles is what to keep of a change to this machine's accounts.
func accountFiles(e *effect.Effect) (items []snapshot.Item, beyond string, ok bool) {
	if !slices.Contains(localAccounts, e.Command) {
		return nil, "", false
	}
	for _, name := range []string{"passwd", "shadow", "group", "gshadow", "subuid", "subgid"} {
		items = append(items, snapshot.Item{Class: snapshot.Create, Path: "/etc/" + name})
	}
	if !e.Has("purge") && !e.Has("move") {
		return items, "", true
	}
	home := ""
	if u, err := user.Lookup(e.Object.Name); err == nil {
		home = path.Clean(u.HomeDir)
	}
	if path.Dir(home) == home || !path.IsAbs(home) { // "/" is no home of its own
		return items, "the home directory of " + e.Object.Display(), true
	}
	items = append(items, snapshot.Item{Class: snapshot.Delete, Path: home})
	if e.Has("move") {
		return items, "", true
	}
	return append(items, snapshot.Item{Class: snapshot.Delete, Path: "/var/mail/" + path.Base(e.Object.Name)}), "", true
}

// netStates is what a change to the network may change: the packet filter of
// the tool that is used, or all that ip tells.
func netStates(e *effect.Effect) []snapshot.Item {
	var cs []snapshot.Class
	switch name := e.Command; {
	case strings.HasPrefix(name, "iptables") || strings.HasPrefix(name, "ip6tables") || name == "ufw":
		cs = []snapshot.Class{snapshot.IPTables, snapshot.IP6Tables}
	case name == "nft" || name == "firewall-cmd":
		cs = []snapshot.Class{snapshot.NFTables}
	default:
		cs = []snapshot.Class{snapshot.Network}
	}
	var items []snapshot.Item
	for _, c := range cs {
		items = append(items, snapshot.Item{Class: c})
	}
	return items
}

// databasePath is the file that a service keeps all of its state in.
func databasePath(service string) string {
	switch service {
	case "heketi":
		return "/var/lib/heketi/heketi.db"
	case "pve-cluster":
		return "/var/lib/pve-cluster/config.db"
	case "grafana-server":
		return "/var/lib/grafana/grafana.db"
	case "k3s":
		return "/var/lib/rancher/k3s/server/db/state.db"
	}
	return ""
}

// databaseOf is the file of a service that a restart has been seen to damage,
// where it is there.
func databaseOf(service string) []snapshot.Item {
	at := databasePath(strings.TrimSuffix(service, ".service"))
	if fi, err := os.Lstat(at); at == "" || err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	return []snapshot.Item{{Class: snapshot.InPlace, Path: at}}
}

// carriesNetwork names the services whose restart sets interfaces up anew.
func carriesNetwork(service string) bool {
	switch strings.TrimSuffix(service, ".service") {
	case "networking", "network", "NetworkManager", "systemd-networkd", "wicked", "dhcpcd", "netplan-apply":
		return true
	}
	return false
}

// groupOf is the volume group of a logical volume, by any of its names.
func groupOf(volume string) string {
	v := strings.TrimPrefix(volume, "/dev/")
	if m, ok := strings.CutPrefix(v, "mapper/"); ok {
		// A hyphen within a name is written twice.
		const hyphen = "\x00"
		g, _, _ := strings.Cut(strings.ReplaceAll(m, "--", hyphen), "-")
		return strings.ReplaceAll(g, hyphen, "-")
	}
	g, _, _ := strings.Cut(v, "/")
	return g
}

// kubeTakes reports whether get takes an option of kubectl's changing verbs too,
// and whether a value follows.
func kubeTakes(opt string) (value, takes bool) {
	switch opt {
	case "-n", "--namespace", "-f", "--filename", "-l", "--selector", "--context", "--kubeconfig", "--cluster", "-k", "--kustomize":
		return true, true
	case "-A", "--all-namespaces", "-R", "--recursive":
		return false, true
	}
	return false, false
}

// kubeGet is what to give "kubectl get" for what another verb is about to
// change; ok is false where not all of it is known.
func kubeGet(argv []word.Word) (args []string, ok bool) {
	verb := ""
	for i := 1; i < len(argv); i++ {
		v, known := argv[i].Value()
		if !known {
			return nil, false
		}
		name, _, joined := strings.Cut(v, "=")
		value, takes := kubeTakes(name)
		switch {
		case takes:
			args = append(args, v)
			if value && !joined && i+1 < len(argv) {
				i++
				w, known := argv[i].Value()
				if !known {
					return nil, false
				}
				args = append(args, w)
			}
		case strings.HasPrefix(v, "-"):
		case verb == "":
			if verb = v; v == "drain" || v == "cordon" {
				args = append(args, "node")
			}
		default:
			args = append(args, v)
		}
	}
	return args, len(args) > 0
}
