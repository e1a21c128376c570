package sdk_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestWorkspace_ActionsReadAndChangeTheFilesOfTheTask(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 90_000) // several parts
	var late sdk.Workspace
	p := sdk.New("x")
	sdk.Action(p, "x:edit", func(a sdk.ActionContext[struct{}]) (map[string]any, error) {
		w := a.Workspace
		late = w
		text, err := w.ReadFile(a, "README.md")
		if err != nil {
			return nil, err
		}
		err = errors.Join(w.WriteFile(a, "README.md", append(text, " and more"...)), w.WriteFile(a, "bin/run", large, sdk.WriteOptions{Executable: true}),
			w.WriteFile(a, "empty", nil), w.Remove(a, "old"), w.Remove(a, "not/there"))
		if err != nil {
			return nil, err
		}
		back, err := w.ReadFile(a, "bin/run")
		if err != nil || !bytes.Equal(back, large) {
			t.Errorf("%d bytes came back, %v", len(back), err)
		}
		for _, name := range []string{"many/1", "many/2", "many/3", "many/4", "many/5", "many/6", "many/7"} {
			if err := w.WriteFile(a, name, nil); err != nil {
				return nil, err
			}
		}
		if many, err := w.List(a, "many"); err != nil || len(many) != 7 || many[6].Path != "many/7" {
			t.Errorf("%v, %v", many, err)
		}
		files, err := w.List(a, "bin")
		return map[string]any{"files": files, "shared": w.Shared()}, err
	})
	h := plugintest.Start(t, p)
	run := h.RunAction("x:edit", struct{}{}, plugintest.ActionRequest{Workspace: map[string]string{"README.md": "text", "old/a": "1", "old/b": "2"}})
	if run.Err != nil {
		t.Fatal(run.Err)
	}
	if run.Workspace["README.md"] != "text and more" || run.Workspace["bin/run"] != string(large) || len(run.Workspace) != 10 {
		t.Errorf("%d files are left", len(run.Workspace))
	}
	files, _ := run.Output["files"].([]any)
	if file, _ := files[0].(map[string]any); len(files) != 1 || file["Path"] != "bin/run" || file["Executable"] != true || run.Output["shared"] != true {
		t.Errorf("%v", run.Output)
	}
	if _, err := late.ReadFile(t.Context(), "README.md"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("after the step: %v", err)
	}
}

func TestWorkspace_OfNoTaskAndPathsThatLeadOut(t *testing.T) {
	p := sdk.New("x")
	sdk.Action(p, "x:read", func(a sdk.ActionContext[struct {
		Path string `json:"path"`
	}]) (map[string]string, error) {
		data, err := a.Workspace.ReadFile(a, a.Input.Path)
		return map[string]string{"data": string(data)}, err
	})
	h := plugintest.Start(t, p)
	input := func(path string) any { return map[string]string{"path": path} }
	if run := h.RunAction("x:read", input("a")); !errors.Is(run.Err, sdk.ErrNotFound) {
		t.Errorf("without a workspace: %v", run.Err)
	}
	for _, path := range []string{"../a", "/etc/passwd", "a/../../b"} {
		run := h.RunAction("x:read", input(path), plugintest.ActionRequest{Workspace: map[string]string{}})
		if !errors.Is(run.Err, sdk.ErrNotAllowed) || !strings.Contains(run.Err.Error(), "leads out") {
			t.Errorf("%s: %v", path, run.Err)
		}
	}
	h.FailHost("ReadFile", sdk.ErrServiceUnavailable)
	if run := h.RunAction("x:read", input("a"), plugintest.ActionRequest{Workspace: map[string]string{"a": ""}}); !errors.Is(run.Err, sdk.ErrServiceUnavailable) {
		t.Errorf("a host that is busy: %v", run.Err)
	}
}
