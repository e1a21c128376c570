package sdk_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A plugin that imports the SDK links at most this many modules, the SDK among them. A further one needs a reason that is
// worth every partner's next security scan.
const maxModules = 8

func TestClosure_OfTheSDKStaysLight(t *testing.T) {
	out := goTool(t, ".", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", ".", "./frame", "./entity", "./apierror", "./pluginv1", "./rpcerror")
	modules := map[string]bool{}
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" {
			modules[line] = true
		}
	}
	list := slices.Sorted(maps.Keys(modules))
	t.Logf("%d modules are linked:\n%s", len(list), strings.Join(list, "\n"))
	if len(list) > maxModules {
		t.Errorf("%d modules are linked, at most %d are allowed", len(list), maxModules)
	}
	for _, m := range list {
		for _, unwanted := range []string{"hashicorp", "gin-gonic", "opentelemetry", "prometheus", "callboard/callboard/server"} {
			if strings.Contains(m, unwanted) {
				t.Errorf("%s must not be linked", m)
			}
		}
	}
}

func TestClosure_OfTheModuleHasNothingForTestsOnly(t *testing.T) {
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal([]byte(goTool(t, ".", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	t.Logf("required: %v", mod.Require)
	if len(mod.Require) >= maxModules {
		t.Errorf("go.mod requires %d modules: everybody who imports the SDK gets them into go.sum", len(mod.Require))
	}
}

// TestREADME_PluginBuildsOutsideOfTheRepository does what a newcomer does: a folder somewhere, the files of the README, and
// nothing but the SDK.
func TestREADME_PluginBuildsOutsideOfTheRepository(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	sdkDir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, block := range readmeBlocks(t) {
		if block.file != "" {
			write(t, filepath.Join(dir, block.file), block.text)
		}
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	write(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.26\n\nrequire github.com/callboard/callboard/sdk v0.0.0\n\nreplace github.com/callboard/callboard/sdk => "+sdkDir+"\n")
	goTool(t, dir, "vet", "./...")
	goTool(t, dir, "test", "./...")
	goTool(t, dir, "build", "-o", "hello", ".")
	describe := exec.CommandContext(t.Context(), filepath.Join(dir, "hello"))
	describe.Env = []string{"CALLBOARD_DESCRIBE=1"}
	out, err := describe.Output()
	if err != nil || !strings.Contains(string(out), `"callboard-sdk-go/`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// goTool runs the go command without network: what a build needs is in the module cache, because the SDK needs it as well.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
	if dir == "." {
		cmd.Env = append(cmd.Env, "GOFLAGS=-mod=readonly")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
