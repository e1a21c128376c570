package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

// The test binary is a plugin as well: where a host's environment is set, it serves instead of testing.
func TestMain(m *testing.M) {
	if os.Getenv("CALLBOARD_PLUGIN") != "" || os.Getenv("CALLBOARD_DESCRIBE") != "" {
		servedPlugin().Serve()
	}
	code := m.Run()
	if left := lingering(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left over:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// lingering is the stacks of goroutines of this module that do not end by themselves.
func lingering() string {
	var left string
	for range 1000 {
		buf := make([]byte, 1<<20)
		stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		left = ""
		for _, s := range stacks[1:] {
			if strings.Contains(s, "callboard/sdk") || strings.Contains(s, "google.golang.org/grpc") {
				left += s + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}

type served struct {
	Greeting string     `json:"greeting" default:"Hello"`
	Token    sdk.Secret `json:"token,omitempty"`
}

// servedPlugin is what the tests of Serve start as a process.
func servedPlugin() *sdk.Plugin {
	p := sdk.New("served", sdk.About{Version: "1.2.3"})
	fmt.Fprintln(os.Stdout, "a stray line before the handshake")
	var token string
	sdk.Settings(p, func(_ context.Context, s served) error {
		token = s.Token.Reveal()
		slog.Info("configured", "token", token, "multi", "two\nlines")
		if s.Greeting == "refuse" {
			return errors.New("the server refused " + token)
		}
		return nil
	})
	p.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(os.Stdout, "a stray line while serving")
		_, _ = fmt.Fprint(w, "hello "+sdk.Principal(r.Context()).Subject)
	})
	p.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("with " + token) })
	p.HandleFunc("GET /out", func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		res, err := p.Host().HTTP.Do(req)
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
	})
	p.HandleFunc("GET /kv", func(w http.ResponseWriter, r *http.Request) {
		s, err := p.Host().KV.Get(r.Context(), "a")
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		_, _ = w.Write(s.Data)
	})
	return p
}
