package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/syslog"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"guardsh/guard/host"
)

// notifyTime bounds the site's notify command and its webhook: they run beside
// the session and must not outlive what they tell of by much.
const notifyTime = 10 * time.Second

// notify tells the site of an event: the system log, the command of its
// configuration with the words as the last argument, and its webhook, all at
// the same time. None can hold up or stop anything; what fails is in the trail.
func (s *Session) notify(words string) {
	ctx, cancel := context.WithTimeout(context.Background(), notifyTime)
	defer cancel()
	var all sync.WaitGroup
	for what, tell := range map[string]func(context.Context, string) error{
		"system log": tellLog, "notify command": s.tellCommand, "webhook": s.tellWebhook,
	} {
		all.Go(func() {
			if err := tell(ctx, words); err != nil {
				s.trail.degraded(what + ": " + Printable(err.Error()))
			}
		})
	}
	all.Wait()
}

func tellLog(_ context.Context, words string) error {
	w, err := syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_NOTICE, "guardsh")
	if err != nil {
		return nil // no system log on this machine
	}
	defer w.Close()
	return w.Notice(words)
}

func (s *Session) tellCommand(ctx context.Context, words string) error {
	if len(s.Config.Notify) == 0 {
		return nil
	}
	argv := append(append([]string{}, s.Config.Notify...), words)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // what it leaves running keeps its output open
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", argv[0], err, out)
	}
	return nil
}

// message is what a webhook is sent. Chat programs show text.
type message struct {
	Text string    `json:"text"`
	Host string    `json:"host"`
	User string    `json:"user"`
	Time time.Time `json:"time"`
}

// tellWebhook sends the words to the site's address.
func (s *Session) tellWebhook(ctx context.Context, words string) error {
	if s.Config.Webhook == "" {
		return nil
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unknown host"
	}
	body, err := json.Marshal(message{Text: name + ": " + words, Host: name, User: sessionUser(), Time: time.Now().UTC()})
	if err != nil {
		return err
	}
	// A login shell is no place for what speaks TLS and HTTP: each fault that is
	// found in those would be one of every login. The system keeps its curl whole,
	// which knows the machine's certificates.
	where := webhookHost(s.Config.Webhook)
	curl := host.Program("curl")
	if curl == "" {
		return errors.New(where + ": there is no curl to send it by: install the package curl")
	}
	// The address may hold a secret, and a command line is for all to see.
	cmd := exec.CommandContext(ctx, curl, "--disable", "--config", "-")
	cmd.Dir, cmd.Env = "/", host.PlainEnv()
	cmd.Stdin = strings.NewReader(curlConfig(ctx, s.Config.Webhook, string(body)))
	out, err := cmd.Output()
	// Who does not come to the end of his answer has the message all the same.
	code, _ := strconv.Atoi(string(out))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code > 0:
		return fmt.Errorf("%s: answered %d", where, code)
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) && len(ended.Stderr) > 0 {
		return fmt.Errorf("%s: %s", where, bytes.TrimSpace(ended.Stderr)) // without the address
	}
	return fmt.Errorf("%s: %w", where, err)
}

// curlConfig has curl send a text to an address and nowhere else: no proxy of the
// user's environment, no redirection. It prints the status of the answer.
func curlConfig(ctx context.Context, address, text string) string {
	const toEnd = time.Second // for curl itself, before it is ended
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	b := bytes.NewBufferString("globoff\nsilent\nshow-error\n")
	for _, o := range [...]struct{ name, value string }{
		{"url", address},
		{"data-raw", text},
		{"header", "Content-Type: application/json"},
		{"user-agent", "guardsh"},
		{"noproxy", "*"},
		{"proto", "=http,https"},
		{"output", "/dev/null"},
		{"write-out", "%{http_code}"},
	} {
		fmt.Fprintf(b, "%s = \"%s\"\n", o.name, quoted.Replace(o.value))
	}
	if end, ok := ctx.Deadline(); ok {
		fmt.Fprintf(b, "max-time = %.3f\n", max(time.Until(end)-toEnd, time.Millisecond).Seconds())
	}
	return b.String()
}

// webhookHost is a webhook's address without what may be secret in it.
func webhookHost(address string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return "nothing is sent"
	}
	return u.Scheme + "://" + u.Host
}
