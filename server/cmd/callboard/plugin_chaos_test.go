package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost"
)

// The stories here run the built program with plugins as processes and hurt it. CALLBOARD_CHAOS=full repeats each
// accident as often as `make chaos` promises; otherwise a few times, which finds what is wrong always, not sometimes.

// often is how many times an accident is repeated.
func often(full, few int) int {
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		return full
	}
	return few
}

// site is a host with two plugins: steady behaves, unruly does not.
type site struct {
	*program
	binary, folder, config string
	control                *pluginhost.Client
	temp                   string // where the host keeps runtime folders
}

const siteConfig = `
app: {title: Test, baseUrl: 'http://ADDRESS'}
backend:
  baseUrl: 'http://ADDRESS'
  listen: 'ADDRESS'
  database: {client: better-sqlite3, connection: ':memory:'}
  auth: {externalAccess: [{type: static, options: {token: test-token-1234, subject: test}}]}
callboard:
  operations: {listen: 'OPERATIONS'}
  pluginHost: {dataDir: 'FOLDER/d'}
  plugins:
    hello-go: {source: 'FOLDER/steady', development: true}
    unruly: {source: 'FOLDER/unruly', development: true}
catalog: {}
`

// newSite builds the program and both plugins.
func newSite(t *testing.T) *site {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program and hurts it many times")
	}
	folder, err := os.MkdirTemp("", "cbs") // short, because socket addresses are
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil { // plugins run as users of their own and must read it
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	s := &site{binary: builtProgram(t), folder: folder, temp: filepath.Join(folder, "t")}
	for _, dir := range []string{"steady", "unruly", "t"} {
		if err := os.Mkdir(filepath.Join(folder, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.version(t, "unruly", "1.0.0", "")
	hello := filepath.Join("..", "..", "..", "examples", "hello-go")
	for _, file := range []string{"plugin.yaml", "openapi.yaml", "settings.schema.json"} {
		text, err := os.ReadFile(filepath.Join(hello, file))
		if err != nil {
			t.Fatal(err)
		}
		writeText(t, filepath.Join(folder, "steady", file), string(text))
	}
	buildIn(t, hello, ".", filepath.Join(folder, "steady", "hello-go"), "")
	return s
}

// version makes a folder with a version of the unruly plugin; broken is "exit", "hang" or "".
func (s *site) version(t *testing.T, folder, version, broken string) string {
	t.Helper()
	dir := filepath.Join(s.folder, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, "./testdata/unruly", filepath.Join(dir, "unruly"), "-X main.version="+version+" -X main.broken="+broken)
	writeText(t, filepath.Join(dir, "plugin.yaml"), fmt.Sprintf(`apiVersion: callboard.dev/v1
id: unruly
version: %s
title: Unruly
license: Apache-2.0
run: {linux-amd64: ./unruly, linux-arm64: ./unruly}
provides: {http: {}}
needs: {limits: {memory: 512MiB}}
`, version))
	return dir
}

func build(t *testing.T, pkg, out, flags string) {
	t.Helper()
	buildIn(t, ".", pkg, out, flags)
}

func buildIn(t *testing.T, dir, pkg, out, flags string) {
	t.Helper()
	if err := goBuild(t.Context(), dir, pkg, out, flags); err != nil {
		t.Fatal(err)
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // plugins run as users of their own and must read it
		t.Fatal(err)
	}
}

// launch starts the host and waits until both plugins are ready.
func (s *site) launch(t *testing.T) {
	t.Helper()
	address, operations := freePort(t), freePort(t)
	s.config = filepath.Join(s.folder, "app-config.yaml")
	text := strings.NewReplacer("ADDRESS", address, "OPERATIONS", operations, "FOLDER", s.folder).Replace(siteConfig)
	writeText(t, s.config, text)
	p := &program{cmd: exec.Command(s.binary, "serve", "--config", s.config), base: "http://" + address, output: &bytes.Buffer{}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+s.temp)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() { p.signal(syscall.SIGKILL) })
	s.program = p
	s.control = pluginhost.NewClient(filepath.Join(s.folder, "d", pluginhost.ControlSocket))
	p.awaitReady(t)
	eventually(t, "the host has a control socket", func() bool { _, err := s.control.Plugins(t.Context()); return err == nil })
	s.awaitPlugin(t, "hello-go")
	s.awaitPlugin(t, "unruly")
	eventually(t, "the steady plugin's entities are there", func() bool {
		status, _, _ := p.call(http.MethodGet, "/api/catalog/entities/by-name/component/default/go-hello", token, "")
		return status == http.StatusOK
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (s *site) view(t *testing.T, id string) pluginhost.View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	views, err := s.control.Plugins(ctx)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail())
	}
	for _, v := range views {
		if string(v.ID) == id {
			return v
		}
	}
	t.Fatalf("there is no plugin %s", id)
	return pluginhost.View{}
}

func (s *site) tail() string {
	text := s.output.String()
	return text[max(0, len(text)-4000):]
}

func (s *site) awaitPlugin(t *testing.T, id string) pluginhost.View {
	t.Helper()
	var v pluginhost.View
	eventually(t, "plugin "+id+" is ready", func() bool {
		v = s.view(t, id)
		return v.State == "ready" && v.PID != 0
	})
	return v
}

// restart is what an operator does after a crash: it starts at once, whatever the backoff.
func (s *site) restart(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	if _, err := s.control.Restart(ctx, "unruly"); err != nil {
		t.Logf("restart: %v", err) // it may die again meanwhile; what counts is that it becomes ready
	}
	s.awaitPlugin(t, id)
}

// footprint is what a host holds of the system.
type footprint struct{ goroutines, files, children, folders, rss int }

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d children, %d runtime folders, %d MB", f.goroutines, f.files, f.children, f.folders, f.rss>>20)
}

func (s *site) footprint(t *testing.T) footprint {
	t.Helper()
	pid := s.cmd.Process.Pid
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(s.temp, "*", "*.sock"))
	if err != nil {
		t.Fatal(err)
	}
	return footprint{goroutines: s.metric(t, "go_goroutines"), files: len(fds), children: len(descendants(pid)), folders: len(folders), rss: s.metric(t, "process_resident_memory_bytes")}
}

func (s *site) metric(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "operations: {listen: '")
	address, _, _ := strings.Cut(rest, "'")
	res, err := single.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatalf("/metrics has no %s", name)
	return 0
}

// descendants are the processes below pid, with the time each began, which tells it from a later one with its number.
func descendants(pid int) map[int]string {
	parents, began := map[int]int{}, map[int]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		number, rest, _ := strings.Cut(string(text), " ")
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		child, _ := strconv.Atoi(number)
		parents[child], _ = strconv.Atoi(fields[1])
		began[child] = fields[19]
	}
	below := map[int]string{}
	for child := range parents {
		for p := child; p > 1; p = parents[p] {
			if parents[p] == pid {
				below[child] = began[child]
				break
			}
		}
	}
	return below
}

// traffic is a steady stream of requests to routes that the unruly plugin must not touch.
type traffic struct {
	mu       sync.Mutex
	took     []time.Duration
	failures []string
	stop     context.CancelFunc
	done     sync.WaitGroup
}

const (
	trafficPerSecond = 200
	// trafficAtOnce is below what the host lets in at one plugin. Of more, some wait, and are told that the plugin is busy
	// when they wait too long: a machine that stands still for a moment must not look like a host that loses requests.
	trafficAtOnce = 30
)

// send begins the traffic: every request has its moment, and a slow answer delays no later one.
func (s *site) send(paths ...string) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	tr := &traffic{stop: cancel}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}, Timeout: 20 * time.Second}
	base, places := s.base, make(chan struct{}, trafficAtOnce)
	tr.done.Go(func() {
		defer client.CloseIdleConnections()
		tick := time.NewTicker(time.Second / trafficPerSecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			places <- struct{}{}
			tr.done.Go(func() {
				defer func() { <-places }()
				tr.one(client, base+paths[i%len(paths)])
			})
		}
	})
	return tr
}

func (tr *traffic) one(client *http.Client, address string) {
	began := time.Now()
	failure := ""
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+token)
		var res *http.Response
		if res, err = client.Do(req); err == nil {
			var said []byte
			said, err = io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				failure = address + ": " + res.Status + " " + string(said[:min(len(said), 300)])
			}
		}
	}
	if err != nil {
		failure = address + ": " + err.Error()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.took = append(tr.took, time.Since(began))
	if failure != "" {
		tr.failures = append(tr.failures, failure)
	}
}

// end stops the traffic; every request that failed is an error of the test.
func (tr *traffic) end(t *testing.T, during string) (p99 time.Duration) {
	t.Helper()
	tr.stop()
	tr.done.Wait()
	slices.Sort(tr.took)
	if len(tr.failures) > 0 {
		t.Errorf("%s: %d of %d requests to others failed, the first: %s", during, len(tr.failures), len(tr.took), tr.failures[0])
	}
	p99 = tr.took[len(tr.took)*99/100]
	t.Logf("%-44s %6d requests, %d failed, p50 %-8s p99 %s", during, len(tr.took), len(tr.failures),
		tr.took[len(tr.took)/2].Round(10*time.Microsecond), p99.Round(10*time.Microsecond))
	return p99
}

var others = []string{"/api/catalog/entities/by-name/component/default/go-hello", "/api/hello-go/greeting/ann", "/.backstage/health/v1/readiness", "/api/catalog/entities/by-query?limit=5"}

func TestChaos_AnUnrulyPluginHurtsNobodyElse(t *testing.T) {
	s := newSite(t)
	s.launch(t)
	calm := s.send(others...)
	time.Sleep(time.Duration(often(15, 3)) * time.Second)
	base := calm.end(t, "nothing happens")
	before := s.footprint(t)
	t.Logf("before: %s", before)

	for _, accident := range []struct {
		what  string
		times int
		do    func(t *testing.T)
	}{
		{"SIGKILL, four a second", often(500, 12), func(t *testing.T) { s.kill(t, syscall.SIGKILL); time.Sleep(200 * time.Millisecond) }},
		{"SIGKILL, as fast as it starts", often(100, 6), func(t *testing.T) { s.kill(t, syscall.SIGKILL) }},
		{"SIGSTOP, found by probes", often(5, 1), func(t *testing.T) { s.freeze(t) }},
		{"SIGSTOP, restarted by an operator", often(8, 1), func(t *testing.T) { s.kill(t, syscall.SIGSTOP) }},
		{"log flood of 5 s", often(6, 1), func(*testing.T) { s.drive(http.MethodPost, "/api/unruly/flood?seconds=5", 5*time.Second) }},
		{"answer of 64 MB, cut by the caller", often(500, 20), func(*testing.T) { s.drive(http.MethodGet, "/api/unruly/big?mb=64", 0) }},
		{"header of 2 MB", often(500, 20), func(t *testing.T) { s.refused(t, "/api/unruly/headers?kb=2048") }},
	} {
		tr := s.send(others...)
		for range accident.times {
			accident.do(t)
		}
		p99 := tr.end(t, fmt.Sprintf("%d × %s", accident.times, accident.what))
		t.Logf("    p99 ÷ calm p99 = %.2f", float64(p99)/float64(base))
		s.awaitPluginAfter(t)
	}
	s.settled(t, before)
}

// awaitPluginAfter brings the unruly plugin back, which may have failed for good by crashing too often.
func (s *site) awaitPluginAfter(t *testing.T) {
	t.Helper()
	if s.view(t, "unruly").State != "ready" {
		s.restart(t, "unruly")
	}
}

// kill ends the unruly plugin's process and has it started again.
func (s *site) kill(t *testing.T, sig syscall.Signal) {
	t.Helper()
	v := s.awaitPlugin(t, "unruly")
	if err := syscall.Kill(v.PID, sig); err != nil {
		t.Fatalf("signal %d: %v", v.PID, err)
	}
	s.restart(t, "unruly")
}

// freeze stops the process and waits until the host has noticed by itself and has a new one.
func (s *site) freeze(t *testing.T) {
	t.Helper()
	v := s.awaitPlugin(t, "unruly")
	if err := syscall.Kill(v.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the host has replaced the process that stands still", func() bool {
		now := s.view(t, "unruly")
		if now.State == "failed" {
			s.restart(t, "unruly")
		}
		return now.PID != 0 && now.PID != v.PID && now.State == "ready"
	})
}

// drive makes the unruly plugin do something and does not care for its answer; a body is read for an instant.
func (s *site) drive(method, path string, wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if res, err := single.Do(req); err == nil {
		_, _ = io.CopyN(io.Discard, res.Body, 4<<20)
		res.Body.Close()
	}
	time.Sleep(wait)
}

// refused expects an answer in the error envelope.
func (s *site) refused(t *testing.T, path string) {
	t.Helper()
	status, body, err := s.call(http.MethodGet, path, token, "")
	var envelope struct {
		Error struct{ Name, Message string }
	}
	if json.Unmarshal([]byte(body), &envelope) != nil || envelope.Error.Name == "" || status < 500 || err != nil {
		t.Errorf("%s: %d %v %.300s", path, status, err, body)
	}
}

// settled waits until the host holds no more than before.
func (s *site) settled(t *testing.T, before footprint) {
	t.Helper()
	var now footprint
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		now = s.footprint(t)
		if now.goroutines <= before.goroutines+5 && now.files <= before.files+3 && now.children <= before.children && now.folders <= before.folders {
			t.Logf("after:  %s", now)
			return
		}
	}
	t.Errorf("a minute after the accidents the host holds %s; before it held %s", now, before)
}

func TestChaos_NoPluginSurvivesItsHost(t *testing.T) {
	s := newSite(t)
	orphans, left := 0, 0
	for range often(100, 5) {
		s.launch(t)
		below := descendants(s.cmd.Process.Pid)
		if len(below) < 2 {
			t.Fatalf("the host has %d processes below it", len(below))
		}
		s.signal(syscall.SIGKILL)
		deadline := time.Now().Add(3 * time.Second)
		for alive(below) > 0 && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		orphans += alive(below)
	}
	s.launch(t) // and removes what the dead ones left
	folders, _ := filepath.Glob(filepath.Join(s.temp, "*"))
	s.signal(syscall.SIGTERM)
	if after, _ := filepath.Glob(filepath.Join(s.temp, "*")); len(after) > 0 {
		left = len(after)
		t.Errorf("after an orderly end there are still %v", after)
	}
	t.Logf("%d × SIGKILL of the host: %d orphans; %d runtime folders while it ran, %d after it", often(100, 5), orphans, len(folders), left)
	if orphans > 0 {
		t.Errorf("%d processes outlived their host", orphans)
	}
}

func alive(processes map[int]string) int {
	n := 0
	for pid, began := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[19] == began && fields[0] != "Z" {
			n++
		}
	}
	return n
}

func TestChaos_UpgradesUnderLoadLoseNoRequest(t *testing.T) {
	s := newSite(t)
	two, dead, mute := s.version(t, "two", "2.0.0", ""), s.version(t, "dead", "3.0.0", "exit"), s.version(t, "mute", "3.0.1", "hang")
	s.launch(t)
	before := s.footprint(t)
	tr := s.send("/api/unruly/version")
	sources := []string{two, filepath.Join(s.folder, "unruly")}
	for i := range often(100, 6) {
		if _, err := s.control.Upgrade(t.Context(), "unruly", sources[i%2]); err != nil {
			t.Fatalf("upgrade %d: %v\n%s", i, err, s.tail())
		}
	}
	tr.end(t, fmt.Sprintf("%d upgrades", often(100, 6)))

	var failed atomic.Int32
	tr = s.send("/api/unruly/version")
	for _, source := range []string{dead, mute} {
		if _, err := s.control.Upgrade(t.Context(), "unruly", source); err == nil {
			t.Errorf("the upgrade to %s succeeded", source)
		} else {
			failed.Add(1)
			t.Logf("refused: %v", err)
		}
		if v := s.view(t, "unruly"); v.State != "ready" || v.Version == "3.0.0" || v.Version == "3.0.1" {
			t.Errorf("after the broken upgrade: %s, version %s", v.State, v.Version)
		}
	}
	tr.end(t, "2 broken upgrades")
	s.settled(t, before)
}
