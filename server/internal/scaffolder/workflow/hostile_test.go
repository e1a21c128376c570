package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

func nested(depth int, open, middle, end string) string {
	return strings.Repeat(open, depth) + middle + strings.Repeat(end, depth)
}

// hostile are steps that somebody wrote to do harm. says is part of the error, "" = it is harmless. most is how many lines
// may be logged at most.
var hostile = []struct{ name, steps, values, says string }{
	{"a loop just too long", `{"action":"say","each":[0` + strings.Repeat(",0", 10_000) + `]}`, ``, "has more than 10000 items"},
	{"a loop over an object just too large", `{"action":"say","each":"${{ parameters.o }}"}`, `{"o":{` + manyKeys(10_001) + `}}`, "has more than 10000 items"},
	{"a loop over a text", `{"action":"say","each":"${{ 'abc' }}"}`, ``, "must resolve to an array or object"},
	{"a loop over a number", `{"action":"say","each":7}`, ``, "must resolve to an array or object"},
	{"a loop over nothing", `{"action":"say","each":null}`, ``, "must resolve to an array or object"},
	{"a loop over true", `{"action":"say","each":true}`, ``, "must resolve to an array or object"},
	{"a loop over names of prototypes", `{"action":"say","each":{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"},"input":{"v":"${{ each.value }}"}}`, ``, ""},
	{"a loop over names of prototypes that is rendered", `{"action":"say","each":{"__proto__":"${{ 1 }}","constructor":"c"},"input":{"v":"${{ each.value }}"}}`, ``, ""},
	{"a loop with one key twice", `{"action":"say","each":{"a":1,"a":2}}`, ``, ""},
	{"a deep loop", `{"action":"say","each":[` + nested(5000, "[", "", "]") + `]}`, ``, ""},
	{"an input beyond any depth", `{"action":"say","input":{"x":"${{ parameters.deep }}"}}`, `{"deep":` + nested(9000, "[", "1", "]") + `}`, "template:"},
	{"an input that doubles itself", `{"action":"say","input":{"x":"{% set a = 'x' %}{% for i in range(40) %}{% set a = a + a %}{% endfor %}${{ a }}"}}`, ``, ""},
	{"an input that never ends", `{"action":"say","input":{"x":"{% for i in range(1e9) %}{% endfor %}"}}`, ``, ""},
	{"large inputs, each of them allowed", `{"action":"quiet","each":[1,2,3,4],"input":{"x":"${{ parameters.mb }}"}}`, `{"mb":"` + strings.Repeat("x", 3<<20) + `"}`, "the input of action quiet is larger than 10485760 bytes"},
	{"an input that is not an object", `{"action":"say","input":"text"}`, ``, "cannot unmarshal"},
	{"inputs with names of prototypes", `{"action":"say","input":{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}}`, ``, ""},
	{"an output that is too large", `{"action":"shout","input":{"bytes":1100000}}`, ``, "the outputs of action shout are larger than 1048576 bytes, at big"},
	{"outputs that are too large together", `{"action":"shout","each":[1,2,3],"input":{"bytes":400000}}`, ``, "the outputs of action shout are larger than 1048576 bytes, at big"},
	{"outputs of all steps that are too large together", strings.Repeat(`{"action":"shout","input":{"bytes":1000000}},`, 10) + `{"action":"shout","input":{"bytes":1000000}}`, ``, "the outputs of all steps up to step-11 are larger"},
	{"outputs that are not JSON", `{"action":"garble"}`, ``, "the output x of action garble is not JSON"},
	{"a checkpoint that is not JSON", `{"action":"garble","input":{"checkpoint":true}}`, ``, "the checkpoint k of action garble is not JSON"},
	{"checkpoints that are too large", `{"action":"hoard"}`, ``, "the checkpoints of action hoard are larger than 1048576 bytes, at k"},
	{"a line that is too long", `{"action":"talk","input":{"bytes":1000000,"lines":1}}`, ``, ""},
	{"more lines than anybody reads", `{"action":"talk","input":{"bytes":60000,"lines":1000}}`, ``, ""},
	{"lines that are not text", `{"action":"mumble"}`, ``, ""},
	{"an error as long as a book", `{"action":"rant"}`, ``, "no no no"},
	{"an action without a name", `{"action":""}`, ``, "Template action with ID '' is not registered"},
	{"an action with a name of control characters", `{"action":"\u0000\u001b[2J\r\n"}`, ``, "is not registered"},
	{"an action of a template", `{"action":"${{ 'say' }}"}`, ``, "is not registered"},
	{"an action with the name of a prototype", `{"action":"__proto__"}`, ``, "is not registered"},
	{"a step as long as a book", `{"action":"say","id":"` + strings.Repeat("i", 100_000) + `","name":"` + strings.Repeat("n", 100_000) + `"}`, ``, ""},
	{"a step with the id of a prototype", `{"action":"say","id":"__proto__","input":{"a":1}},{"action":"say","id":"constructor","input":{"v":"${{ steps.constructor }} ${{ steps.__proto__ }} ${{ steps.toString }}"}}`, ``, "__proto__ is reserved"},
	{"steps that all have one id", strings.Repeat(`{"id":"a","action":"quiet"},`, 999) + `{"id":"a","action":"quiet"}`, ``, ""},
	{"a condition that never ends", `{"action":"say","if":"{% for i in range(1e9) %}{% endfor %}"}`, ``, ""},
	{"a condition that breaks out", `{"action":"say","if":"${{ ''.constructor.constructor('return process')() }}"}`, ``, ""},
	{"a condition that is an object", `{"action":"say","if":{"x":1}}`, ``, ""},
	{"a panic with a nil map", `{"action":"crash"}`, ``, "The action crash ended unexpectedly"},
}

func manyKeys(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%d":0`, i))
	}
	return strings.Join(all, ",")
}

func hostileActions() []action.Action {
	read := func(i action.Invocation) (in struct {
		Bytes, Lines int
		Checkpoint   bool
	}) {
		_ = json.Unmarshal(i.Input, &in)
		return in
	}
	do := func(id string, do func(i action.Invocation, l action.Listener) error) act {
		return act{action.Description{ID: id, Repeatable: true}, func(_ context.Context, i action.Invocation, l action.Listener) error { return do(i, l) }}
	}
	return []action.Action{
		echo(),
		do("quiet", func(action.Invocation, action.Listener) error { return nil }),
		do("shout", func(i action.Invocation, l action.Listener) error {
			_ = l.Output("big", json.RawMessage(`"`+strings.Repeat("x", read(i).Bytes)+`"`)) // it does not mind
			return nil
		}),
		do("garble", func(i action.Invocation, l action.Listener) error {
			if read(i).Checkpoint {
				return l.Checkpoint("k", json.RawMessage(`{`))
			}
			return errors.Join(l.Output("nothing", nil), l.Output("x", json.RawMessage(`{"a":`)))
		}),
		do("hoard", func(_ action.Invocation, l action.Listener) error {
			for {
				if err := l.Checkpoint("k", json.RawMessage(`"`+strings.Repeat("x", 300_000)+`"`)); err != nil {
					return err
				}
			}
		}),
		do("talk", func(i action.Invocation, l action.Listener) error {
			in := read(i)
			for range in.Lines {
				if err := l.Log("info", strings.Repeat("ä", in.Bytes/2)); err != nil {
					return err
				}
			}
			return nil
		}),
		do("mumble", func(_ action.Invocation, l action.Listener) error { return l.Log("info", "\xff\xfe\x00 \x1b]0;x\x07") }),
		do("rant", func(action.Invocation, action.Listener) error { return errors.New(strings.Repeat("no ", 100_000)) }),
		do("crash", func(i action.Invocation, _ action.Listener) error {
			_ = i.Input[len(i.Input)]
			return nil
		}),
	}
}

func TestRun_HostileTemplatesHarmNobody(t *testing.T) {
	r := newRunner(t, hostileActions()...)
	for _, h := range hostile {
		if underRace && (strings.Contains(h.steps, "{{") || strings.Contains(h.steps, "{%") || strings.Contains(h.steps, "bytes")) {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			values := h.values
			if values == "" {
				values = `{}`
			}
			j := &journal{}
			_, err := r.Run(t.Context(), workflow.Run{TaskID: "t", Spec: newSpec(t, `{"steps":[`+h.steps+`]}`, values)}, j)
			if h.says == "" && err != nil || h.says != "" && (err == nil || !strings.Contains(err.Error(), h.says)) {
				t.Errorf("got %.300v, want %q", err, h.says)
			}
			checkLog(t, j)
		})
	}
}

// checkLog looks at what was told, whatever it was.
func checkLog(t *testing.T, j *journal) {
	t.Helper()
	size := 0
	for _, m := range j.messages() {
		if len(m) > 64<<10 {
			t.Errorf("a line has %d bytes: %.100s", len(m), m)
		}
		if strings.ToValidUTF8(m, "") != m {
			t.Errorf("a line is not text: %.100q", m)
		}
		size += len(m)
	}
	if size > 40<<20 {
		t.Errorf("%d bytes were logged", size)
	}
	for id, s := range j.state.Steps {
		if s.Status == workflow.Processing {
			t.Errorf("the step %.50s was not ended", id)
		}
	}
}

func TestRun_ATemplateThatTakesTooLongFailsItsStep(t *testing.T) {
	impatient, err := templating.New(templating.Options{VMs: 1, Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()
	r := newRunner(t, hostileActions()...)
	r.Language = impatient
	for _, step := range []string{
		`{"action":"say","each":"${{ range(1000000) | sort }}"}`,
		`{"action":"say","if":"{% for i in range(10000000) %}{% endfor %}"}`,
		`{"action":"say","input":{"x":"{% for i in range(10000000) %}{% endfor %}"}}`,
	} {
		if underRace && !strings.Contains(step, "each") {
			continue // each of them costs a virtual machine
		}
		j := &journal{}
		_, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[`+step+`]}`, `{}`)}, j)
		if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), "template: more than") {
			t.Errorf("%s: got %v", step, err)
		}
	}
}

func TestRun_LongLinesEndWithAMark(t *testing.T) {
	if underRace {
		t.Skip("it is about many texts and one goroutine")
	}
	r := newRunner(t, hostileActions()...)
	j := &journal{}
	if _, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[{"action":"talk","input":{"bytes":1000000,"lines":1}},{"action":"talk","input":{"bytes":60000,"lines":600}}]}`, `{}`)}, j); err != nil {
		t.Fatal(err)
	}
	all := j.messages()
	if !strings.HasSuffix(all[2], "ä…") {
		t.Errorf("got …%q", all[2][len(all[2])-20:])
	}
	marks := 0
	for _, m := range all {
		if strings.Contains(m, "The log of this run is larger than 33554432 bytes, the rest is left out") {
			marks++
		}
	}
	if last := all[len(all)-1]; marks != 1 || last != "Finished step talk" {
		t.Errorf("%d marks, and at last %q", marks, last)
	}
}
