//go:build linux

package launch_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
)

// These tests stand for the traps that go-plugin sets for a host that uses it as its documentation shows.

func TestTrap01_TheHostsEnvironmentDoesNotReachThePlugin(t *testing.T) {
	t.Setenv("DATABASE_PASSWORD", "hunter2")
	s := newSite(t)
	spec := s.spec(t, "ok")
	env := runProbe(t, start(t, spec)).Env
	slices.Sort(env)
	want := []string{
		"CALLBOARD_DATA_DIR=" + spec.DataDir, "CALLBOARD_PLUGIN=callboard-plugin-v1", "CALLBOARD_PLUGIN_ID=hello", "CALLBOARD_RUNTIME_DIR=" + spec.RuntimeDir,
		"GOMAXPROCS=1", "GOMEMLIMIT=241591905", "HOME=" + spec.DataDir, "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "PLUGIN_PROTOCOL_VERSIONS=1", "TMPDIR=" + spec.DataDir,
	}
	if !slices.Equal(env, want) {
		t.Errorf("the environment is\n%s\nwant\n%s", strings.Join(env, "\n"), strings.Join(want, "\n"))
	}
}

func TestTrap02_TheHostsStdinDoesNotReachThePlugin(t *testing.T) {
	s := newSite(t)
	if got := runProbe(t, start(t, s.spec(t, "ok"))).Stdin; got != "/dev/null" {
		t.Errorf("stdin is %s", got)
	}
}

func TestTrap03_MessagesAreLimitedTo4MiBBothWays(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "big"))
	send := func(n int) error {
		var out healthpb.HealthCheckRequest
		return p.Conn().Invoke(t.Context(), "/test.Probe/Echo", &healthpb.HealthCheckRequest{Service: strings.Repeat("x", n)}, &out)
	}
	if err := send(3 << 20); err != nil {
		t.Errorf("3 MiB: %v", err)
	}
	if err := send(launch.MaxMessage + 1); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "trying to send") {
		t.Errorf("more than 4 MiB to the plugin: %v", err)
	}
	var out healthpb.HealthCheckRequest
	err := p.Conn().Invoke(t.Context(), "/test.Probe/Flood", &healthpb.HealthCheckRequest{}, &out)
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "received message larger") {
		t.Errorf("more than 4 MiB from the plugin: %v", err)
	}
}

func TestTrap04_NoCertificateIsMadeForEachStart(t *testing.T) {
	s := newSite(t)
	for _, entry := range runProbe(t, start(t, s.spec(t, "ok"))).Env {
		if strings.HasPrefix(entry, "PLUGIN_CLIENT_CERT") {
			t.Error("the plugin was asked for TLS")
		}
	}
}

func TestTrap05_ACheckedProgramCanBeStartedAgainAndIsWhatWasChecked(t *testing.T) {
	s := newSite(t)
	program, err := os.Open(s.program)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for range 2 {
		spec := s.spec(t, "ok")
		spec.Program = program
		p := start(t, spec)
		if err := p.Stop(t.Context(), 5*time.Second); err != nil {
			t.Error(err)
		}
		// Somebody puts another program in its place.
		if err := errorsOf(os.Rename(s.program, s.program+".old"), os.WriteFile(s.program, []byte("#!/bin/false\n"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrap06_APluginIsStartedAgainAfterItWasKilled(t *testing.T) {
	s := newSite(t)
	for range 3 {
		p := start(t, s.spec(t, "ok"))
		p.Kill()
		<-p.Exited()
		if p.ExitReason() != "killed by the host" {
			t.Errorf("reason: %s", p.ExitReason())
		}
	}
}

func TestTrap07_StdoutAfterTheHandshakeIsLoggedAndNeverBlocks(t *testing.T) {
	s := newSite(t)
	start(t, s.spec(t, "talk"))
	s.log.await(t, "talk is done")
	if text := s.log.String(); !strings.Contains(text, `"msg":"a stray print","plugin":"hello","stream":"stdout"`) {
		t.Errorf("the log is\n%s", text)
	}
}

func TestTrap08_NothingIsLeftAfterManyRestarts(t *testing.T) {
	rounds := 20
	if os.Getenv("CALLBOARD_SOAK") != "" {
		rounds = 1000
	}
	s := newSite(t)
	round := func(i int) {
		spec := s.spec(t, "ok")
		p, err := launch.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			p.Kill()
		} else if err := p.Stop(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		<-p.Exited()
		if _, err := os.Stat(spec.RuntimeDir); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the runtime folder is still there: %v", err)
		}
	}
	for i := range 4 {
		round(i)
	}
	before := held(t)
	for i := range rounds {
		round(i)
	}
	after := held(t)
	t.Logf("%d restarts: %+v, then %+v", rounds, before, after)
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines+2 || after.heap > before.heap+2<<20 {
		t.Errorf("%d restarts left something: %+v, then %+v", rounds, before, after)
	}
}

type holdings struct {
	descriptors, goroutines int
	heap                    uint64
}

// held is what this process holds once what is about to end has ended.
func held(t *testing.T) holdings {
	t.Helper()
	least := holdings{1 << 30, 1 << 30, 1 << 62}
	for range 20 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("this system does not list descriptors")
		}
		least.descriptors = min(least.descriptors, len(entries))
		least.goroutines = min(least.goroutines, runtime.NumGoroutine())
		least.heap = min(least.heap, m.HeapAlloc)
		time.Sleep(10 * time.Millisecond)
	}
	return least
}

func TestTrap09_APluginGetsTheTimeThatItIsGivenToShutDown(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "slow-shutdown")) // takes 2.5 s; go-plugin would kill it after 2
	if err := p.Stop(t.Context(), 20*time.Second); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(s.dir, "data", "hello", "finished")); err != nil || !bytes.Equal(data, []byte("yes")) {
		t.Errorf("the plugin did not finish: %q, %v", data, err)
	}
}

func TestTrap10_NoBrokerAndNoStreamIsOpened(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "ok"))
	methods := runProbe(t, p).Methods
	if !slices.Equal(methods, []string{"/grpc.health.v1.Health/Check", "/test.Probe/Run"}) {
		t.Errorf("the plugin was called for %v", methods)
	}
}

func TestStop_TellsAPluginThatDoesNotListen(t *testing.T) {
	for mode, want := range map[string]string{"no-shutdown": "", "stubborn": "did not end by itself within 5.1s and was killed"} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t)
			p := start(t, s.spec(t, mode))
			err := p.Stop(context.Background(), 100*time.Millisecond)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%v", err)
			}
			select {
			case <-p.Exited():
			default:
				t.Error("it still runs")
			}
		})
	}
}
