package rescue

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

// field is a place on a disk.
type field struct{ at, size int64 }

// superblock is how one kind of content is known, and where it keeps its name.
type superblock struct {
	kind  string
	magic string
	at    int64
	uuid  field // of 16 bytes, or of 4 or 8 for a serial number; of more: a text
	label field
	wide  bool // the label is UTF-16
}

// superblocks are looked for in this order: what other things are built on
// comes first.
var superblocks = []superblock{
	{kind: "crypto_LUKS", magic: "LUKS\xba\xbe", uuid: field{168, 40}},
	{kind: "LVM2_member", magic: "LABELONE", at: 512, uuid: field{544, 32}},
	{kind: "linux_raid_member", magic: "\xfc\x4e\x2b\xa9", at: 4096, uuid: field{4112, 16}, label: field{4128, 32}},
	{kind: "linux_raid_member", magic: "\xfc\x4e\x2b\xa9", uuid: field{16, 16}, label: field{32, 32}},
	{kind: "swap", magic: "SWAPSPACE2", at: 4086, uuid: field{1036, 16}, label: field{1052, 16}},
	{kind: "ext", magic: "\x53\xef", at: 1080, uuid: field{1128, 16}, label: field{1144, 16}},
	{kind: "xfs", magic: "XFSB", uuid: field{32, 16}, label: field{108, 12}},
	{kind: "btrfs", magic: "_BHRfS_M", at: 65600, uuid: field{65568, 16}, label: field{65835, 256}},
	{kind: "f2fs", magic: "\x10\x20\xf5\xf2", at: 1024, uuid: field{1132, 16}, label: field{1148, 512}, wide: true},
	{kind: "ntfs", magic: "NTFS    ", at: 3, uuid: field{72, 8}},
	{kind: "exfat", magic: "EXFAT   ", at: 3, uuid: field{100, 4}},
	{kind: "vfat", magic: "FAT32   ", at: 82, uuid: field{67, 4}, label: field{71, 11}},
	{kind: "vfat", magic: "FAT16   ", at: 54, uuid: field{39, 4}, label: field{43, 11}},
	{kind: "vfat", magic: "FAT12   ", at: 54, uuid: field{39, 4}, label: field{43, 11}},
	{kind: "iso9660", magic: "CD001", at: 32769, label: field{32808, 32}},
	{kind: "squashfs", magic: "hsqs"},
	{kind: "erofs", magic: "\xe2\xe1\xf5\xe0", at: 1024, uuid: field{1072, 16}, label: field{1088, 16}},
}

// content is what a device carries.
type content struct{ kind, uuid, label string }

// contentOf reads what a device or an image carries; nil where it is nothing
// known.
func contentOf(r io.ReaderAt) *content {
	get := func(f field) []byte {
		b := make([]byte, f.size)
		n, _ := r.ReadAt(b, f.at)
		return b[:n]
	}
	for _, s := range superblocks {
		if !bytes.Equal(get(field{s.at, int64(len(s.magic))}), []byte(s.magic)) {
			continue
		}
		c := &content{kind: s.kind, uuid: uuidText(get(s.uuid), s.kind)}
		if label := get(s.label); s.wide {
			c.label = wideText(label)
		} else {
			c.label = strings.TrimRight(string(bytes.SplitN(label, []byte{0}, 2)[0]), " ")
		}
		if s.kind == "vfat" && c.label == "NO NAME" {
			c.label = ""
		}
		if s.kind == "ext" {
			c.kind = extKind(get(field{1024, 1024}))
		}
		return c
	}
	return nil
}

// extKind tells ext2, ext3 and ext4 apart, as blkid does: by the features that
// the older ones do not have.
func extKind(sb []byte) string {
	const (
		compatJournal = 0x4
		incompatExt3  = 0x2 | 0x4 | 0x10 // filetype, recover, meta_bg
		roCompatExt3  = 0x1 | 0x2 | 0x4  // sparse_super, large_file, btree_dir
		incompatDev   = 0x8              // an external journal
	)
	if len(sb) < 0x68 {
		return "ext4"
	}
	compat, incompat, ro := binary.LittleEndian.Uint32(sb[0x5c:]), binary.LittleEndian.Uint32(sb[0x60:]), binary.LittleEndian.Uint32(sb[0x64:])
	switch {
	case incompat&incompatDev != 0:
		return "jbd"
	case incompat&^incompatExt3 != 0 || ro&^roCompatExt3 != 0:
		return "ext4"
	case compat&compatJournal != 0:
		return "ext3"
	}
	return "ext2"
}

func uuidText(b []byte, kind string) string {
	switch {
	case len(bytes.Trim(b, "\x00")) == 0:
		return ""
	case kind == "linux_raid_member" && len(b) == 16:
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case len(b) == 16:
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case len(b) == 4:
		return strings.ToUpper(fmt.Sprintf("%04x-%04x", binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b)))
	case len(b) == 8:
		return strings.ToUpper(hex.EncodeToString([]byte{b[7], b[6], b[5], b[4], b[3], b[2], b[1], b[0]}))
	case kind == "LVM2_member":
		var parts []string
		for s := string(b); s != ""; {
			n := 4
			if len(parts) == 0 || len(s) == 6 {
				n = 6
			}
			n = min(n, len(s))
			parts, s = append(parts, s[:n]), s[n:]
		}
		return strings.Join(parts, "-")
	}
	return strings.TrimRight(string(b), "\x00")
}

func wideText(b []byte) string {
	var u []uint16
	for i := 0; i+1 < len(b); i += 2 {
		v := binary.LittleEndian.Uint16(b[i:])
		if v == 0 {
			break
		}
		u = append(u, v)
	}
	return string(utf16.Decode(u))
}

// blockNames are the block devices of this machine that hold something.
func blockNames() ([]string, error) {
	entries, err := os.ReadDir("/sys/class/block")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join("/sys/class/block", e.Name(), "size")); err == nil && strings.TrimSpace(string(b)) != "0" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// noSys says how to get /sys where it is not mounted.
func (c *call) noSys(err error) {
	c.fail(err)
	if os.IsNotExist(err) {
		c.err("hint: mkdir -p /sys /dev; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev\n")
	}
}

// describe opens a device for what it carries.
func describe(path string) (*content, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() || st.Mode()&fs.ModeCharDevice != 0 {
		return nil, unix.ENOTBLK
	}
	return contentOf(f), nil
}

func identify(c *call) {
	f := c.options()
	only := f.StringP("match-tag", "s", "", "only this: UUID, LABEL or TYPE")
	token := f.StringP("match-token", "t", "", "only devices with NAME=VALUE")
	output := f.StringP("output", "o", "full", "value, device, export or full")
	label := f.StringP("label", "L", "", "the device with this label")
	uuid := f.StringP("uuid", "U", "", "the device with this UUID")
	f.BoolP("probe", "p", true, "look at the device itself, as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	switch {
	case *label != "":
		*token, *output = "LABEL="+*label, "device"
	case *uuid != "":
		*token, *output = "UUID="+*uuid, "device"
	}
	all := len(args) == 0
	if all {
		names, err := blockNames()
		if err != nil {
			c.noSys(err)
			return
		}
		for _, n := range names {
			args = append(args, "/dev/"+n)
		}
	}
	found := 0
	for _, a := range args {
		has, err := describe(c.path(a))
		if err != nil && !all {
			c.say("error: %s: %s", a, reason(err))
			continue
		}
		if has == nil {
			continue
		}
		tags := [][2]string{{"LABEL", has.label}, {"UUID", has.uuid}, {"TYPE", has.kind}}
		if *token != "" {
			name, value, _ := strings.Cut(*token, "=")
			hit := false
			for _, t := range tags {
				hit = hit || t[0] == name && t[1] == strings.Trim(value, `"`)
			}
			if !hit {
				continue
			}
		}
		found++
		if *output == "device" {
			c.tell("%s", a)
			continue
		}
		line := ""
		for _, t := range tags {
			switch {
			case t[1] == "" || *only != "" && t[0] != *only:
			case *output == "value":
				line += t[1] + "\n"
			case *output == "export":
				line += t[0] + "=" + t[1] + "\n"
			default:
				line += " " + t[0] + `="` + t[1] + `"`
			}
		}
		switch {
		case line == "":
		case *output == "full":
			c.tell("%s:%s", a, line)
		default:
			c.out.WriteString(line)
		}
	}
	if found == 0 {
		c.failed()
	}
}
