package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// routes is http.sock.
func (p *plugin) routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject, err := p.caller(r)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case p.is("open-route-closed") && subject == "":
			http.Error(w, "sign in first", http.StatusUnauthorized)
		case p.is("dies-of-paths") && strings.Contains(r.URL.RawQuery, "a=b"):
			os.Exit(2)
		case r.URL.Path == "/health", r.URL.Path == "/who":
			_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok", "subject": subject})
		case r.URL.Path == "/events":
			p.events(w, r)
		case p.is("serves-any-file"):
			p.anyFile(w, r)
		case p.is("500-for-unknown"):
			http.Error(w, "no handler", http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	})
}

func (p *plugin) caller(r *http.Request) (string, error) {
	if forwarded := r.Header.Get("X-Forwarded-User"); forwarded != "" && p.is("trusts-forged-headers") {
		return forwarded, nil
	}
	if p.is("trusts-bearer") && r.Header.Get("Authorization") != "" {
		claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(r.Header.Get("Authorization"), ".")[1])
		return string(claims), nil
	}
	header := r.Header.Get("X-Callboard-Principal")
	if header == "" {
		return "", nil
	}
	var principal struct{ Subject string }
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err == nil {
		err = json.Unmarshal(text, &principal)
	}
	if err != nil && !p.is("dies-of-principal") {
		return "", nil
	}
	return principal.Subject, err
}

func (p *plugin) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			if p.is("ignores-gone-callers") {
				time.Sleep(time.Minute)
			}
			return
		}
	}
}

func (p *plugin) anyFile(w http.ResponseWriter, r *http.Request) {
	data, err := os.ReadFile(filepath.Join("/srv", r.URL.Path))
	if err != nil {
		data, err = os.ReadFile(filepath.Clean("/srv/" + r.URL.Path))
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}

// atStart is what plugins do before they say that they are there.
func (p *plugin) atStart() {
	switch p.mode {
	case "reads-neighbour":
		files, _ := filepath.Glob(filepath.Join(os.Getenv("CALLBOARD_DATA_DIR"), "..", "*", "settings.json"))
		for _, file := range files {
			_, _ = os.ReadFile(file)
		}
	case "tells-neighbour":
		files, _ := filepath.Glob(filepath.Join(os.Getenv("CALLBOARD_DATA_DIR"), "..", "*", "settings.json"))
		for _, file := range files {
			data, _ := os.ReadFile(file)
			p.log("info", "found "+string(data))
		}
	case "reads-passwords":
		data, err := os.ReadFile("/etc/shadow")
		if err != nil {
			p.log("warn", err.Error())
		}
		_ = data
	case "writes-neighbour":
		folders, _ := filepath.Glob(filepath.Join(os.Getenv("CALLBOARD_DATA_DIR"), "..", "neighbour"))
		for _, folder := range folders {
			_ = os.WriteFile(filepath.Join(folder, "own.json"), []byte("{}"), 0o600)
		}
	case "environment-probe":
		p.probeEnvironments()
	case "writes-code-folder":
		if err := os.WriteFile("cache.json", []byte("{}"), 0o600); err != nil {
			p.log("error", err.Error())
		}
	case "leaves-files":
		_ = os.WriteFile(filepath.Join(p.runtime, "plugin.pid"), []byte("1"), 0o600)
	case "plain-log":
		for range 5 {
			fmt.Fprintln(os.Stderr, "2026/01/31 12:00:00 hello")
		}
	}
}

func (p *plugin) probeEnvironments() {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		for entry := range bytes.SplitSeq(data, []byte{0}) {
			if bytes.Contains(entry, []byte("PASSWORD")) {
				p.log("debug", "environment: "+string(entry))
			}
		}
	}
}

// afterConfigure is what plugins do once they have their settings.
func (p *plugin) afterConfigure() {
	switch p.mode {
	case "secret-in-log":
		p.log("info", fmt.Sprintf("configured with %+v", *p.settings.Load()))
	case "log-flood":
		for i := range 60_000 {
			p.log("debug", fmt.Sprint("tick ", i))
		}
	case "fork-bomb":
		for range 500 {
			cmd := exec.Command("/bin/sleep", "20")
			if cmd.Start() != nil {
				break
			}
		}
	case "memory":
		var hoard [][]byte
		for range 64 {
			block := make([]byte, 16<<20)
			for i := range block {
				block[i] = byte(i)
			}
			hoard = append(hoard, block)
			time.Sleep(20 * time.Millisecond)
		}
		p.log("info", fmt.Sprint("cached ", len(hoard)))
	case "asks-catalog":
		p.askHost(true)
	case "no-host-token":
		p.askHost(false)
	case "leaves-children":
		cmd := exec.Command("/bin/sleep", "60")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = cmd.Start()
	}
}

func (p *plugin) askHost(withToken bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if withToken {
		ctx = metadata.AppendToOutgoingContext(ctx, "callboard-token", *p.token.Load())
	}
	_, _ = pluginv1.NewHostCatalogServiceClient(p.host).GetEntity(ctx, &pluginv1.GetEntityRequest{Ref: "component:default/a"})
}

func (p *plugin) whileRefreshing(ctx context.Context) {
	switch p.mode {
	case "egress-beyond":
		p.ask(ctx, "http://tracker.example.net/collect")
	case "egress-within":
		p.ask(ctx, "http://api.example.com/things")
	}
}

func (p *plugin) whileExecuting(r *pluginv1.ExecuteActionRequest) {
	switch {
	case p.is("dry-run-asks") && r.GetDryRun():
		p.ask(context.Background(), "http://api.example.com/create")
	case p.is("ignores-cancellation"), p.is("waits-for-calls"):
		time.Sleep(4 * time.Second)
	}
}

func (p *plugin) ask(ctx context.Context, target string) {
	proxy, _ := url.Parse("http://egress")
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(p.runtime, "egress.sock"))
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}
