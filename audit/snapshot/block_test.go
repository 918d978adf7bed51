package snapshot

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// isolated runs a test in a mount namespace of its own; it reports whether
// this is the run inside.
func isolated(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) == "" {
		inNamespace(t, t.Name())
		return false
	}
	t.Cleanup(func() {
		if !t.Failed() {
			fmt.Println(childDone)
		}
	})
	return true
}

func command(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

// loopDevice is a block device of so many MiB over a file.
func loopDevice(t *testing.T, mib int64) string {
	t.Helper()
	image, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := image.Truncate(mib << 20); err != nil {
		t.Fatal(err)
	}
	dev, err := attach(t.TempDir(), image, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev.Name()
}

// lay makes a filesystem on a device and puts files on it; it gives back a
// listing with the sum of each.
func lay(t *testing.T, dev string, mkfs ...string) string {
	t.Helper()
	command(t, append(mkfs, dev)...)
	at := t.TempDir()
	command(t, "mount", dev, at)
	command(t, "sh", "-c", `cd "$1" && mkdir -p a/b && head -c 20000000 /dev/urandom > a/big && for i in $(seq 60); do head -c 3000 /dev/urandom > a/b/$i; done && ln a/big hard && ln -s a/big soft`, "sh", at)
	sums := sumsOf(t, at)
	command(t, "umount", at)
	return sums
}

func sumsOf(t *testing.T, at string) string {
	t.Helper()
	return command(t, "sh", "-c", `cd "$1" && find . -printf '%p %m %s %T@ %n %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum`, "sh", at)
}

func readBack(t *testing.T, dev string) string {
	t.Helper()
	at := t.TempDir()
	command(t, "mount", dev, at)
	defer command(t, "umount", at)
	return sumsOf(t, at)
}

// TestMakeFilesystem makes a filesystem over another that holds data and takes
// it back: the device is too large to be kept whole.
func TestMakeFilesystem(t *testing.T) {
	if !isolated(t) {
		return
	}
	for _, c := range []struct{ name, old, over, check string }{
		{"xfs under ext4", "mkfs.xfs -q -f", "mkfs.ext4 -q -F -E nodiscard", "xfs_repair -n"},
		{"ext4 under xfs", "mkfs.ext4 -q -F", "mkfs.xfs -q -f -K", "e2fsck -fn"},
		{"ext4 under btrfs", "mkfs.ext4 -q -F", "mkfs.btrfs -q -f -K", "e2fsck -fn"},
		{"xfs under swap", "mkfs.xfs -q -f", "mkswap", "xfs_repair -n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := loopDevice(t, 1024)
			was := lay(t, dev, strings.Fields(c.old)...)
			s := open(t, filepath.Join(t.TempDir(), "store"))
			argv := append(strings.Fields(c.over), dev)
			x, err := s.Take(context.Background(), s.Foresee(context.Background(), Plan{Items: []Item{{Class: Device, Path: dev, Write: Makes, Argv: argv}}}))
			if err != nil {
				t.Fatal(err)
			}
			if x.Reach != Full || len(x.Blocks) != 1 || x.Blocks[0].stored() > 512<<20 {
				t.Fatalf("reach %s %q, %d bytes", x.Reach, x.Reasons, x.Bytes)
			}
			command(t, argv...)
			if err := s.Finish(context.Background(), x.ID); err != nil {
				t.Fatal(err)
			}
			rep, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
			if err != nil || len(rep.Failed) > 0 || len(rep.Changes) != 1 {
				t.Fatalf("%+v, %v", rep, err)
			}
			if now := readBack(t, dev); now != was {
				t.Errorf("the files differ:\n%s\nwere\n%s", now, was)
			}
			command(t, append(strings.Fields(c.check), dev)...)
			// Undo of the undo: the new one is there again.
			if _, err := s.Restore(context.Background(), rep.Undo, RestoreOptions{Force: true}); err != nil {
				t.Fatal(err)
			}
			if got := command(t, "blkid", "-p", "-o", "value", "-s", "TYPE", dev); !strings.Contains(c.over, strings.TrimSpace(got)) {
				t.Errorf("after the undo of the undo: %q", got)
			}
		})
	}
}

// TestDeviceReach says how far back each way to write goes, on a small device,
// which is kept whole, and on a large one.
func TestDeviceReach(t *testing.T) {
	if !isolated(t) {
		return
	}
	small, large := loopDevice(t, 64), loopDevice(t, 1024)
	s := open(t, filepath.Join(t.TempDir(), "store"))
	for _, c := range []struct {
		path  string
		item  Item
		reach Reach
		word  string
	}{
		{small, Item{Write: Anywhere}, Full, ""},
		{large, Item{Write: Anywhere}, Partial, "first and last"},
		{large, Item{Write: Table}, Full, ""},
		{large, Item{Write: Signatures}, Full, ""},
		{large, Item{Write: Discards}, None, "nothing can be promised"},
		{large, Item{Write: Makes, Argv: []string{"mkfs.ext4", "-q", "-F"}}, None, "nodiscard"},
		{small, Item{Write: Makes, Argv: []string{"mkfs.ext4", "-q", "-F"}}, Full, ""},
		{large, Item{Write: Makes, Argv: []string{"mkfs.xfs", "-l", "logdev=/dev/sdz"}}, Partial, "another device"},
		{large, Item{Write: Makes, Argv: []string{"mkfs.ext4", "--no-such-option"}}, Partial, "could not be found out"},
	} {
		it := c.item
		it.Class, it.Path = Device, c.path
		if it.Argv != nil {
			it.Argv = append(slices.Clone(it.Argv), c.path)
		}
		x, err := s.Take(context.Background(), Plan{Items: []Item{it}})
		if err != nil {
			t.Fatal(err)
		}
		if x.Reach != c.reach || !strings.Contains(strings.Join(x.Reasons, "; "), c.word) {
			t.Errorf("%s %v: reach %s %q, want %s %q", it.Write, it.Argv, x.Reach, x.Reasons, c.reach, c.word)
		}
	}
	if leftovers, _ := filepath.Glob(filepath.Join(s.Root(), ".rehearsal*")); len(leftovers) > 0 {
		t.Errorf("left behind: %q", leftovers)
	}
}

// TestDeviceChangedLater: a device that was written to after the line, or is
// in use, is not written over.
func TestDeviceChangedLater(t *testing.T) {
	if !isolated(t) {
		return
	}
	dev := loopDevice(t, 64)
	lay(t, dev, "mkfs.ext4", "-q", "-F")
	s := open(t, filepath.Join(t.TempDir(), "store"))
	x, err := s.Take(context.Background(), Plan{Items: []Item{{Class: Device, Path: dev, Write: Signatures}}})
	if err != nil {
		t.Fatal(err)
	}
	command(t, "wipefs", "-a", "-q", dev)
	if err := s.Finish(context.Background(), x.ID); err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", "-F", dev)
	if rep, err := s.Restore(context.Background(), x.ID, RestoreOptions{}); err == nil || len(rep.Changes) != 1 || rep.Changes[0].Conflict == "" {
		t.Fatalf("restored over a later change: %+v, %v", rep, err)
	}
	at := t.TempDir()
	command(t, "mount", dev, at)
	rep, err := s.Restore(context.Background(), x.ID, RestoreOptions{Force: true})
	if err != nil || len(rep.Failed) != 1 || !strings.Contains(rep.Failed[0], "in use") {
		t.Errorf("restored a mounted device: %+v, %v", rep, err)
	}
	command(t, "umount", at)
}

// TestTables: a dos table with logical partitions, and a gpt one, come back
// byte for byte.
func TestTables(t *testing.T) {
	if !isolated(t) {
		return
	}
	for label, script := range map[string]string{
		"dos": "label: dos\n,100M,L\n,,E\n,200M,L\n,50M,L\n",
		"gpt": "label: gpt\n,100M,L\n,200M,L\n",
	} {
		for _, line := range []string{"wipefs -a -q", "sh -c 'printf \"label: gpt\\n,10M\\n\" | sfdisk -q --no-reread --force $0'"} {
			dev := loopDevice(t, 1024)
			shell := func(cmd string) string { return command(t, "sh", "-c", cmd, dev) }
			shell("printf '" + strings.ReplaceAll(script, "\n", "\\n") + "' | sfdisk -q --no-reread --force $0")
			was := shell("sfdisk -d $0")
			s := open(t, filepath.Join(t.TempDir(), "store"))
			x, err := s.Take(context.Background(), Plan{Items: []Item{{Class: Device, Path: dev, Write: Table}}})
			if err != nil {
				t.Fatal(err)
			}
			shell(line + " $0")
			if err := s.Finish(context.Background(), x.ID); err != nil {
				t.Fatal(err)
			}
			rep, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
			if err != nil || len(rep.Failed) > 0 {
				t.Fatalf("%s, %s: %+v, %v", label, line, rep, err)
			}
			if now := shell("sfdisk -d $0"); now != was {
				t.Errorf("%s, %s: the table is\n%s\nand was\n%s", label, line, now, was)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	got := merge([][2]int64{{9000, 10}, {0, 100}, {4096, 1}, {1 << 20, 1 << 20}}, 1<<20+5000)
	if want := [][2]int64{{0, 12288}, {1 << 20, 5000}}; !slices.Equal(got, want) {
		t.Errorf("merge: %v, want %v", got, want)
	}
	got = without([][2]int64{{0, 8192}, {16384, 4096}}, 4096, 4096)
	if want := [][2]int64{{0, 4096}, {16384, 4096}}; !slices.Equal(got, want) {
		t.Errorf("without: %v, want %v", got, want)
	}
}

// TestStripes: by these limits mkfs lays a filesystem out in stripes.
func TestStripes(t *testing.T) {
	for _, c := range []struct {
		logical, physical, minimum string
		want                       bool
	}{
		{"512", "512", "512", false},
		{"512", "4096", "4096", false},
		{"512", "4096", "65536", true},
		{"4096", "4096", "524288", true},
		{"4096", "512", "4096", false},
		{"", "", "", false},
	} {
		dir := t.TempDir()
		for name, v := range map[string]string{"logical_block_size": c.logical, "physical_block_size": c.physical, "minimum_io_size": c.minimum} {
			if v == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(v+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := stripes(dir); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
