package builtin

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/urlreader"
)

func TestFS_DeletesRenamesAndListsWithinTheWorkspace(t *testing.T) {
	s := newStep(t)
	s.put(map[string]string{"a.txt": "a", "d/b.txt": "b", "d/e/.c": "c", "x/y": "y", "!odd": "odd"})
	s.must("fs:readdir", object{"paths": []string{"d", "."}, "recursive": false})
	s.said(`files = [{"name":"b.txt","path":"d/b.txt","fullPath":"WS/d/b.txt"},{"name":"!odd","path":"!odd","fullPath":"WS/!odd"},{"name":"a.txt","path":"a.txt","fullPath":"WS/a.txt"}]`,
		`folders = [{"name":"e","path":"d/e","fullPath":"WS/d/e"},{"name":"d","path":"d","fullPath":"WS/d"},{"name":"x","path":"x","fullPath":"WS/x"}]`)
	s.must("fs:readdir", object{"paths": []string{"d"}, "recursive": true})
	s.said(`files = [{"name":"b.txt","path":"d/b.txt","fullPath":"WS/d/b.txt"},{"name":".c","path":"d/e/.c","fullPath":"WS/d/e/.c"}]`, `folders = [{"name":"e","path":"d/e","fullPath":"WS/d/e"}]`)

	// What readdir answers can be used as a path.
	s.must("fs:rename", object{"files": []object{{"from": s.Workspace + "/d/e", "to": "moved/here"}, {"from": "a.txt", "to": "x/y", "overwrite": true}}})
	s.said("info: File WS/d/e renamed to WS/moved/here successfully", "info: File WS/a.txt renamed to WS/x/y successfully")
	s.must("fs:delete", object{"files": []string{"**/*.txt", "!odd", "missing", s.Workspace + "/moved"}})
	s.said("info: File WS/d/b.txt deleted successfully", "info: File WS/!odd deleted successfully", "info: File WS/moved/here/.c deleted successfully")
	s.holds(map[string]string{"x/y": "a"})
}

// Every path that a template gives to an action, and every link that is in the workspace, stays within.
func TestActions_NoPathLeadsOut(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive := tarball(map[string]string{"secret": "changed", "new": "changed"})
	inputs := map[string]func(path string) object{
		"fs:delete":  func(p string) object { return object{"files": []string{p}} },
		"fs:readdir": func(p string) object { return object{"paths": []string{p}, "recursive": true} },
		"fs:rename":  func(p string) object { return object{"files": []object{{"from": p, "to": "taken", "overwrite": true}}} },
		"catalog:write": func(p string) object {
			return object{"filePath": p, "entity": object{"metadata": object{"name": "changed"}}}
		},
		"fetch:plain":      func(p string) object { return object{"url": "https://github.test/tree", "targetPath": p} },
		"fetch:plain:file": func(p string) object { return object{"url": "https://github.test/file", "targetPath": p} },
		"fetch:template":   func(p string) object { return object{"url": "https://github.test/tree", "targetPath": p} },
		"fetch:template:file": func(p string) object {
			return object{"url": "https://github.test/file", "targetPath": p, "replace": true}
		},
		"callboard:gotemplate": func(p string) object { return object{"sourcePath": "own", "targetPath": p} },
	}
	inputs["fs:rename to"] = func(p string) object { return object{"files": []object{{"from": "own", "to": p, "overwrite": true}}} }
	inputs["callboard:gotemplate from"] = func(p string) object { return object{"sourcePath": p, "targetPath": "to"} }
	for _, p := range []string{"..", "../", "../x", outside, secret, "/", "/etc/passwd", "up", "up/x", "link", "link/secret", "link/new", "file", "chain", "chain/secret", "dangling", "own/../../x",
		"own/../../" + filepath.Base(outside) + "/secret", "winding/secret", "\x00", strings.Repeat("x/", 3000)} {
		for name, input := range inputs {
			id, _, _ := strings.Cut(name, " ")
			s := newStep(t)
			s.put(map[string]string{"own/a": "own", "up": "-> ..", "link": "-> " + outside, "file": "-> " + secret, "chain": "-> link", "dangling": "-> " + outside + "/new", "deep/winding": "-> ../link", "winding": "-> deep/winding"})
			s.reader.files = map[string]string{"https://github.test/file": "changed"}
			s.reader.trees = map[string]urlreader.Tree{"https://github.test/tree": {Archive: io.NopCloser(bytes.NewReader(archive))}}
			if err := s.execute(id, input(p)); !apierror.Has(err, apierror.NotAllowed) && !apierror.Has(err, apierror.Input) {
				t.Errorf("%s %.60q: %v", name, p, err)
			}
			if data, _ := os.ReadFile(secret); string(data) != "canary" {
				t.Fatalf("%s %.60q changed what is outside", name, p)
			}
			if entries, _ := os.ReadDir(outside); len(entries) != 1 {
				t.Fatalf("%s %.60q left %v", name, p, entries)
			}
			if told := strings.Join(s.Lines, "\n"); strings.Contains(told, "canary") || strings.Contains(told, `"secret"`) {
				t.Errorf("%s %.60q tells of what is outside: %s", name, p, told)
			}
		}
	}
}

func TestDebugLog_ShowsItsInputAndTheFiles(t *testing.T) {
	s := newStep(t)
	s.must("debug:log", object{"message": "50% <done>"})
	s.said("info: {\n  \"message\": \"50% \\u003cdone\\u003e\"\n}", "info: 50% <done>")
	s.put(map[string]string{"a/b": "text", "c": "more", "link": "-> /etc/passwd"})
	s.must("debug:log", object{"listWorkspace": true})
	s.said("info: {\n  \"listWorkspace\": true\n}", "info: Workspace:\n  - a/b\n  - c\n  - link")
	s.must("debug:log", object{"listWorkspace": "with-contents"})
	s.said("info: {\n  \"listWorkspace\": \"with-contents\"\n}", "info: Workspace:\n - a/b:\n\n  text\n - c:\n\n  more\n - link: [skipped]")
	s.must("debug:log", object{"listWorkspace": false})
	s.said("info: {\n  \"listWorkspace\": false\n}")
	s.put(map[string]string{"large": strings.Repeat("x", maxListing), "z": "z"})
	s.must("debug:log", object{"listWorkspace": "with-contents"})
	if !strings.Contains(s.Lines[1], " - large: [skipped]") {
		t.Error("a large file was listed")
	}
}

func TestCatalogWrite_NamesTheTemplate(t *testing.T) {
	s := newStep(t)
	s.Template.EntityRef = "template:default/go"
	s.must("catalog:write", object{"entity": object{"kind": "Component", "metadata": object{"name": "shop"}}})
	s.said("info: Writing catalog-info.yaml")
	data, err := os.ReadFile(filepath.Join(s.Workspace, "catalog-info.yaml"))
	if diff := cmp.Diff("kind: Component\nmetadata:\n  name: shop\n  annotations:\n    backstage.io/source-template: template:default/go\n", string(data)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
