package command

import (
	"encoding/json"
	"strings"
	"sync"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// What the tools that look after many hosts do there, as the command that does
// the same: $name is an argument, "[…]" stands only where all the arguments in
// it are given. An entry whose conditions ("state=absent") hold is taken, the
// first of several.
type task struct{ when, do string }

var ansibleModules = sync.OnceValue(func() map[string][]task {
	modules := map[string][]task{
		"reboot":           {{"", "reboot"}},
		"file":             {{"state=absent", "rm -rf -- $path"}, {"mode recurse=yes", "chmod -R $mode $path"}, {"mode recurse=true", "chmod -R $mode $path"}, {"owner recurse=yes", "chown -R $owner $path"}, {"owner recurse=true", "chown -R $owner $path"}, {"mode", "chmod $mode $path"}, {"owner", "chown $owner $path"}},
		"service":          {{"state=stopped", "systemctl stop $name"}, {"state=restarted", "systemctl restart $name"}, {"state=reloaded", "systemctl reload $name"}, {"enabled=no", "systemctl disable $name"}, {"enabled=false", "systemctl disable $name"}},
		"package":          {{"state=absent", "apt-get remove -y $name"}, {"state=removed", "apt-get remove -y $name"}},
		"yum":              {{"state=absent", "yum remove -y $name"}, {"state=removed", "yum remove -y $name"}},
		"user":             {{"state=absent remove=yes", "userdel -r $name"}, {"state=absent remove=true", "userdel -r $name"}, {"state=absent", "userdel $name"}},
		"group":            {{"state=absent", "groupdel $name"}},
		"copy":             {{"dest", "cp file $dest"}},
		"filesystem":       {{"fstype dev", "mkfs -t $fstype $dev"}},
		"mount":            {{"state=unmounted", "umount $path"}, {"state=absent", "umount $path"}},
		"lvol":             {{"state=absent vg lv", "lvremove -f $vg/$lv"}},
		"lvg":              {{"state=absent vg", "vgremove -f $vg"}},
		"parted":           {{"state=absent device number", "parted -s $device rm $number"}, {"label device", "parted -s $device mklabel $label"}},
		"cron":             {{"state=absent", "crontab /dev/stdin"}},
		"docker_container": {{"state=absent", "docker rm -f $name"}, {"state=stopped", "docker stop $name"}},
		"sysctl":           {{"name value", "sysctl -w $name=$value"}},
		"mysql_db":         {{"state=absent name", "mysqladmin -f drop $name"}},
		"postgresql_db":    {{"state=absent name", "dropdb $name"}},
		"docker_volume":    {{"state=absent name", "docker volume rm $name"}},
		"docker_compose":   {{"state=absent remove_volumes=yes", "docker compose down -v"}, {"state=absent", "docker compose down"}},
		"k8s":              {{"state=absent kind name", "kubectl delete $kind $name"}, {"state=absent device", "kubectl delete -f $device"}},
		"helm":             {{"state=absent name", "helm uninstall $name"}},
		"zfs":              {{"state=absent name", "zfs destroy -r $name"}},
		"virt":             {{"state=destroyed name", "virsh destroy $name"}, {"state=shutdown name", "virsh shutdown $name"}, {"command=undefine name", "virsh undefine $name"}, {"command=destroy name", "virsh destroy $name"}},
		"iptables":         {{"flush=yes", "iptables -F"}, {"flush=true", "iptables -F"}, {"policy chain", "iptables -P $chain $policy"}},
		"ufw":              {{"state=reset", "ufw --force reset"}, {"state=enabled", "ufw --force enable"}, {"state=disabled", "ufw disable"}},
		"rabbitmq_vhost":   {{"state=absent name", "rabbitmqctl delete_vhost $name"}},
		"rabbitmq_queue":   {{"state=absent name", "rabbitmqctl delete_queue $name"}},
		"kubernetes":       {{"state=absent kind name", "kubectl delete $kind $name"}},
	}
	for as, name := range map[string]string{"docker_compose_v2": "docker_compose", "apt_rpm": "package", "pacman": "package", "zypper": "yum", "apk": "package", "systemd": "service", "systemd_service": "service", "apt": "package", "dnf": "yum", "template": "copy", "lineinfile": "copy", "blockinfile": "copy", "replace": "copy"} {
		modules[as] = modules[name]
	}
	return modules
})

// module is the command that a module with its arguments stands for.
func module(name, args string) []word.Word {
	kv := map[string]string{}
	for _, f := range fieldsOf(args) {
		if k, v, ok := strings.Cut(f, "="); ok {
			kv[k] = v
		}
	}
	for alias, key := range map[string]string{"dest": "path", "pkg": "name", "service": "name", "src": "device", "job": "name"} {
		if kv[key] == "" {
			kv[key] = kv[alias]
		}
		if kv[alias] == "" {
			kv[alias] = kv[key]
		}
	}
tasks:
	for _, t := range ansibleModules()[name] {
		for _, cond := range strings.Fields(t.when) {
			k, v, exact := strings.Cut(cond, "=")
			if kv[k] == "" || exact && !strings.EqualFold(kv[k], v) {
				continue tasks
			}
		}
		var out []word.Word
		for _, f := range strings.Fields(t.do) {
			for k, v := range kv {
				f = strings.ReplaceAll(f, "$"+k, v)
			}
			if strings.Contains(f, "$") {
				continue tasks
			}
			out = append(out, word.Lit(f))
		}
		return out
	}
	return nil
}

var saltOptions = grammar{style: option.Style{Exact: true}, text: "-G --grain\n-E --pcre\n-L --list\n-N --nodegroup\n-C --compound\n-S --ipcidr\n-R --range\n-I --pillar\n-P --grain-pcre\n-t --timeout =t\n-b --batch --batch-size =n\n--batch-wait =t\n-c --config-dir =d\n--out --output =o\n--out-file --output-file =f\n--async\n--static\n--raw\n-v --verbose\n-s --summary\n-l --log-level =l\n-i --ignore-host-keys\n-r --raw-shell : code\n--user =u\n--passwd =p\n--priv =f\n--roster =r\n--roster-file =f\n--local\n--state-output =o\n--subset =n\n-p --progress\n-a --auth =a\n-T\n-W\n--hide-timeout\n--show-jid\n--versions-report --version : ask\n-h --help : ask"}

// saltFunctions are execution modules by the command that they stand for; $1
// is the first argument.
var saltFunctions = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"system.reboot": "reboot", "system.shutdown": "shutdown -h now", "system.poweroff": "poweroff", "system.halt": "halt", "system.init": "init $1",
		"service.stop": "systemctl stop $1", "service.restart": "systemctl restart $1", "service.disable": "systemctl disable $1", "service.reload": "systemctl reload $1", "service.mask": "systemctl mask $1",
		"file.remove": "rm -rf -- $1", "file.write": "cp file $1", "file.copy": "cp -- $1 $2", "file.rename": "mv -- $1 $2", "file.truncate": "truncate -s 0 $1",
		"pkg.remove": "apt-get remove -y $1", "pkg.purge": "apt-get purge -y $1", "user.delete": "userdel $1", "group.delete": "groupdel $1",
		"disk.format_": "mkfs $1", "extfs.mkfs": "mkfs -t $2 $1", "mount.umount": "umount $1", "lvm.lvremove": "lvremove -f $2/$1", "lvm.vgremove": "vgremove -f $1",
		"cron.rm_job": "", "virt.stop": "virsh destroy $1", "virt.shutdown": "virsh shutdown $1", "virt.purge": "virsh undefine $1 --remove-all-storage", "docker.stop": "docker stop $1", "docker.rm": "docker rm -f $1",
	}
})

// salt runs functions on the hosts that it is given; those of cmd run code.
func (w *walker) salt(st *state, l launch, base string) result {
	a := saltOptions.Read(l.argv[1:])
	ops := a.Operands
	r := remoteRun{ask: true, hosts: []word.Word{word.Hidden("targets", word.Subst)}, argv: true}
	r.hosts[0].Many = true
	if base == "salt-call" {
		r.local, r.user, r.dir = true, word.Lit("root"), word.Lit("/root")
		ops = append([]word.Word{word.Lit("localhost")}, ops...)
	}
	if len(ops) > 1 && !a.Has("ask") {
		if v, ok := ops[0].Value(); ok && !strings.ContainsAny(v, "*[?@:(") && !strings.Contains(v, " ") {
			r.hosts = nil
			for _, h := range strings.Split(v, ",") {
				r.hosts = append(r.hosts, word.Lit(h))
			}
		}
		f, _ := ops[1].Value()
		args := ops[2:]
		switch {
		case a.Has("code"):
			r.ops, r.ask, r.argv = ops[1:], false, false
		case strings.HasPrefix(f, "cmd.run") || f == "cmd.shell" || f == "cmd.retcode":
			for _, x := range args {
				k, v, keyed := cutWord(x, "=")
				switch {
				case keyed && k == "cwd":
					r.dir = v
				case keyed && k == "runas":
					r.user = v
				case keyed && k == "cmd":
					r.ops, r.ask, r.argv = []word.Word{v}, false, false
				case r.ask:
					r.ops, r.ask, r.argv = []word.Word{x}, false, false
				}
			}
		default:
			if argv := filled(saltFunctions()[f], args); argv != nil {
				r.ops, r.ask = argv, false
			}
		}
	}
	return w.remoteCode(st, l, base, r)
}

// filled is a command with $1 and its like standing for arguments.
func filled(do string, args []word.Word) []word.Word {
	var out []word.Word
	for _, f := range strings.Fields(do) {
		if len(f) == 2 && f[0] == '$' {
			if n := int(f[1] - '1'); n >= 0 && n < len(args) {
				out = append(out, args[n])
				continue
			}
			return nil
		}
		for i, x := range args {
			if v, ok := x.Value(); ok && i < 9 {
				f = strings.ReplaceAll(f, "$"+string(rune('1'+i)), v)
			}
		}
		out = append(out, word.Lit(f))
	}
	return out
}

// virsh qemu-agent-command DOMAIN JSON tells the guest's agent what to start.
func (w *walker) virsh(st *state, l launch, base string) result {
	r := remoteRun{kind: Container, argv: true, ask: true}
	for i, x := range l.argv {
		if !x.Is("qemu-agent-command") || i+2 >= len(l.argv) {
			continue
		}
		var msg struct {
			Execute   string
			Arguments struct {
				Path string
				Arg  []string
				Mode string
			}
		}
		text, ok := l.argv[i+2].Value()
		if !ok || json.Unmarshal([]byte(text), &msg) != nil {
			break
		}
		r.hosts = l.argv[i+1 : i+2]
		switch msg.Execute {
		case "guest-exec":
			r.ops, r.ask = word.Lits(append([]string{msg.Arguments.Path}, msg.Arguments.Arg...)...), msg.Arguments.Path == ""
		case "guest-shutdown":
			r.ops, r.ask = word.Lits("shutdown", "now"), false
			if msg.Arguments.Mode == "reboot" {
				r.ops = word.Lits("reboot")
			}
		}
	}
	return w.remoteCode(st, l, base, r)
}
