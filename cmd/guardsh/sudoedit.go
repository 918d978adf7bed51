package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"guardsh/guard"
)

// sudoedit gives copies to an editor of who calls it, and writes them back as
// root by itself: no guardsh can stand in a command's place there. Where sudoers
// lets guardsh run as root, one of those keeps the files while sudoedit runs.

// holding is a guardsh that keeps, as root, what sudoedit may change.
type holding struct {
	cmd  *exec.Cmd
	over io.Closer
	said bytes.Buffer
}

// held is the command by which root's side keeps the files of a sudoedit, as
// whatever user that writes them; false where there are none, or not those that
// are named here.
func (c sudoCall) held(self string) (command []string, ok bool) {
	if !c.edit || c.moved || len(c.command) == 0 {
		return nil, false
	}
	return slices.Concat([]string{self, "exec", "--hold", "--", "sudoedit"}, c.who, c.dir, []string{"--"}, c.command), true
}

// keepFiles has root's side keep the files of a sudoedit, where sudoers allows
// that. Where a password is needed, it is asked for now if sudo will not have to
// ask for it again.
func (c sudoCall) keepFiles(w *way, told *sudoers, command []string) {
	root := sudoCall{mute: c.mute, never: c.never}
	in := instead{probe: []string{"--", told.self, "exec", "--try"}}
	_, l := told.allows(root, []instead{in})
	if l <= failed {
		return
	}
	w.behind = true
	w.takes = func(found bool) bool {
		// What was allowed a moment ago may take a password by now.
		return told.quietly(in.probe...) || found && told.ticket(root) && told.quietly(in.probe...)
	}
	w.guarded = func(_ string, killed *syscall.Signal) (int, error) {
		h, refused := hold(told.sudo, command)
		if refused {
			return guard.StatusRefused, nil
		}
		if h != nil {
			defer h.end()
		}
		return w.plain(killed)
	}
}

// hold starts it and waits until the files are kept. refused says that it had to
// keep something and could not; nil that there is none.
func hold(sudo string, command []string) (h *holding, refused bool) {
	h = &holding{cmd: exec.Command(sudo, append([]string{"-n", "--"}, command...)...)}
	// What is typed into the editor is not for it: ^C would end it too early.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.cmd.Stderr = &h.said
	in, ierr := h.cmd.StdinPipe()
	out, oerr := h.cmd.StdoutPipe()
	if ierr == nil && oerr == nil {
		h.over = in
		if err := h.cmd.Start(); err == nil {
			if _, err := io.ReadFull(out, make([]byte, len(heldMark))); err == nil {
				return h, false
			}
			h.end()
			return nil, h.cmd.ProcessState.ExitCode() == guard.StatusRefused
		}
	}
	fmt.Fprintf(os.Stderr, "guardsh: root's side could not be started, and keeps nothing\n")
	return nil, false
}

// end lets it see what became of the files, and says what it has to say.
func (h *holding) end() {
	h.over.Close()
	if err := h.cmd.Wait(); err != nil && h.said.Len() == 0 {
		fmt.Fprintf(&h.said, "guardsh: root's side, which keeps the files: %s\n", err)
	}
	os.Stderr.Write(h.said.Bytes())
}

// heldMark is what root's side says when the files are kept.
const heldMark = "kept\n"

// holdFor is root's side of it: what stands behind "exec --hold --".
func holdFor(argv []string) int {
	s, err := guard.Open(guard.Here())
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: nothing is kept\n", err)
		return 1
	}
	s.Greet()
	status := s.Hold(context.Background(), argv, func() {
		fmt.Print(heldMark)
		// An end of the pipe is the end of sudoedit, or of who started this.
		_, _ = io.Copy(io.Discard, os.Stdin)
	})
	s.Close(status)
	return status
}
