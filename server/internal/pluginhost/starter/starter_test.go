package starter_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/machinetest"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/starter"
)

var update = flag.Bool("update", false, "copy the helpers of the examples into the templates")

// repository is the root of the checkout.
var repository = filepath.Join("..", "..", "..", "..")

// The templates carry what the examples have, under other names: one protocol, one helper for each language.
func TestTemplates_CarryTheHelpersOfTheExamples(t *testing.T) {
	for template, example := range map[string]string{
		"python/callboard.py":         "hello-python/callboard.py",
		"python/callboard_pb.py":      "hello-python/callboard_pb.py",
		"node/callboard.mjs":          "hello-node/callboard.mjs",
		"node/proto/callboard.proto":  "hello-node/proto/callboard.proto",
		"node/proto/controller.proto": "hello-node/proto/controller.proto",
		"node/proto/health.proto":     "hello-node/proto/health.proto",
		"node/package-lock.json":      "hello-node/package-lock.json",
		"go/go.sum":                   "hello-go/go.sum",
		"go/go.mod":                   "hello-go/go.mod",
	} {
		file := filepath.Join("templates", template+".tmpl")
		text, err := os.ReadFile(filepath.Join(repository, "examples", example))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("hello-node", "example-plugin", "github.com/callboard/callboard/examples/hello-go", "example-plugin",
			"\nreplace github.com/callboard/callboard/sdk => ../../sdk\n", "").Replace(string(text))
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not examples/%s (%v); run this test with -update", file, example, err)
		}
	}
}

func write(t *testing.T, o starter.Options) string {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), string(o.ID))
	files, err := starter.Write(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > 12 {
		t.Errorf("%d files are too many to look through: %v", len(files), files)
	}
	return o.Dir
}

// python is the system's, which has the packages; another one earlier on the PATH may not.
const python = "/usr/bin/python3"

func run(t *testing.T, dir string, env []string, argv ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", argv, err, out)
	}
}

func TestWrite_GoPluginPassesItsTests(t *testing.T) {
	sdk, err := filepath.Abs(filepath.Join(repository, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, starter.Options{ID: "my-go", Language: starter.Go, SDK: sdk})
	run(t, dir, []string{"GOWORK=off", "GOFLAGS=-mod=readonly"}, "go", "vet", "./...")
	run(t, dir, []string{"GOWORK=off", "GOFLAGS=-mod=readonly"}, "go", "test", "./...")
}

func TestWrite_PythonPluginPassesItsTests(t *testing.T) {
	if exec.CommandContext(t.Context(), python, "-c", "import grpc, google.protobuf").Run() != nil {
		machinetest.Lacks(t, "python3 with grpcio is not installed; make languages installs it")
	}
	dir := write(t, starter.Options{ID: "my-python", Language: starter.Python})
	run(t, dir, nil, python, "-B", "-m", "unittest")
}

func TestWrite_NodePluginPassesItsTests(t *testing.T) {
	modules, err := filepath.Abs(filepath.Join(repository, "examples", "hello-node", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil {
		machinetest.Lacks(t, "the packages of examples/hello-node are not installed; make languages installs them")
	}
	dir := write(t, starter.Options{ID: "my-node", Language: starter.Node})
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, nil, "node", "--test")
}

func TestWrite_MakesAGoodManifestOfTheName(t *testing.T) {
	for _, language := range starter.Languages {
		m, err := manifest.Read(write(t, starter.Options{ID: "my-plugin", Language: language, SDKVersion: "v0.1.0"}))
		if err != nil {
			t.Error(err)
		} else if m.ID != "my-plugin" || m.Title != "My plugin" {
			t.Errorf("%s: %+v", language, m)
		}
	}
}

func TestWrite_LeavesNoTraceOfTheTemplate(t *testing.T) {
	for _, language := range starter.Languages {
		dir := write(t, starter.Options{ID: "shop", Language: language, SDKVersion: "v0.1.0"})
		err := filepath.WalkDir(dir, func(p string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(p)
			if strings.Contains(strings.ToLower(string(text)), "example-plugin") || strings.Contains(string(text), "Example plugin") {
				t.Errorf("%s still speaks of the template", p)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWrite_RefusesNamesAndFoldersThatCannotBe(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]starter.Options{
		`"catalog" is a name of the host itself`: {ID: "catalog", Language: starter.Go, Dir: t.TempDir()},
		"lower-case letters":                     {ID: "../x", Language: starter.Go, Dir: t.TempDir()},
		`not for "cobol"`:                        {ID: "x", Language: "cobol", Dir: t.TempDir()},
		"is not empty":                           {ID: "x", Language: starter.Go, Dir: full},
	} {
		if _, err := starter.Write(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
