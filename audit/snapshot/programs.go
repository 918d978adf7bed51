package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The states that a program tells. Item.Name is the thing it is asked about.
const (
	Network    Class = "network"   // links, addresses, routes and rules
	IPTables   Class = "iptables"  //
	IP6Tables  Class = "ip6tables" //
	NFTables   Class = "nftables"  //
	Sysctl     Class = "sysctl"    // one key
	Unit       Class = "unit"      // whether it runs, and starts at boot
	ExtParams  Class = "tune2fs"   // what tune2fs sets, of a device
	OnErrors   Class = "on-errors" // errors= of a mounted ext filesystem
	VolumeMeta Class = "lvm"       // a volume group's metadata
	Domain     Class = "libvirt"   // a guest's definition
	LXC        Class = "lxc"       // a container's configuration
	Container  Class = "docker"    //
	Heketi     Class = "heketi"    //
	Gluster    Class = "gluster"   // a volume, "" all
	Kube       Class = "kubectl"   // the arguments behind get
	Ceph       Class = "ceph"      //
	Target     Class = "targetcli" //
	TGT        Class = "tgt"       //
)

// toldByPrograms are their providers.
func toldByPrograms() map[Class]provider {
	return map[Class]provider{
		Network:    {name: fixed("network"), dump: networkDump, restore: networkRestore},
		IPTables:   {name: fixed("iptables"), dump: tablesDump("iptables"), restore: tablesRestore("iptables")},
		IP6Tables:  {name: fixed("ip6tables"), dump: tablesDump("ip6tables"), restore: tablesRestore("ip6tables")},
		NFTables:   {name: fixed("nftables"), dump: nftDump, restore: nftRestore},
		Sysctl:     {name: titled("sysctl"), dump: sysctlDump, restore: sysctlRestore},
		Unit:       {name: titled("unit"), dump: unitDump, restore: unitRestore},
		ExtParams:  {name: titled("tune2fs of"), dump: extDump, restore: extRestore},
		OnErrors:   {name: titled("errors= of"), dump: onErrorsDump, restore: onErrorsRestore},
		VolumeMeta: {name: titled("lvm metadata of"), dump: lvmDump, restore: lvmRestore},
		Domain:     {name: titled("definition of"), dump: told(looksLikeXML, "virsh", "dumpxml", "--inactive", "--security-info", nameHere), restore: fed("virsh", "define", "/dev/stdin")},
		LXC:        {name: titled("configuration of"), dump: lxcDump, restore: lxcRestore},
		Kube:       {name: titled("kubectl get"), dump: kubeDump, restore: fed("kubectl", "apply", "-f", "-"), loose: true},
		Target:     {name: fixed("targetcli"), dump: told(isJSON, "targetctl", "save", "/dev/stdout"), restore: fed("targetctl", "restore", "/dev/stdin")},
		TGT:        {name: fixed("tgt"), dump: told(notEmpty, "tgt-admin", "--dump"), restore: fed("tgt-admin", "--execute", "--conf", "/dev/stdin")},
		// Nothing of these goes back by itself: they are kept to look at.
		Container: {name: titled("docker inspect of"), dump: told(isJSON, "docker", "inspect", nameHere)},
		Heketi:    {name: fixed("heketi db"), dump: told(isJSON, "heketi-cli", "db", "dump")},
		Gluster:   {name: titled("gluster volume info"), dump: told(notEmpty, "gluster", "--mode=script", "volume", "info", nameHere)},
		Ceph:      {name: fixed("ceph osd dump"), dump: told(isJSON, "ceph", "osd", "dump", "--format", "json")},
	}
}

// nameHere stands in a command for the thing that it is about; without one the
// word is left out.
const nameHere = "\x00"

func fixed(s string) func(Item) string { return func(Item) string { return s } }

func titled(s string) func(Item) string {
	return func(it Item) string { return strings.TrimSpace(s + " " + it.Name) }
}

// told is a state as a program writes it, if that is what it should be.
func told(check func([]byte) error, argv ...string) func(context.Context, Item) ([]byte, bool, error) {
	return func(ctx context.Context, it Item) ([]byte, bool, error) {
		args := slices.Clone(argv[1:])
		if i := slices.Index(args, nameHere); i >= 0 {
			if args[i] = it.Name; it.Name == "" {
				args = slices.Delete(args, i, i+1)
			}
		}
		name := argv[0]
		if len(it.Argv) > 0 {
			name = it.Argv[0] // podman for docker
		}
		out, errs, err := ask(ctx, nil, name, args...)
		if err != nil && gone404().Match(errs) {
			return nil, false, nil
		}
		if err == nil {
			err = check(out)
		}
		if err != nil {
			return nil, false, fmt.Errorf("the dump failed: %w", err)
		}
		return out, true, nil
	}
}

// gone404 is how programs say that there is no such thing (any more).
var gone404 = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)failed to get domain|not ?found|no such (object|container)`)
})

// fed gives a state back to the program that takes it on its standard input.
func fed(argv ...string) func(context.Context, Item, []byte, bool) error {
	return func(ctx context.Context, _ Item, b []byte, exists bool) error {
		if !exists {
			return errors.New("was not there before, and is not removed")
		}
		_, _, err := ask(ctx, b, argv[0], argv[1:]...)
		return err
	}
}

func notEmpty(b []byte) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return errors.New("it is empty")
	}
	return nil
}

func isJSON(b []byte) error {
	if err := notEmpty(b); err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	switch v := v.(type) {
	case nil:
		return errors.New("it is empty")
	case []any:
		if len(v) == 0 {
			return errors.New("it is empty")
		}
	case map[string]any:
		if len(v) == 0 {
			return errors.New("it is empty")
		}
	}
	return nil
}

func looksLikeXML(b []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) {
		return errors.New("it is no XML")
	}
	return nil
}

// counters of iptables-save change by themselves, as its comments do.
var counters = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[\d+:\d+\]`) })

func tablesDump(name string) func(context.Context, Item) ([]byte, bool, error) {
	return func(ctx context.Context, _ Item) ([]byte, bool, error) {
		out, _, err := ask(ctx, nil, name+"-save")
		if err != nil {
			return nil, false, err
		}
		out = usedTables(withoutComments(counters().ReplaceAll(out, []byte("[0:0]"))))
		return out, len(out) > 0, nil
	}
}

// usedTables leaves out tables that let everything pass: they are there once
// somebody has looked at them.
func usedTables(b []byte) []byte {
	var out, one []byte
	used := false
	for l := range bytes.Lines(b) {
		one = append(one, l...)
		switch f := bytes.Fields(l); {
		case l[0] == '*':
			one, used = bytes.Clone(l), false
		case l[0] == ':' && len(f) > 1:
			used = used || string(f[1]) != "ACCEPT"
		case !bytes.HasPrefix(l, []byte("COMMIT")):
			used = true
		case used:
			out = append(out, one...)
		}
	}
	return out
}

func withoutComments(b []byte) []byte {
	var out []byte
	for l := range bytes.Lines(b) {
		if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' {
			out = append(out, l...)
		}
	}
	return out
}

func tablesRestore(name string) func(context.Context, Item, []byte, bool) error {
	dump := tablesDump(name)
	return func(ctx context.Context, it Item, b []byte, _ bool) error {
		now, _, err := dump(ctx, it)
		if err != nil {
			return err
		}
		// What iptables-restore is not given it leaves alone: a table that
		// was not there before is given empty, and open.
		in := bytes.Clone(b)
		skip := false
		for l := range bytes.Lines(now) {
			switch l[0] {
			case '*':
				if skip = bytes.Contains(b, l); !skip {
					in = append(in, l...)
				}
			case ':':
				if f := bytes.Fields(l); !skip && len(f) > 1 && string(f[1]) != "-" {
					in = fmt.Appendf(in, "%s ACCEPT [0:0]\n", f[0])
				}
			case 'C':
				if !skip {
					in = append(in, l...)
				}
			}
		}
		_, _, err = ask(ctx, in, name+"-restore")
		return err
	}
}

func nftDump(ctx context.Context, _ Item) ([]byte, bool, error) {
	out, _, err := ask(ctx, nil, "nft", "--stateless", "list", "ruleset")
	if err != nil {
		return nil, false, err
	}
	out = withoutComments(out)
	return out, len(out) > 0, nil
}

func nftRestore(ctx context.Context, _ Item, b []byte, _ bool) error {
	// One transaction: there is no moment without rules.
	_, _, err := ask(ctx, append([]byte("flush ruleset\n"), b...), "nft", "-f", "-")
	return err
}

// sysctlFile is where a key is; "" for what is no key.
func sysctlFile(key string) string {
	// A key writes dots for slashes, and slashes for the dots of a name.
	name := []byte(key)
	if i := bytes.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		for i, c := range name {
			switch c {
			case '.':
				name[i] = '/'
			case '/':
				name[i] = '.'
			}
		}
	}
	p := filepath.Join("/proc/sys", string(name))
	if !strings.HasPrefix(p, "/proc/sys/") {
		return ""
	}
	return p
}

func sysctlDump(_ context.Context, it Item) ([]byte, bool, error) {
	b, err := os.ReadFile(sysctlFile(it.Name))
	return b, err == nil, err
}

func sysctlRestore(_ context.Context, it Item, b []byte, _ bool) error {
	return os.WriteFile(sysctlFile(it.Name), b, 0o644)
}

// unitDump is whether a unit runs and whether it starts at boot.
func unitDump(ctx context.Context, it Item) ([]byte, bool, error) {
	var words []string
	for _, verb := range []string{"is-active", "is-enabled"} {
		out, _, err := ask(ctx, nil, "systemctl", verb, it.Name)
		word := firstLine(out)
		if word == "" { // anything but "active" ends with a status, too
			if err == nil {
				err = errors.New("systemctl said nothing")
			}
			return nil, false, err
		}
		words = append(words, word)
	}
	return []byte(strings.Join(words, "\n") + "\n"), true, nil
}

func unitRestore(ctx context.Context, it Item, b []byte, _ bool) error {
	now, _, err := unitDump(ctx, it)
	if err != nil {
		return err
	}
	was, is := strings.Fields(string(b)), strings.Fields(string(now))
	if len(was) != 2 || len(is) != 2 {
		return fmt.Errorf("%q is no unit's state", b)
	}
	var verbs []string
	if is[1] == "masked" && was[1] != "masked" {
		verbs = append(verbs, "unmask")
	}
	if was[1] != is[1] {
		switch was[1] {
		case "enabled":
			verbs = append(verbs, "enable")
		case "disabled":
			verbs = append(verbs, "disable")
		case "masked":
			verbs = append(verbs, "mask")
		}
	}
	switch up := was[0] == "active" || was[0] == "activating"; {
	case up && is[0] != "active":
		verbs = append(verbs, "start")
	case was[0] == "inactive" && is[0] == "active":
		verbs = append(verbs, "stop")
	}
	for _, v := range verbs {
		if _, _, err := ask(ctx, nil, "systemctl", "--no-ask-password", v, it.Name); err != nil {
			return err
		}
	}
	return nil
}

// extFields are what tune2fs shows and the option that sets each.
var extFields = []struct{ field, option string }{
	{"Errors behavior", "-e"}, {"Maximum mount count", "-c"}, {"Check interval", "-i"},
	{"Reserved block count", "-r"}, {"Filesystem volume name", "-L"}, {"Filesystem UUID", "-U"},
}

func extDump(ctx context.Context, it Item) ([]byte, bool, error) {
	out, _, err := ask(ctx, nil, "tune2fs", "-l", it.Name)
	if err != nil {
		return nil, false, err
	}
	var b []byte
	for l := range strings.Lines(string(out)) {
		for _, f := range extFields {
			if v, ok := strings.CutPrefix(l, f.field+":"); ok {
				b = fmt.Appendf(b, "%s: %s\n", f.field, strings.TrimSpace(v))
			}
		}
	}
	if len(b) == 0 {
		return nil, false, errors.New("tune2fs -l says nothing that is known")
	}
	return b, true, nil
}

// extWord is a value that tune2fs shows otherwise than it takes it.
func extWord(shown string) (word string, ok bool) {
	switch shown {
	case "Continue":
		return "continue", true
	case "Remount read-only":
		return "remount-ro", true
	case "Panic":
		return "panic", true
	case "<none>":
		return "", true
	}
	return "", false
}

func extRestore(ctx context.Context, it Item, b []byte, _ bool) error {
	now, _, err := extDump(ctx, it)
	if err != nil {
		return err
	}
	args := []string{}
	for _, f := range extFields {
		was, is := fieldOf(b, f.field), fieldOf(now, f.field)
		if was == is {
			continue
		}
		if w, ok := extWord(was); ok {
			was = w
		}
		if f.option == "-i" { // "0 (<none>)", "15552000 (6 months)"
			was, _, _ = strings.Cut(was, " ")
			was += "s"
		}
		args = append(args, f.option, was)
	}
	if len(args) == 0 {
		return nil
	}
	_, _, err = ask(ctx, nil, "tune2fs", append(args, it.Name)...)
	return err
}

func fieldOf(b []byte, field string) string {
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, field+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// onErrorsDump is what a mounted ext filesystem does after an error. The mount
// table leaves it out where it is what the superblock says.
func onErrorsDump(_ context.Context, it Item) ([]byte, bool, error) {
	m := readMounts().of(filepath.Clean(it.Name))
	if m == nil {
		return nil, false, fmt.Errorf("%s is not mounted", it.Name)
	}
	dev, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", m.Major, m.Minor))
	if err != nil {
		return nil, false, fmt.Errorf("%s is on no block device: %w", it.Name, err)
	}
	b, err := os.ReadFile(filepath.Join("/proc/fs", m.FSType, filepath.Base(dev), "options"))
	if err != nil {
		return nil, false, fmt.Errorf("%s says nothing about errors: %w", m.FSType, err)
	}
	for o := range strings.Lines(string(b)) {
		if strings.HasPrefix(o, "errors=") {
			return []byte(o), true, nil
		}
	}
	return nil, false, fmt.Errorf("%s says nothing about errors", m.FSType)
}

func onErrorsRestore(ctx context.Context, it Item, b []byte, _ bool) error {
	_, _, err := ask(ctx, nil, "mount", "-o", "remount,"+firstLine(b), it.Name)
	return err
}

// lvmDump is a volume group's metadata; vgcfgbackup writes it to a file only.
func lvmDump(ctx context.Context, it Item) ([]byte, bool, error) {
	dir, err := os.MkdirTemp("", "guardsh-lvm-")
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "vg")
	if _, _, err := ask(ctx, nil, "vgcfgbackup", "-f", name, it.Name); err != nil {
		return nil, false, err
	}
	b, err := os.ReadFile(name)
	if err == nil && !bytes.Contains(b, []byte("physical_volumes")) {
		err = errors.New("vgcfgbackup wrote no metadata")
	}
	// The heading holds the time of the backup.
	if i := bytes.Index(b, []byte("\n"+it.Name+" {")); i >= 0 {
		b = append([]byte("contents = \"Text Format Volume Group\"\nversion = 1\n"), b[i:]...)
	}
	return b, err == nil, err
}

func lvmRestore(ctx context.Context, it Item, b []byte, _ bool) error {
	f, err := os.CreateTemp("", "guardsh-lvm-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, _, err = ask(ctx, nil, "vgcfgrestore", "-f", f.Name(), it.Name)
	return err
}

// lxcConfig is where a container is defined.
func lxcConfig(it Item) string { return filepath.Join("/var/lib/lxc", it.Name, "config") }

func lxcDump(_ context.Context, it Item) ([]byte, bool, error) {
	b, err := os.ReadFile(lxcConfig(it))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	return b, err == nil, err
}

func lxcRestore(_ context.Context, it Item, b []byte, exists bool) error {
	if !exists {
		return errors.New("was not there before, and is not removed")
	}
	// lxc-destroy removes the container's directory, too.
	if err := os.MkdirAll(filepath.Dir(lxcConfig(it)), 0o770); err != nil {
		return err
	}
	return os.WriteFile(lxcConfig(it), b, 0o644)
}

func kubeDump(ctx context.Context, it Item) ([]byte, bool, error) {
	args := append([]string{"get"}, it.Argv...)
	out, errs, err := ask(ctx, nil, "kubectl", append(args, "-o", "yaml")...)
	if err != nil && gone404().Match(errs) {
		return nil, false, nil
	}
	if err == nil && !bytes.Contains(out, []byte("kind:")) {
		err = errors.New("it says of no object")
	}
	if err != nil {
		return nil, false, fmt.Errorf("the dump failed: %w", err)
	}
	return out, true, nil
}
