package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// canary is a secret with a middle that stands in no text by chance, and around it what the ways of writing treat
// differently.
type canary struct{ name, core, value string }

func newCanary(name string) canary {
	core := rand.Text()
	return canary{name, core, `p"a\b/c+d e<f>&é` + core + `=é"\x`}
}

// traces are what betrays the core, whichever way the whole was written.
func (c canary) traces() map[string]string {
	traces := map[string]string{"plain": c.core, "hex": hex.EncodeToString([]byte(c.core)), "HEX": fmt.Sprintf("%X", c.core), "spaced hex": fmt.Sprintf("% x", c.core),
		"bytes": strings.Trim(fmt.Sprintf("%d", []byte(c.core)), "[]"), "JSON bytes": strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", []byte(c.core)), " ", ","), "[]")}
	for shift := range 3 { // Base64 depends on where in its text the core begins
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + c.core))
		traces["Base64 "+strconv.Itoa(shift)] = text[4 : len(text)-4]
	}
	return traces
}

// watcher looks for canaries wherever a host shows something.
type watcher struct {
	canaries []canary
	found    map[string]bool
	looked   map[string]int // bytes of each place
}

func (w *watcher) look(t *testing.T, place string, text []byte) {
	t.Helper()
	w.looked[place] += len(text)
	for _, c := range w.canaries {
		for form, trace := range c.traces() {
			at := bytes.Index(text, []byte(trace))
			if key := place + c.name + form; at >= 0 && !w.found[key] {
				w.found[key] = true
				t.Errorf("%s holds the secret of %s, written as %s: …%s…", place, c.name, form, text[max(0, at-150):min(len(text), at+100)])
			}
		}
	}
}

const secretConfig = `
  pluginHost: {dataDir: 'DIR/d'}
  plugins:
    hello-go: {source: '%s', development: true, settings: {token: '%s'}}
    leaky: {source: '%s', development: true, settings: {token: %s}}
%scatalog:
  processingInterval: {seconds: 1}
  rules: [{allow: [Component, Location]}]
  locations: [{type: file, target: 'DIR/catalog.yaml'}]
`

func tellSecrets(t *testing.T, w *workshop) {
	o := w.operate(t)
	greeted, leaked, own := newCanary("hello-go"), newCanary("leaky"), newCanary("the host")
	watch := &watcher{canaries: []canary{greeted, leaked, own}, found: map[string]bool{}, looked: map[string]int{}}
	o.env = []string{"CALLBOARD_TEST_CANARY=" + own.value}
	more := ""
	for _, l := range languages(t, w) {
		if l.id != "hello-go" && l.missing() == "" {
			c := newCanary(l.id)
			watch.canaries = append(watch.canaries, c)
			more += fmt.Sprintf("    %s: {source: '%s', development: true, settings: {token: '%s'}}\n", l.id, l.source, c.value)
		}
	}
	configure := func(leaky string) {
		o.configure(t, fmt.Sprintf(secretConfig, filepath.Join(w.dir, "hello-go"), greeted.value, filepath.Join(w.dir, "leaky"), leaky, more))
	}
	whole := "'" + leaked.value + "'"
	writeText(t, filepath.Join(o.dir, "catalog.yaml"), "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ownerless}\nspec: {type: service, lifecycle: production}\n")
	configure(whole)
	o.start(t)
	o.await(t, "leaky", "degraded") // says its health check, with the secret in its reason
	o.watchProcesses(t, watch)
	o.provokes(t, watch)
	o.watches(t, watch)

	before := o.view(t, "leaky").PID
	if _, _, err := o.ask(http.MethodPost, "/api/leaky/crash", token); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the crash is over", func() bool {
		v := o.view(t, "leaky")
		return v.Crash != nil && (v.State == "ready" || v.State == "degraded") && v.PID != before
	})
	o.watches(t, watch)
	for setting, remark := range map[string]string{whole + ", refuse: true": "did not become ready", "[" + whole + "]": "/token must be of type string", whole + ", " + strconv.Quote(leaked.core[:3]) + ": x": "needs-config"} {
		configure(setting)
		eventually(t, "settings are refused", func() bool {
			return strings.Contains(o.view(t, "leaky").Remark(), strings.TrimPrefix(remark, "/token "))
		})
		o.watches(t, watch)
	}
	configure(whole)
	eventually(t, "settings are taken again", func() bool { return o.view(t, "leaky").Remark() == "" })
	o.must(t, "restart", "leaky")
	o.watchProcesses(t, watch)
	o.end(t)
	o.watchFiles(t, watch)
	for _, place := range []string{"host.log", "/metrics", "/console.json", "list --json", "logs leaky", "environ of a plugin", "db"} {
		if watch.looked[place] == 0 {
			t.Errorf("nothing was found in %s, so nothing is said about it", place)
		}
	}
	t.Logf("looked at %v", watch.looked)
}

// provokes calls everything that fails, and looks at the answers too.
func (o *operated) provokes(t *testing.T, watch *watcher) {
	t.Helper()
	for _, path := range []string{"say", "fail", "panic"} {
		status, body, err := o.ask(http.MethodPost, "/api/leaky/"+path, token)
		if err != nil && path != "panic" {
			t.Fatalf("POST /%s: %v", path, err)
		}
		if path == "say" && status != http.StatusOK {
			t.Errorf("POST /say: %d %s", status, body)
		}
		watch.look(t, "answers", []byte(body))
	}
	for _, plugin := range o.plugins(t) {
		if plugin != "leaky" {
			o.await(t, plugin, "ready")
			_, body := o.get(t, "/api/"+plugin+"/greeting/ann", token)
			watch.look(t, "answers", []byte(body))
		}
	}
	eventually(t, "the leaky provider and task have failed", func() bool {
		log := o.logged(t)
		return strings.Contains(log, "RunTask fails") && strings.Contains(log, "RefreshProvider fails") && strings.Contains(log, "Processor plugin:leaky/fails threw")
	})
	_, _ = o.plugin(t, "run-provider", "leaky", "fails")
}

func (o *operated) plugins(t *testing.T) []string {
	t.Helper()
	views, err := o.control.Plugins(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, v := range views {
		ids = append(ids, string(v.ID))
	}
	return ids
}

// watches looks at everything that the running host shows to anybody.
func (o *operated) watches(t *testing.T, watch *watcher) {
	t.Helper()
	for _, command := range []string{"list", "list --json", "call leaky POST /fail", "run-provider leaky fails", "approve leaky"} {
		out, _ := o.plugin(t, strings.Fields(command)...)
		watch.look(t, command, []byte(out))
	}
	for _, id := range o.plugins(t) {
		for _, command := range []string{"inspect " + id, "logs " + id, "logs --json -n 1000 " + id} {
			out := o.must(t, strings.Fields(command)...)
			watch.look(t, command, []byte(out))
		}
	}
	for _, path := range []string{"/console.json", "/", "/plugin?id=leaky", "/api/catalog/entities", "/api/scaffolder/v2/actions"} {
		_, body := o.get(t, path, token)
		watch.look(t, path, []byte(body))
	}
	res, err := single.Get("http://" + o.operations + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(text), "leaky_tokens") {
		t.Errorf("the plugin's metrics are not there: %v", err)
	}
	watch.look(t, "/metrics", text)
	o.watchFiles(t, watch)
}

// watchProcesses looks at what every user of the machine may see of a process, and at environments. The host's own
// environment may hold its own canary.
func (o *operated) watchProcesses(t *testing.T, watch *watcher) {
	t.Helper()
	processes := maps.Clone(descendants(o.cmd.Process.Pid))
	if len(processes) < 2 {
		t.Errorf("the host has %d processes below it", len(processes))
	}
	for pid := range processes {
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err == nil { // else it has ended
				watch.look(t, file+" of a plugin", text)
			}
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", o.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	watch.look(t, "cmdline of the host", text)
	text, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", o.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	kept, _, _ := bytes.Cut(text, []byte("CALLBOARD_TEST_CANARY="))
	watch.look(t, "environ of the host", kept)
}

// watchFiles looks at every file of the host besides its configuration: log, database, data and runtime folders.
func (o *operated) watchFiles(t *testing.T, watch *watcher) {
	t.Helper()
	err := filepath.WalkDir(o.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path == o.config {
			return nil //nolint:nilerr // files of a running host come and go
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		place, _ := filepath.Rel(o.dir, path)
		place, _, _ = strings.Cut(place, "/")
		watch.look(t, place, text)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
