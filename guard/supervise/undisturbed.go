package supervise

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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

// Spare puts off the collection of garbage until a shell was started: to wait
// for the end of one costs a short line a fifth of its time. It is called first
// of all; Settle or Under end it.
func Spare() {
	// Where the environment asks for something else, one may have begun.
	spared = debug.SetGCPercent(sparedPercent) == runtimePercent && debug.SetMemoryLimit(-1) == math.MaxInt64
	if !spared {
		debug.SetGCPercent(ordinaryPercent)
	}
}

// Settle ends what Spare began, where no shell was started by Under.
func Settle() {
	if spared {
		spared = false
		debug.SetGCPercent(ordinaryPercent)
	}
}

// undisturbed keeps the runtime from stopping this process's threads until the
// function that it returns is called. The thread that starts the shell stands
// still, with a processor of the runtime's in its hand, until the kernel was
// told that the shell may start (vfork): whoever waited for it to stop would
// wait for ever, and nobody would be left to tell the kernel.
func undisturbed() (restore func()) {
	// One processor is that thread's, another the answering one's. To set the
	// number also ends the runtime's own looking after it, which stops all.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	percent := debug.SetGCPercent(-1)
	if percent >= 0 && !(spared && untouched()) {
		runtime.GC() // one that has begun would go on
	}
	if spared {
		spared, percent = false, ordinaryPercent
	}
	return func() { debug.SetGCPercent(percent) }
}

// untouched says that no collection has begun yet. What the heap's memory was
// once given out for stays in use until the first one is over, so that what is
// in use is at least what the runtime goes by.
func untouched() bool {
	m := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(m)
	for _, s := range m {
		if s.Value.Kind() != metrics.KindUint64 {
			return false
		}
	}
	return m[0].Value.Uint64() == 0 && m[1].Value.Uint64()+m[2].Value.Uint64() < spare
}
