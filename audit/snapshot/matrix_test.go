package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lookTime is when the directory above was last changed, as far as anyone knows.
var lookTime = time.Unix(1_200_000_000, 55)

// The matrix runs as root in a mount namespace of its own, in a child that is
// this test binary again: nothing that it mounts is seen outside of it, and
// all of it is gone with the child. A child that does not say that it
// finished is a failure.
const (
	childEnv  = "GUARDSH_SNAPSHOT_MATRIX"
	childDone = "the matrix is done"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		// Private before anything is mounted: shared mounts would leak out.
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Println("private mounts:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// inNamespace runs one test again in a private mount namespace, with a network
// of its own.
func inNamespace(t *testing.T, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root: it mounts filesystems")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(childDone)) {
		t.Fatalf("%v\n%s", err, out)
	}
	for l := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(l, "cell ") {
			t.Log(strings.TrimSpace(l))
		}
	}
}

// filesystem makes and mounts a filesystem; the loop device goes with it.
func filesystem(t *testing.T, kind, dir string) string {
	t.Helper()
	at := filepath.Join(dir, kind)
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if kind == "tmpfs" {
		run("mount", "-t", "tmpfs", "-o", "size=64m,noatime", "tmpfs", at)
	} else {
		image := filepath.Join(dir, kind+".img")
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 512<<20); err != nil {
			t.Fatal(err)
		}
		run("mkfs."+kind, "-q", image)
		loop := run("losetup", "-f", "--show", image)
		t.Cleanup(func() { run("losetup", "-d", loop) })
		// noatime: reading a link or directory here must not be taken for a fault.
		run("mount", "-t", kind, "-o", "noatime", loop, at)
	}
	t.Cleanup(func() { run("umount", at) })
	return at
}

// look is what lstat, listxattr, ioctl and lseek say of one path: written for
// this test, by path, and without a line of the code under test.
type look struct {
	mode, uid, gid, nlink uint32
	size                  int64
	atime, mtime          syscall.Timespec
	rdev, ino             uint64
	link, content         string
	data                  string // data ranges
	xattrs                string
	flags                 int
}

func lookAt(t *testing.T, path string) look {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	l := look{mode: st.Mode, uid: st.Uid, gid: st.Gid, nlink: uint32(st.Nlink), size: st.Size, atime: st.Atim, mtime: st.Mtim, ino: st.Ino}
	buf := make([]byte, 1<<16)
	n, err := unix.Llistxattr(path, buf)
	if err != nil && err != unix.ENOTSUP {
		t.Fatal(err)
	}
	xs := map[string]string{}
	for _, x := range strings.Split(string(buf[:max(n, 0)]), "\x00") {
		if x != "" {
			v := make([]byte, 1<<16)
			m, err := unix.Lgetxattr(path, x, v)
			if err != nil {
				t.Fatal(err)
			}
			xs[x] = string(v[:m])
		}
	}
	l.xattrs = fmt.Sprintf("%q", xs)
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFLNK:
		l.link, _ = os.Readlink(path)
	case syscall.S_IFCHR, syscall.S_IFBLK:
		l.rdev = st.Rdev
	case syscall.S_IFDIR:
		l.size = 0 // the filesystem's own affair
		l.nlink = 0
	}
	if f := st.Mode & syscall.S_IFMT; f == syscall.S_IFREG || f == syscall.S_IFDIR {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOATIME, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if v, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS); err == nil {
			l.flags = v & 0xffffffff & (0x10 | 0x20 | 0x40 | 0x80 | 0x8 | 0x10000 | 0x800000)
		}
		if f == syscall.S_IFREG {
			b := make([]byte, st.Size)
			if n, err := unix.Pread(fd, b, 0); err != nil || int64(n) != st.Size {
				t.Fatal(n, err)
			}
			l.content = string(b)
			var rs []string
			for off := int64(0); off < st.Size; {
				d, err := unix.Seek(fd, off, unix.SEEK_DATA)
				if err != nil {
					break
				}
				h, err := unix.Seek(fd, d, unix.SEEK_HOLE)
				if err != nil {
					t.Fatal(err)
				}
				rs = append(rs, fmt.Sprintf("%d-%d", d, h))
				off = h
			}
			l.data = strings.Join(rs, " ")
		}
	}
	return l
}

// zoo makes one of everything below dir, and says which names may be written
// to in place. out is a directory that is not part of what is kept.
func zoo(t *testing.T, dir, out string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := func(n string) string { return filepath.Join(dir, n) }
	must(os.MkdirAll(p("sub/empty"), 0o751))
	must(os.MkdirAll(out, 0o755))
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<10) // 320 KiB: no longer packed
	for n, b := range map[string][]byte{"plain": []byte("plain"), "zero": nil, "mode": []byte("m"), "suid": []byte("s"), "owner": []byte("o"),
		"times": []byte("t"), "acl": []byte("a"), "caps": []byte("c"), "xattr": []byte("x"), "flags": []byte("f"), "immutable": []byte("i"),
		"append": []byte("ap"), "nocow": []byte("n"), "big": big, "inside1": []byte("in"), "outside": []byte("out"), "bigoutside": big, "sub/f": []byte("sub"),
		"sub/new\nline": []byte("n"), "-rf": []byte("d"), "\xff\xfe": []byte("u")} {
		must(os.WriteFile(p(n), b, 0o644))
	}
	for n, size := range map[string]int64{"sparse": 100 << 10, "bigsparse": 4 << 20, "allhole": 1 << 20} {
		f, err := os.Create(p(n))
		must(err)
		must(f.Truncate(size))
		if n != "allhole" {
			_, err = f.WriteAt(bytes.Repeat([]byte("d"), 8192), size/2&^8191)
			must(err)
		}
		must(f.Sync())
		must(f.Close())
	}
	must(os.Link(p("inside1"), p("sub/inside2")))
	must(os.Link(p("outside"), filepath.Join(out, "outside")))
	must(os.Link(p("bigoutside"), filepath.Join(out, "bigoutside")))
	must(os.Symlink("plain", p("link")))
	must(os.Symlink("/nowhere/\xff", p("dangling")))
	must(unix.Mkfifo(p("fifo"), 0o620))
	must(unix.Mknod(p("char"), unix.S_IFCHR|0o640, int(unix.Mkdev(1, 3))))
	must(unix.Mknod(p("block"), unix.S_IFBLK|0o640, int(unix.Mkdev(7, 99))))
	must(unix.Mknod(p("socket"), unix.S_IFSOCK|0o755, 0))
	must(unix.Chmod(p("mode"), 0o0604))
	must(unix.Chown(p("owner"), 1234, 4321))
	must(unix.Lchown(p("link"), 55, 66))
	must(unix.Chown(p("suid"), 33, 33))
	must(unix.Chmod(p("suid"), 0o6751))
	must(unix.Chown(p("sub"), 12, 13))
	must(unix.Chmod(p("sub"), 0o3771))
	must(unix.Setxattr(p("xattr"), "trusted.t", []byte("\x00\xff"), 0))
	must(unix.Setxattr(p("xattr"), "security.selinux", []byte("system_u:object_r:etc_t:s0\x00"), 0))
	must(unix.Setxattr(p("xattr"), "user.u", bytes.Repeat([]byte("v"), 700), 0))
	must(unix.Lsetxattr(p("link"), "trusted.l", []byte("on the link"), 0))
	must(unix.Setxattr(p("sub"), "user.dir", []byte("d"), 0))
	must(unix.Setxattr(p("acl"), "system.posix_acl_access", acl(6, 7, 4), 0))
	must(unix.Setxattr(p("sub"), "system.posix_acl_default", acl(7, 5, 5), 0))
	caps := make([]byte, 20) // VFS_CAP_REVISION_2, CAP_NET_RAW permitted and effective
	binary.LittleEndian.PutUint32(caps, 0x02000001)
	binary.LittleEndian.PutUint32(caps[4:], 1<<13)
	must(unix.Setxattr(p("caps"), "security.capability", caps, 0))
	stampAll(t, dir)
	for n, f := range map[string]int{"flags": 0x40 | 0x80, "immutable": 0x10, "append": 0x20, "nocow": 0x800000, "sub/empty": 0x40} {
		_ = setTestFlags(p(n), f) // where the filesystem has it; what took is read back
	}
}

func setTestFlags(path string, set int) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	v, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	if set == 0 {
		v &^= 0x10 | 0x20
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, v|set)
}

// acl is a POSIX ACL with one named user and one named group. Source: acl(5)
// and linux/posix_acl_xattr.h.
func acl(user, group, other uint16) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{1, uint32(user), ^uint32(0)}, {2, 6, 1001}, {4, uint32(group), ^uint32(0)}, {8, 4, 2002}, {16, 7, ^uint32(0)}, {32, uint32(other), ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

// stampAll gives everything times of its own, children first.
func stampAll(t *testing.T, dir string) {
	t.Helper()
	for i, p := range slices.Backward(walkPaths(t, dir)) {
		ts := []unix.Timespec{{Sec: 1_000_000_000 + int64(i), Nsec: 123456789}, {Sec: 1_100_000_000 + int64(i), Nsec: 987654321}}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, p, ts, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
	}
}

func walkPaths(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		all = append(all, p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func lookAll(t *testing.T, dir string) map[string]look {
	t.Helper()
	m := map[string]look{}
	for _, p := range walkPaths(t, dir) {
		r, err := filepath.Rel(filepath.Dir(dir), p)
		if err != nil {
			t.Fatal(err)
		}
		m[r] = lookAt(t, p)
	}
	// The parent's times belong to the effect too.
	up := lookAt(t, filepath.Dir(dir))
	m[".."] = look{mtime: up.mtime, atime: up.atime}
	return m
}

// kinds of difference between two looks, by name. inode: whether inodes must
// be the same.
func differences(a, b look) (d []string) {
	for n, same := range map[string]bool{
		"mode": a.mode == b.mode, "uid": a.uid == b.uid, "gid": a.gid == b.gid, "nlink": a.nlink == b.nlink, "size": a.size == b.size,
		"atime": a.atime == b.atime, "mtime": a.mtime == b.mtime, "rdev": a.rdev == b.rdev, "link": a.link == b.link,
		"content": a.content == b.content, "holes": a.data == b.data, "xattrs": a.xattrs == b.xattrs, "flags": a.flags == b.flags,
	} {
		if !same {
			d = append(d, n)
		}
	}
	return d
}

// acts are what lines do, by class. Each also meets immutable files, so it
// unlocks them first, as an administrator would.
var acts = map[Class]func(t *testing.T, dir string){
	Delete: func(t *testing.T, dir string) {
		unlockAll(t, dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	},
	Replace: func(t *testing.T, dir string) {
		unlockAll(t, dir)
		for _, p := range walkPaths(t, dir) {
			if st, err := os.Lstat(p); err != nil || st.IsDir() {
				continue
			}
			if err := os.WriteFile(p+".new", []byte("replaced"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(p+".new", p); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "added"), []byte("added"), 0o600); err != nil {
			t.Fatal(err)
		}
	},
	InPlace: func(t *testing.T, dir string) {
		unlockAll(t, dir)
		for _, p := range walkPaths(t, dir) {
			if st, err := os.Lstat(p); err != nil || !st.Mode().IsRegular() {
				continue
			}
			if err := os.WriteFile(p, []byte("written over"), 0); err != nil {
				t.Fatal(err)
			}
		}
	},
	Metadata: func(t *testing.T, dir string) {
		unlockAll(t, dir)
		for _, p := range walkPaths(t, dir) {
			if err := unix.Lchown(p, 7, 7); err != nil {
				t.Fatal(err)
			}
			if st, err := os.Lstat(p); err == nil && st.Mode()&os.ModeSymlink == 0 {
				if err := unix.Chmod(p, 0o777); err != nil {
					t.Fatal(err)
				}
				_ = unix.Removexattr(p, "system.posix_acl_access")
				_ = unix.Removexattr(p, "user.u")
			}
		}
	},
}

func unlockAll(t *testing.T, dir string) {
	t.Helper()
	for _, p := range walkPaths(t, dir) {
		if st, err := os.Lstat(p); err == nil && (st.Mode().IsRegular() || st.IsDir()) {
			_ = setTestFlags(p, 0)
		}
	}
}

// TestFaithful: every attribute × filesystem × class comes back.
func TestFaithful(t *testing.T) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		inNamespace(t, "TestFaithful")
		return
	}
	main := open(t, filepath.Join(dir, "store"))
	cells := 0
	for _, kind := range []string{"ext4", "xfs", "btrfs", "tmpfs"} {
		at := filesystem(t, kind, dir)
		for _, class := range slices.Sorted(maps.Keys(acts)) {
			top := filepath.Join(at, string(class))
			zooDir, out := filepath.Join(top, "zoo"), filepath.Join(at, "out-"+string(class))
			zoo(t, zooDir, out)
			if err := os.Chtimes(top, lookTime, lookTime); err != nil {
				t.Fatal(err)
			}
			before := lookAll(t, zooDir)
			x := take(t, main, Item{Class: class, Path: zooDir})
			if x.Reach != Full {
				t.Errorf("%s %s: %s %q", kind, class, x.Reach, x.Reasons)
			}
			if err := main.Verify(context.Background(), x.ID); err != nil {
				t.Errorf("%s %s: %v", kind, class, err)
			}
			for name, l := range lookAll(t, zooDir) {
				if d := differences(before[name], l); len(d) > 0 && !slices.Equal(d, []string{"nlink"}) {
					t.Errorf("%s %s: taking changed %q: %q", kind, class, name, d)
				}
			}
			acts[class](t, zooDir)
			finish(t, main, x.ID)
			rep := restore(t, main, x.ID, RestoreOptions{NoKeep: true})
			after := lookAll(t, zooDir)
			for name, was := range before {
				is, ok := after[name]
				if !ok {
					t.Errorf("%s %s: %q did not come back", kind, class, name)
					continue
				}
				if d := differences(was, is); len(d) > 0 {
					slices.Sort(d)
					t.Errorf("%s %s: %q: %q (links %d %d, flags %#x %#x, data %s / %s)", kind, class, name, d, was.nlink, is.nlink, was.flags, is.flags, was.data, is.data)
				}
			}
			for name := range after {
				if _, ok := before[name]; !ok {
					t.Errorf("%s %s: %q is left over", kind, class, name)
				}
			}
			for a, b := range map[string]string{"zoo/inside1": filepath.Join(zooDir, "sub/inside2"), "zoo/outside": filepath.Join(out, "outside"), "zoo/bigoutside": filepath.Join(out, "bigoutside")} {
				if o := lookAt(t, b); o.ino != after[a].ino {
					t.Errorf("%s %s: %s and %s are no longer one file", kind, class, a, b)
				}
			}
			if len(rep.Notes) > 0 {
				t.Logf("notes: %q", rep.Notes)
			}
			cells++
			fmt.Printf("cell %s × %s: %d entries\n", kind, class, len(before))
			if err := main.Drop(x.ID); err != nil {
				t.Error(err)
			}
			unlockAll(t, at)
		}
		// Create: there was nothing.
		made := filepath.Join(at, "made", "a", "zoo")
		up := lookAt(t, at)
		x := take(t, main, Item{Class: Create, Path: made})
		zoo(t, made, filepath.Join(at, "out-create"))
		finish(t, main, x.ID)
		restore(t, main, x.ID, RestoreOptions{})
		if _, err := os.Lstat(filepath.Join(at, "made")); !os.IsNotExist(err) {
			t.Errorf("%s create: something is left: %v", kind, err)
		}
		if now := lookAt(t, at); now.mode != up.mode {
			t.Errorf("%s create: the directory above changed", kind)
		}
		cells++
		fmt.Printf("cell %s × create\n", kind)
		for _, y := range mustList(t, main) {
			if err := main.Drop(y.ID); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Lstat(filepath.Join(at, placeName)); !os.IsNotExist(err) {
			t.Errorf("%s: blobs are left after the last drop: %v", kind, err)
		}
	}
	if cells != 20 {
		t.Fatalf("%d cells of 20", cells)
	}
	fmt.Println(childDone)
}

func mustList(t *testing.T, s *Store) []*Snapshot {
	t.Helper()
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
