package templating

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
)

// nodeCase is what the packages themselves answer in Node: see js/record.mjs.
type nodeCase struct {
	File, Error string
	Options     FileOptions
	Variables   json.RawMessage
	Schema      json.RawMessage
	Instance    json.RawMessage
	Gives       json.RawMessage
}

func TestNode_TheBundleAnswersInQuickJSAsThePackagesDoInNode(t *testing.T) {
	data, err := os.ReadFile("testdata/node.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	e := sharedEngine(t)
	n := 0
	for line := range bytes.Lines(data) {
		if n++; !sampled(n) {
			continue
		}
		var c nodeCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		var got any
		if c.Schema != nil {
			got, err = e.Validate(context.Background(), c.Schema, c.Instance, "instance")
		} else {
			got, err = c.render(e)
		}
		what := string(line[:min(len(line), 200)])
		switch {
		case err != nil && err.Error() != c.Error:
			t.Errorf("%s: got %v, want %s", what, err, c.Error)
		case err == nil:
			sameJSON(t, what, marshal(t, got), c.Gives)
		}
	}
}

func (c nodeCase) render(e *Engine) (string, error) {
	f, err := e.Files(context.Background(), c.Variables, c.Options)
	if err != nil {
		return "", err
	}
	return f.Render(context.Background(), c.File)
}
