package workflow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// BenchmarkRun is what the runner and the language take, without a database and without what actions do.
func BenchmarkRun(b *testing.B) {
	var steps []string
	for i := range 10 {
		steps = append(steps, fmt.Sprintf(`{"id":"s%d","action":"say","if":"${{ parameters.go }}","input":{"text":"${{ parameters.name }} %d","before":"${{ steps.s%d.output.text }}"}}`, i, i, i-1))
	}
	secrets := secret.Set{"token": secret.New("hush-hush-hush")}
	for name, c := range map[string]struct {
		spec    string
		secrets secret.Set
	}{
		"TenSteps":            {`{"steps":[` + strings.Join(steps, ",") + `]}`, nil},
		"TenStepsWithSecrets": {`{"steps":[` + strings.Join(steps, ",") + `]}`, secrets},
		"LoopOf1000":          {`{"steps":[{"id":"s","action":"say","each":[0` + strings.Repeat(",1", 999) + `],"input":{"v":"${{ each.value }} ${{ secrets.token }}"}}]}`, secrets},
	} {
		b.Run(name, func(b *testing.B) {
			r := newRunner(b, echo())
			r.Language = language.Engine
			spec := newSpec(b, c.spec, `{"go":true,"name":"tug"}`)
			for b.Loop() {
				if _, err := r.Run(b.Context(), workflow.Run{Spec: spec, Secrets: c.secrets}, &counter{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
