package conformance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// block is a piece of a page that names its file.
var block = regexp.MustCompile("(?s)```\\w+ (\\S+)\n(.*?)```")

func TestProtocolPage_ItsPluginConforms(t *testing.T) {
	t.Parallel()
	if out, err := os.Stat("/usr/bin/python3"); err != nil || out.IsDir() {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no /usr/bin/python3; make languages installs it")
		}
		t.Skip("there is no /usr/bin/python3")
	}
	page, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := os.ReadFile("../../examples/hello-python/callboard_pb.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "callboard_pb.py"), messages, 0o600); err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.Target{
		Command: []string{"python3", "-B", "plugin.py"}, Dir: dir, Restarts: 3,
		Manifest: &conformance.Manifest{ID: "minimal", Version: "1.0.0", License: "Apache-2.0", Provides: &pluginv1.Provides{CatalogProviders: []string{"one"}}},
	})
}
