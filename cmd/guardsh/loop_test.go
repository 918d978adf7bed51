package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// cmdLoop is "loop NAME MIB": a block device over a file in memory, whose path
// goes into $NAME. It lets go of the file when the script's process ends,
// however that ends.
func cmdLoop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: loop name mebibytes")
	}
	mib, err := strconv.Atoi(args[1])
	ts.Check(err)
	image, err := os.CreateTemp("/tmp", "loop")
	ts.Check(err)
	ts.Check(image.Truncate(int64(mib) << 20))
	dev, err := attachLoop(image)
	ts.Check(err)
	ts.Check(image.Close())
	ts.Defer(func() { dev.Close() })
	ts.Setenv(args[0], dev.Name())
}

// attachLoop finds a free loop device and gives it the file. Only the node of
// that one device is made: those of others never are here.
func attachLoop(image *os.File) (*os.File, error) {
	const control = "/run/loop-control"
	if err := unix.Mknod(control, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 237))); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	ctl, err := os.OpenFile(control, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("loop devices: %w", err)
	}
	defer ctl.Close()
	for {
		n, err := unix.IoctlRetInt(int(ctl.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("a free loop device: %w", err)
		}
		name := "/dev/loop" + strconv.Itoa(n)
		if err := unix.Mknod(name, unix.S_IFBLK|0o660, int(unix.Mkdev(7, uint32(n)))); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		dev, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(dev.Fd()), &unix.LoopConfig{
			Fd:   uint32(image.Fd()),
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return dev, nil
		}
		dev.Close()
		os.Remove(name)
		if !errors.Is(err, unix.EBUSY) { // another took it first: look again
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}
