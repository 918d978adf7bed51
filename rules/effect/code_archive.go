package effect

import (
	"strings"

	"guardsh/rules/word"
)

// unzipTree is unzip, 7z and unrar: a tree into -d, -oDIR, the last operand
// (unrar) or the working directory.
func unzipTree(c *call) {
	dirs := c.values("dir")
	switch c.name {
	case "unzip", "bsdunzip":
		if c.has("_list") || len(c.values("archive")) == 0 {
			return
		}
	default:
		argv := c.action.Args()
		if len(argv) == 0 {
			return
		}
		verb, _ := argv[0].Value()
		switch {
		case verb == "x", verb == "e":
		case c.name == "unar":
		case verb == "d" || verb == "u" || verb == "a" || verb == "rn":
			if hasOption(c, "-sdel") {
				// 7z a -sdel deletes what it packed.
				names := 0
				for _, w := range argv[1:] {
					if strings.HasPrefix(w.Prefix(), "-") {
						continue
					}
					if names++; names > 1 {
						c.emitWord(c.effect(Delete, "recursive", "force"), Path, w, false)
					}
				}
			}
			for _, w := range argv[1:] {
				if !strings.HasPrefix(w.Prefix(), "-") {
					e := c.effect(Overwrite, "inplace")
					if verb == "d" {
						e.mark("remove")
					}
					c.emitWord(e, Path, w, false)
					break
				}
			}
			return
		default:
			return
		}
		dirs = nil
		for i, w := range argv {
			if c.name == "unar" && i+1 < len(argv) && (w.Is("-o") || w.Is("-output-directory")) {
				dirs = []word.Word{argv[i+1]}
			}
		}
		for _, w := range argv[1:] {
			if v, ok := w.Value(); ok && strings.HasPrefix(v, "-o") && len(v) > 2 && c.name != "unrar" && c.name != "unar" {
				dirs = []word.Word{word.Lit(v[2:])}
			}
			if v, ok := w.Value(); ok && c.name == "unrar" && strings.HasSuffix(v, "/") {
				dirs = []word.Word{w}
			}
		}
	}
	if len(dirs) == 0 {
		dirs = []word.Word{word.Lit(".")}
	}
	c.emitWord(c.effect(WriteTree, "extract", "contents", "recursive"), Path, dirs[len(dirs)-1], false)
}

// cpioTree is cpio -i without -D: into the working directory.
func cpioTree(c *call) {
	if c.has("extract") && !c.has("_list") && len(c.values("dir")) == 0 {
		c.emitWord(c.effect(WriteTree, "contents", "recursive"), Path, word.Lit("."), false)
	}
	if c.has("_list") {
		c.args.Attrs["dry"] = true
	}
}

// unpackArchive is dpkg-deb -x FILE DIR, pax -r, jar x and ar x.
func unpackArchive(c *call) {
	argv := c.action.Args()
	if len(argv) == 0 {
		return
	}
	flags := strings.TrimLeft(argv[0].Prefix(), "-")
	dir := word.Lit(".")
	switch c.name {
	case "dpkg-deb":
		if flags != "x" && flags != "X" && flags != "extract" && flags != "vextract" && flags != "R" && flags != "raw-extract" || len(argv) < 3 {
			return
		}
		dir = argv[2]
	case "pax":
		if flagged(argv, 'r') && flagged(argv, 'w') {
			// pax -rw FILE… DIR
			if last := argv[len(argv)-1]; !strings.HasPrefix(last.Prefix(), "-") {
				c.emitWord(c.effect(WriteTree, "contents", "recursive", "preserve"), Path, last, false)
			}
			return
		}
		reads := false
		for _, w := range argv {
			if v := w.Prefix(); strings.HasPrefix(v, "-") && strings.Contains(v, "r") && !strings.Contains(v, "w") {
				reads = true
			}
		}
		if !reads {
			return
		}
	case "jar", "ar":
		if !strings.Contains(flagsBefore(flags, "f"), "x") {
			return
		}
	default:
		return
	}
	c.emitWord(c.effect(WriteTree, "extract", "contents", "recursive"), Path, dir, false)
}
