package rescue

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a device carries is what the real blkid says of it.
func TestIdentifyLikeBlkid(t *testing.T) {
	for _, v := range []struct{ size, make string }{
		{"8M", "mkfs.ext2 -q -L two $f"},
		{"8M", "mkfs.ext3 -q $f"},
		{"8M", "mkfs.ext4 -q -L 'a label' $f"},
		{"8M", "mkfs.ext4 -q -O ^has_journal $f"},
		{"320M", "mkfs.xfs -q -L x $f"},
		{"128M", "mkfs.btrfs -q -L b $f"},
		{"40M", "mkfs.vfat -F 32 -n FAT32L $f"},
		{"40M", "mkfs.vfat -F 16 $f"},
		{"8M", "mkswap -L sw $f"},
		{"20M", "echo p | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $f -"},
		{"1M", "true"},
	} {
		dir := t.TempDir()
		f := filepath.Join(dir, "image")
		cmd := exec.Command("bash", "-ec", "truncate -s "+v.size+" $f; { "+v.make+"; } >&2")
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "f=" + f, "LC_ALL=C"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", v.make, err, out)
		}
		want := map[string]string{}
		out, _ := exec.Command("blkid", "-p", "-o", "export", f).Output() // fails where it finds nothing
		for line := range strings.Lines(string(out)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			want[name] = strings.ReplaceAll(value, `\ `, " ")
		}
		has, err := describe(f)
		if err != nil {
			t.Fatal(err)
		}
		if has == nil {
			has = &content{}
		}
		if has.kind != want["TYPE"] || has.uuid != want["UUID"] || has.label != want["LABEL"] {
			t.Errorf("%s\nis   %+v\nwant %v", v.make, *has, want)
		}
	}
}
