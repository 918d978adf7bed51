package guard

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"guardsh/audit"
	"guardsh/guard/bash"
)

// watch looks at this machine's file systems between lines: one that turned
// read-only or whose error count rose is told once, as long as it lasts. A
// look touches only /proc and /sys, which always answer.
type watch struct {
	mounts string // mountinfo
	sys    string // sysfs
	now    func() time.Time

	mu     sync.Mutex
	fd     int    // of mounts, held open: the kernel marks it when the table changes; -1 not open
	raw    []byte // the table as it was read last
	read   time.Time
	places map[string]mounted // by device and mount point
	counts map[string]*errorCount
	primed bool // the first look is what later ones are compared with
}

// mounted is one mount.
type mounted struct {
	at, fstype, device string // device is the kernel's name, "sda1"; "" none
	readOnly           bool
	emergency          bool // the kernel did it, after an error
}

// errorCount is a file of sysfs that counts a file system's errors.
type errorCount struct {
	file, device string
	n            int64
}

// event is what a look found.
type event struct {
	rule  string // id, for the trail
	words string // one line
	hint  string
	quiet bool // likely done on purpose: said, but nobody is called
}

// manyMounts is from how many bytes of mountinfo on the table is not read at
// each prompt any more, but when the kernel says that it changed and every
// slowMounts: the change that errors=remount-ro makes is not announced, and the
// error count tells of it as well.
const (
	manyMounts = 16 << 10
	slowMounts = 5 * time.Second
)

func newWatch(mounts, sys string) *watch {
	return &watch{mounts: mounts, sys: sys, now: time.Now, fd: -1, counts: map[string]*errorCount{}}
}

// look compares the machine with what it was at the last look. The first one
// finds nothing: what was so before the session began is no event of it.
func (w *watch) look() []event {
	w.mu.Lock()
	defer w.mu.Unlock()
	places, changed := w.table()
	if changed || !w.primed {
		w.findCounts()
	}
	rose := w.rise()
	var events []event
	told := map[string]bool{} // devices
	if changed {
		events = w.turned(places, rose, told)
		w.places = places
	}
	for dev, c := range rose {
		if !told[dev] {
			events = append(events, w.errorsRose(dev, c))
		}
	}
	first := !w.primed
	w.primed = true
	if first {
		return nil
	}
	slices.SortFunc(events, func(a, b event) int { return strings.Compare(a.words, b.words) })
	return events
}

// table reads the mounts, and says whether they are others than before.
func (w *watch) table() (map[string]mounted, bool) {
	if w.fd < 0 {
		// Not by package os: the runtime's own poller would take the
		// kernel's mark away.
		fd, err := unix.Open(w.mounts, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, false
		}
		w.fd = fd
	} else if len(w.raw) > manyMounts && w.now().Sub(w.read) < slowMounts {
		fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLPRI}}
		if n, err := unix.Poll(fds, 0); err == nil && n == 0 {
			return nil, false
		}
	}
	raw, err := readAt(w.fd, len(w.raw)+4096)
	w.read = w.now()
	if err != nil || w.primed && bytes.Equal(raw, w.raw) {
		return nil, false
	}
	w.raw = raw
	infos, err := mountinfo.GetMountsFromReader(bytes.NewReader(raw), nil)
	if err != nil {
		return nil, false
	}
	places := make(map[string]mounted, len(infos))
	for _, m := range infos {
		p := mounted{at: m.Mountpoint, fstype: m.FSType}
		for opts := range strings.SplitSeq(m.Options+","+m.VFSOptions, ",") {
			switch opts {
			case "ro":
				p.readOnly = true
			case "emergency_ro":
				p.readOnly, p.emergency = true, true
			}
		}
		key := strconv.Itoa(m.Major) + ":" + strconv.Itoa(m.Minor)
		if m.Major != 0 {
			if real, err := os.Readlink(filepath.Join(w.sys, "dev/block", key)); err == nil {
				p.device = filepath.Base(real)
			} else {
				p.device = filepath.Base(m.Source)
			}
		}
		places[key+" "+m.Mountpoint] = p
	}
	return places, true
}

// readAt reads a proc file from its beginning; size is a guess.
func readAt(fd, size int) ([]byte, error) {
	b := make([]byte, 0, size)
	for {
		if cap(b)-len(b) < 1024 {
			b = slices.Grow(b, cap(b))
		}
		n, err := unix.Pread(fd, b[len(b):cap(b)], int64(len(b)))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		default:
			b = b[:len(b)+n]
		}
	}
}

// turned finds what was writable and is not any more. A file system that is
// mounted in several places is told of once.
func (w *watch) turned(places map[string]mounted, rose map[string]*errorCount, told map[string]bool) []event {
	lost := map[string][]mounted{} // by device, or mount point where there is none
	for key, p := range places {
		if was, ok := w.places[key]; ok && p.readOnly && !was.readOnly {
			by := p.device
			if by == "" {
				by = p.at
			}
			lost[by] = append(lost[by], p)
		}
	}
	var events []event
	for dev, ps := range lost {
		slices.SortFunc(ps, func(a, b mounted) int { return strings.Compare(a.at, b.at) })
		told[dev] = true
		p, c := ps[0], w.counts[dev]
		about, since := p.fstype, w.now()
		if p.device != "" {
			about += " on " + p.device
		}
		if c != nil && c.n > 0 {
			about += ", " + errorWords(c.n)
			if at := w.lastError(c); rose[dev] != nil && !at.IsZero() {
				since = at
			}
		}
		where := p.at
		if len(ps) > 1 {
			where += fmt.Sprintf(" (and %d more places)", len(ps)-1)
		}
		e := event{rule: "fs/turned-read-only", words: fmt.Sprintf("%s turned read-only at %s (%s)", where, since.Format("15:04"), about)}
		if c != nil && c.n == 0 && !p.emergency {
			e.quiet = true // its error count is known, and there was no error
		} else {
			e.hint = "dmesg has the cause; look at the disk before you make it writable again"
		}
		events = append(events, e)
	}
	return events
}

func errorWords(n int64) string {
	if n == 1 {
		return "1 error"
	}
	return fmt.Sprintf("%d errors", n)
}

func (w *watch) errorsRose(dev string, c *errorCount) event {
	where := dev
	for _, p := range w.places {
		if p.device == dev {
			where = p.at + " (" + p.fstype + " on " + dev + ")"
			break
		}
	}
	return event{
		rule:  "fs/errors-rose",
		words: fmt.Sprintf("%s has %s by now, seen at %s", where, errorWords(c.n), w.now().Format("15:04")),
		hint:  "dmesg has the cause; what is written there now may be lost",
	}
}

// countFiles are the files of sysfs that count errors. XFS and others have
// none.
var countFiles = []string{"fs/ext4/*/errors_count", "fs/btrfs/*/devinfo/*/error_stats"}

// findCounts looks for counters of file systems that came or went. A new one
// begins with what it shows.
func (w *watch) findCounts() {
	seen := map[string]bool{}
	for _, pattern := range countFiles {
		files, err := filepath.Glob(filepath.Join(w.sys, pattern))
		if err != nil {
			continue
		}
		for _, f := range files {
			dev := filepath.Base(filepath.Dir(f))
			if strings.HasSuffix(f, "error_stats") {
				dev = w.btrfsDevice(f)
			}
			seen[dev] = true
			if w.counts[dev] == nil {
				if n, ok := readCount(f); ok {
					w.counts[dev] = &errorCount{file: f, device: dev, n: n}
				}
			}
		}
	}
	for dev := range w.counts {
		if !seen[dev] {
			delete(w.counts, dev)
		}
	}
}

// btrfsDevice is the kernel's name of a file system's first device, which is
// what counts are known by here; its id where there is none.
func (w *watch) btrfsDevice(file string) string {
	id := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	number := filepath.Base(filepath.Dir(file))
	devices, err := os.ReadDir(filepath.Join(id, "devices"))
	if n, nerr := strconv.Atoi(number); err == nil && nerr == nil && n >= 1 && n <= len(devices) {
		return devices[n-1].Name()
	}
	return filepath.Base(id) + "/" + number
}

// rise reads the counters, and gives those that rose since the last look.
func (w *watch) rise() map[string]*errorCount {
	var out map[string]*errorCount
	for dev, c := range w.counts {
		n, ok := readCount(c.file)
		if !ok {
			continue
		}
		if n > c.n {
			if out == nil {
				out = map[string]*errorCount{}
			}
			out[dev] = c
		}
		c.n = n // fsck sets it back
	}
	return out
}

// readCount reads a number, or the sum of those that stand behind names, a
// line each. It opens by hand: a look has to be cheap.
func readCount(file string) (int64, bool) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	var buf [512]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil || n <= 0 {
		return 0, false
	}
	var sum int64
	for line := range strings.Lines(string(buf[:n])) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		v, err := strconv.ParseInt(f[len(f)-1], 10, 64)
		if err != nil || v < 0 {
			return 0, false
		}
		sum += v
	}
	return sum, true
}

// lastError is when ext4 saw its last error; zero where that is not known.
func (w *watch) lastError(c *errorCount) time.Time {
	n, ok := readCount(filepath.Join(filepath.Dir(c.file), "last_error_time"))
	if !ok || n == 0 || filepath.Base(c.file) != "errors_count" {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}

// How often mounts that may hang are asked, and how long one that was silent
// is left alone, since each question to it costs a process that stays.
const (
	probeEvery  = 30 * time.Second
	silentAgain = 10 * time.Minute
)

// prober asks, beside the session, the mounts that may hang.
type prober struct {
	probe func(skip func(string) bool) (answering, silent []string)
	now   func() time.Time

	mu     sync.Mutex
	next   time.Time
	until  map[string]time.Time // silent mounts: when they are asked again
	events []event
	busy   bool
}

// start begins a round where one is due, and gives what the last one found. It
// never waits.
func (p *prober) start() []event {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.events
	p.events = nil
	if !p.busy && !p.now().Before(p.next) {
		p.busy = true
		go p.round()
	}
	return events
}

func (p *prober) round() {
	answering, silent := p.probe(func(mount string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now().Before(p.until[mount])
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range answering {
		delete(p.until, m)
	}
	for _, m := range silent {
		if _, known := p.until[m]; !known {
			p.events = append(p.events, event{
				rule: "fs/does-not-answer", words: fmt.Sprintf("%s does not answer, seen at %s", m, p.now().Format("15:04")),
				hint: "whatever touches it may hang for good, df and a bare ls too",
			})
		}
		if p.until == nil {
			p.until = map[string]time.Time{}
		}
		p.until[m] = p.now().Add(silentAgain)
	}
	p.busy, p.next = false, p.now().Add(probeEvery)
}

// startWatch begins to watch the machine for an interactive session.
func (s *Session) startWatch() (atPrompt func(bash.Prompt), stop func()) {
	w := newWatch("/proc/self/mountinfo", "/sys")
	var pr *prober
	if h, ok := s.Judge.World.(interface {
		Probe(func(string) bool) (answering, silent []string)
	}); ok {
		pr = &prober{probe: h.Probe, now: time.Now}
	}
	return func(p bash.Prompt) {
		events := w.look()
		if pr != nil {
			events = append(events, pr.start()...)
		}
		if len(events) > 0 {
			s.tellEvents(p, events)
		}
	}, w.close
}

// tellEvents says what happened to the machine, records it, and calls whoever
// the site wants called, beside the session.
func (s *Session) tellEvents(p bash.Prompt, events []event) {
	var say strings.Builder
	for _, e := range events {
		words := Printable(e.words)
		say.WriteString(notice(e.words))
		if e.hint != "" {
			fmt.Fprintf(&say, "hint: %s\n", e.hint)
		}
		s.trail.journal().AppendLazy(audit.Event{Kind: audit.Machine, Rule: e.rule, Text: e.words})
		if !e.quiet {
			go s.notify(words)
		}
	}
	p.Say(say.String())
}
