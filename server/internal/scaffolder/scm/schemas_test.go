package scm_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSchemas_AreJSONSchemasAndExamplesAreSteps leaves out one thing: dozens of the reference's examples do not fit its
// schemas. Both are offered as they are there; what is not of the reference fits.
func TestSchemas_AreJSONSchemasAndExamplesAreSteps(t *testing.T) {
	w := newWorld(t, "callboard: {scaffolder: {git: {allow: ['https://git.example.com/']}}}\n")
	if len(w.actions) != 13+6+1 {
		t.Errorf("%d actions", len(w.actions))
	}
	for id, a := range w.actions {
		d := a.Description()
		if id != d.ID || len(d.Examples) == 0 {
			t.Errorf("%s: id %s, %d examples", id, d.ID, len(d.Examples))
		}
		if d.Output != nil {
			compile(t, id, d.Output)
		}
		schema := compile(t, id, d.Input)
		for _, example := range d.Examples {
			var file struct {
				Steps []struct {
					Action string
					Input  map[string]any
				}
			}
			if err := yaml.Unmarshal([]byte(example.Example), &file); err != nil || len(file.Steps) == 0 {
				t.Errorf("%s: %s: %v", id, example.Description, err)
			}
			for _, step := range file.Steps {
				data, err := json.Marshal(step.Input)
				if err != nil || id != "publish:git" {
					continue
				}
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(value); err != nil || step.Action != id {
					t.Errorf("%s: %s: %v", id, example.Description, err)
				}
			}
		}
	}
}

func compile(t *testing.T, id string, text json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return schema
}
