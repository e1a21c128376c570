package templating

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// workload is what js/bench.mjs does in Node.
type workload struct {
	Name                        string
	Template, Variables, Schema json.RawMessage
	Instance                    json.RawMessage
	File                        string
	Fresh                       bool // each text is one that there was not before
}

func workloads(tb testing.TB) (all []workload) {
	tb.Helper()
	data, err := os.ReadFile("testdata/workloads.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		tb.Fatal(err)
	}
	return all
}

func (w workload) run(n int, e *Engine, f Files) error {
	var err error
	switch {
	case w.Schema != nil:
		_, err = e.Validate(context.Background(), w.Schema, w.Instance, "instance")
	case w.File != "":
		_, err = f.Render(context.Background(), w.File)
	case w.Fresh:
		text := fmt.Appendf(nil, "%s %d\"", bytes.TrimSuffix(w.Template, []byte(`"`)), n)
		_, err = e.Value(context.Background(), text, Scope{Variables: w.Variables})
	default:
		_, err = e.Value(context.Background(), w.Template, Scope{Variables: w.Variables})
	}
	return err
}

func BenchmarkRender(b *testing.B) {
	for _, w := range workloads(b) {
		b.Run(w.Name, func(b *testing.B) {
			e := newEngine(b, Options{VMs: 1, Integrations: stock})
			f, err := e.Files(context.Background(), w.Variables, FileOptions{})
			if err != nil {
				b.Fatal(err)
			}
			for n := 0; b.Loop(); n++ {
				if err := w.run(n, e, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBoot is what a virtual machine costs before its first template.
func BenchmarkBoot(b *testing.B) {
	e := newEngine(b, Options{VMs: 1})
	for b.Loop() {
		m, err := newMachine(e.options)
		if err != nil {
			b.Fatal(err)
		}
		m.close()
	}
}
