package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// TestDevices runs in a child with mounts of its own, on loop devices that it
// makes and removes.
func TestDevices(t *testing.T) {
	inOwnMounts(t, loops)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// loop attaches a new file of so many MiB as a device, until the test ends.
func loop(t *testing.T, file string, mib int64) string {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(mib << 20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	dev := run(t, "losetup", "--find", "--show", "--partscan", file)
	t.Cleanup(func() { run(t, "losetup", "--detach", dev) })
	return dev
}

func device(t *testing.T, w *World, kind effect.Kind, name string) *rules.ObjectFact {
	t.Helper()
	e := effect.Effect{Kind: kind, Object: effect.Object{Type: effect.Device, Name: name}}
	return w.Facts(nil, []effect.Effect{e}).Of(e.Object)
}

func loops(t *testing.T, dir string) {
	image := filepath.Join(dir, "disk.img")
	dev := loop(t, image, 32)
	w := New(Options{})
	defer w.Close()

	of := device(t, w, effect.RawWrite, dev)
	if d := of.Device; !d.Block || d.InUse || d.Size != 32<<20 || len(d.Carries) != 0 || len(of.Unknown) != 0 {
		t.Errorf("an empty device: %+v %q", d, of.Unknown)
	}
	run(t, "mkfs.ext4", "-q", "-L", "data", dev)
	of = device(t, w, effect.Format, dev)
	if d := of.Device; d.InUse || d.FSType != "ext4" || d.Label != "data" || !slices.Equal(d.Carries, []string{`ext4 "data" 32 MiB`}) {
		t.Errorf("a device with a file system: %+v %q", d, of.Unknown)
	}
	// Another name of the same device.
	var st unix.Stat_t
	if err := unix.Stat(dev, &st); err != nil {
		t.Fatal(err)
	}
	node, link := filepath.Join(dir, "node"), filepath.Join(dir, "by-label")
	if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(st.Rdev)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(node, link); err != nil {
		t.Fatal(err)
	}
	point := filepath.Join(dir, "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(dev, point, "ext4", 0, ""); err != nil {
		t.Fatal(err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			if err := unix.Unmount(point, 0); err != nil {
				t.Error(err)
			}
		}
	}
	defer unmount()
	for _, name := range []string{dev, node, link} {
		of := device(t, w, effect.RawWrite, name)
		if d := of.Device; !d.InUse || !slices.Contains(d.Mounts, point) || !slices.Contains(d.Users, "mounted on "+point) {
			t.Errorf("%s, mounted: %+v %q", name, d, of.Unknown)
		}
	}
	// The file below it, and the mount point.
	if d := device(t, w, effect.Format, image).Device; !d.InUse || !slices.Contains(d.Users, "attached as "+dev) {
		t.Errorf("the image of a loop device: %+v", d)
	}
	e := on(effect.Fsck, point)
	of = w.Facts(nil, []effect.Effect{e}).Of(e.Object)
	if of.Path.Class != rules.MountAt || !of.Device.InUse || of.Path.FSType != "ext4" || of.Device.FSType != "ext4" {
		t.Errorf("the mount point: %+v %+v", of.Path, of.Device)
	}
	// Who holds it: a process with its working directory there.
	sleeper := exec.Command("sleep", "60")
	sleeper.Dir = point
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{point, dev} {
		e := on(effect.Unmount, name)
		of = w.Facts(nil, []effect.Effect{e}).Of(e.Object)
		if !slices.ContainsFunc(of.Path.HeldBy, func(h rules.Holder) bool {
			return h.PID == sleeper.Process.Pid && h.Name == "sleep" && h.User == "root"
		}) {
			t.Errorf("umount %s: held by %+v", name, of.Path.HeldBy)
		}
	}
	if err := sleeper.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = sleeper.Wait()

	// A protected directory under another name.
	alias := filepath.Join(dir, "alias")
	if err := os.Mkdir(alias, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("/etc", alias, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]rules.Class{alias: rules.System, alias + "/passwd": rules.System} {
		e := on(effect.Delete, name, "recursive")
		p := w.Facts(nil, []effect.Effect{e}).Of(e.Object).Path
		if p.Class != want || len(p.Protected) == 0 {
			t.Errorf("%s, a bind mount of /etc: class %q, reaches %q", name, p.Class, p.Protected)
		}
	}
	// A tree that holds a mount reaches it.
	e = on(effect.Delete, dir, "recursive")
	if p := w.Facts(nil, []effect.Effect{e}).Of(e.Object).Path; !slices.Contains(p.Protected, alias) || !slices.Contains(p.Protected, point) {
		t.Errorf("rm -rf above mounts reaches %q", p.Protected)
	}
	if err := unix.Unmount(alias, 0); err != nil {
		t.Error(err)
	}
	unmount()

	swap := loop(t, filepath.Join(dir, "swap.img"), 16)
	run(t, "mkswap", swap)
	if d := device(t, w, effect.Format, swap).Device; d.InUse || d.FSType != "swap" {
		t.Errorf("swap that is off: %+v", d)
	}
	disk := loop(t, filepath.Join(dir, "parts.img"), 64)
	sf := exec.Command("sfdisk", "--quiet", disk)
	sf.Stdin = strings.NewReader("label: gpt\nsize=16M\nsize=16M\n")
	if out, err := sf.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	d := device(t, w, effect.Partition, disk).Device
	if d.Table != "gpt" || len(d.Carries) != 1 || !strings.HasPrefix(d.Carries[0], "gpt table") {
		t.Errorf("a partitioned disk: %+v", d)
	}
}

// TestMapper names devices of the device mapper. The mapper itself is no part of
// every kernel that tests run on: the child lays a sysfs of its own over the
// real one, in which a loop device is what a logical volume would be.
func TestMapper(t *testing.T) {
	inOwnMounts(t, mapper)
}

func mapper(t *testing.T, dir string) {
	numbers := func(node string) string {
		var st unix.Stat_t
		if err := unix.Stat(node, &st); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d:%d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev)))
	}
	volume := loop(t, filepath.Join(dir, "volume.img"), 32)
	run(t, "mkfs.ext4", "-q", volume)
	point := filepath.Join(dir, "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(volume, point, "ext4", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(point, 0); err != nil {
			t.Error(err)
		}
	})
	disk := loop(t, filepath.Join(dir, "disk.img"), 32)
	if err := unix.Mount("sysfs", "/sys", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount("/sys", unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	for _, d := range []struct{ kernel, dev, name, uuid, holders string }{
		{"sda", numbers(disk), "", "", "dm-1 dm-3"},
		{"dm-0", numbers(volume), "vg0-data", "LVM-one", ""},
		{"dm-1", "253:1", "vg0-data-real", "LVM-two", "dm-0 dm-2"},
		{"dm-2", "253:2", "vg0-snap", "LVM-three", ""},
		{"dm-3", "253:3", "vg0-idle", "LVM-four", ""},
	} {
		at := "/sys/devices/" + d.kernel
		for name, text := range map[string]string{"dev": d.dev, "dm/name": d.name, "dm/uuid": d.uuid} {
			if text == "" {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(filepath.Join(at, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(at, name), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		links := []string{"/sys/dev/block/" + d.dev, "/sys/class/block/" + d.kernel}
		for _, h := range strings.Fields(d.holders) {
			links = append(links, at+"/holders/"+h)
		}
		for _, l := range links {
			if err := os.MkdirAll(filepath.Dir(l), 0o755); err != nil {
				t.Fatal(err)
			}
			to := at
			if filepath.Base(filepath.Dir(l)) == "holders" {
				to = "/sys/devices/" + filepath.Base(l)
			}
			if err := os.Symlink(to, l); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := New(Options{})
	defer w.Close()
	mounted := "mounted on " + point
	for _, tt := range []struct {
		command, name string
		users         []string
	}{
		{"dmsetup", "vg0-data", []string{mounted}},
		{"cryptsetup", "vg0-data", []string{mounted}},
		{"dmsetup", "/dev/mapper/vg0-data", []string{mounted}},
		{"dmsetup", volume, []string{mounted}},
		{"dmsetup", "LVM-one", []string{mounted}},
		{"dmsetup", "", []string{
			"dm-1 (vg0-data-real) is used by device vg0-data", "dm-1 (vg0-data-real) is " + mounted + " (through vg0-data)",
			"dm-1 (vg0-data-real) is used by device vg0-snap", "dm-0 (vg0-data) is " + mounted,
		}},
		{"dmsetup", "vg0-idle", nil},
		{"dmsetup", "vg0-none", nil},
	} {
		e := effect.Effect{Kind: effect.VolumeChange, Command: tt.command, Object: effect.Object{Type: effect.Volume, Name: tt.name}}
		d := w.Facts(nil, []effect.Effect{e}).Of(e.Object).Device
		if !slices.Equal(d.Users, tt.users) {
			t.Errorf("%s %q is used as %q, want %q", tt.command, tt.name, d.Users, tt.users)
		}
	}
	// A volume with a snapshot stands on a hidden one of its group.
	group := []string{"physical volume of vg0", mounted + " (through vg0-data)"}
	if d := device(t, w, effect.RawWrite, disk).Device; !slices.Equal(d.Users, group) {
		t.Errorf("a physical volume is used as %q, want %q", d.Users, group)
	}
}

func TestVolumeGroup(t *testing.T) {
	for dm, want := range map[string]string{"vg0-data": "vg0", "my--vg-my--lv": "my-vg", "plain": "plain", "a---b": "a-"} {
		if got := volumeGroup(dm); got != want {
			t.Errorf("%s: %q, want %q", dm, got, want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	const table = `30 1 8:1 / /a rw - ext4 /dev/sda1 rw,errors=remount-ro
31 1 8:2 / /b ro - ext4 /dev/sda2 rw
32 1 8:3 / /c rw - ext4 /dev/sda3 ro
33 1 8:4 / /d rw - ext4 /dev/sda4 rw,emergency_ro
34 1 0:9 /@ /e rw - btrfs /dev/sdb rw
35 1 0:9 /@/x /f\040g rw - btrfs /dev/sdb rw
36 1 0:10 / /n rw - nfs4 srv:/x rw
`
	mt := parseMounts([]byte(table))
	for p, want := range map[string]bool{"/a": false, "/b": true, "/c": true, "/d/x": true} {
		if got := readOnly(mt.of(p)); got != want {
			t.Errorf("%s: read-only %v", p, got)
		}
	}
	if got := mt.aliases("/f g/y"); !slices.Equal(got, []string{"/e/x/y"}) {
		t.Errorf("aliases: %q", got)
	}
	if !mayHang(mt.of("/n/x")) || mayHang(mt.of("/e")) {
		t.Error("which mounts may hang")
	}
}

// What udev keeps of a disk tells its kind too, and of a partition its disk's
// table: neither is what lies on it.
func TestUdevTags(t *testing.T) {
	for name, c := range map[string]struct{ kept, fs, label, table string }{
		"blank disk":  {kept: "E:ID_TYPE=disk\nE:ID_SERIAL=0QEMU_DISK6\n"},
		"disk":        {kept: "E:ID_TYPE=disk\nE:ID_PART_TABLE_TYPE=gpt\n", table: "gpt"},
		"partition":   {kept: "E:ID_TYPE=disk\nE:ID_PART_TABLE_TYPE=gpt\nE:ID_PART_ENTRY_NUMBER=3\nE:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=idle\n", fs: "ext4", label: "idle"},
		"whole disk":  {kept: "E:ID_FS_TYPE=xfs\nE:ID_TYPE=disk\n", fs: "xfs"},
		"raid member": {kept: "E:ID_FS_TYPE=linux_raid_member\nE:ID_FS_LABEL=vm:0\n", fs: "linux_raid_member", label: "vm:0"},
	} {
		got := udevTags([]byte("S:disk/by-id/x\n" + c.kept))
		if got["TYPE"] != c.fs || got["LABEL"] != c.label || got["PTTYPE"] != c.table {
			t.Errorf("%s: %q, want %q %q %q", name, got, c.fs, c.label, c.table)
		}
	}
}
