package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/entity"
)

// shopSettings are those of the plugin of the tests.
type shopSettings struct {
	Greeting string     `json:"greeting" default:"Hello" min:"1"`
	Token    sdk.Secret `json:"token,omitempty"`
	Till     string     `json:"till,omitempty"`
}

// runShop is the plugin of the tests. The file mode in its folder says how it misbehaves, the file version which it is.
func runShop() {
	mode, version := read("mode"), read("version")
	switch mode {
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot find the shop")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Minute)
		return
	case "late":
		time.Sleep(handshakeTimeout + time.Second)
	}
	p := sdk.New("shop", sdk.About{Version: version, Title: "Shop", License: "Apache-2.0"})
	var now atomic.Pointer[shopSettings]
	sdk.Settings(p, func(_ context.Context, s shopSettings) error {
		if s.Greeting == "wrong" {
			return errors.New("this greeting is wrong")
		}
		now.Store(&s)
		slog.Info("settings taken", "greeting", s.Greeting, "leaked", s.Token.Reveal())
		return nil
	})
	if strings.HasPrefix(mode, "guarded") {
		guard(p)
	}
	if mode != "guarded-without-routes" {
		shopRoutes(p, &now, version, mode)
	}
	p.EntityProvider("goods", time.Hour, func(context.Context) iter.Seq2[sdk.Entity, error] {
		return func(yield func(sdk.Entity, error) bool) {
			yield(sdk.Entity{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": entity.Entity{"name": "cup"},
				"spec": entity.Entity{"type": "service", "lifecycle": "production", "owner": "us"}}, nil)
		}
	})
	p.Counter("shop_sales_total", "Sales.").Add(3)
	if mode == "degraded" {
		p.Health(func(context.Context) error { return errors.New("the till is empty") })
	}
	p.Serve()
}

func shopRoutes(p *sdk.Plugin, now *atomic.Pointer[shopSettings], version, mode string) {
	p.HandleFunc("GET /greeting/{name}", func(w http.ResponseWriter, r *http.Request) {
		sdk.WriteJSON(w, http.StatusOK, map[string]any{"greeting": now.Load().Greeting, "name": r.PathValue("name"), "version": version,
			"pid": os.Getpid(), "who": sdk.Principal(r.Context()).Subject})
	})
	p.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		fmt.Fprint(w, version)
	})
	p.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	p.HandleFunc("POST /die", func(http.ResponseWriter, *http.Request) {
		fmt.Fprintln(os.Stderr, "the shop is on fire")
		os.Exit(7)
	})
	p.HandleFunc("GET /facades/till/sum", func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Query().Get("from"), nil)
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		res, err := p.Host().HTTP.Do(req)
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		defer res.Body.Close()
		_, _ = io.Copy(w, res.Body)
	})
	p.HandleFunc("GET /bill", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(r.URL.Query().Get("file"))
		fmt.Fprint(w, string(text), err)
	})
	p.HandleFunc("GET /facades/till/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "well") }, sdk.Unauthenticated)
	p.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "open") }, sdk.Unauthenticated)
	if mode == "beyond" {
		p.HandleFunc("GET /more", func(http.ResponseWriter, *http.Request) {}, sdk.Unauthenticated)
	}
}

func read(file string) string {
	text, _ := os.ReadFile(file)
	return strings.TrimSpace(string(text))
}

const shopManifest = `apiVersion: callboard.dev/v1
id: shop
version: %s
title: Shop
license: Apache-2.0
run: { linux-amd64: ./shop, linux-arm64: ./shop }
provides:
  http: { unauthenticated: [/open, /facades/till/health], facades: { till: /facades/till } }
  catalog: { providers: [goods] }
needs: { egress: ["settings:/till"], limits: { memory: 512MiB } }
config: settings.schema.json
`

const shopSchema = `{"type":"object","additionalProperties":false,"properties":{
  "greeting":{"type":"string","default":"Hello","minLength":1},
  "till":{"type":"string"},
  "token":{"type":"string","x-secret":true,"writeOnly":true}}}`

// shopFolder is a folder with the plugin in that version, which misbehaves by mode.
func shopFolder(t *testing.T, version, mode string) string {
	t.Helper()
	dir := openDir(t)
	put(t, filepath.Join(dir, "plugin.yaml"), fmt.Sprintf(shopManifest, version))
	put(t, filepath.Join(dir, "settings.schema.json"), shopSchema)
	put(t, filepath.Join(dir, "version"), version)
	put(t, filepath.Join(dir, "mode"), mode)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(self, filepath.Join(dir, "shop")); err != nil {
		program, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "shop"), string(program))
		if err := os.Chmod(filepath.Join(dir, "shop"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// openDir is a folder that other users may enter, in one with a short name.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbh")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(path, 0o755) // contents of the store are read-only
			}
			return nil
		})
		_ = os.RemoveAll(dir)
	})
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
