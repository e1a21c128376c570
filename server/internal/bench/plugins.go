package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

func pluginParts() []part {
	return []part{
		{"plugins/hop", hop}, {"plugins/edge", edge}, {"plugins/calls", calls}, {"plugins/start", starts},
		{"plugins/memory", memory}, {"plugins/ingest", ingest},
	}
}

// plugins measures what it costs that plugins are processes of their own.
func plugins(ctx context.Context, o options, w io.Writer) error {
	wanted := slices.DeleteFunc(pluginParts(), func(p part) bool { return !o.wants(p.name) })
	if len(wanted) == 0 {
		return nil
	}
	shop, err := openWorkshop()
	if err != nil {
		return err
	}
	defer shop.close()
	if err := shop.buildHello(ctx); err != nil {
		return err
	}
	if err := shop.buildAnswers(ctx, answersPlugin); err != nil {
		return err
	}
	return measureAll(ctx, o, shop, wanted, w)
}

// workshop is a folder with built plugins. Its path is short, as addresses of sockets are, and others may pass through it,
// since plugins run as users of their own.
type workshop struct{ dir string }

const (
	helloGo       = "hello-go"
	answersPlugin = "answers"
)

func openWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", "cbb")
	if err != nil {
		return nil, err
	}
	s := &workshop{dir}
	if err := errors.Join(os.Chmod(dir, 0o755), s.folder("t")); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *workshop) buildHello(ctx context.Context) error {
	hello := filepath.Join("examples", helloGo)
	if err := s.build(ctx, hello, ".", helloGo); err != nil {
		return err
	}
	for _, file := range []string{manifest.File, "openapi.yaml", "settings.schema.json"} {
		text, err := os.ReadFile(filepath.Join(hello, file))
		if err != nil {
			return err
		}
		if err := s.write(helloGo, file, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// buildAnswers installs the plugin answers under an id.
func (s *workshop) buildAnswers(ctx context.Context, id string) error {
	if err := s.build(ctx, ".", "./server/internal/bench/answers", id); err != nil {
		return err
	}
	return s.write(id, manifest.File, fmt.Sprintf(`apiVersion: callboard.dev/v1
id: %[1]s
version: 1.0.0
title: Answers
license: Apache-2.0
run: {%[2]s-%[3]s: ./%[1]s}
provides: {http: {}, catalog: {processors: [same]}, widgets: [one], scaffolder: {actions: ["%[1]s:lines"]}}
`, id, runtime.GOOS, runtime.GOARCH))
}

// build compiles a plugin's program into a folder of its name.
func (s *workshop) build(ctx context.Context, from, pkg, id string) error {
	if err := s.folder(id); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.path(id, id), pkg)
	cmd.Dir = from
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build plugin %s: %w: %s", id, err, text)
	}
	return nil
}

func (s *workshop) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

func (s *workshop) folder(name string) error {
	return os.MkdirAll(s.path(name), 0o755)
}

func (s *workshop) write(folder, file, text string) error {
	return os.WriteFile(s.path(folder, file), []byte(text), 0o644)
}

func (s *workshop) close() { _ = os.RemoveAll(s.dir) }

// pluginHost is the product with plugins.
type pluginHost struct {
	*process

	control    *pluginhost.Client
	operations string
}

// host starts the product with plugins, which are folders by id, and waits until all of them serve.
func (s *workshop) host(ctx context.Context, o options, at site, sandbox string, sources map[string]string) (*pluginHost, error) {
	operations, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	configured := map[string]any{}
	for id, source := range sources {
		configured[id] = map[string]any{"source": source, "development": true}
	}
	data := s.path("d-" + at.name)
	at.temp = s.path("t")
	own := map[string]any{
		"operations": map[string]any{"listen": operations}, "plugins": configured,
		"pluginHost": map[string]any{"dataDir": data, "sandbox": sandbox},
	}
	maps.Copy(own, at.callboard)
	at.callboard = own
	p, err := host(ctx, o, s.dir, at)
	if err != nil {
		return nil, err
	}
	h := &pluginHost{process: p, control: pluginhost.NewClient(filepath.Join(data, pluginhost.ControlSocket)), operations: operations}
	for id := range sources {
		if _, err := h.await(ctx, id); err != nil {
			h.stop()
			return nil, err
		}
	}
	return h, nil
}

// patience is how long a plugin may take until it serves.
const patience = time.Minute

// await waits until a plugin serves.
func (h *pluginHost) await(ctx context.Context, id string) (pluginhost.View, error) {
	var v pluginhost.View
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		v, err = h.control.Plugin(ctx, manifest.ID(id))
		if err == nil && v.State.Serves() && v.PID != 0 {
			return v, nil
		}
		if err == nil && !v.State.Passing() {
			break
		}
	}
	if err == nil {
		err = errors.New(string(v.State) + ", " + v.Reason)
	}
	return v, fmt.Errorf("plugin %s does not serve: %w", id, err)
}

// with is a target behind this host: the host's own work and that of a plugin.
func (h *pluginHost) with(plugin int) target {
	t := h.target()
	t.cpu = func() time.Duration { return h.cpu() + cpuOf(plugin) }
	return t
}

// pin puts all threads of a process on the core of servers; those that it starts later follow.
func pin(ctx context.Context, pid int) error {
	if runtime.NumCPU() == 1 {
		return nil
	}
	if text, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", "0", strconv.Itoa(pid)).CombinedOutput(); err != nil {
		return fmt.Errorf("pin process %d: %w: %s", pid, err, text)
	}
	return nil
}
