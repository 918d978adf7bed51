package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Write is how a line writes to a block device; it decides which ranges are
// kept.
type Write string

const (
	Makes      Write = "makes"      // a filesystem, by Item.Argv: what that writes is found out beforehand
	Signatures Write = "signatures" // signatures are wiped (wipefs -a, pvcreate)
	Table      Write = "table"      // a partition table
	Anywhere   Write = "anywhere"   // dd, a redirection: not known before
	Discards   Write = "discards"   // blocks are given back to the device
)

const (
	// wholeDevice is the size up to which all of a device is kept where what
	// will be written is not known: a second or so of reading.
	wholeDevice = 256 << 20
	// ends is what is kept of the start and the end of a larger device: both
	// partition tables, and the superblocks of what lies in front.
	ends = 16 << 20
	// tableEnds holds a partition table, its copy at the end and boot code.
	tableEnds = 1 << 20
)

// Blocks is what was kept of a block device.
type Blocks struct {
	Item   int        `json:"item"`
	Size   int64      `json:"size"`            // of the device
	Ranges [][2]int64 `json:"ranges"`          // offset and length, in order
	File   string     `json:"file"`            // in state/: the ranges, one after the other; holes are zeroes
	SHA256 string     `json:"sha256"`          // of the ranges, one after the other
	Table  string     `json:"table,omitempty"` // sfdisk -d, where there was a table
}

// stored is the number of bytes in the ranges.
func (b *Blocks) stored() (n int64) {
	for _, r := range b.Ranges {
		n += r[1]
	}
	return n
}

// device is an open block device.
type device struct {
	*os.File
	size   int64
	sector int
}

func openDevice(path string, flags int) (*device, error) {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	d := &device{File: os.NewFile(uintptr(fd), path)}
	st, err := stat(fd)
	if err == nil && kindOf(uint32(st.Mode)) != KBlock {
		err = fmt.Errorf("%s is no block device", path)
	}
	if err == nil {
		d.size, err = unix.Seek(fd, 0, 2)
	}
	if err == nil {
		d.sector, err = unix.IoctlGetInt(fd, unix.BLKSSZGET)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// canDiscard says whether a device takes discards. What cannot be found out
// counts as yes.
func (d *device) canDiscard() bool {
	st, err := stat(int(d.Fd()))
	if err != nil {
		return true
	}
	for _, up := range []string{"", "/.."} { // a partition's queue is its disk's
		b, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d%s/queue/discard_max_bytes", st.Rdev_major, st.Rdev_minor, up))
		if err == nil {
			return strings.TrimSpace(string(b)) != "0"
		}
	}
	return true
}

// striped says whether a device asks to be written in stripes, as RAID does: a
// filesystem is then laid out by them, and a rehearsal on a device without any
// writes elsewhere.
func (d *device) striped() bool {
	st, err := stat(int(d.Fd()))
	if err != nil {
		return true
	}
	for _, up := range []string{"", "/.."} {
		dir := fmt.Sprintf("/sys/dev/block/%d:%d%s/queue", st.Rdev_major, st.Rdev_minor, up)
		if _, err := os.Stat(dir); err == nil {
			return stripes(dir)
		}
	}
	return false
}

// stripes reads the limits of a device's queue: mkfs takes the least that is
// written at once for the stripe where it is more than a block of the disk.
func stripes(queue string) bool {
	number := func(name string) int64 {
		b, err := os.ReadFile(queue + "/" + name)
		if err != nil {
			return 0
		}
		n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		return n
	}
	return number("minimum_io_size") > max(number("physical_block_size"), number("logical_block_size"))
}

// devicePlan is which ranges of a device to keep; why says what that misses.
// No ranges: keeping some would promise what cannot be held.
func (s *Store) devicePlan(ctx context.Context, it Item, d *device) (rs [][2]int64, why string) {
	if len(it.Ranges) > 0 {
		return it.Ranges, ""
	}
	all := [][2]int64{{0, d.size}}
	both := func(n int64) [][2]int64 { return merge([][2]int64{{0, n}, {d.size - n, n}}, d.size) }
	partly := "only its first and last " + Size(ends) + " are kept"
	switch it.Write {
	case Makes:
		var wrote [][2]int64
		var discards bool
		err := errors.New("it is laid out by the stripes of the device")
		if !d.striped() {
			wrote, discards, err = s.rehearse(ctx, it.Path, it.Argv, d.size, d.sector)
		}
		switch {
		case err == nil && (!discards || !d.canDiscard()):
			return merge(append(both(tableEnds), wrote...), d.size), ""
		case d.size <= wholeDevice:
			return all, ""
		case err != nil:
			return both(ends), fmt.Sprintf("what will be written could not be found out (%v): %s", err, partly)
		}
		return nil, "its blocks are discarded first, and nothing can be promised after that (mke2fs -E nodiscard, mkfs.xfs -K, mkfs.btrfs -K leave them)"
	case Signatures:
		at, err := signatures(ctx, it.Path)
		if err == nil {
			return merge(append(both(tableEnds), at...), d.size), ""
		}
		why = fmt.Sprintf("where its signatures are could not be found out (%v): %s", err, partly)
	case Table:
		return both(tableEnds), ""
	case Discards:
		if d.size > wholeDevice {
			return nil, "its blocks are discarded, and nothing can be promised after that"
		}
	default:
		why = partly
	}
	if d.size <= wholeDevice {
		return all, ""
	}
	return both(ends), why
}

// signatures is where wipefs sees some, each with what lies around it.
func signatures(ctx context.Context, path string) (rs [][2]int64, err error) {
	out, _, err := ask(ctx, nil, "wipefs", "--json", "--no-act", path)
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return nil, err
	}
	var said struct {
		Signatures []struct{ Offset string }
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return nil, fmt.Errorf("wipefs: %w", err)
	}
	for _, s := range said.Signatures {
		at, err := strconv.ParseInt(s.Offset, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("wipefs: %w", err)
		}
		rs = append(rs, [2]int64{at, 2 * block})
	}
	// btrfs writes its superblock three times, and wipefs wipes all of them.
	for _, at := range []int64{64 << 10, 64 << 20, 256 << 30} {
		rs = append(rs, [2]int64{at, block})
	}
	return rs, nil
}

// table is a device's partition table as sfdisk tells it; "" if it has none.
func table(ctx context.Context, path string) string {
	out, _, err := ask(ctx, nil, "sfdisk", "--dump", path)
	if err != nil {
		return ""
	}
	return string(out)
}

// devices keeps what the plan's block devices will lose.
func (k *keeper) devices(ctx context.Context) error {
	for n, it := range k.snap.Items {
		if it.Class != Device {
			continue
		}
		d, err := openDevice(it.Path, unix.O_RDONLY)
		if err != nil {
			k.snap.reason(err.Error())
			continue
		}
		err = k.device(ctx, n, it, d)
		d.Close()
		if isLimit(err) || k.over != "" {
			return err
		}
		if err != nil {
			k.snap.reason(fmt.Sprintf("%s: %v", it.Path, err))
		}
	}
	return nil
}

func (k *keeper) device(ctx context.Context, n int, it Item, d *device) error {
	rs, why := k.s.devicePlan(ctx, it, d)
	if why != "" {
		k.snap.reason(it.Path + ": " + why)
	}
	if len(rs) == 0 {
		return nil
	}
	b := Blocks{Item: n, Size: d.size, Ranges: rs, File: strconv.Itoa(n)}
	if it.Write == Table || it.Write == Signatures {
		b.Table = table(ctx, it.Path)
	}
	if !k.charge(b.stored()) {
		return nil
	}
	if err := k.s.room(k.dir, b.stored()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(k.dir, "state"), 0o700); err != nil {
		return fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(k.dir, "state", b.File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(b.stored()); err != nil {
		return fatal(err)
	}
	h := sha256.New()
	at := int64(0)
	err = eachPiece(ctx, int(d.Fd()), rs, false, h, func(_ int64, p []byte) error {
		from := at
		if at += int64(len(p)); bytes.Equal(p, zeroes[:len(p)]) {
			return nil // stays a hole
		}
		if _, err := f.WriteAt(p, from); err != nil {
			return fatal(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fatal(err)
	}
	b.SHA256 = hex.EncodeToString(h.Sum(nil))
	k.snap.Blocks = append(k.snap.Blocks, b)
	k.snap.Bytes += b.stored()
	return nil
}

var zeroes [1 << 20]byte

// eachPiece reads ranges piece by piece: of a device, or of a file that holds
// them one after the other. off is where a piece is on the device.
func eachPiece(ctx context.Context, fd int, rs [][2]int64, packed bool, h hash.Hash, f func(off int64, p []byte) error) error {
	buf := make([]byte, len(zeroes))
	at := int64(0)
	for _, r := range rs {
		for off, end := r[0], r[0]+r[1]; off < end; {
			if err := ctx.Err(); err != nil {
				return err
			}
			p := buf[:min(end-off, int64(len(buf)))]
			from := off
			if packed {
				from = at
			}
			if _, err := readAt(fd, p, from); err != nil {
				return err
			}
			h.Write(p)
			if err := f(off, p); err != nil {
				return err
			}
			off, at = off+int64(len(p)), at+int64(len(p))
		}
	}
	return nil
}

// presentBlocks is the hash of a device's kept ranges as they are now.
func presentBlocks(ctx context.Context, it Item, b *Blocks) (string, error) {
	d, err := openDevice(it.Path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer d.Close()
	if d.size != b.Size {
		return "", fmt.Errorf("%s has %s now, and had %s: it is another device", it.Path, Size(d.size), Size(b.Size))
	}
	h := sha256.New()
	err = eachPiece(ctx, int(d.Fd()), b.Ranges, false, h, func(int64, []byte) error { return nil })
	return hex.EncodeToString(h.Sum(nil)), err
}

// blocks plans what to write back. A device is only what it was if all
// of its ranges are what the line left: a filesystem that was mounted since
// has written elsewhere, too.
func (p *plan) blocks(ctx context.Context, end post, known bool) {
	for i := range p.x.Blocks {
		b := &p.x.Blocks[i]
		it := p.x.Items[b.Item]
		now, err := presentBlocks(ctx, it, b)
		if err != nil {
			p.notes = append(p.notes, err.Error())
			continue
		}
		if now == b.SHA256 {
			continue
		}
		c := Change{Path: it.Path, Act: Revert, Type: string(KBlock), Size: b.stored(), What: []string{"blocks"}}
		switch left, ok := end.Blocks[b.Item]; {
		case !known || !ok:
			c.Conflict = "whether the line wrote this was not recorded"
		case left != now:
			c.Conflict = "was changed after the line"
		}
		p.all = append(p.all, c)
		if c.Conflict == "" || p.force {
			p.writes = append(p.writes, b)
		}
	}
}

// verify looks whether what was kept is still what was read.
func (b *Blocks) verify(ctx context.Context, x *Snapshot) error {
	src, err := os.Open(filepath.Join(x.dir, "state", b.File))
	if err != nil {
		return err
	}
	defer src.Close()
	h := sha256.New()
	if err := eachPiece(ctx, int(src.Fd()), b.Ranges, true, h, func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != b.SHA256 {
		return errors.New("what was kept is damaged (wrong sha256)")
	}
	return nil
}

// restore writes a device's ranges back, and looks that they are there.
func (b *Blocks) restore(ctx context.Context, x *Snapshot) error {
	it := x.Items[b.Item]
	// Looked at first: what is damaged must not reach the device.
	if err := b.verify(ctx, x); err != nil {
		return err
	}
	src, err := os.Open(filepath.Join(x.dir, "state", b.File))
	if err != nil {
		return err
	}
	defer src.Close()
	d, err := openDevice(it.Path, unix.O_RDWR|unix.O_EXCL)
	if errors.Is(err, unix.EBUSY) {
		return errors.New("is in use: take it out of use first (umount, swapoff)")
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if d.size != b.Size {
		return fmt.Errorf("has %s now, and had %s: it is another device", Size(d.size), Size(b.Size))
	}
	err = eachPiece(ctx, int(src.Fd()), b.Ranges, true, sha256.New(), func(off int64, p []byte) error {
		_, err := d.WriteAt(p, off)
		return err
	})
	if err == nil {
		err = d.Sync()
	}
	if err != nil {
		return err
	}
	_ = unix.IoctlSetInt(int(d.Fd()), unix.BLKRRPART, 0) // a device without partitions has none to read
	d.Close()
	if now, err := presentBlocks(ctx, it, b); err != nil || now != b.SHA256 {
		return errors.Join(err, errors.New("does not hold what was written to it"))
	}
	if b.Table != "" && table(ctx, it.Path) != b.Table {
		// Logical partitions are chained through the whole disk.
		if _, _, err := ask(ctx, []byte(b.Table), "sfdisk", "--quiet", "--force", "--wipe", "never", "--wipe-partitions", "never", it.Path); err != nil {
			return err
		}
		if table(ctx, it.Path) != b.Table {
			return errors.New("its partition table is not the one that was kept")
		}
	}
	return nil
}
