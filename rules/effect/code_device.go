package effect

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// deviceWords fills the role device with every word that names something below
// /dev, also behind "=" as in --device=/dev/sdb and id=0,dest=/dev/sdb1.
func deviceWords(c *call) {
	for _, w := range c.action.Args() {
		for _, v := range w.Values {
			i := strings.LastIndexByte(v, '=')
			if strings.HasPrefix(v, "/dev/") {
				i = -1
				if j := strings.IndexByte(v, '='); j > 0 {
					v = v[:j] // growisofs -Z /dev/sr0=x.iso
				}
			}
			if d := v[i+1:]; strings.HasPrefix(d, "/dev/") {
				c.args.Values["device"] = append(c.args.Values["device"], word.Lit(d))
			} else if c.name == "ocs-sr" && bareDisk().MatchString(d) {
				c.args.Values["device"] = append(c.args.Values["device"], word.Lit("/dev/"+d))
			}
		}
		if w.Know == word.Unknown && strings.HasPrefix(w.Prefix(), "/dev/") {
			c.args.Values["device"] = append(c.args.Values["device"], w)
		}
	}
}

// outOptions are the options by which a program is told the file to write.
func outOptions(name string) []string {
	switch name {
	case "pv", "gpg", "gpg2", "age", "brotli", "iconv", "pandoc", "xsltproc", "thin_repair", "thin_restore", "cache_repair", "cache_restore", "era_repair", "era_restore":
		return []string{"-o", "--output"}
	case "mbuffer", "buffer", "zstd", "unzstd", "pzstd", "gcc", "cc", "g++", "c++", "clang", "clang++", "ld", "as", "tcc", "rustc", "gfortran", "dot", "dtc":
		return []string{"-o"}
	case "ntfsclone":
		return []string{"-O", "--overwrite", "-o", "--output"}
	case "openssl":
		return []string{"-out", "-keyout"}
	case "genisoimage", "mkisofs", "xorrisofs":
		return []string{"-o", "-output"}
	case "dump", "xfsdump":
		return []string{"-f"}
	case "xmllint":
		return []string{"--output", "-o"}
	case "tcpdump", "tshark", "dumpcap":
		return []string{"-w"}
	case "nmap":
		return []string{"-oN", "-oX", "-oG"}
	case "mysqldump", "mariadb-dump":
		return []string{"-r", "--result-file"}
	case "pg_dump", "pg_dumpall":
		return []string{"-f", "--file"}
	case "dmidecode":
		return []string{"--dump-bin"}
	}
	return nil
}

// outOption is a program that writes what it makes into the file that an
// option names.
func outOption(c *call) {
	argv := c.action.Args()
	for _, opt := range outOptions(c.name) {
		short := len(opt) == 2
		for i, w := range argv {
			v, ok := w.Value()
			var out word.Word
			switch {
			case !ok:
				continue
			case v == opt, short && len(v) > 2 && v[0] == '-' && v[1] != '-' && v[len(v)-1] == opt[1] && c.name == "dump":
				if i+1 >= len(argv) {
					continue
				}
				out = argv[i+1]
			case strings.HasPrefix(v, opt+"=") && !short:
				out = word.Lit(v[len(opt)+1:])
			case short && strings.HasPrefix(v, opt):
				out = word.Lit(v[2:])
			default:
				continue
			}
			if !out.Is("-") {
				c.emitWord(c.effect(Overwrite, "inplace"), Path, out, false)
			}
		}
	}
	switch ops := c.args.Operands; c.name {
	case "lz4":
		if len(ops) > 1 {
			c.emitWord(c.effect(Overwrite, "inplace"), Path, ops[1], false)
		}
	case "mksquashfs":
		if len(ops) > 1 {
			c.emitWord(c.effect(Overwrite, "inplace"), Path, ops[1], false)
		}
	}
}

// tableMenu is fdisk and its like. A person at the menu is shown what is there
// and asked before it is written; commands on standard input are not.
func tableMenu(c *call) {
	if c.has("list") {
		return
	}
	e := c.effect(Partition)
	switch c.action.Stdin.Kind {
	case command.InputText, command.InputPipe, command.InputFile:
		// gdisk's z zaps the table at once.
		writes := func(s string) bool { return strings.EqualFold(s, "w") || s == "write" || s == "z" && c.name == "gdisk" }
		if text, known := c.input(); known && !slices.ContainsFunc(strings.Fields(text), writes) {
			e.mark("menu")
		}
	case command.InputShell, command.InputClosed:
		e.mark("menu")
	}
	for _, w := range c.values("device") {
		c.emitWord(e, Device, w, false)
	}
}

// sysctlKeys is the parameters that sysctl sets, "key=value" each, with the key
// in dots and its value beside it.
func sysctlKeys(c *call) {
	if c.has("load") {
		return
	}
	for _, w := range c.values("key") {
		for _, v := range w.Values {
			key, value, ok := strings.Cut(v, "=")
			if !ok {
				continue
			}
			e := c.effect(KernelChange)
			e.param("key", strings.ReplaceAll(strings.TrimSpace(key), "/", "."))
			e.param("value", strings.TrimSpace(value))
			c.emit(e, Object{Type: Kernel, Name: v, Word: w})
		}
	}
}

// zfsProperty fills the role at with the directory that zfs set mountpoint=
// names.
func zfsProperty(c *call) {
	for _, v := range c.text("property") {
		if dir, ok := strings.CutPrefix(v, "mountpoint=/"); ok && c.name == "zfs" {
			c.args.Values["at"] = word.Lits("/" + dir)
		}
	}
}

// bareDisk is a disk's name without its directory, as zpool takes it.
var bareDisk = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(sd[a-z]+|hd[a-z]|vd[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+|dm-\d+|md\d+)(p?\d+)?$`)
})

// poolDevices gives the disks that zpool names without /dev their paths.
func poolDevices(c *call) {
	args := c.action.Args()
	old := len(c.args.Operands) > 2 && len(args) > 0 && (args[0].Is("replace") || args[0].Is("attach"))
	for i, w := range c.args.Operands {
		if old && i == 1 {
			continue // the one that is there: what is written is the new one
		}
		if v, ok := w.Value(); ok && i > 0 && bareDisk().MatchString(v) {
			c.args.Values["device"] = append(c.args.Values["device"], word.Lit("/dev/"+v))
		} else if strings.HasPrefix(w.Prefix(), "/dev/") {
			c.args.Values["device"] = append(c.args.Values["device"], w)
		}
	}
}
