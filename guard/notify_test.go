package guard

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A webhook gets the words as JSON; what goes wrong is told without the
// address, which may hold a secret.
func TestWebhook(t *testing.T) {
	var got message
	asked, odd := 0, ""
	mux := http.NewServeMux()
	mux.HandleFunc("/ok/SECRET", func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s with %q", r.Method, r.Header.Get("Content-Type"))
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/odd/{rest...}", func(w http.ResponseWriter, r *http.Request) { odd = r.RequestURI })
	mux.HandleFunc("/gone/SECRET", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusGone) })
	mux.Handle("/moved/SECRET", http.RedirectHandler("/ok/SECRET", http.StatusTemporaryRedirect))
	mux.HandleFunc("/endless/SECRET", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	t.Setenv("http_proxy", "http://127.0.0.1:1") // the user's environment is not asked

	const words = `"/srv" turned \read-only%20 {a,b}`
	within := func(most time.Duration, address string) error {
		ctx, cancel := context.WithTimeout(t.Context(), most)
		defer cancel()
		s := &Session{Config: Config{Webhook: address}}
		return s.tellWebhook(ctx, words)
	}
	tell := func(address string) error { return within(notifyTime, address) }
	if err := tell(server.URL + "/ok/SECRET"); err != nil {
		t.Fatal(err)
	}
	if asked != 1 || !strings.HasSuffix(got.Text, ": "+words) || got.Host == "" || got.User == "" || got.Time.IsZero() {
		t.Errorf("the server got %+v", got)
	}
	for _, c := range []struct{ path, want string }{
		{"/gone/SECRET", "answered 410"},
		{"/moved/SECRET", "answered 307"},
	} {
		err := tell(server.URL + c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	if err := within(3*time.Second, server.URL+"/endless/SECRET"); err != nil {
		t.Errorf("an answer without end: %v", err)
	}
	if uri := `/odd/[1-2]/{a,b}/"x"?k=\`; tell(server.URL+uri) != nil || odd != uri {
		t.Errorf("asked for %s, want %s", odd, uri)
	}
	if asked != 1 {
		t.Errorf("a redirection was followed")
	}
	if err := tell("http://127.0.0.1:1/SECRET"); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("nobody listens: %v", err)
	}
}

// A webhook that never answers ends with its time.
func TestWebhookHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s := &Session{Config: Config{Webhook: "http://" + l.Addr().String() + "/SECRET"}}
	start := time.Now()
	err = s.tellWebhook(ctx, "x")
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
