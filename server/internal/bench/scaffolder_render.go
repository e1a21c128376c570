package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

const (
	templatingFolder = "server/internal/scaffolder/templating"
	renderTurn       = 150 * time.Millisecond // of each workload, in each round
)

// workload is one of those of the template language's own benchmark.
type workload struct {
	Name, File                            string
	Template, Variables, Schema, Instance json.RawMessage
	// Fresh: each rendering is of a text that there was not before.
	Fresh bool
}

// render compares the template language with the same packages in Node: CPU time of one call, in turns.
func render(ctx context.Context, o options, _ *workshop, w io.Writer) error {
	data, err := os.ReadFile(filepath.Join(templatingFolder, "testdata", "workloads.json"))
	if err != nil {
		return err
	}
	var all []workload
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	host, machine, node := map[string][]time.Duration{}, map[string][]time.Duration{}, map[string][]time.Duration{}
	lacks := nodeLacks()
	for range o.rounds {
		if lacks == "" {
			if err := inNode(ctx, node); err != nil {
				return err
			}
		}
		for _, x := range all {
			if err := x.measure(ctx, host, machine); err != nil {
				return fmt.Errorf("%s: %w", x.Name, err)
			}
		}
	}
	if lacks != "" {
		fmt.Fprintf(w, "NO COMPARISON with the same engine in Node: %s\n", lacks)
	}
	fmt.Fprintf(w, "%-34s %12s %12s %12s   Node ÷ host, ÷ QuickJS\n", "CPU of one rendering", "host", "QuickJS", "Node")
	for _, x := range all {
		inHost, inMachine := median(host[x.Name]), median(machine[x.Name])
		if lacks != "" {
			fmt.Fprintf(w, "%-34s %12s %12s %12s\n", x.Name, inHost, inMachine, "-")
			continue
		}
		there := median(node[x.Name])
		fmt.Fprintf(w, "%-34s %12s %12s %12s   %.2f  %.2f\n", x.Name, inHost, inMachine, there, float64(there)/float64(inHost), float64(there)/float64(inMachine))
	}
	fmt.Fprintln(w)
	return nil
}

// nodeLacks is why there is no comparison, "" = there is one.
func nodeLacks() string {
	if _, err := exec.LookPath("node"); err != nil {
		return "node is not installed"
	}
	if !exists(filepath.Join(templatingFolder, "js", "node_modules", "nunjitsu")) {
		return "the packages are not installed; run npm ci in " + filepath.Join(templatingFolder, "js")
	}
	return ""
}

func inNode(ctx context.Context, into map[string][]time.Duration) error {
	cmd := exec.CommandContext(ctx, "node", "bench.mjs")
	cmd.Dir = filepath.Join(templatingFolder, "js")
	cmd.Env = append(os.Environ(), fmt.Sprintf("BENCH_MS=%d", renderTurn.Milliseconds()))
	var problem bytes.Buffer
	cmd.Stderr = &problem
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("node bench.mjs: %w: %s", err, tail(problem.String(), 400))
	}
	var nanoseconds map[string]int64
	if err := json.Unmarshal(text, &nanoseconds); err != nil {
		return fmt.Errorf("node bench.mjs: %w", err)
	}
	for name, n := range nanoseconds {
		into[name] = append(into[name], time.Duration(n))
	}
	return nil
}

// measure adds a turn of each way: as the host renders, and with the virtual machine alone.
func (x workload) measure(ctx context.Context, host, machine map[string][]time.Duration) error {
	took, err := x.turn(ctx)
	if err != nil {
		return err
	}
	host[x.Name] = append(host[x.Name], took)
	// An escape, which is the same text in JSON, is a thing that the host leaves to the machine.
	x.Template = bytes.Replace(x.Template, []byte("parameters.n"), []byte(`parameters.\u006e`), 1)
	if took, err = x.turn(ctx); err != nil {
		return err
	}
	machine[x.Name] = append(machine[x.Name], took)
	return nil
}

// turn is the CPU time of one call, after the first ones.
func (x workload) turn(ctx context.Context) (time.Duration, error) {
	e, err := templating.New(templating.Options{VMs: 1, Integrations: []templating.Integration{{Type: "github", Host: "github.com"}}})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	once, end, err := x.prepare(ctx, e)
	if err != nil {
		return 0, err
	}
	defer end()
	if _, err := repeatFor(renderTurn/3, once); err != nil {
		return 0, err
	}
	runtime.GC() // what came before is not this one's
	before := ownCPU()
	runs, err := repeatFor(renderTurn, once)
	return (ownCPU() - before) / time.Duration(max(1, runs)), err
}

func repeatFor(duration time.Duration, once func() error) (runs int, err error) {
	for stop := time.Now().Add(duration); err == nil && time.Now().Before(stop); {
		for range 10 {
			err = errors.Join(err, once())
		}
		runs += 10
	}
	return runs, err
}

func (x workload) prepare(ctx context.Context, e *templating.Engine) (once func() error, end func(), err error) {
	end = func() {}
	switch {
	case x.Schema != nil:
		return func() error { _, err := e.Validate(ctx, x.Schema, x.Instance, "instance"); return err }, end, nil
	case x.File != "":
		f, err := e.Files(ctx, x.Variables, templating.FileOptions{})
		if err != nil {
			return nil, nil, err
		}
		return func() error { _, err := f.Render(ctx, x.File); return err }, f.Close, nil
	}
	n := 0
	return func() error {
		template := x.Template
		if n++; x.Fresh {
			template = fmt.Appendf(nil, "%s %d\"", bytes.TrimSuffix(template, []byte(`"`)), n)
		}
		_, err := e.Value(ctx, template, templating.Scope{Variables: x.Variables})
		return err
	}, end, nil
}
