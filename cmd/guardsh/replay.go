package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"guardsh/audit"
	"guardsh/audit/replay"
	"guardsh/guard/ask"
)

func replayCommand() *cobra.Command {
	var dir, to string
	var o replay.Options
	c := &cobra.Command{
		Use:   "replay [SESSION][@LINE]",
		Short: "play a session's recording",
		Long: `Play what a session's terminal showed, from a line on where one is given.
SESSION is an id or the start of one; last, or nothing, is the newest that has a
recording. Where the output is no terminal, the text is written at once.

` + replay.Keys,
		Example: "  guardsh replay last --idle 1s\n  guardsh replay 01JD8Q@12 --to text",
		Args:    cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&dir, "dir", "", "the trail's `directory` (default: the configuration's, or "+audit.Root()+")")
	c.Flags().StringVar(&to, "to", "", "write it as `format` instead: "+strings.Join(replay.Formats, ", "))
	c.Flags().Float64Var(&o.Speed, "speed", 1, "how many times as fast")
	c.Flags().DurationVar(&o.Idle, "idle", 0, "no wait is longer than this")
	c.SetHelpTemplate(helpTemplate("  0  played\n  1  it failed\n  2  the call was wrong"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if o.Speed <= 0 || o.Idle < 0 {
			return usage("--speed and --idle are numbers above zero")
		}
		if to != "" && !slices.Contains(replay.Formats, to) {
			return usage(fmt.Sprintf("unknown format %q (%s)", to, strings.Join(replay.Formats, ", ")))
		}
		id, line, at := strings.Cut(strings.Join(args, ""), "@")
		if at {
			n, err := strconv.Atoi(line)
			if err != nil || n < 1 {
				return usage(fmt.Sprintf("line %q is not a number", line))
			}
			o.Line = n
		}
		dir = trailDir(dir)
		s, err := recordedSession(dir, id)
		if err != nil {
			return err
		}
		r, err := replay.Load(filepath.Join(s.Dir, audit.CastName), recordingMarks(s))
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if to == "" && term.IsTerminal(int(os.Stdout.Fd())) {
			tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
			if err != nil {
				return fmt.Errorf("no terminal for the keys: %w\nhint: --to text", err)
			}
			defer tty.Close()
			// What is shown looks like a prompt that takes lines: it is said where it
			// begins and ends.
			color, width := ask.Style(os.Stdout)
			say := func(words string) { fmt.Fprint(out, ask.Notice(words, color, width)) }
			say(replayIntro(s, r))
			if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil && (w < r.Header.Term.Cols || h < r.Header.Term.Rows) {
				say(fmt.Sprintf("it was recorded at %dx%d, and this terminal is %dx%d: it may look broken", r.Header.Term.Cols, r.Header.Term.Rows, w, h))
			}
			if err := r.Play(tty, out, o); err != nil {
				return err
			}
			if r.Cut {
				say("the recording ends here: the session was killed")
			} else {
				say("the replay is over")
			}
			return nil
		}
		if to == "" {
			to = "text"
		}
		return r.Write(out, to, o.Line)
	}
	return c
}

// replayIntro says whose session is played, and by which keys.
func replayIntro(s *audit.Session, r *replay.Recording) string {
	return fmt.Sprintf("replay of %s: %s at %s, %s, %s; space pauses, n is the next command, q ends it",
		s.ID, s.User, s.Host, s.Start.Local().Format("2006-01-02 15:04:05"), r.Length.Round(time.Second))
}

// recordedSession is the session that id names; without a name the newest one
// that has a recording.
func recordedSession(dir, id string) (*audit.Session, error) {
	if id == "" || id == "last" {
		all, err := audit.Sessions(dir)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if hasRecording(&all[i]) {
				return &all[i], nil
			}
		}
		return nil, fmt.Errorf("no recording in %s yet", dir)
	}
	s, err := audit.Find(dir, id)
	if err != nil {
		return nil, err
	}
	if !hasRecording(s) {
		return nil, fmt.Errorf("session %s has no recording (it had no terminal)\nhint: guardsh audit show %s", s.ID, s.ID)
	}
	return s, nil
}

func hasRecording(s *audit.Session) bool {
	_, err := os.Lstat(filepath.Join(s.Dir, audit.CastName))
	return !s.Shared && !errors.Is(err, fs.ErrNotExist)
}

// recordingMarks are the places in a recording that the journal knows.
func recordingMarks(s *audit.Session) []replay.Mark {
	var all []replay.Mark
	for i := range s.Lines {
		e := &s.Lines[i].Event
		all = append(all, replay.Mark{Line: e.Line, Text: e.Text, Offset: e.Offset, Refused: s.Lines[i].Outcome() == audit.Refused})
	}
	return all
}
