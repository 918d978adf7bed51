package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"time"
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

// tellWebhook sends the words to the site's address. It goes there directly
// and nowhere else: no proxy of the user's environment, no redirection.
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
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Config.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used") // which may hold a secret
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "guardsh")
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	c := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := c.Do(r)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address
		}
		return fmt.Errorf("%s: %w", webhookHost(s.Config.Webhook), err)
	}
	defer answer.Body.Close()
	// What it says is of no use, but a server that cannot finish its answer
	// may take the message for lost.
	if _, err := io.CopyN(io.Discard, answer.Body, maxWebhookAnswer); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", webhookHost(s.Config.Webhook), err)
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", webhookHost(s.Config.Webhook), answer.Status)
	}
	return nil
}

// maxWebhookAnswer is more than any of them says.
const maxWebhookAnswer = 64 << 10

// webhookHost is a webhook's address without what may be secret in it.
func webhookHost(address string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return "nothing is sent"
	}
	return u.Scheme + "://" + u.Host
}
