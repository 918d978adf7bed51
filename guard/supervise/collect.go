package supervise

import "runtime/debug"

// The runtime's own percentage of garbage, and the one here: a build starts
// programs all the time, each of which is judged.
const (
	runtimePercent  = 100
	ordinaryPercent = 200
)

// Spare lets garbage be collected less often, unless the environment asks for
// something else (GOGC). To set it stops all threads: it is done while there is
// one.
func Spare() {
	if percent := debug.SetGCPercent(ordinaryPercent); percent != runtimePercent {
		debug.SetGCPercent(percent)
	}
}
