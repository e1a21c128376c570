package tool

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
)

func TestActions_NothingIsOfferedThatIsNotConfigured(t *testing.T) {
	for _, yaml := range []string{"lease: 3s", "terraform: false\nhelm: null\nci: false"} {
		if offered, _ := offer(t, yaml); len(offered) != 0 {
			t.Errorf("%s: got %v", yaml, offered)
		}
	}
}

func TestActions_AMissingProgramIsToldAndTheRestIsOffered(t *testing.T) {
	var log bytes.Buffer
	d := Deps{DataDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	offered := offerWith(t, "helm: {path: /no/such/helm}\nhttp: {allow: [{host: a.example.com}]}", d)
	if len(offered) != 1 || offered["http:request"] == nil {
		t.Errorf("got %v", offered)
	}
	for _, part := range []string{"level=WARN", "key=helm.path", "/no/such/helm"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log does not say %s: %s", part, &log)
		}
	}
}

func TestCheckConfig_EveryMistakeIsNamed(t *testing.T) {
	for yaml, want := range map[string]string{
		"http: {}": "http.allow: must list the hosts",
		"http: {allow: [{host: 'https://a.example.com'}]}":    "must be a host such as",
		"http: {allow: [{host: 'a*.example.com'}]}":           "must be a host such as",
		"http: {allow: [{host: 'a.example.com:99999'}]}":      "must be a host such as",
		"http: {allow: [{host: a.example.com, paths: [v1]}]}": "must begin with a slash",
		"http: {allow: [{host: a.example.com, method: GET}]}": "method: is not known here; there are host, paths, methods",
		"terraform: {providers: {mirror: mirror}}":            "must be an absolute path or an https address",
		"terraform: true":                                                 "must be an object",
		"terraform: {timeout: 0s}":                                        "longer than nothing",
		"terraform: {grace: 0s}":                                          "longer than nothing",
		"terraform: {approvals: true}":                                    "approvals: is not known here",
		"helm: {repositories: {stable: charts.example.com}}":              "must be the http or https address",
		"ansible: {privateKey: id_ed25519}":                               "must be an absolute path",
		"ansible: {knownHosts: '/etc/known hosts'}":                       "must be an absolute path without blanks",
		"ci: {main: {type: travis}}":                                      "must be github, gitlab, jenkins or concourse",
		"ci: {main: {type: jenkins}}":                                     "must be the http or https address",
		"ci: {main: {type: gitlab, url: 'https://u:p@gitlab.test'}}":      "without credentials",
		"ci: {main: {type: github, pollInterval: 0s}}":                    "longer than nothing",
		"ci: {main: {type: github, apiBaseUrl: 'https://x.test/api/v3'}}": "apiBaseUrl: is not known here",
	} {
		cfg := config.FromYAML(yaml)
		CheckConfig(cfg.Section(""))
		if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}

// everything is a configuration that offers all actions.
func everything(t *testing.T) map[string]action.Action {
	t.Helper()
	offered, _ := offer(t, `
http: {allow: [{host: a.example.com}]}
terraform: {path: `+impersonate(t, "terraform")+`}
helm: {path: `+impersonate(t, "helm")+`, repositories: {stable: 'https://charts.example.com'}}
ansible: {path: `+impersonate(t, "ansible-playbook")+`}
ci: {main: {type: github, token: t}}
`)
	return offered
}

func TestActions_TheyDescribeThemselves(t *testing.T) {
	offered := everything(t)
	repeatable := map[string]bool{
		"http:request": false, "terraform:plan": true, "terraform:apply": false, "terraform:destroy": false, "terraform:show": true,
		"helm:template": true, "ansible:playbook": false, "ci:trigger": true,
	}
	if len(offered) != len(repeatable) {
		t.Errorf("%d actions", len(offered))
	}
	for id, again := range repeatable {
		d := offered[id].Description()
		if d.Repeatable != again || d.Description == "" || len(d.Examples) == 0 {
			t.Errorf("%s: %+v", id, d)
		}
		compile(t, id, d.Output)
		checkExamples(t, d, compile(t, id, d.Input))
	}
}

func compile(t *testing.T, id string, schema json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return compiled
}

// checkExamples holds each example's own steps against the input schema. Where a template stands for a value, as in
// "${{ parameters.size }}", no schema can tell, so those inputs are left out.
func checkExamples(t *testing.T, d action.Description, schema *jsonschema.Schema) {
	t.Helper()
	found := false
	for _, e := range d.Examples {
		var doc struct {
			Steps []struct {
				Action string         `yaml:"action"`
				Input  map[string]any `yaml:"input"`
			} `yaml:"steps"`
		}
		if err := yaml.Unmarshal([]byte(e.Example), &doc); err != nil {
			t.Errorf("%s, example %q: %v", d.ID, e.Description, err)
		}
		for _, s := range doc.Steps {
			if s.Action != d.ID {
				continue
			}
			found = true
			for name, value := range s.Input {
				if text, ok := value.(string); ok && strings.Contains(text, "${{") {
					s.Input[name] = map[string]any{"confirm": true, "release": "shop"}[name]
					if s.Input[name] == nil {
						s.Input[name] = "text"
					}
				}
			}
			input := map[string]any{}
			data, _ := json.Marshal(s.Input)
			_ = json.Unmarshal(data, &input)
			if err := schema.Validate(input); err != nil {
				t.Errorf("%s, example %q: %v", d.ID, e.Description, err)
			}
		}
	}
	if !found {
		t.Errorf("%s: no example uses it", d.ID)
	}
}

func TestActions_AForeignInputIsAnInputError(t *testing.T) {
	for id, a := range everything(t) {
		for _, input := range []string{`[]`, `{`, `"text"`} {
			if _, err := perform(t.Context(), a, action.Invocation{Workspace: t.TempDir()}, "%s", input); err == nil || !strings.Contains(err.Error(), "InputError") {
				t.Errorf("%s with %s: %v", id, input, err)
			}
		}
	}
}

func TestTool_KeepsTheLawsOfActions(t *testing.T) {
	actiontest.Actions(t, func(_ *testing.T, d action.Description, run actiontest.Run) action.Action {
		return tool[json.RawMessage]{d, func(s *step, _ json.RawMessage) error { return run(s.Context, s.Invocation, s.Listener) }}
	})
}
