package host

import (
	"strings"
	"time"
)

// probePatience is how long a mount may take before it counts as one that does
// not answer: a far server under load takes longer than a line waits for it.
const probePatience = 2 * time.Second

// probesAtOnce bounds how many mounts are asked at the same time.
const probesAtOnce = 4

// Probe asks every mount that may hang whether it answers, and gives those that
// do and those that do not. It takes seconds where one is silent, and is not
// for a line to wait for. Mounts that skip names are left alone: each helper
// that asks a silent one stays with it.
func (w *World) Probe(skip func(mount string) bool) (answering, silent []string) {
	var rs []request
	for _, m := range w.mountsNow().all {
		// To touch an automounter is to mount.
		if m.FSType != "autofs" && mayHang(m) && !skip(m.Mountpoint) {
			rs = append(rs, request{Op: opPath, Path: strings.TrimPrefix(m.Mountpoint, w.root), Follow: true, Budget: probePatience})
		}
	}
	for len(rs) > 0 {
		n := min(len(rs), probesAtOnce)
		for i, a := range w.askAll(rs[:n], time.Now().Add(probePatience+Fair(readyDeadline+pathDeadline))) {
			switch mount := w.root + rs[i].Path; {
			case a.Unknown && strings.HasPrefix(a.Err, "no answer within"):
				silent = append(silent, mount)
			case a.Unknown && a.Err != "" && strings.HasPrefix(a.Err, "helper "):
				// nothing was learned
			default:
				answering = append(answering, mount)
			}
		}
		rs = rs[n:]
	}
	return answering, silent
}
