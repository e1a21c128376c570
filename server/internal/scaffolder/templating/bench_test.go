package templating

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// workload is one rendering of js/bench.mjs, which does the same in Node.
type workload struct {
	Name      string
	Template  json.RawMessage
	Variables json.RawMessage
}

func BenchmarkRender(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.Name, func(b *testing.B) {
			e := newEngine(b, Options{VMs: 1, Integrations: stock})
			for b.Loop() {
				if _, err := e.Value(context.Background(), w.Template, Scope{Variables: w.Variables}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func workloads() []workload {
	parameters := raw(`{"parameters":{"name":"tug","n":5,"flags":["a","b"],"repoUrl":"github.com?owner=harbour&repo=tugs"},"steps":{"a":{"output":{"url":"https://a.test"}}}}`)
	var deep strings.Builder
	for i := range 100 {
		fmt.Fprintf(&deep, `{"k%d":"${{ parameters.name }}-%d","static":["a",1,true],"next":`, i, i)
	}
	deep.WriteString(`"${{ parameters.n }}"` + strings.Repeat("}", 100))
	return []workload{
		{"small", raw(`"Hello ${{ parameters.name }}"`), parameters},
		{"input", raw(`{"url":"${{ parameters.repoUrl | parseRepoUrl | pick('repo') }}","name":"${{ parameters.name | upper }}","list":"${{ parameters.flags }}","private":true}`), parameters},
		{"loop", raw(`"{% for i in range(50) %}${{ i }}: ${{ parameters.name }}{% if not loop.last %}, {% endif %}{% endfor %}"`), parameters},
		{"deep", raw(deep.String()), parameters},
	}
}

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
