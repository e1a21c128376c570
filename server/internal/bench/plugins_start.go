package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

const startTimes = 20

// starts shows how long it takes until a plugin serves: in the whole host, where its time goes, and what the bare program
// takes.
func starts(ctx context.Context, o options, s *workshop, w io.Writer) error {
	fmt.Fprintf(w, "start to ready, %d times each\n", startTimes)
	bare, err := timeRuns(func() *exec.Cmd {
		cmd := exec.CommandContext(ctx, s.path(helloGo, helloGo))
		cmd.Env = []string{"CALLBOARD_DESCRIBE=1", "CALLBOARD_PLUGIN_ID=" + helloGo}
		return cmd
	})
	if err != nil {
		return err
	}
	launcher, err := timeRuns(func() *exec.Cmd { return exec.CommandContext(ctx, o.binary, "--version") })
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-34s median %9s, slowest %9s\n", "bare: "+helloGo+" describes itself", millis(median(bare)), millis(slices.Max(bare)))
	fmt.Fprintf(w, "%-34s median %9s, slowest %9s (the launcher is this binary)\n", "bare: callboard --version", millis(median(launcher)), millis(slices.Max(launcher)))
	for _, level := range []sandbox.Level{sandbox.Auto, sandbox.Off} {
		if err := startPhases(ctx, o, s, level, w); err != nil {
			return err
		}
		if err := restarts(ctx, o, s, level, w); err != nil {
			return err
		}
	}
	interpreted(ctx, o, s, w)
	fmt.Fprintln(w)
	return nil
}

// timeRuns runs a program without host and sandbox: what the kernel and the language's runtime take.
func timeRuns(command func() *exec.Cmd) ([]time.Duration, error) {
	var took []time.Duration
	for range startTimes {
		cmd := command()
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("run %s: %w", cmd, err)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

func startPhases(ctx context.Context, o options, s *workshop, level sandbox.Level, w io.Writer) error {
	var total, launched, described, configured, healthy []time.Duration
	reached := ""
	for i := range startTimes {
		d, err := s.run(ctx, o, helloGo, level, i)
		if err != nil {
			return err
		}
		reached = d.process.Report().Reached()
		p := d.phases
		total, launched, described = append(total, p.total()), append(launched, p.launch), append(described, p.describe)
		configured, healthy = append(configured, p.configure), append(healthy, p.health)
		d.stop()
	}
	fmt.Fprintf(w, "%-34s median %9s, slowest %9s: launch and handshake %s, describe %s, configure %s, health %s (reached: %s)\n",
		fmt.Sprintf("%s, layers, sandbox %s", helloGo, level), millis(median(total)), millis(slices.Max(total)), millis(median(launched)), millis(median(described)),
		millis(median(configured)), millis(median(healthy)), reached)
	return nil
}

// restarts has a running host replace the plugin: from the command to the moment when the new instance serves.
func restarts(ctx context.Context, o options, s *workshop, level sandbox.Level, w io.Writer) error {
	h, err := s.host(ctx, o, site{name: "start-" + string(level)}, string(level), map[string]string{helloGo: s.path(helloGo)})
	if err != nil {
		return err
	}
	defer h.stop()
	v, err := h.await(ctx, helloGo)
	if err != nil {
		return err
	}
	first := v.Serving.Sub(h.started)
	var took []time.Duration
	for range startTimes {
		began := time.Now()
		if _, err := h.control.Restart(ctx, helloGo); err != nil {
			return fmt.Errorf("restart: %w", err)
		}
		took = append(took, time.Since(began))
	}
	fmt.Fprintf(w, "%-34s median %9s, slowest %9s: swapped by a running host on one core; at boot it served %s after the host's exec, which was ready after %s\n",
		fmt.Sprintf("%s, whole host, sandbox %s", helloGo, level), millis(median(took)), millis(slices.Max(took)), millis(first), millis(h.ready))
	return nil
}

// interpreted starts the examples in other languages once, if what they need is installed.
func interpreted(ctx context.Context, o options, s *workshop, w io.Writer) {
	for _, id := range []string{"hello-python", "hello-node"} {
		took, remark, err := startOnce(ctx, o, s, id)
		if err != nil {
			fmt.Fprintf(w, "%-34s not started: %v\n", id, err)
			continue
		}
		fmt.Fprintf(w, "%-34s once   %9s, %s\n", id+", whole host, sandbox auto", millis(took), remark)
	}
}

func startOnce(ctx context.Context, o options, s *workshop, id string) (time.Duration, string, error) {
	source, err := filepath.Abs(filepath.Join("examples", id))
	if err != nil {
		return 0, "", err
	}
	if _, err := os.Stat(filepath.Join(source, manifest.File)); err != nil {
		return 0, "", err
	}
	h, err := s.host(ctx, o, site{name: id}, "auto", map[string]string{id: source})
	if err != nil {
		return 0, "", err
	}
	defer h.stop()
	began := time.Now()
	if _, err := h.control.Restart(ctx, manifest.ID(id)); err != nil {
		return 0, "", err
	}
	took := time.Since(began)
	v, err := h.await(ctx, id)
	if err != nil {
		return 0, "", err
	}
	private := privateOf(append(descendants(v.PID), v.PID)...)
	if private == 0 {
		return 0, "", errors.New("its memory cannot be read")
	}
	return took, fmt.Sprintf("private memory %s (reached: %s)", tenths(private), v.Reached), nil
}

func millis(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
