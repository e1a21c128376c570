package tool_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/tool"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

const samples = "../../../../examples/templates"

// underRace is set by the race detector, which makes the interpreter of templates ten times slower: what matters most
// is tried then.
var underRace bool

// bench tries the templates of examples/templates out with the real language, actions and tools.
type bench struct {
	engine *templating.Engine
	runner *workflow.Runner
}

func newBench(t *testing.T) *bench {
	t.Helper()
	engine, err := templating.New(templating.Options{VMs: 1, Timeout: time.Minute, Integrations: []templating.Integration{{Type: "github", Host: "github.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	cfg := config.FromYAML("terraform: {dryRun: true, providers: {mirror: /nonexistent}}")
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	tools, err := tool.Actions(cfg.Section(""), tool.Deps{DataDir: t.TempDir(), Sealer: sealer, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	registry := action.NewRegistry()
	if err := registry.Set("host", append(builtin.Actions(builtin.Deps{Language: engine}), tools...)); err != nil {
		t.Fatal(err)
	}
	return &bench{engine, workflow.New(workflow.Options{Language: engine, Actions: registry, WorkingDirectory: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})}
}

// template is a template of examples/templates as JSON.
func template(t *testing.T, name string) json.RawMessage {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return fromYAML(t, data)
}

func fromYAML(t *testing.T, data []byte) json.RawMessage {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// neighbours are the files beside a template.
func neighbours(t *testing.T, name string) (files []workflow.File) {
	t.Helper()
	root := filepath.Join(samples, name)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, workflow.File{Path: strings.TrimPrefix(path, root+"/"), Content: content})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// try checks values against the form and runs the template dry. It answers the folder with what was made, and the report.
func (b *bench) try(t *testing.T, name, values string) (dir string, report workflow.Report) {
	t.Helper()
	document := template(t, name)
	if err := workflow.CheckTemplate(document); err != nil {
		t.Fatal(err)
	}
	if !underRace {
		b.checkForm(t, document, json.RawMessage(values))
	}
	read, err := workflow.ReadTemplate(document)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := workflow.NewSpec(read, json.RawMessage(values))
	if err != nil {
		t.Fatal(err)
	}
	report, err = b.runner.DryRun(t.Context(), workflow.DryRun{Spec: spec, Files: neighbours(t, name)})
	if err != nil {
		t.Fatal(err, report.Log)
	}
	dir = t.TempDir()
	for _, f := range report.DirectoryContents {
		path := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, report
}

func (b *bench) checkForm(t *testing.T, document, values json.RawMessage) {
	t.Helper()
	var form struct {
		Spec struct{ Parameters []json.RawMessage }
	}
	if err := json.Unmarshal(document, &form); err != nil {
		t.Fatal(err)
	}
	for _, page := range form.Spec.Parameters {
		wrong, err := b.engine.Validate(t.Context(), page, values, "instance")
		if err != nil || len(wrong) > 0 {
			t.Errorf("the form refuses %s: %v, %v", values, wrong, err)
		}
	}
}

func names(t *testing.T, report workflow.Report) (all []string) {
	t.Helper()
	for _, f := range report.DirectoryContents {
		all = append(all, f.Path)
	}
	slices.Sort(all)
	return all
}

// checkEntity holds what was made for the catalog to the catalog's own rules, and answers it.
func checkEntity(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "catalog-info.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range cataloginfo.Lint(cataloginfo.DefaultRegistry(), cataloginfo.OperatorLimits(), cataloginfo.File{Name: "catalog-info.yaml", Data: data}) {
		t.Errorf("%v in\n%s", d, data)
	}
	return string(fromYAML(t, data))
}

func goTool(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestSamples shares what is slow to start.
func TestSamples(t *testing.T) {
	b := newBench(t)
	for name, test := range map[string]func(*testing.T, *bench){
		"AGoServiceBuildsAndPassesItsTests":          aGoServiceBuildsAndPassesItsTests,
		"OtherDestinationsAskForWhatTheyNeed":        otherDestinationsAskForWhatTheyNeed,
		"ATerraformModuleIsPlanned":                  aTerraformModuleIsPlanned,
		"AModuleWithoutVariablesAndWithoutTerraform": aModuleWithoutVariablesAndWithoutTerraform,
		"AStaticSiteHasAFolderForEachLanguage":       aStaticSiteHasAFolderForEachLanguage,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func aGoServiceBuildsAndPassesItsTests(t *testing.T, b *bench) {
	t.Helper()
	for name, test := range map[string]struct {
		values       string
		has, lacks   []string
		entity, text string
	}{
		"with as little as possible": {
			values: `{"name":"tide-times","owner":"group:default/harbour-platform","destination":"here","features":[]}`,
			has:    []string{"go.mod", "main.go", "main_test.go", "routes.go", "Makefile", "README.md", ".gitignore"}, lacks: []string{"Dockerfile", "metrics.go", ".github/workflows/ci.yaml"},
			entity: `"lifecycle":"experimental"`, text: "on port 8080",
		},
		"with everything": {
			values: `{"name":"tide-times","description":"Says: \"when\", 'where' & {{how}}\nin two lines","owner":"team-a","system":"booking","apis":["api:default/tides"],"tags":["go","c++"],
				"links":[{"title":"Docs: \"all\"","url":"https://docs.test/?a=1&b=2"}],"module":"go.marram.example/tides","goVersion":"1.26","port":9090,"shutdownSeconds":3,
				"features":["metrics","container","pipeline"],"production":true,"destination":"here"}`,
			has:    []string{"Dockerfile", "metrics.go", ".github/workflows/ci.yaml"},
			entity: `"consumesApis":["api:default/tides"]`, text: "on port 9090",
		},
	} {
		if underRace && name != "with everything" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir, report := b.try(t, "go-service", test.values)
			made := names(t, report)
			for _, file := range test.has {
				if !slices.Contains(made, file) {
					t.Errorf("%s is missing in %v", file, made)
				}
			}
			for _, file := range test.lacks {
				if slices.Contains(made, file) {
					t.Errorf("%s was made", file)
				}
			}
			if entity := checkEntity(t, dir); !strings.Contains(entity, test.entity) {
				t.Errorf("%s is missing in %s", test.entity, entity)
			}
			if !strings.Contains(string(report.Output), test.text) {
				t.Errorf("output %s", report.Output)
			}
			checkPipeline(t, dir)
			if testing.Short() {
				t.Skip("building takes its time")
			}
			if unformatted, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).CombinedOutput(); err != nil || len(unformatted) > 0 {
				t.Errorf("not as gofmt writes it: %s, %v", unformatted, err)
			}
			if !underRace {
				goTool(t, dir, "vet", "./...")
			}
			goTool(t, dir, "test", "./...")
		})
	}
}

// checkPipeline: expressions of GitHub Actions were left alone.
func checkPipeline(t *testing.T, dir string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, ".github", "workflows", "ci.yaml"))
	if err == nil && !bytes.Contains(got, []byte("group: ${{ github.workflow }}-${{ github.ref }}")) {
		t.Errorf("the pipeline is %s", got)
	}
}

func otherDestinationsAskForWhatTheyNeed(t *testing.T, b *bench) {
	t.Helper()
	if underRace {
		t.Skip("the interpreter is slow")
	}
	document := template(t, "go-service")
	b.checkForm(t, document, json.RawMessage(`{"name":"tide-times","owner":"a","destination":"github","repoUrl":"github.com?owner=acme&repo=x"}`))
	b.checkForm(t, document, json.RawMessage(`{"name":"tide-times","owner":"a","destination":"git","remoteUrl":"https://git.test/x.git"}`))
	var form struct {
		Spec struct{ Parameters []json.RawMessage }
	}
	if err := json.Unmarshal(document, &form); err != nil {
		t.Fatal(err)
	}
	for _, values := range []string{`{"destination":"github"}`, `{"destination":"git"}`, `{"destination":"git","remoteUrl":"ext::sh"}`, `{"destination":"moon"}`, `{}`} {
		if wrong, err := b.engine.Validate(t.Context(), form.Spec.Parameters[2], json.RawMessage(values), "instance"); err != nil || len(wrong) == 0 {
			t.Errorf("%s is accepted: %v", values, err)
		}
	}
}

func aTerraformModuleIsPlanned(t *testing.T, b *bench) {
	t.Helper()
	if testing.Short() {
		t.Skip("terraform takes its time")
	}
	if _, err := program.Find("terraform"); err != nil {
		t.Skip(err)
	}
	dir, report := b.try(t, "terraform-module", `{"name":"bucket","owner":"harbour-platform","plan":true,"variables":[
		{"name":"name","type":"string","description":"Its \"name\", as in ${x} and %{if}"},{"name":"size","type":"number"},{"name":"fast","type":"bool"},
		{"name":"zones","type":"list(string)"},{"name":"labels","type":"map(string)","sensitive":true}]}`)
	if !strings.Contains(string(report.Output), "1 to add, 0 to change, 0 to destroy") || !strings.Contains(string(report.Output), "module.this.terraform_data.this will be created") {
		t.Errorf("output %s", report.Output)
	}
	checkEntity(t, dir)
}

func aModuleWithoutVariablesAndWithoutTerraform(t *testing.T, b *bench) {
	t.Helper()
	if underRace {
		t.Skip("the interpreter is slow")
	}
	dir, report := b.try(t, "terraform-module", `{"name":"bucket","owner":"harbour-platform"}`)
	checkEntity(t, dir)
	if made := names(t, report); !slices.Contains(made, "examples/basic/main.tf") || !slices.Contains(made, "tests/basic.tftest.hcl") {
		t.Errorf("made %v", made)
	}
	if strings.Contains(string(report.Output), "What the example would make") {
		t.Errorf("output %s", report.Output)
	}
}

func aStaticSiteHasAFolderForEachLanguage(t *testing.T, b *bench) {
	t.Helper()
	if underRace {
		t.Skip("the interpreter is slow")
	}
	dir, report := b.try(t, "static-site", `{"name":"quay","languages":["de","nl"]}`)
	if made := names(t, report); !slices.Equal(made, []string{"catalog-info.yaml", "de/index.html", "nl/index.html"}) {
		t.Errorf("made %v", made)
	}
	if page, _ := os.ReadFile(filepath.Join(dir, "nl", "index.html")); !bytes.Contains(page, []byte(`<html lang="nl">`)) || !bytes.Contains(page, []byte(`href="../de/"`)) {
		t.Errorf("the page is %s", page)
	}
	checkEntity(t, dir)
}

func TestSamples_TheConfigurationInTheREADMEIsRight(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(samples, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "## Tools")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	cfg := config.FromYAML(block)
	section := cfg.Section("callboard.scaffolder")
	for _, key := range tool.ConfigKeys {
		if !section.Has(key) {
			t.Errorf("%s is not shown", key)
		}
	}
	tool.CheckConfig(section)
	if err := cfg.Err(); err != nil {
		t.Error(err)
	}
}
