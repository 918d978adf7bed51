package rescue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// loopOf is the number and the path of a loop device.
func loopPath(n int) string { return "/dev/loop" + strconv.Itoa(n) }

// attachLoop makes a block device of a file, a free one where device is "", and
// returns its path.
func attachLoop(device, file string, offset, limit int64, readOnly, partitions bool) (string, error) {
	flags := os.O_RDWR
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(file, flags, 0)
	if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) {
		readOnly = true
		f, err = os.Open(file)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	for {
		path := device
		if path == "" {
			n, err := freeLoop()
			if err != nil {
				return "", err
			}
			path = loopPath(n)
		}
		l, err := os.OpenFile(path, map[bool]int{true: os.O_RDONLY, false: os.O_RDWR}[readOnly], 0)
		if err != nil {
			return "", err
		}
		cfg := unix.LoopConfig{Fd: uint32(f.Fd())}
		cfg.Info.Offset, cfg.Info.Sizelimit = uint64(offset), uint64(limit)
		copy(cfg.Info.File_name[:len(cfg.Info.File_name)-1], file)
		if readOnly {
			cfg.Info.Flags |= unix.LO_FLAGS_READ_ONLY
		}
		if partitions {
			cfg.Info.Flags |= unix.LO_FLAGS_PARTSCAN
		}
		err = unix.IoctlLoopConfigure(int(l.Fd()), &cfg)
		l.Close()
		if errors.Is(err, unix.EBUSY) && device == "" {
			continue // somebody else took it
		}
		return path, err
	}
}

// freeLoop is the number of a loop device that is free.
func freeLoop() (int, error) {
	ctl, err := os.Open("/dev/loop-control")
	if err != nil {
		return 0, err
	}
	defer ctl.Close()
	n, err := unix.IoctlRetInt(int(ctl.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(loopPath(n)); errors.Is(err, os.ErrNotExist) {
		// Without udev nobody else makes it.
		const loopMajor = 7
		err = unix.Mknod(loopPath(n), unix.S_IFBLK|0o660, int(unix.Mkdev(loopMajor, uint32(n))))
		return n, err
	}
	return n, nil
}

func detachLoop(path string) error {
	l, err := os.Open(path)
	if err != nil {
		return err
	}
	defer l.Close()
	return unix.IoctlSetInt(int(l.Fd()), unix.LOOP_CLR_FD, 0)
}

// loops are the loop devices that are in use, with what stands behind them.
func loops() (paths []string, infos []*unix.LoopInfo64) {
	found, err := filepath.Glob("/dev/loop[0-9]*")
	if err != nil {
		return nil, nil
	}
	slices.SortFunc(found, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, p := range found {
		l, err := os.Open(p)
		if err != nil {
			continue
		}
		if info, err := unix.IoctlLoopGetStatus64(int(l.Fd())); err == nil {
			paths, infos = append(paths, p), append(infos, info)
		}
		l.Close()
	}
	return paths, infos
}

// backing is the file behind a loop device. The kernel knows all of its path,
// what was set with it only the beginning.
func backing(path string, info *unix.LoopInfo64) string {
	if b, err := os.ReadFile("/sys/class/block/" + filepath.Base(path) + "/loop/backing_file"); err == nil {
		return strings.TrimSuffix(string(b), "\n")
	}
	return unix.ByteSliceToString(info.File_name[:])
}

func setLoop(c *call) {
	f := c.options()
	find := f.BoolP("find", "f", false, "a free device, for FILE where one is named")
	show := f.Bool("show", false, "say which it became")
	detach := f.BoolP("detach", "d", false, "take the file away from these devices")
	detachAll := f.BoolP("detach-all", "D", false, "from all devices")
	f.BoolP("all", "a", true, "list all, as always without an operand")
	of := f.StringP("associated", "j", "", "the devices of this file")
	readOnly := f.BoolP("read-only", "r", false, "nothing can be written to it")
	partitions := f.BoolP("partscan", "P", false, "with devices for the partitions in it")
	offset := f.StringP("offset", "o", "0", "the file from this byte on")
	limit := f.String("sizelimit", "0", "so many bytes of it")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	from, err := size(*offset)
	most, err2 := size(*limit)
	if err = errors.Join(err, err2); err != nil {
		c.say("%s", err)
		return
	}
	paths, infos := loops()
	switch {
	case *detach || *detachAll:
		if *detachAll {
			args = paths
		}
		for _, a := range args {
			if err := detachLoop(c.path(a)); err != nil {
				c.say("%s: detach failed: %s", a, reason(err))
			}
		}
	case *find && len(args) == 0:
		n, err := freeLoop()
		if err != nil {
			c.noDev("cannot find an unused loop device", err)
			return
		}
		c.tell("%s", loopPath(n))
	case *find && len(args) == 1 || len(args) == 2:
		device := ""
		if len(args) == 2 {
			device = c.path(args[0])
		}
		path, err := attachLoop(device, c.path(args[len(args)-1]), from, most, *readOnly, *partitions)
		if err != nil {
			c.noDev(args[len(args)-1]+": failed to set up loop device", err)
			return
		}
		if *show {
			c.tell("%s", path)
		}
	case len(args) > 1 || *find:
		c.misuse()
	default:
		for i, p := range paths {
			file := backing(p, infos[i])
			if len(args) == 1 && c.path(args[0]) != p || *of != "" && c.path(*of) != file {
				continue
			}
			line := fmt.Sprintf("%s: [%04d]:%d (%s)", p, infos[i].Device, infos[i].Inode, file)
			if infos[i].Offset > 0 {
				line += fmt.Sprintf(", offset %d", infos[i].Offset)
			}
			c.tell("%s", line)
		}
	}
}

// noDev says how to get /dev where it is not mounted.
func (c *call) noDev(what string, err error) {
	c.say("%s: %s", what, reason(err))
	if _, serr := os.Stat("/dev/loop-control"); errors.Is(serr, os.ErrNotExist) {
		c.err("hint: mkdir -p /dev; mount -t devtmpfs dev /dev   # and insmod loop.ko, if it is a module\n")
	}
}

// swap is swapon and swapoff.
func swap(c *call) {
	f := c.options()
	all := f.BoolP("all", "a", false, "all that /etc/fstab names")
	show := f.BoolP("show", "s", false, "what is in use")
	priority := f.IntP("priority", "p", -1, "which comes first")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if *show || len(args) == 0 && !*all {
		b, err := os.ReadFile("/proc/swaps")
		if err != nil {
			c.noProc(err)
			return
		}
		c.out.Write(b)
		return
	}
	if *all {
		for _, e := range c.fstabEntries() {
			if e.fstype == "swap" {
				args = append(args, e.source)
			}
		}
	}
	for _, a := range args {
		path := c.path(c.device(a))
		var err error
		if c.name == "swapoff" {
			err = swapOff(path)
		} else {
			flags := 0
			if *priority >= 0 {
				flags = swapPrefer | *priority&swapPriorityMask
			}
			err = swapOn(path, flags)
		}
		if err != nil {
			c.say("%s: %s failed: %s", a, c.name, reason(err))
		}
	}
}
