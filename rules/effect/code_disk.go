package effect

import "strings"

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
	if ext && len(devices) > 1 {
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

// flagsBefore is the letters of a cluster up to the first that takes an
// argument.
func flagsBefore(cluster, takes string) string {
	if i := strings.IndexAny(cluster, takes); i >= 0 {
		return cluster[:i]
	}
	return cluster
}
