// Command leaky is a plugin whose author took no care of the secret that it was given: it is in everything that it writes,
// in every form that programs write texts in.
package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk"
)

type settings struct {
	Token  string `json:"token" secret:"true"`
	Refuse bool   `json:"refuse,omitempty"`
}

// secret is not of the type that would take care.
var secret atomic.Pointer[string]

func main() {
	p := sdk.New("leaky", sdk.About{Version: "1.0.0", Title: "Leaky", License: "Apache-2.0"})
	p.LogLevel().Set(slog.LevelDebug)
	sdk.Settings(p, func(_ context.Context, s settings) error {
		secret.Store(&s.Token)
		if s.Refuse {
			return fmt.Errorf("nobody lets %s in", s.Token)
		}
		slog.Info("signed in with " + s.Token)
		return nil
	})
	p.Health(func(context.Context) error { return leak() })
	p.Metrics(func(context.Context) []byte {
		return []byte("# HELP leaky_tokens With " + strings.ReplaceAll(*secret.Load(), "\\", "\\\\") + "\n# TYPE leaky_tokens gauge\nleaky_tokens{token=" + strconv.Quote(*secret.Load()) + "} 1\n")
	})
	p.EntityProvider("fails", time.Hour, func(context.Context) iter.Seq2[sdk.Entity, error] {
		return func(yield func(sdk.Entity, error) bool) { yield(nil, leak()) }
	})
	p.Processor("fails", func(context.Context, sdk.Entity) (sdk.Entity, error) { return nil, leak() })
	p.Task("fails", time.Hour, func(context.Context) error { return leak() })
	p.OnEvent("experimental.catalog.errors", func(context.Context, sdk.Event) error { return leak() })
	p.HandleFunc("POST /say", say)
	p.HandleFunc("POST /fail", func(w http.ResponseWriter, r *http.Request) { sdk.WriteError(w, r, leak()) })
	p.HandleFunc("POST /panic", func(http.ResponseWriter, *http.Request) { panic(*secret.Load()) })
	p.HandleFunc("POST /crash", func(http.ResponseWriter, *http.Request) {
		for _, form := range forms() {
			fmt.Fprintln(os.Stderr, form)
		}
		go panic(leak())
		select {}
	})
	p.Serve()
}

// leak is an error that names the secret.
func leak() error { return errors.New("the service refuses " + *secret.Load()) }

// forms are ways in which programs write a text.
func forms() []string {
	text := *secret.Load()
	var plainJSON strings.Builder
	in := json.NewEncoder(&plainJSON)
	in.SetEscapeHTML(false)
	_ = in.Encode(text)
	htmlJSON, _ := json.Marshal(text)
	return []string{text, strings.TrimSpace(plainJSON.String()), string(htmlJSON), strconv.Quote(text), strconv.QuoteToASCII(text), fmt.Sprintf("%#v", []string{text}),
		url.QueryEscape(text), url.PathEscape(text), "https://example.com/?token=" + url.QueryEscape(text),
		hex.EncodeToString([]byte(text)), fmt.Sprintf("%X", text),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+text)), "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+text)),
		"Authorization: Bearer " + text}
}

func say(w http.ResponseWriter, _ *http.Request) {
	for _, form := range forms() {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
			slog.Log(context.Background(), level, form, "value", form, form, "key", "error", errors.New(form),
				slog.Group("deep", "value", form), "list", []string{form}, "bytes", []byte(*secret.Load()), "map", map[string]any{form: form})
		}
		// Past the SDK, as a library does that has a log of its own.
		fmt.Fprintln(os.Stderr, form)
		fmt.Fprintln(os.Stdout, form)
		line, _ := json.Marshal(map[string]any{"@level": "debug", "@message": form, "@module": form, form: form, "deep": map[string]any{form: []any{form}}})
		fmt.Fprintln(os.Stderr, string(line))
	}
	// Long lines are cut somewhere, and the secret is there.
	for _, size := range []int{2 << 10, 16 << 10, 64 << 10} {
		for _, left := range []int{30, 46} {
			long := strings.Repeat("x", size-left) + *secret.Load() + strings.Repeat("y", 100)
			fmt.Fprintln(os.Stderr, long)
			slog.Info(long)
			slog.Info("long", "value", long)
		}
	}
	sdk.WriteJSON(w, http.StatusOK, len(forms()))
}
