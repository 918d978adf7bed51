package command

import "errors"

// ErrUnknown is what Shell and Files say where they cannot know.
var ErrUnknown = errors.New("not known here")

// Understand reads a line as bash would and returns what it would start. It
// never fails: what cannot be understood is a note.
func Understand(src string, opts Options) *Line {
	return &Line{Src: src}
}
