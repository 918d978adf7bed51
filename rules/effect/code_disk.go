package effect

import (
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// makeFilesystem is mkfs and its family. -n means "only say" for ext2 to ext4
// and something else, with an argument, for the others; -N alike for xfs.
func makeFilesystem(c *call) {
	ext := strings.HasPrefix(c.name, "mkfs.ext") || c.name == "mke2fs"
	if c.name == "mkfs" {
		for _, t := range c.text("fstype") {
			ext = ext || strings.HasPrefix(t, "ext")
		}
		ext = ext || len(c.text("fstype")) == 0
	}
	argv := c.action.Args()
	xfs := c.name == "mkfs.xfs" || c.name == "mkfs" && strings.Join(c.text("fstype"), "") == "xfs"
	for i := 0; i < len(argv); i++ {
		v, ok := argv[i].Value()
		if !ok || len(v) < 2 || v[0] != '-' || v[1] == '-' {
			continue
		}
		flags := v[1:]
		switch {
		case ext && strings.Contains(flagsBefore(flags, "tLbmidErOTNUIJCgGMoez"), "n"),
			xfs && strings.Contains(flagsBefore(flags, "bcdilLmnpqrs"), "N"):
			c.set("dry")
			return
		}
	}
	devices := c.values("device")
	if c.has("_version") && (c.name != "mkfs" || len(devices) == 0) {
		c.set("dry") // to mkfs itself -V means verbose
		return
	}
	if strings.Contains(c.name, "dos") || strings.Contains(c.name, "fat") {
		devices = append(devices, belowDev(c.values("size"))...) // their -I has no argument
	}
	if named := belowDev(devices); len(named) > 0 {
		devices = named // sizes, image files and source trees stand beside it
	} else if ext && len(devices) > 1 {
		devices = devices[:1] // the second is a size in blocks
	}
	if len(devices) > 1 && c.name != "mkfs.btrfs" && c.name != "mkfs" {
		devices = devices[:1]
	}
	e := c.effect(Format)
	fstype := strings.TrimPrefix(c.name, "mkfs.")
	switch c.name {
	case "mkfs":
		fstype = strings.Join(c.text("fstype"), "")
	case "mkswap":
		fstype = "swap"
		e.mark("swap")
	case "mke2fs":
		fstype = "ext2"
	}
	if fstype != "" {
		e.param("fstype", fstype)
	}
	if l := c.text("label"); len(l) > 0 {
		e.param("label", l...)
	}
	for _, w := range devices {
		c.emitWord(e, Device, w, false)
	}
}

// belowDev is the words that name something below /dev.
func belowDev(ws []word.Word) []word.Word {
	var out []word.Word
	for _, w := range ws {
		if strings.HasPrefix(w.Prefix(), "/dev/") {
			out = append(out, w)
		}
	}
	return out
}

// flagsBefore is the letters of a cluster up to the first that takes an
// argument.
func flagsBefore(cluster, takes string) string {
	if i := strings.IndexAny(cluster, takes); i >= 0 {
		return cluster[:i]
	}
	return cluster
}

// partedChange is a command of parted's that changes something, with the number
// of words that it takes.
type partedChange struct {
	name  string
	words int
	attrs []string
}

var partedChanges = [...]partedChange{
	{"mklabel", 1, []string{"table"}},
	{"mktable", 1, []string{"table"}},
	{"rm", 1, []string{"remove"}},
	{"mkpart", 3, nil},
	{"resizepart", 2, nil},
	{"resize", 3, nil},
	{"rescue", 2, nil},
	{"name", 2, nil},
	{"set", 3, nil},
	{"toggle", 2, nil},
	{"type", 2, nil},
	{"disk_set", 2, nil},
	{"disk_toggle", 1, nil},
	{"mkfs", 2, []string{"erase"}},
	{"mkpartfs", 4, []string{"erase"}},
	{"move", 3, nil},
}

// partedNamed looks such a command up by its name or the name's beginning; of
// several that begin so it is the first.
func partedNamed(v string) (partedChange, bool) {
	for _, p := range partedChanges {
		if p.name == v {
			return p, true
		}
	}
	for _, p := range partedChanges {
		if len(v) > 1 && strings.HasPrefix(p.name, v) {
			return p, true
		}
	}
	return partedChange{}, false
}

// partedShows reports whether a command of its changes nothing, and the number
// of words that it takes.
func partedShows(name string) (words int, shows bool) {
	switch name {
	case "unit", "print", "p", "help", "select", "u":
		return 1, true
	case "align-check":
		return 2, true
	case "quit", "version", "q":
		return 0, true
	}
	return 0, false
}

// partedCommand is parted: what follows the device is one or more commands;
// none means a prompt.
func partedCommand(c *call) {
	if c.has("list") || len(c.values("device")) == 0 {
		return
	}
	device := c.values("device")[0]
	words := c.values("command")
	if in := c.action.Stdin; len(words) == 0 && in.Kind != command.InputShell && in.Kind != command.InputClosed {
		text, known := c.input()
		if !known {
			c.emitWord(c.effect(Partition), Device, device, false)
			return
		}
		words = word.Lits(strings.Fields(text)...)
	} else if len(words) == 0 {
		c.emitWord(c.effect(Partition, "menu"), Device, device, false)
		return
	}
	// One word may hold several commands.
	var split []word.Word
	for _, w := range words {
		if v, ok := w.Value(); ok && strings.Contains(v, " ") {
			split = append(split, word.Lits(strings.Fields(v)...)...)
		} else {
			split = append(split, w)
		}
	}
	words = split
	e := c.effect(Partition)
	changes := false
	for i := 0; i < len(words); i++ {
		v := words[i].String()
		if n, shows := partedShows(v); shows {
			i += n
			continue
		}
		cmd, ok := partedNamed(v)
		if !ok {
			continue
		}
		changes = true
		e.mark(cmd.attrs...)
		if (cmd.name == "mklabel" || cmd.name == "mktable") && i+1 < len(words) {
			e.param("label", words[i+1].String())
		}
		i += min(cmd.words, 1)
	}
	if changes {
		c.emitWord(e, Device, device, false)
	}
}

// blockStack is the tools that stack block devices: multipath, losetup,
// kpartx and the iSCSI targets.
func blockStack(c *call) {
	verb := ""
	if v := c.text("verb"); len(v) > 0 {
		verb = v[0]
	}
	args := c.values("arg")
	change := func(ws []word.Word, attrs ...string) {
		e := c.effect(VolumeChange, attrs...)
		if len(ws) == 0 {
			c.emit(e, Object{Type: Volume, Word: word.Lit("")})
		}
		for _, w := range ws {
			for _, o := range named(Volume, w) {
				c.emit(e, o)
			}
		}
	}
	switch c.name {
	case "multipath":
		if c.has("_flush") {
			change(c.values("verb"), "detach")
		}
	case "losetup", "kpartx":
		if c.has("_detach") {
			change(c.values("verb"), "detach")
		}
	case "multipathd":
		words := append(strings.Fields(verb), c.text("arg")...)
		if len(words) > 0 && (words[0] == "del" || words[0] == "remove" || words[0] == "disablequeueing") {
			change([]word.Word{word.Lit(words[len(words)-1])}, "detach")
		}
	case "targetctl", "nvmetcli":
		if verb == "clear" {
			change(nil, "remove", "all")
		}
	case "scsiadd":
		if strings.Contains(strings.Join(texts(c.action.Args()), " "), "-r") {
			change(args, "detach")
		}
	case "vdo", "stratis":
		words := append([]string{verb}, c.text("arg")...)
		for _, v := range words {
			if v == "remove" || v == "destroy" {
				for _, o := range named(Volume, word.Lit(words[len(words)-1])) {
					c.emit(c.effect(VolumeDelete, "data"), o)
				}
				return
			}
			if v == "create" {
				deviceWords(c)
				for _, w := range c.values("device") {
					if strings.HasPrefix(w.Prefix(), "/dev/") {
						c.emitWord(c.effect(Format), Device, w, false)
					}
				}
				return
			}
		}
	case "tgtadm":
		for _, op := range c.text("op") {
			if op == "delete" || op == "unbind" {
				change(nil, "remove")
			}
		}
		for _, op := range c.text("x") {
			if op == "delete" {
				change(nil, "remove")
			}
		}
	case "tgt-admin":
		if c.has("_detach") {
			change(c.values("verb"), "remove")
		}
		if len(c.values("gone")) > 0 {
			change(c.values("gone"), "remove")
		}
	case "targetcli":
		all := append(c.text("verb"), c.text("arg")...)
		for _, v := range all {
			switch v {
			case "clearconfig":
				change(nil, "remove", "all")
				return
			case "delete":
				change(args[min(1, len(args)):], "remove")
				return
			case "restoreconfig":
				change(nil, "load", "all")
				return
			}
		}
	}
}

// physicalVolumes is pvcreate, vgcreate and vgextend, which write a label onto
// each device, and growpart.
func physicalVolumes(c *call) {
	devices, ask := c.values("device"), false
	switch c.name {
	case "growpart":
		if len(devices) > 0 {
			c.emitWord(c.effect(Partition, "grow"), Device, devices[0], false)
		}
		return
	case "bcache":
		if len(devices) > 1 && (devices[0].Is("unregister") || devices[0].Is("detach") || devices[0].Is("remove")) {
			c.emitWord(c.effect(VolumeChange, "detach"), Device, devices[1], false)
		}
		return
	case "vgcreate", "vgextend":
		if len(devices) > 0 {
			devices = devices[1:]
		}
		// What is a physical volume already is taken as it is, and a signature
		// of something else is asked about by the program itself.
		ask = c.name == "vgextend" && !c.has("yes") && !c.has("force")
	case "make-bcache":
		devices = append(devices[:len(devices):len(devices)], c.values("cache")...)
	case "pvcreate":
	default:
		return
	}
	for _, w := range devices {
		e := c.effect(Format)
		if ask {
			e.mark("interactive")
		}
		c.emitWord(e, Device, w, false)
	}
}
