package supervise

import "runtime/debug"

// How much garbage there may be, in percent of what is in use: the runtime's own
// number, and the one here. A build starts programs all the time, each of which
// is judged.
const (
	runtimePercent = 100
	sparePercent   = 200
)

// Spare lets garbage be collected less often, unless the environment asks for
// something else (GOGC). To set it stops all threads: it is done while there is
// one.
func Spare() {
	if percent := debug.SetGCPercent(sparePercent); percent != runtimePercent {
		debug.SetGCPercent(percent)
	}
}
