package bash

import (
	"context"
	"errors"
)

// Run runs bash with the arguments argv (`-c LINE NAME ARG…`, `FILE ARG…`, or
// none for a script on standard input) as a child with this process's own
// descriptors, without a pseudo terminal, and returns its status, 128+n when
// signal n killed it. It judges nothing.
func Run(ctx context.Context, cfg Config, argv []string) (status int, err error) {
	return StatusFailed, errors.New("not built yet")
}
