package guard

import (
	"context"
	"fmt"
	"log/syslog"
	"os/exec"
	"time"
)

// notifyTime bounds the site's notify command: it runs beside the session and
// must not outlive what it tells of by much.
const notifyTime = 10 * time.Second

// notify tells the site of an event: the system log, and the command of its
// configuration with the words as the last argument. Neither can hold up or
// stop anything; what fails is in the trail.
func (s *Session) notify(words string) {
	if w, err := syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_NOTICE, "guardsh"); err == nil {
		if err := w.Notice(words); err != nil {
			s.trail.degraded(fmt.Sprintf("system log: %v", err))
		}
		w.Close()
	}
	if len(s.Config.Notify) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), notifyTime)
	defer cancel()
	argv := append(append([]string{}, s.Config.Notify...), words)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // what it leaves running keeps its output open
	if out, err := cmd.CombinedOutput(); err != nil {
		s.trail.degraded(fmt.Sprintf("notify command %s: %v: %s", argv[0], err, Printable(string(out))))
	}
}
