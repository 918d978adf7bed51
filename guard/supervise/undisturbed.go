package supervise

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"weak"
)

// spared is set where nothing can have begun to collect garbage before the
// heap has grown to sparedPercent of the runtime's least, 4 MiB.
var spared bool

const (
	runtimePercent  = 100 // the runtime's own
	ordinaryPercent = 200 // of what is in use: a build starts programs all the time, each of which is judged
	sparedPercent   = 800
	spare           = 16 << 20 // far enough below that
)

// sentinel is gone once garbage was collected.
var sentinel weak.Pointer[[64]byte]

// Spare puts off the collection of garbage until a shell was started: to wait
// for the end of one costs a short line a fifth of its time. It is called first
// of all; Settle or Under end it.
func Spare() {
	// One processor is for the thread that starts the shell, another for the
	// answering one. To change this stops all threads, of which there is one yet.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	// Where the environment asks for something else, one may have begun.
	spared = debug.SetGCPercent(sparedPercent) == runtimePercent && debug.SetMemoryLimit(-1) == math.MaxInt64
	if !spared {
		debug.SetGCPercent(ordinaryPercent)
		return
	}
	sentinel = weak.Make(new([64]byte))
}

// Settle ends what Spare began, where no shell was started by Under.
func Settle() {
	if spared {
		spared = false
		debug.SetGCPercent(ordinaryPercent)
	}
}

// settling is held while a collector that was spared is given its ordinary
// measure.
var settling sync.Mutex

// undisturbed keeps the runtime from stopping this process's threads until the
// function that it returns is called. The thread that starts the shell stands
// still, with a processor of the runtime's in its hand, until the kernel was
// told that the shell may start (vfork): whoever waited for it to stop would
// wait for ever, and nobody would be left to tell the kernel.
func undisturbed() (restore func()) {
	settling.Lock()
	if spared && untouched() {
		// It is far from beginning. To set the percentage stops all threads: that is
		// done while the shell starts.
		spared = false
		return func() {
			go func() {
				defer settling.Unlock()
				debug.SetGCPercent(ordinaryPercent)
			}()
		}
	}
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	percent := debug.SetGCPercent(-1)
	if percent >= 0 {
		runtime.GC() // one that has begun would go on
	}
	if spared {
		spared, percent = false, ordinaryPercent
	}
	return func() {
		defer settling.Unlock()
		debug.SetGCPercent(percent)
	}
}

// untouched says that no collection has begun yet, and that this process's
// memory, which the heap is a part of, is much less than what one begins at.
func untouched() bool {
	if sentinel.Value() == nil {
		return false
	}
	b, err := os.ReadFile("/proc/self/statm") // in pages: size, resident, shared with files
	f := bytes.Fields(b)
	if err != nil || len(f) < 3 {
		return false
	}
	resident, err1 := strconv.Atoi(string(f[1]))
	shared, err2 := strconv.Atoi(string(f[2]))
	return err1 == nil && err2 == nil && (resident-shared)*os.Getpagesize() < spare
}
