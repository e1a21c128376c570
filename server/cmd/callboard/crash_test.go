package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// program is one run of the built binary.
type program struct {
	cmd    *exec.Cmd
	base   string
	output *bytes.Buffer // complete after wait
	ended  chan struct{}
	err    error
}

// generateCatalog writes a catalog of n entities and returns its folder.
func generateCatalog(t *testing.T, n int) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "catalog")
	args := []string{"run", "../../../examples/catalog/generate", "-n", fmt.Sprint(n), "-layout", "many", "-out", folder}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return folder
}

const crashConfig = `
app: {title: Test, baseUrl: 'http://ADDRESS'}
backend:
  baseUrl: 'http://ADDRESS'
  listen: 'ADDRESS'
  database: {client: better-sqlite3, connection: 'DATABASE'}
  auth: {externalAccess: [{type: static, options: {token: test-token-1234, subject: test}}]}
auth: {providers: {guest: {dangerouslyAllowOutsideDevelopment: true}}}
callboard: {operations: {listen: false}}
catalog:
  processingInterval: {seconds: 1}
  rules: [{allow: [Component, API, System, Domain, Resource, Group, User, Location]}]
  locations: [{type: file, target: 'CATALOG/many/root.yaml'}]
`

// start runs the binary on the database file and the catalog.
func start(t *testing.T, binary, database, catalog string) *program {
	t.Helper()
	return serve(t, binary, strings.NewReplacer("DATABASE", database, "CATALOG", catalog).Replace(crashConfig))
}

// serve runs the binary with a configuration, in which ADDRESS is where it listens.
func serve(t *testing.T, binary, config string) *program {
	t.Helper()
	address := freePort(t)
	file := filepath.Join(t.TempDir(), "app-config.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "ADDRESS", address)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.Command(binary, "serve", "--config", file), base: "http://" + address, output: &bytes.Buffer{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() { p.signal(syscall.SIGKILL) })
	return p
}

// signal sends s and waits for the end.
func (p *program) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // it may have ended
	<-p.ended
}

func (p *program) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, "the host is ready", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("the host ended: %v\n%s", p.err, p.output)
		default:
		}
		status, _, _ := p.call(http.MethodGet, "/.backstage/health/v1/readiness", "", "")
		return status == http.StatusOK
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("after three minutes it is still not so that %s", what)
}

const token = "test-token-1234"

// call makes one request on a connection of its own. An error with a status is an answer that broke off.
func (p *program) call(method, path, token, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := single.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

var single = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, Timeout: 30 * time.Second}

// entities is the whole catalog by ref, without the identities that each database gives by itself.
func (p *program) entities(t *testing.T) map[string]string {
	t.Helper()
	status, body, err := p.call(http.MethodGet, "/api/catalog/entities", token, "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("read the catalog: %d %v", status, err)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range list {
		metadata := e["metadata"].(map[string]any)
		ref := fmt.Sprintf("%s:%s/%s", e["kind"], metadata["namespace"], metadata["name"])
		if all[ref] != "" {
			t.Errorf("%s is there twice", ref)
		}
		if metadata["uid"] == nil || metadata["etag"] == nil {
			t.Errorf("%s has no uid or etag", ref)
		}
		delete(metadata, "uid")
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		all[ref] = string(text)
	}
	return all
}

func TestKillingTheHostDuringIngestLosesAndDoublesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and kills it many times")
	}
	binary, catalog := builtProgram(t), generateCatalog(t, 1500)
	database := filepath.Join(t.TempDir(), "callboard.sqlite")
	writes, files := &acknowledged{}, newGrowing(t, catalog)
	began := time.Now()
	cycles := 0
	for ; cycles < 10 && time.Since(began) < 20*time.Second; cycles++ {
		p := start(t, binary, database, catalog)
		stopped := make(chan struct{})
		go func() { defer close(stopped); writes.until(p) }()
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond) // the moment of the accident
		p.signal(syscall.SIGKILL)
		<-stopped
		files.change(t, cycles)
	}
	survivor, fresh := start(t, binary, database, catalog), start(t, binary, filepath.Join(t.TempDir(), "fresh.sqlite"), catalog)
	survivor.awaitReady(t)
	fresh.awaitReady(t)
	writes.check(t, survivor)
	var got, want map[string]string
	same := func() bool {
		got, want = survivor.entities(t), fresh.entities(t)
		return maps.Equal(got, want) && len(want) > 1500
	}
	for deadline := time.Now().Add(3 * time.Minute); !same() && time.Now().Before(deadline); {
		time.Sleep(200 * time.Millisecond)
	}
	differences := 0
	for _, ref := range slices.Sorted(maps.Keys(union(got, want))) {
		if got[ref] != want[ref] && differences < 5 {
			differences++
			t.Errorf("%s differs after %d kills\nkilled: %s\nfresh:  %s", ref, cycles, got[ref], want[ref])
		}
	}
	t.Logf("%d kills, %d acknowledged writes, %d entities", cycles, writes.last.Load(), len(got))
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// growing is a catalog that changes between two lives of the host.
type growing struct {
	files     []string
	originals map[string]string
}

func newGrowing(t *testing.T, catalog string) growing {
	t.Helper()
	g := growing{originals: map[string]string{}}
	err := filepath.WalkDir(filepath.Join(catalog, "many"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && !bytes.Contains(text, []byte("kind: Location")) {
			g.files = append(g.files, path)
			g.originals[path] = string(text)
		}
		return err
	})
	if err != nil || len(g.files) < 1000 {
		t.Fatalf("%d files: %v", len(g.files), err)
	}
	return g
}

// change gives every fourth file another text and one entity more. Nothing is taken away: orphans live for half a
// minute, which is longer than this test.
func (g growing) change(t *testing.T, cycle int) {
	t.Helper()
	for i, path := range g.files {
		if i%4 != cycle%4 {
			continue
		}
		text := strings.Replace(g.originals[path], "lifecycle: production", fmt.Sprintf("lifecycle: cycle-%d", cycle), 1) + fmt.Sprintf(
			"\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: grown-%d, title: of cycle %d}\nspec: {type: service, lifecycle: production, owner: unknown}\n", i, cycle)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// acknowledged counts up a setting of a user; what was answered with 200 may not be lost.
type acknowledged struct{ last atomic.Int64 }

const settingPath = "/api/user-settings/buckets/crash/keys/last"

func (a *acknowledged) until(p *program) {
	for {
		select {
		case <-p.ended:
			return
		default:
		}
		guest, ok := p.guest()
		for n := a.last.Load() + 1; ok; n++ {
			status, _, err := p.call(http.MethodPut, settingPath, guest, fmt.Sprintf(`{"value":%d}`, n))
			if ok = err == nil && status == http.StatusOK; ok {
				a.last.Store(n)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// check allows one write more than were acknowledged: its answer may have been lost.
func (a *acknowledged) check(t *testing.T, p *program) {
	t.Helper()
	guest, ok := p.guest()
	status, body, err := p.call(http.MethodGet, settingPath, guest, "")
	var setting struct{ Value int64 }
	if !ok || err != nil || status != http.StatusOK || json.Unmarshal([]byte(body), &setting) != nil {
		t.Errorf("read the setting: %d %v %s", status, err, body)
	}
	if last := a.last.Load(); last == 0 || setting.Value < last || setting.Value > last+1 {
		t.Errorf("the setting is %d, acknowledged was %d", setting.Value, last)
	}
}

func (p *program) guest() (token string, ok bool) {
	_, body, err := p.call(http.MethodGet, "/api/auth/guest/refresh", "", "")
	var session struct{ BackstageIdentity struct{ Token string } }
	if err != nil || json.Unmarshal([]byte(body), &session) != nil {
		return "", false
	}
	return session.BackstageIdentity.Token, session.BackstageIdentity.Token != ""
}

func TestTheHostEndsOrderlyUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	binary, catalog := builtProgram(t), generateCatalog(t, 500)
	p := start(t, binary, filepath.Join(t.TempDir(), "callboard.sqlite"), catalog)
	p.awaitReady(t)
	eventually(t, "the catalog is there", func() bool { return len(p.entities(t)) > 500 })
	var callers sync.WaitGroup
	var answered, refused atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	for i := range 8 {
		callers.Go(func() {
			for {
				select {
				case <-p.ended:
					return
				default:
				}
				status, body, err := p.call(http.MethodGet, loadPaths[i%len(loadPaths)], token, "")
				switch {
				case status == 0: // not let in any more
				case err != nil || !json.Valid([]byte(body)):
					t.Errorf("%s: %d, broken off after %d bytes: %v", loadPaths[i%len(loadPaths)], status, len(body), err)
				case status == http.StatusOK:
					if answered.Add(1) > 200 {
						once.Do(func() { close(enough) })
					}
				case status == http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					t.Errorf("%s: %d %s", loadPaths[i%len(loadPaths)], status, body)
				}
			}
		})
	}
	<-enough
	asked := time.Now()
	p.signal(syscall.SIGTERM)
	took := time.Since(asked)
	callers.Wait()
	exit, failed := errors.AsType[*exec.ExitError](p.err)
	if failed || p.err != nil {
		t.Errorf("ended with %v %v\n%s", p.err, exit, p.output)
	}
	if took > 20*time.Second { // the promise, not a measurement
		t.Errorf("the end took %s", took)
	}
	for line := range strings.Lines(p.output.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Error(line)
		}
	}
	t.Logf("ended after %s, %d answered, %d refused", took.Round(time.Millisecond), answered.Load(), refused.Load())
}

var loadPaths = []string{
	"/api/catalog/entities", "/api/catalog/entities/by-query?limit=50", "/api/catalog/entity-facets?facet=kind", "/api/search/query?term=service",
}
