package caps

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// acting runs a plugin of the SDK whose host services are the real ones, and answers its action by id.
func acting(t *testing.T, plugin *sdk.Plugin, needs manifest.Needs, id string) action.Action {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	files := hostsvc.NewTaskFiles()
	host, err := hostsvc.Serve(t.Context(), hostsvc.Options{Plugin: "hello", Needs: needs, Socket: filepath.Join(dir, "host.sock"), Token: "t",
		Backend: hostsvc.Backend{Workspaces: files}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	hostConn := dialed(t, filepath.Join(dir, "host.sock"))
	i := plugin.Open(sdk.Runtime{Host: hostConn})
	l, err := net.Listen("unix", filepath.Join(dir, "rpc.sock"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- i.ServeRPC(l) }()
	t.Cleanup(func() {
		i.Close(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn := dialed(t, filepath.Join(dir, "rpc.sock"))
	if _, err := pluginv1.NewPluginServiceClient(conn).Configure(t.Context(), &pluginv1.ConfigureRequest{HostToken: "t"}); err != nil {
		t.Fatal(err)
	}
	registry := action.NewRegistry()
	announce(t, Actions(registry, ActionOptions{ImporterOptions: often(), Workspaces: files}), one(NewClient(conn, options("1"))),
		func(p *manifest.Provides) { p.Scaffolder.Actions = []string{id} })
	eventually(t, "the action is registered", func() bool { return len(registry.List()) == 1 })
	return registry.List()[0]
}

func dialed(t *testing.T, socket string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func taskFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestActions_OfAPluginWorkOnTheFilesOfTheTask(t *testing.T) {
	late := make(chan sdk.Workspace, 1)
	p := sdk.New("hello")
	sdk.Action(p, "hello:sign", func(a sdk.ActionContext[struct{}]) (map[string]string, error) {
		w := a.Workspace
		late <- w
		text, err := w.ReadFile(a, "docs/README.md")
		if err != nil {
			return nil, err
		}
		for _, outside := range []string{"../outside", "/etc/passwd", "docs/../../outside", "link/passwd"} {
			if _, err := w.ReadFile(a, outside); !errors.Is(err, sdk.ErrNotAllowed) {
				t.Errorf("%s: %v", outside, err)
			}
		}
		return map[string]string{"step": a.StepName, "template": a.Template},
			errors.Join(w.WriteFile(a, "docs/README.md", append(text, "signed\n"...)), w.WriteFile(a, "bin/run", []byte("#!/bin/sh\n"), sdk.WriteOptions{Executable: true}), w.Remove(a, "draft"))
	})
	sign := acting(t, p, manifest.Needs{Scaffolder: []string{"workspace"}}, "hello:sign")
	dir := taskFolder(t, map[string]string{"docs/README.md": "text\n", "draft/a": ""})
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var heard actiontest.Recorder
	run := action.Invocation{StepName: "Sign it", Template: action.Template{EntityRef: "template:default/x"}, Input: action.Input(`{}`), Workspace: dir}
	if err := sign.Execute(t.Context(), run, &heard); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`step = "Sign it"`, `template = "template:default/x"`}, heard.Lines); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(filepath.Join(dir, "docs/README.md"))
	if err != nil || string(text) != "text\nsigned\n" {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin/run")); err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "draft")); !os.IsNotExist(err) {
		t.Errorf("the draft is there: %v", err)
	}
	if _, err := (<-late).ReadFile(t.Context(), "docs/README.md"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("after the step: %v", err)
	}
}

func TestActions_WithoutTheNeedSeeNoFiles(t *testing.T) {
	p := sdk.New("hello")
	sdk.Action(p, "hello:read", func(a sdk.ActionContext[struct{}]) (map[string]any, error) {
		_, err := a.Workspace.List(a, "")
		return nil, err
	})
	read := acting(t, p, manifest.Needs{}, "hello:read")
	err := read.Execute(t.Context(), action.Invocation{Input: action.Input(`{}`), Workspace: taskFolder(t, nil)}, &actiontest.Recorder{})
	if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), `lacks the need "scaffolder: [workspace]"`) {
		t.Errorf("got %v", err)
	}
}

// TestActions_OfAPluginAreToldNoMoreThanTheyNeed looks at the request as it goes out.
func TestActions_OfAPluginAreToldNoMoreThanTheyNeed(t *testing.T) {
	const canary = "Cnry7tKw9LmVx3RbHs"
	seen := make(chan *pluginv1.ExecuteActionRequest, 1)
	service := &requestService{seen: seen}
	registry := action.NewRegistry()
	announce(t, Actions(registry, ActionOptions{ImporterOptions: often(), Workspaces: hostsvc.NewTaskFiles()}), one(NewClient(serve(t, service.register), options("1"))),
		func(p *manifest.Provides) { p.Scaffolder.Actions = []string{"hello:see"} })
	eventually(t, "the action is registered", func() bool { return len(registry.List()) == 1 })
	dir := taskFolder(t, nil)
	err := registry.List()[0].Execute(t.Context(), action.Invocation{
		Task: "t", Step: "s", StepName: "S", Input: action.Input(`{}`), User: "user:default/ann", UserEntity: json.RawMessage(`"` + canary + `"`),
		Initiator: &principal.Principal{Kind: principal.User, Subject: "user:default/ann", Token: canary},
		Template:  action.Template{EntityRef: "template:default/x", BaseURL: "file:///" + canary, Entity: json.RawMessage(`"` + canary + `"`)},
		Secrets:   secret.Set{"token": secret.New(canary)}, Workspace: dir,
	}, &actiontest.Recorder{})
	if err != nil {
		t.Fatal(err)
	}
	request := (<-seen).String()
	if strings.Contains(request, canary) || strings.Contains(request, dir) {
		t.Errorf("%s", request)
	}
	for _, want := range []string{"user:default/ann", "template:default/x", "workspace:"} {
		if !strings.Contains(request, want) {
			t.Errorf("%q is not in %s", want, request)
		}
	}
}

type requestService struct {
	pluginv1.UnimplementedScaffolderActionsServiceServer

	seen chan *pluginv1.ExecuteActionRequest
}

func (s *requestService) register(g *grpc.Server) {
	pluginv1.RegisterScaffolderActionsServiceServer(g, s)
}

func (s *requestService) ListActions(context.Context, *pluginv1.ListActionsRequest) (*pluginv1.ListActionsResponse, error) {
	return &pluginv1.ListActionsResponse{Actions: []*pluginv1.ScaffolderAction{{Id: "hello:see"}}}, nil
}

func (s *requestService) ExecuteAction(r *pluginv1.ExecuteActionRequest, _ grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]) error {
	s.seen <- r
	return nil
}

// TestActions_OfThePluginSDK walks through a step as its users see it: a log that streams, checkpoints, a dry run, input that
// does not fit, and an end within a second.
func TestActions_OfThePluginSDK(t *testing.T) {
	made := 0
	running := make(chan struct{})
	type input struct {
		Name string `json:"name"`
		Wait bool   `json:"wait,omitempty"`
	}
	p := sdk.New("hello")
	sdk.Action(p, "hello:make", func(a sdk.ActionContext[input]) (map[string]any, error) {
		a.Log.Info("making " + a.Input.Name)
		if a.Input.Wait {
			close(running)
			<-a.Done()
			return nil, a.Err()
		}
		if a.DryRun {
			return map[string]any{"id": 0}, nil
		}
		id, err := sdk.Checkpoint(a, "made", func() (int, error) { made++; return made, nil })
		return map[string]any{"id": id}, err
	}, sdk.ActionOptions{DryRun: true, Repeatable: true})
	do := acting(t, p, manifest.Needs{}, "hello:make")
	execute := func(run action.Invocation) ([]string, error) {
		var heard actiontest.Recorder
		err := do.Execute(t.Context(), run, &heard)
		return heard.Lines, err
	}
	lines, err := execute(action.Invocation{Input: action.Input(`{"name":"a"}`)})
	if diff := cmp.Diff([]string{"info: making a", "made @ 1", "id = 1"}, lines); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	lines, err = execute(action.Invocation{Input: action.Input(`{"name":"a"}`), Checkpoints: map[string]json.RawMessage{"made": json.RawMessage(`7`)}})
	if diff := cmp.Diff([]string{"info: making a", "id = 7"}, lines); diff != "" || err != nil {
		t.Errorf("again: %v\n%s", err, diff)
	}
	lines, err = execute(action.Invocation{Input: action.Input(`{"name":"a"}`), DryRun: true})
	if diff := cmp.Diff([]string{"info: making a", "id = 0"}, lines); diff != "" || err != nil || made != 1 {
		t.Errorf("dry: %v, made %d\n%s", err, made, diff)
	}
	if _, err = execute(action.Invocation{Input: action.Input(`{"name":5}`)}); !apierror.Has(err, apierror.Input) {
		t.Errorf("input that does not fit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-running; cancel() }()
	stopped := make(chan error, 1)
	go func() {
		stopped <- do.Execute(ctx, action.Invocation{Input: action.Input(`{"name":"b","wait":true}`)}, &actiontest.Recorder{})
	}()
	select {
	case err := <-stopped:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it did not end")
	}
}
