package guard

import (
	"fmt"
	"os"

	"guardsh/audit/cast"
)

// recording is the session's terminal as it was seen. Where it cannot be
// written the session goes on, and the trail says so.
type recording struct {
	t          *trail
	rec        *cast.Recorder
	failed     bool
	cols, rows int
}

// record prepares the recording, which begins with the terminal's first size.
func (t *trail) record() *recording { return &recording{t: t} }

func (r *recording) resize(cols, rows int) {
	r.cols, r.rows = cols, rows
	if r.rec != nil {
		_ = r.rec.Resize(cols, rows) // kept by the recorder: see sync
		return
	}
	r.begin()
}

func (r *recording) begin() {
	path := r.t.journal().CastPath()
	if r.rec != nil || r.failed || path == "" {
		return
	}
	rec, err := cast.Create(path, cast.Header{
		Term: cast.Term{Cols: r.cols, Rows: r.rows, Type: os.Getenv("TERM")},
		Env:  map[string]string{"SHELL": os.Getenv("SHELL"), "TERM": os.Getenv("TERM")},
	})
	if err != nil {
		r.failed = true
		r.t.degraded(fmt.Sprintf("the terminal is not recorded: %v", err))
		return
	}
	r.rec = rec
	r.t.setRecorder(rec)
}

// output records a chunk of what the terminal is shown.
func (r *recording) output(b []byte) {
	if r.rec == nil {
		r.begin()
	}
	if r.rec != nil {
		_, _ = r.rec.Write(b) // kept by the recorder: see sync
	}
}

func (r *recording) marker(number int, line string) {
	if rec := r.t.recorder(); rec != nil {
		_ = rec.Line(number, line)
	}
}

// sync has what was recorded made durable, while the shell goes on, and tells
// the trail when the recording began to fail.
func (r *recording) sync() {
	rec := r.t.recorder()
	if rec == nil {
		return
	}
	if err := rec.SyncSoon(); err != nil {
		r.t.recordingFailed(err)
	}
}
