package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// Bounds of what is asked about a device in trouble.
var kernelLogBudget = 20 * time.Millisecond // the ring holds some thousand records

const (
	maxRecord = 8192 // bytes of one; the kernel's own bound
	warning   = 4    // syslog's level: this and what is more urgent
)

// trouble fills in what went wrong on a device before, for the effects that go
// on in spite of it.
func (g *gathering) trouble(of *rules.ObjectFact, e *effect.Effect, major, minor int) {
	dir := sysDir(major, minor)
	name := deviceName(dir)
	if name == "" {
		return
	}
	d := &of.Device
	if e.Kind == effect.Remount {
		for _, m := range g.table.all {
			if m.Major == major && m.Minor == minor && slices.Contains(strings.Split(m.VFSOptions+","+m.Options, ","), "emergency_ro") {
				d.Emergency = true
			}
		}
		if d.Errors > 0 {
			fs := "/sys/fs/ext4/" + name
			d.LastError = sysText(fs, "last_error_func")
			if t := sysNumber(fs, "last_error_time"); t > 0 {
				d.LastError = strings.TrimPrefix(d.LastError+", "+time.Unix(t, 0).Format("2006-01-02 15:04"), ", ")
			}
		}
		d.KernelSays = kernelSays(name, time.Now().Add(min(Fair(kernelLogBudget), g.left())))
	}
	if e.Has("errors-continue") {
		g.onError(of, "/dev/"+name, major, minor)
	}
}

// onError reads what the super block says, in a helper since a dead disk may
// hang whoever opens it.
func (g *gathering) onError(of *rules.ObjectFact, node string, major, minor int) {
	root := ""
	if of.Path.Type == "block" {
		node, root = of.Path.Real, g.w.root
	}
	if g.left() <= 0 {
		unknownf(of, "what it does after an error: no time was left")
		return
	}
	key := "device " + strconv.Itoa(major) + ":" + strconv.Itoa(minor)
	a := g.w.helpers.ask(key, []request{{Op: opSuper, Path: node, Root: root}}, g.deadline)[0]
	if a.Err != "" {
		unknownf(of, "what it does after an error: %s", a.Err)
		return
	}
	of.Device.OnError = errorsBehavior(a.Data)
}

// Where things are in the super block of ext2, ext3 and ext4.
const (
	superAt     = 1024 // on the device
	superSize   = 1024
	superMagic  = 0x38
	superErrors = 0x3c
	extMagic    = 0xef53
)

// onErrorWord is a value of s_errors as mount spells it.
func onErrorWord(n uint16) string {
	switch n {
	case 1:
		return "continue"
	case 2:
		return "remount-ro"
	case 3:
		return "panic"
	}
	return ""
}

// errorsBehavior reads a super block; "" when it is none.
func errorsBehavior(b []byte) string {
	if len(b) < superSize || binary.LittleEndian.Uint16(b[superMagic:]) != extMagic {
		return ""
	}
	return onErrorWord(binary.LittleEndian.Uint16(b[superErrors:]))
}

// superBlock reads it from a block device, and from nothing else.
func superBlock(name string) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return nil, unix.ENOTBLK
	}
	b := make([]byte, superSize)
	n, err := unix.Pread(fd, b, superAt)
	if err != nil {
		return nil, err
	}
	return b[:n], nil
}

// kernelSays is the last urgent record of the kernel's log that names the
// device; "" when there is none or it may not be read.
func kernelSays(name string, until time.Time) string {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	last := ""
	buf := make([]byte, maxRecord)
	for time.Now().Before(until) {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EINTR): // overwritten meanwhile: the next one is read
			continue
		case err != nil || n == 0:
			return last
		}
		if text := complaint(buf[:n], name); text != "" {
			last = text
		}
	}
	return last
}

// complaint reads a record "level,sequence,time,flags;text" and gives the text
// if it is urgent and names the device as a word.
func complaint(record []byte, name string) string {
	head, text, ok := bytes.Cut(record, []byte{';'})
	if !ok {
		return ""
	}
	text, _, _ = bytes.Cut(text, []byte{'\n'})
	prio, _, _ := bytes.Cut(head, []byte{','})
	level := 0
	for _, c := range prio {
		if c < '0' || c > '9' {
			return ""
		}
		level = (level*10 + int(c-'0')) & 0xffff
	}
	if level&7 > warning || !namesDevice(string(text), name) {
		return ""
	}
	return string(text)
}

// namesDevice says whether a text has the name with nothing of a longer name
// around it: sda1 is not sda11, but "sda1:" and "(sda1)" are.
func namesDevice(text, name string) bool {
	for i := 0; name != ""; {
		at := strings.Index(text[i:], name)
		if at < 0 {
			return false
		}
		at += i
		end := at + len(name)
		if (at == 0 || !nameByte(text[at-1])) && (end == len(text) || !nameByte(text[end])) {
			return true
		}
		i = at + 1
	}
	return false
}

func nameByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}
