package host

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// Bounds of what is asked about a device in trouble.
const (
	onErrorDeadline = 100 * time.Millisecond
	kernelLogBudget = 20 * time.Millisecond // the ring holds some thousand records
	maxRecord       = 8192                  // bytes of one; the kernel's own bound
	warning         = 4                     // syslog's level: this and what is more urgent
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
		d.KernelSays = kernelSays(name, time.Now().Add(min(kernelLogBudget, g.left())))
	}
	if e.Has("errors-continue") {
		g.onError(of, "/dev/"+name)
	}
}

// onError asks what the super block says; what a mount says goes before it.
func (g *gathering) onError(of *rules.ObjectFact, node string) {
	if of.Path.Type == "block" {
		node = g.w.root + of.Path.Real
	}
	b, err := output(time.Now().Add(min(onErrorDeadline, g.left())), "tune2fs", "-l", node)
	if err != nil {
		if exitCode(err) < 0 {
			unknownf(of, "what it does after an error: %v", err)
		}
		return
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "Errors behavior:"); ok {
			of.Device.OnError = onErrorWords[strings.TrimSpace(v)]
		}
	}
}

// onErrorWords are tune2fs's words and what its option takes.
var onErrorWords = map[string]string{"Continue": "continue", "Remount read-only": "remount-ro", "Panic": "panic"}

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
