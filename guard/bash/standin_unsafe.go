//lint:file-ignore U1000 the entry in assembly and what it calls lead here

package bash

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Go's runtime takes more than a gigabyte of addresses and some threads before
// main. Where a limit does not let it, it says "fatal error" and ends, and a user
// whose login shell this is would get none. What it says goes through a function
// that can be put in its place, which the program's entry does (entry_*.s), so
// that bash can take this process over at that moment. A start that goes well
// pays nothing for it.
//
// What follows runs on a stack of the runtime's own, in a runtime that has ended
// or was never there: it makes system calls, allocates nothing, and stores no
// pointer as one.

// speaks is what the entry lets the runtime write by.
var speaks = runtimeSpeaks

// What this process was started with, noted by the entry.
var (
	startStack   unsafe.Pointer // the number of arguments, then them, then the environment, as the kernel put them
	maskAtStart  uint64         // the signals that were blocked
	filesAtStart [2]uint64      // the limits of open files, which Go's runtime raises
	slackAtStart int64          // of timers, in nanoseconds; the entry sets another
)

// The modes of the terminal before it was put into raw mode, and one more than
// its descriptor; 0: it was not.
var (
	modesAtStart unix.Termios
	modesOf      uintptr
)

// NotGuarded is what stands before a shell that is plain bash.
const NotGuarded = "guardsh: this shell is not guarded\n"

var (
	begun    uint32 // 1: nothing stands in any more
	noThread bool   // the runtime got no thread
	panics   bool   // Go code has failed
)

// Begun says that from here on this process does what cannot be undone by
// starting a shell in its place: it has judged, or there is a shell. Until then
// bash stands in for a guardsh that dies of Go's runtime.
func Begun() { atomic.StoreUint32(&begun, 1) }

// runtimeSpeaks writes what the runtime says, unless it is that it ends.
func runtimeSpeaks(fd uintptr, p unsafe.Pointer, n int32) int32 {
	if fd == 2 && atomic.LoadUint32(&begun) == 0 {
		said := unsafe.String((*byte)(p), int(n))
		switch {
		case begins(said, "runtime: failed to create new OS thread"):
			noThread = true
		case begins(said, "panic: "):
			panics = true
		case begins(said, "fatal error: "), panics && said == "\n": // what panicked is told first
			atomic.StoreUint32(&begun, 1)
			if panics {
				say("\n")
			}
			standIn()
		}
		if noThread {
			return n // cause says it better
		}
	}
	r, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(p), uintptr(n))
	if e != 0 {
		return -int32(e)
	}
	return int32(r)
}

// ownProcess is what argv[0] of a process beside a session begins with: the
// keeper, the looker at file systems, the built-in shell. Nobody logs in by it.
const ownProcess = "guardsh: "

// noShell are the words that make guardsh something else than a shell, when one
// is its first argument; sudo is looked at before.
var noShell = [...]string{
	"check", "explain", "undo", "snapshot", "keep", "audit", "replay", "allow", "rules", "config", "doctor",
	"install", "uninstall", "manual", "rescue", "exec", "help", "-h", "--help", "--version", "completion",
	"__complete", "__completeNoDesc",
}

// fronts are the programs that guardsh is put before under their names.
var fronts = [...]string{"sudo", "sudoedit", "su", "runuser"}

// bashAt is Places, and programsAt where the programs of fronts are, as the
// kernel wants strings.
var (
	bashAt     = [...]string{"/bin/bash\x00", "/usr/bin/bash\x00", "/usr/local/bin/bash\x00", "/run/current-system/sw/bin/bash\x00"}
	programsAt = [...]string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/run/wrappers/bin/"}
)

// standIn starts in this process's place what does without it the work that it
// was called for. It returns only for a process of a session's own.
func standIn() {
	count := *(*int)(startStack)
	argv := words{unsafe.Add(startStack, wordSize)}
	env := words{unsafe.Add(argv.at, (count+1)*wordSize)}
	if count == 0 || begins(argv.text(0), ownProcess) {
		return
	}
	asAtStart()
	why := cause()
	if why == "" && env.drop("GOMEMLIMIT=") {
		say("guardsh: GOMEMLIMIT is left out: Go's runtime does not start with it\n")
		execute("/proc/self/exe\x00", argv, env)
	}
	say("guardsh: the guard cannot start here: ")
	if why == "" {
		why = "a fault of its own"
	}
	say(why)
	name := base(argv.text(0))
	if len(name) > 0 && name[0] == '-' {
		name = name[1:]
	}
	first := argv.text(1)
	switch {
	case among(fronts[:], name):
	case first == "sudo":
		argv.at, name = unsafe.Add(argv.at, wordSize), first
	case among(noShell[:], first):
		say("\n")
		leave()
	default:
		say("\n" + NotGuarded)
		tellLog()
		argv.asBash(env)
		for i := range bashAt {
			if base(argv.text(0)) == "guardsh" {
				argv.rename(bashAt[i])
			}
			execute(bashAt[i], argv, env)
		}
		say("guardsh: bash cannot be started either\n")
		leave()
	}
	say("\nguardsh: this command runs unguarded\n")
	tellLog()
	for i := range programsAt {
		if file := join(programsAt[i], name); !isSelf(file) {
			execute(file, argv, env)
		}
	}
	say("guardsh: the program itself cannot be started\n")
	leave()
}

// cause is the limit that keeps the runtime from starting, as far as it can be
// seen; "" where none can.
func cause() string {
	const noReserve = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	const leastAddresses, leastData = 2 << 30, 64 << 20 // what package install asks of a login; a session's heap
	switch {
	case noThread:
		return "no thread can be started, by the limit of processes (ulimit -u, pids.max) or of memory"
	case !canMap(leastAddresses, unix.PROT_NONE, noReserve):
		return "the address space is limited to less than 2 GiB (ulimit -v)"
	case !canMap(leastData, unix.PROT_READ|unix.PROT_WRITE, noReserve):
		return "there is not enough memory (ulimit -d, ulimit -v)"
	}
	return ""
}

func canMap(length, access, flags uintptr) bool {
	at, _, e := syscall.RawSyscall6(syscall.SYS_MMAP, 0, length, access, flags, ^uintptr(0), 0)
	if e == 0 {
		syscall.RawSyscall(syscall.SYS_MUNMAP, at, length, 0)
	}
	return e == 0
}

// asAtStart gives back what Go's runtime has taken of signals and descriptors.
// Signals that it catches are what they were by themselves after execve.
func asAtStart() {
	const setBytes = 8 // of a signal set
	for sig := uintptr(1); sig <= 64; sig++ {
		if ignoredAtStart&(1<<(sig-1)) != 0 {
			action := [4]uint64{1} // SIG_IGN
			syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, setBytes, 0, 0)
		}
	}
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 2 /* SIG_SETMASK */, uintptr(unsafe.Pointer(&maskAtStart)), 0, setBytes, 0, 0)
	syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&filesAtStart)), 0, 0, 0)
	if slackAtStart > 0 {
		syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(slackAtStart), 0)
	}
	if modesOf > 0 {
		syscall.RawSyscall(syscall.SYS_IOCTL, modesOf-1, unix.TCSETS, uintptr(unsafe.Pointer(&modesAtStart)))
	}
	for fd := range uintptr(3) {
		if closedAtStart&(1<<fd) != 0 {
			syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
		}
	}
}

// asBash makes arguments of guardsh, the shell, those of bash: what sudo's
// wrapper tells the guardsh that it has started is only for that.
func (w words) asBash(env words) {
	percent, line := false, false
	i := 1
	for i > 0 && w.has(i) {
		a := w.text(i)
		switch {
		case len(a) < 2 || a[0] != '-' && a[0] != '+' || a == "--":
			if a == "-" || a == "--" {
				i++
			}
			if line && percent && w.has(i) {
				unpercent(w.at, i)
			}
			i = 0
			continue
		case a == "--home":
			w.rename("-bash\x00")
			if home := env.value("HOME="); home != 0 {
				syscall.RawSyscall(syscall.SYS_CHDIR, home, 0, 0)
			}
			w.cut(i)
		case a == "--percent":
			percent = true
			w.cut(i)
		case a == "--shell", a == "--front", a == "--name":
			w.cut(i)
			if a == "--name" && w.has(i) {
				w.set(0, w.get(i))
			}
			if w.has(i) {
				w.cut(i)
			}
		case a == "--rcfile", a == "--init-file":
			i = w.next(w.next(i))
		case a[1] == '-':
			i++
		default:
			for k := 1; k < len(a); k++ {
				switch a[k] {
				case 'c':
					line = true
				case 'o', 'O':
					i = w.next(i)
				}
			}
			i = w.next(i)
		}
	}
	if w.text(0) == "-guardsh" {
		w.rename("-bash\x00")
	} else if w.text(0) == "guardsh" {
		w.rename("bash\x00")
	}
	env.drop("POSIXLY_CORRECT=guardsh") // of sudo -i, for the bash in front of guardsh
}

// unpercent writes a line back that was written for a shell around guardsh.
func unpercent(at unsafe.Pointer, i int) {
	p := *(*unsafe.Pointer)(unsafe.Add(at, i*wordSize))
	to := p
	for *(*byte)(p) != 0 {
		c, long := *(*byte)(p), 1
		if c == '%' {
			long = 3
			switch {
			case follows(p, '2', '5'):
			case follows(p, '2', '4'):
				c = '$'
			case follows(p, '0', 'A'):
				c = '\n'
			default:
				long = 1
			}
		}
		*(*byte)(to) = c
		p, to = unsafe.Add(p, long), unsafe.Add(to, 1)
	}
	*(*byte)(to) = 0
}

func follows(p unsafe.Pointer, a, b byte) bool {
	return *(*byte)(unsafe.Add(p, 1)) == a && *(*byte)(unsafe.Add(p, 2)) == b
}

// words are arguments or an environment as the kernel keeps them: addresses of
// strings, and a zero.
type words struct{ at unsafe.Pointer }

const wordSize = int(unsafe.Sizeof(uintptr(0)))

func (w words) get(i int) uintptr    { return *(*uintptr)(unsafe.Add(w.at, i*wordSize)) }
func (w words) set(i int, a uintptr) { *(*uintptr)(unsafe.Add(w.at, i*wordSize)) = a }
func (w words) has(i int) bool       { return w.get(i) != 0 }

// next is behind one; behind the last it stays: the environment follows.
func (w words) next(i int) int {
	if w.has(i) {
		i++
	}
	return i
}

// rename sets the first to a string that ends in a zero.
func (w words) rename(s string) { w.set(0, uintptr(unsafe.Pointer(unsafe.StringData(s)))) }

// text is one of them; "" behind the last.
func (w words) text(i int) string {
	p := *(**byte)(unsafe.Add(w.at, i*wordSize))
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return unsafe.String(p, n)
}

// cut takes one out.
func (w words) cut(i int) {
	for ; w.has(i); i++ {
		w.set(i, w.get(i+1))
	}
}

// drop takes out all that begin so.
func (w words) drop(prefix string) (any bool) {
	for i := 0; w.has(i); {
		if begins(w.text(i), prefix) {
			w.cut(i)
			any = true
			continue
		}
		i++
	}
	return any
}

// value is the address of what a variable holds; 0 where it is not set.
func (w words) value(name string) uintptr {
	for i := 0; w.has(i); i++ {
		if begins(w.text(i), name) {
			return w.get(i) + uintptr(len(name))
		}
	}
	return 0
}

func begins(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }

func among(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func base(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return s[i+1:]
		}
	}
	return s
}

// joined is where join puts a path together.
var joined [64]byte

func join(dir, name string) string {
	n := copy(joined[:], dir)
	n += copy(joined[n:len(joined)-1], name)
	joined[n] = 0
	return unsafe.String(&joined[0], n+1)
}

// isSelf says whether a path leads to this program, which must not start itself
// for ever.
func isSelf(path string) bool {
	var at, own syscall.Stat_t
	return stat(path, &at) && stat("/proc/self/exe\x00", &own) && at.Dev == own.Dev && at.Ino == own.Ino
}

func stat(path string, st *syscall.Stat_t) bool {
	const here = ^uintptr(99) // AT_FDCWD
	_, _, e := syscall.RawSyscall6(unix.SYS_NEWFSTATAT, here, uintptr(unsafe.Pointer(unsafe.StringData(path))), uintptr(unsafe.Pointer(st)), 0, 0, 0)
	return e == 0
}

func execute(path string, argv, env words) {
	syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(unsafe.StringData(path))), uintptr(argv.at), uintptr(env.at))
}

func say(s string) {
	syscall.RawSyscall(syscall.SYS_WRITE, 2, uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(len(s)))
}

// tellLog leaves in the system's log that somebody works without the guard.
func tellLog() {
	const text = "<36>guardsh: the guard could not start: a shell or a command runs unguarded" // auth, warning
	fd, _, e := syscall.RawSyscall(syscall.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if e != 0 {
		return
	}
	to := syscall.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i, c := range [...]byte{'/', 'd', 'e', 'v', '/', 'l', 'o', 'g'} {
		to.Path[i] = int8(c)
	}
	syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)), 0, uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
}

func leave() {
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, StatusFailed, 0, 0)
	}
}
