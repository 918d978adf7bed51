package supervise

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The kernel's side, from linux/seccomp.h. Nothing here decides anything.

const (
	setModeFilter = 1

	flagSpecAllow    = 1 << 2 // no speculation barriers: the filter guards against mistakes
	flagNewListener  = 1 << 3
	flagWaitKillable = 1 << 5 // a start that waits is not begun anew by each signal (Linux 5.19)

	iocRecv     = 0xc0502100
	iocSend     = 0xc0182101
	iocIDValid  = 0x40082102
	iocSetFlags = 0x40082104

	syncWakeUp   = 1 // Linux 6.6: the two sides run one after the other on one processor
	flagContinue = 1 // of a response: the call goes on as it is
)

// notification is struct seccomp_notif.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// slot is one notification in the memory that is shared with the keeper. The
// kernel writes it there, so that there is no moment at which it was taken and
// the keeper could not know. state says what is to become of it if this
// process is gone.
type slot struct {
	n     notification
	state uint32   // by package atomic
	_     [44]byte // slots do not share cache lines
}

// States of a slot.
const (
	slotFree   = iota
	slotTaken  // nothing speaks against it so far
	slotJudged // it is being looked at: without an answer it does not run
)

// slots is how many starts may wait at a time; further ones queue in the kernel.
const slots = 1024

// shared is the memory that this process and the keeper have in common.
type shared struct {
	slots [slots]slot
	// The starts that were refused last: after a no, execvp(3) of some languages goes
	// on along PATH, to /bin after /usr/bin, and this process may be gone then.
	refused [refusals]refusal
	next    atomic.Uint32 // of them
}

// refusal is a process that was refused a start, and when on the monotonic clock
// in nanoseconds. A number is another process's later.
type refusal struct {
	pid  atomic.Uint32
	when atomic.Int64
}

const (
	refusals   = 256
	pathSearch = 2 * time.Second // for how long a process may still try the same by another path
)

// refuse notes that a process was refused something.
func (m *shared) refuse(pid uint32) {
	r := &m.refused[m.next.Add(1)%refusals]
	r.pid.Store(0)
	r.when.Store(monotonic())
	r.pid.Store(pid)
}

// wasRefused says whether it was, a moment ago.
func (m *shared) wasRefused(pid uint32) bool {
	for i := range m.refused {
		r := &m.refused[i]
		if r.pid.Load() == pid && monotonic()-r.when.Load() < int64(pathSearch) {
			return true
		}
	}
	return false
}

func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// mapShared maps it.
func mapShared(fd int) (*shared, error) {
	mem, err := unix.Mmap(fd, 0, int(unsafe.Sizeof(shared{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the shared memory: %w", err)
	}
	return (*shared)(unsafe.Pointer(&mem[0])), nil
}

// newShared makes a file of it.
func newShared() (fd int, m *shared, err error) {
	fd, err = unix.MemfdCreate("guardsh-starts", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, nil, fmt.Errorf("memory for waiting program starts: %w", err)
	}
	if err = unix.Ftruncate(fd, int64(unsafe.Sizeof(shared{}))); err == nil {
		m, err = mapShared(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	return fd, m, nil
}

// install puts the filter on the calling thread and returns its listener.
func install(p []bpf.Instruction) (listener int, err error) {
	raw, err := bpf.Assemble(p)
	if err != nil {
		return -1, fmt.Errorf("the filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	var errno unix.Errno
	for _, flags := range []uintptr{flagNewListener | flagSpecAllow | flagWaitKillable, flagNewListener | flagSpecAllow} {
		fd, _, e := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, flags, uintptr(unsafe.Pointer(&prog)))
		if e == 0 {
			unix.CloseOnExec(int(fd))
			return int(fd), nil
		}
		if errno = e; e != unix.EINVAL {
			break
		}
	}
	return -1, errno
}

// receive waits for a program start and puts it into the slot.
func receive(listener int, s *slot) error {
	s.n = notification{}
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), iocRecv, uintptr(unsafe.Pointer(&s.n)))
	if e != 0 {
		return e
	}
	return nil
}

// answer says what becomes of a start: it goes on, or it fails with errno. A
// start whose process is gone needs no answer.
func answer(listener int, id uint64, errno unix.Errno) error {
	r := response{id: id, flags: flagContinue}
	if errno != 0 {
		r.flags, r.errno = 0, -int32(errno)
	}
	for {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), iocSend, uintptr(unsafe.Pointer(&r)))
		switch {
		case e == 0 || errors.Is(e, unix.ENOENT):
			return nil
		case errors.Is(e, unix.EINTR):
		default:
			return os.NewSyscallError("seccomp answer", e)
		}
	}
}

// stillWaits says whether a start has not been given up by its process: what
// was read of a process by its number belongs to it only then.
func stillWaits(listener int, id uint64) bool {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), iocIDValid, uintptr(unsafe.Pointer(&id)))
	return e == 0
}

// wakeInStep makes the kernel run the two sides one after the other; older
// kernels do without.
func wakeInStep(listener int) {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), iocSetFlags, syncWakeUp)
}

// startLen is how much of each string readStarts reads: most are shorter.
const startLen = 256

// readStarts reads the beginnings of the strings at the addresses, no further
// than their pages, by one call; nil for those that could not be read so.
func readStarts(pid int, addrs []uint64) [][]byte {
	out := make([][]byte, len(addrs))
	if len(addrs) == 0 {
		return out
	}
	const page = 4096
	remote := make([]unix.RemoteIovec, len(addrs))
	for i, at := range addrs {
		remote[i] = unix.RemoteIovec{Base: uintptr(at), Len: int(min(startLen, page-at%page))}
	}
	buf := make([]byte, startLen*len(addrs))
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	n, err := unix.ProcessVMReadv(pid, local, remote, 0)
	if err != nil {
		return out
	}
	for i, r := range remote {
		if r.Len > n {
			break
		}
		out[i], buf, n = buf[:r.Len], buf[r.Len:], n-r.Len
	}
	return out
}

// readMemory reads at most len(buf) bytes at an address of a process, as many
// as are there in a row.
func readMemory(pid int, addr uint64, buf []byte) int {
	const page = 4096
	remote := make([]unix.RemoteIovec, 0, len(buf)/page+2)
	// One part a page: a page that is not there ends it, and does not take the
	// ones before with it.
	for at, left := addr, uint64(len(buf)); left > 0; {
		n := min(left, page-at%page)
		remote = append(remote, unix.RemoteIovec{Base: uintptr(at), Len: int(n)})
		at, left = at+n, left-n
	}
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	n, err := unix.ProcessVMReadv(pid, local, remote, 0)
	if err != nil {
		return 0
	}
	return n
}
