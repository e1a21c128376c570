package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost"
)

// The stories here are told by people who have the built program, some plugins and a configuration file. Each has a host of
// its own; they run side by side.
func TestPlugins(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and some plugins")
	}
	w := newWorkshop(t)
	for _, story := range []struct {
		title string
		tell  func(t *testing.T, w *workshop)
	}{
		{"InThreeLanguagesServeFromOneHost", tellLanguages},
		{"ThatAreSignedRunFromTheStore", tellTrust},
		{"KeepTheirSecrets", tellSecrets},
		{"HaveTasksEventsAndStorage", tellWork},
		{"ThatCannotStartHoldUpNobody", tellBroken},
	} {
		t.Run(story.title, func(t *testing.T) {
			t.Parallel()
			story.tell(t, w)
		})
	}
}

// workshop holds what is built once for all stories.
type workshop struct {
	dir, callboard string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{dir: openFolder(t), callboard: builtProgram(t)}
	w.plugin(t, "hello-go", examples("hello-go"), "openapi.yaml", "settings.schema.json")
	w.plugin(t, "chores", filepath.Join("testdata", "chores"))
	w.plugin(t, "leaky", filepath.Join("testdata", "leaky"), "settings.schema.json")
	return w
}

// examples is a folder of the repository's examples.
func examples(parts ...string) string {
	return filepath.Join(append([]string{"..", "..", "..", "examples"}, parts...)...)
}

// plugin builds one and puts it together as its author would hand it on.
func (w *workshop) plugin(t *testing.T, id, source string, files ...string) {
	t.Helper()
	dir := filepath.Join(w.dir, id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	buildIn(t, source, ".", filepath.Join(dir, id), "")
	for _, file := range append(files, "plugin.yaml") {
		copyText(t, filepath.Join(source, file), filepath.Join(dir, file))
	}
}

func copyText(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, to, string(text))
}

// copyFolder copies the files of a plugin, for those who change them.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// openFolder is one that plugins, which run as users of their own, can pass and read. Its path is short, because the
// addresses of sockets are.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("chmod", "-R", "u+w", dir).Run() // the store of plugins is read-only
		_ = os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// operated is a host as its operator sees it: a folder, a configuration file, a log file and commands.
type operated struct {
	*program
	binary, dir, config, operations, log string
	env                                  []string
	control                              *pluginhost.Client
}

const operatedConfig = `
app: {title: Test, baseUrl: 'http://ADDRESS'}
backend:
  baseUrl: 'http://ADDRESS'
  listen: 'ADDRESS'
  database: {client: better-sqlite3, connection: {directory: 'DIR/db'}}
  auth: {externalAccess: [{type: static, options: {token: test-token-1234, subject: test}}]}
callboard:
  operations: {listen: 'OPERATIONS'}
  log: {level: debug}
  scaffolder: {templates: {timeout: 1m}}
`

// operate makes the host, which is not started yet. In configurations DIR is its folder.
func (w *workshop) operate(t *testing.T) *operated {
	t.Helper()
	dir := openFolder(t)
	o := &operated{binary: w.callboard, dir: dir, config: filepath.Join(dir, "app-config.yaml"), operations: freePort(t), log: filepath.Join(dir, "host.log")}
	o.program = &program{base: "http://" + freePort(t), output: &bytes.Buffer{}}
	for _, sub := range []string{"t", "db"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o.control = pluginhost.NewClient(filepath.Join(dir, "d", pluginhost.ControlSocket))
	return o
}

// configure writes the configuration file: what every host has, and more, indented as members of callboard and then
// beside it.
func (o *operated) configure(t *testing.T, more string) {
	t.Helper()
	text := strings.NewReplacer("ADDRESS", strings.TrimPrefix(o.base, "http://"), "OPERATIONS", o.operations, "DIR", o.dir).Replace(operatedConfig + more)
	// In one step, as deployments do it.
	writeText(t, o.config+".new", text)
	if err := os.Rename(o.config+".new", o.config); err != nil {
		t.Fatal(err)
	}
}

// start starts the host and waits until it is ready.
func (o *operated) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(o.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(o.binary, "serve", "--config", o.config)
	cmd.Env = append(append(os.Environ(), "TMPDIR="+filepath.Join(o.dir, "t")), o.env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, base: o.base, output: &bytes.Buffer{}, ended: make(chan struct{})}
	go func() { p.err = cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the host's log ends in\n%s", o.lastLines(t, 40))
		}
	})
	o.program = p
	o.awaitReady(t)
}

// end ends the host orderly.
func (o *operated) end(t *testing.T) {
	t.Helper()
	o.signal(syscall.SIGTERM)
	if o.err != nil {
		t.Errorf("the host ended with %v", o.err)
	}
}

func (o *operated) logged(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(o.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lastLines are those of the log that tell of something else than requests.
func (o *operated) lastLines(t *testing.T, n int) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(o.logged(t)) {
		if !strings.Contains(line, `"msg":"request"`) {
			lines = append(lines, line[:min(len(line), 1000)])
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// plugin runs a plugin command with the host's configuration.
func (o *operated) plugin(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	return o.command(t, append(args, "--config", o.config)...)
}

// command runs a plugin command in the host's folder.
func (o *operated) command(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var text bytes.Buffer
	cmd := exec.CommandContext(t.Context(), o.binary, append([]string{"plugin"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.dir, &text, &text
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return text.String(), cmd.ProcessState.ExitCode()
}

// must runs a plugin command that has to succeed.
func (o *operated) must(t *testing.T, args ...string) string {
	t.Helper()
	out, code := o.plugin(t, args...)
	if code != 0 {
		t.Fatalf("callboard plugin %s ended with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// view is what `plugin list --json` says about a plugin.
func (o *operated) view(t *testing.T, id string) pluginhost.View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	views, err := o.control.Plugins(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if string(v.ID) == id {
			return v
		}
	}
	t.Fatalf("there is no plugin %s", id)
	return pluginhost.View{}
}

// await waits until a plugin is in a state.
func (o *operated) await(t *testing.T, id, state string) pluginhost.View {
	t.Helper()
	var v pluginhost.View
	t.Cleanup(func() {
		if t.Failed() && string(v.State) != state {
			t.Logf("plugin %s is %s: %s %s", id, v.State, v.Reason, v.Remark())
		}
	})
	eventually(t, "plugin "+id+" is "+state, func() bool {
		if _, err := o.control.Plugins(t.Context()); err != nil {
			return false // the socket comes with the first plugin
		}
		v = o.view(t, id)
		return string(v.State) == state
	})
	return v
}

// get asks the host; token "" = without credentials.
func (o *operated) get(t *testing.T, path, token string) (status int, body string) {
	t.Helper()
	status, body, err := o.ask(http.MethodGet, path, token)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return status, body
}

func (o *operated) ask(method, path, token string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, o.base+path, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := single.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// entity is one of the catalog; nil = there is none.
func (o *operated) entity(t *testing.T, kind, name string) *story {
	t.Helper()
	status, body := o.get(t, "/api/catalog/entities/by-name/"+kind+"/default/"+name, token)
	if status != http.StatusOK {
		return nil
	}
	var e story
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// story is as much of an entity as stories look at.
type story struct {
	Metadata  struct{ Annotations map[string]string }
	Relations []struct{ Type, TargetRef string }
}

// related lists the targets of one type of relation.
func (e *story) related(relation string) []string {
	var refs []string
	for _, r := range e.Relations {
		if r.Type == relation {
			refs = append(refs, r.TargetRef)
		}
	}
	return refs
}

// steadily asks for a path again and again until stop, which fails the test if one answer was not 200.
func (o *operated) steadily(path string) (stop func(t *testing.T, during string)) {
	var asked sync.WaitGroup
	enough := make(chan struct{})
	answers, failures := 0, []string{}
	asked.Go(func() {
		for {
			select {
			case <-enough:
				return
			default:
			}
			status, body, err := o.ask(http.MethodGet, path, token)
			if answers++; err != nil || status != http.StatusOK {
				failures = append(failures, fmt.Sprintf("%d %v %.200s", status, err, body))
			}
		}
	})
	return func(t *testing.T, during string) {
		t.Helper()
		close(enough)
		asked.Wait()
		if len(failures) > 0 {
			t.Errorf("%s: %d of %d requests failed, the first: %s", during, len(failures), answers, failures[0])
		}
	}
}
