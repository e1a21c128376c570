package sdk_test

// The pieces of code that the README shows, and tests that run them. Change both together.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
)

type settings struct {
	URL      string       `json:"url" desc:"Base URL of Sentry" format:"uri"`
	Token    sdk.Secret   `json:"token" desc:"API token with the scope org:read"`
	Every    sdk.Duration `json:"every" desc:"How often to look" default:"10m"`
	Level    string       `json:"level" desc:"Least level" enum:"error,warning,info" default:"error"`
	Projects []string     `json:"projects,omitempty" desc:"Only these" max:"100"`
}

// client is what the snippets call Sentry with.
type client struct {
	http     *http.Client
	host     *sdk.Host
	settings atomic.Pointer[settings]
	muted    map[string]string // by idempotency key
}

type project struct {
	Slug   string `json:"slug"`
	Events int    `json:"events"`
}

func (c *client) projects(ctx context.Context) ([]project, error) {
	s := c.settings.Load()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/0/projects/", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token.Reveal())
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("list projects: Sentry answered %s: %w", res.Status, sdk.ErrServiceUnavailable)
	}
	var found []project
	return found, json.NewDecoder(res.Body).Decode(&found)
}

func newSentry() *sdk.Plugin {
	p := sdk.New("sentry", sdk.About{Version: "1.4.0", Title: "Sentry", License: "Apache-2.0"})
	c := &client{http: p.Host().HTTP, host: p.Host()}
	sdk.Settings(p, func(_ context.Context, s settings) error {
		c.settings.Store(&s)
		return nil
	})
	routes(p, c)
	providers(p, c)
	processors(p, c)
	actions(p, c)
	workspaces(p)
	templateFilters(p)
	widgets(p, c)
	forms(p, c)
	records(p, c)
	permissions(p, c)
	watched(p, c)
	return p
}

func routes(p *sdk.Plugin, c *client) {
	p.HandleFunc("GET /projects", func(w http.ResponseWriter, r *http.Request) {
		found, err := c.projects(r.Context())
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		sdk.WriteJSON(w, http.StatusOK, found)
	})
	p.HandleFunc("POST /webhook", c.webhook, sdk.Unauthenticated)
	p.HandleFunc("GET /mine", func(w http.ResponseWriter, r *http.Request) {
		caller := sdk.Principal(r.Context())
		if !caller.IsUser() {
			sdk.WriteError(w, r, fmt.Errorf("only people own projects: %w", sdk.ErrNotAllowed))
			return
		}
		sdk.WriteJSON(w, http.StatusOK, caller.OwnershipRefs)
	})
}

func (c *client) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || !json.Valid(body) {
		sdk.WriteError(w, r, fmt.Errorf("no JSON: %w", sdk.ErrInput))
		return
	}
	if err := c.host.Events.Publish(r.Context(), "sentry.issue", json.RawMessage(body)); err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func providers(p *sdk.Plugin, c *client) {
	p.EntityProvider("projects", 10*time.Minute, func(ctx context.Context) iter.Seq2[sdk.Entity, error] {
		return func(yield func(sdk.Entity, error) bool) {
			found, err := c.projects(ctx)
			if err != nil {
				yield(nil, err) // everything stays as it was
				return
			}
			for _, pr := range found {
				if !yield(component(pr), nil) {
					return
				}
			}
		}
	})
	p.IncrementalProvider("teams", time.Minute, func(ctx context.Context, cursor string) iter.Seq2[sdk.Change, error] {
		return func(yield func(sdk.Change, error) bool) {
			_ = yield(sdk.Change{Upsert: group("web")}, nil) &&
				yield(sdk.Change{Remove: "group:default/gone"}, nil) &&
				yield(sdk.Change{Cursor: "42"}, nil) // what the next call gets
		}
	})
}

func component(pr project) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{"name": pr.Slug, "annotations": map[string]any{"sentry.io/project-slug": pr.Slug}},
		"spec":     map[string]any{"type": "service", "lifecycle": "production", "owner": "group:default/web"},
	}
}

func group(name string) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"type": "team", "children": []string{}},
	}
}

func processors(p *sdk.Plugin, c *client) {
	p.Processor("link", func(_ context.Context, e sdk.Entity) (sdk.Entity, error) {
		if slug := e.Annotation("sentry.io/project-slug"); slug != "" {
			e["metadata"].(map[string]any)["annotations"].(map[string]any)["sentry.io/url"] = c.settings.Load().URL + "/" + slug
		}
		return e, nil
	})
	p.StagedProcessor(sdk.Stages{
		Name: "owners", Kinds: []string{"component"},
		PostProcess: func(_ context.Context, pr *sdk.Processing, e sdk.Entity) (sdk.Entity, error) {
			if dsn := e.Annotation("sentry.io/dsn"); dsn != "" {
				pr.Relate(e.Ref().String(), "monitoredBy", "resource:default/sentry")
				pr.Relate("resource:default/sentry", "monitors", e.Ref().String())
				pr.RefreshOn("url:" + dsn)
			}
			return e, nil
		},
	})
}

func actions(p *sdk.Plugin, c *client) {
	type release struct {
		Version string `json:"version" desc:"Version to announce" pattern:"^v"`
	}
	sdk.Action(p, "sentry:release:create", func(a sdk.ActionContext[release]) (map[string]string, error) {
		a.Log.Info("announcing", "version", a.Input.Version)
		if a.DryRun {
			return map[string]string{"id": "dry-run"}, nil
		}
		id, err := sdk.Checkpoint(a, "created", func() (string, error) { return c.release(a, a.Input.Version) })
		return map[string]string{"id": id}, err
	}, sdk.ActionOptions{Description: "Announces a release to Sentry", DryRun: true, Repeatable: true})
}

func workspaces(p *sdk.Plugin) {
	sdk.Action(p, "sentry:docs:sign", func(a sdk.ActionContext[struct{}]) (map[string]string, error) {
		files, err := a.Workspace.List(a, "docs")
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			text, err := a.Workspace.ReadFile(a, f.Path)
			if err != nil {
				return nil, err
			}
			text = append(text, "\nReleased by "+a.User+"\n"...)
			if err := a.Workspace.WriteFile(a, f.Path, text); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

func templateFilters(p *sdk.Plugin) {
	sdk.Filter(p, "dsn", func(f sdk.FilterContext, slug string) (string, error) {
		host := "sentry.io"
		if err := f.Argument(0, &host); err != nil {
			return "", err
		}
		return "https://" + host + "/" + slug, nil
	}, sdk.FilterOptions{Description: "Address of a project", Arguments: []any{""}})
}

func (c *client) release(_ context.Context, version string) (string, error) {
	return "id-of-" + version, nil
}

func widgets(p *sdk.Plugin, c *client) {
	type args struct {
		Top int `json:"top" default:"5" min:"1" max:"50"`
	}
	p.Widget(sdk.Widget{
		ID: "open-issues", Title: "Open issues", View: sdk.ViewTable, For: "annotation:sentry.io/project-slug", Args: args{},
		Data: func(ctx context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
			a, err := sdk.WidgetArgs[args](q)
			if err != nil {
				return nil, err
			}
			f := frame.New("issues", frame.Strings("title"), frame.Numbers[int]("events").In("1"), frame.Times("last seen"))
			for _, issue := range c.issues(ctx, q.Entity.Annotation("sentry.io/project-slug"), a.Top) {
				f.Append(issue.title, issue.events, issue.seen)
			}
			return f, nil
		},
	})
}

type muteArgs struct {
	Until sdk.Duration `json:"until" title:"For how long"`
}

func forms(p *sdk.Plugin, c *client) {
	p.Widget(sdk.Widget{
		ID: "mute", Title: "Mute a project", View: sdk.ViewForm, For: "annotation:sentry.io/project-slug", Args: muteArgs{},
		Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) {
			return sdk.Choices("until", sdk.Choice{Value: "1h", Label: "An hour"}, sdk.Choice{Value: "24h", Label: "A day"}), nil
		},
		Submit: func(ctx context.Context, q sdk.WidgetQuery) (sdk.WidgetResult, error) {
			a, err := sdk.WidgetArgs[muteArgs](q)
			if err != nil {
				return sdk.WidgetResult{}, err
			}
			if !sdk.Principal(ctx).IsUser() {
				return sdk.WidgetResult{}, fmt.Errorf("only people mute projects: %w", sdk.ErrNotAllowed)
			}
			if a.Until > sdk.Duration(24*time.Hour) {
				return sdk.WidgetResult{FieldErrors: map[string]string{"until": "must be at most a day"}}, nil
			}
			c.mute(q.Entity.Annotation("sentry.io/project-slug"), a.Until.Std(), q.IdempotencyKey)
			return sdk.WidgetResult{Message: "Nobody is told of new issues until then."}, nil
		},
	})
}

// mute does it once for each key.
func (c *client) mute(project string, length time.Duration, key string) {
	if c.muted == nil {
		c.muted = map[string]string{}
	}
	c.muted[key] = project + " for " + length.String()
}

type issue struct {
	title  string
	events int
	seen   time.Time
}

func (c *client) issues(_ context.Context, project string, top int) []issue {
	all := []issue{{"Login of " + project + " fails", 120, time.Unix(0, 0)}, {"Cart is slow", 7, time.Unix(60, 0)}}
	return all[:min(top, len(all))]
}

func records(p *sdk.Plugin, c *client) {
	p.Collator("sentry-issue", func(ctx context.Context) iter.Seq2[sdk.Document, error] {
		return func(yield func(sdk.Document, error) bool) {
			for _, i := range c.issues(ctx, "shop", 100) {
				doc := sdk.Document{Title: i.title, Text: i.title, Location: "/catalog/default/component/shop", EntityRef: "component:default/shop"}
				if !yield(doc, nil) {
					return
				}
			}
		}
	})
	p.Task("sweep", time.Hour, func(ctx context.Context) error {
		lease, err := p.Host().Locks.Acquire(ctx, "sweep", time.Minute)
		if errors.Is(err, sdk.ErrConflict) {
			return nil // another host does it
		} else if err != nil {
			return err
		}
		defer lease.Release(context.WithoutCancel(ctx)) //nolint:errcheck // it ends by itself
		_, err = p.Host().KV.PutJSON(ctx, "swept", map[string]string{"by": "sweep"}, sdk.PutOptions{TTL: 24 * time.Hour})
		return err
	})
	p.OnEvent("catalog.entity.changed", func(ctx context.Context, e sdk.Event) error {
		var changed struct{ Ref string }
		if err := e.Decode(&changed); err != nil {
			return err
		}
		return p.Host().Catalog.Refresh(ctx, changed.Ref)
	})
}

func permissions(p *sdk.Plugin, c *client) {
	read := sdk.Permission{Name: "sentry.issue.read", Action: "read", ResourceType: "sentry-project"}
	p.Permission(read)
	type params struct {
		Team string `json:"team" desc:"Name of the team"`
	}
	sdk.Rule(p, "IS_OF_TEAM", "sentry-project", func(ctx context.Context, ref string, params params) (bool, error) {
		return c.teamOf(ctx, ref) == params.Team, nil
	}, "Projects of a team")
	p.HandleFunc("GET /issues/{project}", func(w http.ResponseWriter, r *http.Request) {
		allowed, err := p.Host().Permission.Authorize(r.Context(), sdk.Principal(r.Context()).UserToken(),
			sdk.PermissionRequest{Permission: read, ResourceRef: r.PathValue("project")})
		if err == nil && !allowed[0] {
			err = fmt.Errorf("issues of %s: %w", r.PathValue("project"), sdk.ErrNotAllowed)
		}
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		sdk.WriteJSON(w, http.StatusOK, len(c.issues(r.Context(), r.PathValue("project"), 10)))
	})
}

func (c *client) teamOf(_ context.Context, ref string) string {
	team, _, _ := strings.Cut(ref, "-")
	return team
}

func watched(p *sdk.Plugin, c *client) {
	calls := p.Counter("sentry_calls_total", "Calls to Sentry", "result")
	var last atomic.Pointer[string] // what went wrong in the last call, nil = nothing
	p.Health(func(context.Context) error {
		if text := last.Load(); text != nil {
			return errors.New(*text)
		}
		return nil
	})
	p.Task("ping", time.Minute, func(ctx context.Context) error {
		_, err := c.projects(ctx)
		if err != nil {
			last.Store(new(err.Error()))
			calls.Add(1, "failed")
			return err
		}
		last.Store(nil)
		calls.Add(1, "ok")
		return nil
	})
	p.OnDrain(func(context.Context) error {
		c.http.CloseIdleConnections()
		return nil
	})
}

func callAnother(ctx context.Context, p *sdk.Plugin) (*http.Response, error) {
	at, err := p.Host().Discovery.BaseURL(ctx, "catalog")
	if err != nil {
		return nil, err
	}
	token, err := p.Host().Auth.Token(ctx, "catalog", sdk.Principal(ctx).UserToken())
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Internal+"/entities?limit=1", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	return p.Host().HTTP.Do(req)
}

func startSentry(t *testing.T) *plugintest.Harness {
	t.Helper()
	h := plugintest.Start(t, newSentry(), plugintest.Config(settings{URL: "https://sentry.example", Token: "s3cret"}))
	h.Outgoing.HandleFunc("https://sentry.example", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"slug":"shop","events":120}]`))
	})
	return h
}

func TestSentry_ListsProjects(t *testing.T) {
	h := plugintest.Start(t, newSentry(), plugintest.Config(settings{URL: "https://sentry.example", Token: "s3cret"}))
	h.Outgoing.HandleFunc("https://sentry.example", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"slug":"shop","events":120}]`))
	})

	var found []project
	h.Get("/projects", plugintest.As("user:default/ann")).JSON(t, &found)
	if len(found) != 1 || found[0].Slug != "shop" {
		t.Errorf("got %v", found)
	}
	if sent := h.Outgoing.Requests(); sent[0].Header.Get("Authorization") != "Bearer s3cret" {
		t.Errorf("sent %v", sent[0].Header)
	}

	h.RunProvider("projects").WantEntities(t, "testdata/sentry-projects.golden.json")
}

func TestSnippets_DoWhatTheReadmeSays(t *testing.T) {
	h := startSentry(t)
	if res := h.Do("POST", "/webhook", map[string]string{"id": "1"}); res.Status != http.StatusAccepted || len(h.Events.Published()) != 1 {
		t.Error(res.Text())
	}
	if res := h.Get("/mine", plugintest.As("plugin:scaffolder")); res.Status != http.StatusForbidden {
		t.Error(res.Text())
	}
	if run := h.RunProvider("teams"); run.Err != nil || run.Cursor != "42" || len(run.Removed) != 1 {
		t.Errorf("%+v", run)
	}
	shop := plugintest.Annotated(plugintest.Component("shop"), "sentry.io/project-slug", "shop")
	if got := h.Process("link", shop); got.Err != nil || got.Entity.Annotation("sentry.io/url") != "https://sentry.example/shop" {
		t.Errorf("%+v", got)
	}
	if got := h.Process("owners", plugintest.Annotated(shop, "sentry.io/dsn", "https://x")); got.Err != nil || len(got.Relations) != 2 {
		t.Errorf("%+v", got)
	}
	if run := h.RunAction("sentry:release:create", map[string]string{"version": "v1"}); run.Err != nil || run.Output["id"] != "id-of-v1" {
		t.Errorf("%+v", run)
	}
	docs := plugintest.ActionRequest{User: "user:default/ann", Workspace: map[string]string{"docs/a.md": "A", "b.md": "B"}}
	if run := h.RunAction("sentry:docs:sign", struct{}{}, docs); run.Err != nil || run.Workspace["docs/a.md"] != "A\nReleased by user:default/ann\n" || run.Workspace["b.md"] != "B" {
		t.Errorf("%+v", run)
	}
	var dsn string
	if err := h.Filter("dsn", &dsn, "shop", "eu.sentry.io"); err != nil || dsn != "https://eu.sentry.io/shop" {
		t.Error(dsn, err)
	}
	if run := h.QueryWidget("open-issues", sdk.WidgetQuery{Entity: shop, Args: []byte(`{"top":1}`)}); run.Err != nil || run.Frames[0].Rows() != 1 {
		t.Errorf("%+v", run)
	}
	mute := h.SubmitWidget("mute", sdk.WidgetQuery{Entity: shop}, map[string]string{"until": "1h"}, plugintest.As("user:default/ann"))
	if mute.Err != nil || mute.Message == "" || len(h.QueryWidget("mute", sdk.WidgetQuery{Entity: shop}).Frames) != 1 {
		t.Errorf("%+v", mute)
	}
	if mute = h.SubmitWidget("mute", sdk.WidgetQuery{Entity: shop}, map[string]string{"until": "48h"}, plugintest.As("user:default/ann")); mute.FieldErrors["until"] == "" {
		t.Errorf("%+v", mute)
	}
	if docs, err := h.Collect("sentry-issue"); err != nil || len(docs) != 2 {
		t.Error(docs, err)
	}
	if err := errors.Join(h.RunTask("sweep"), h.RunTask("ping"), h.Deliver("catalog.entity.changed", map[string]string{"ref": "component:default/shop"}), h.Health(), h.Drain()); err != nil {
		t.Error(err)
	}
	if got, err := h.Evaluate("IS_OF_TEAM", map[string]string{"team": "web"}, "web-shop", "ops-dns"); err != nil || !got[0] || got[1] {
		t.Error(got, err)
	}
	h.Permissions.Deny("sentry.issue.read")
	if res := h.Get("/issues/shop", plugintest.As("user:default/ann")); res.Status != http.StatusForbidden {
		t.Error(res.Text())
	}
	if !strings.Contains(h.Metrics(), `sentry_calls_total{result="ok"} 1`) {
		t.Error(h.Metrics())
	}
}

func TestSnippets_CallAnotherPlugin(t *testing.T) {
	p := sdk.New("caller")
	h := plugintest.Start(t, p)
	h.Outgoing.HandleFunc("http://callboard.internal", nothing)
	res, err := callAnother(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if sent := h.Outgoing.Requests()[0]; sent.Header.Get("Authorization") != "Bearer "+plugintest.PluginToken("catalog", "") {
		t.Error(sent)
	}
	if _, err := entity.ParseRef("component:default/shop", entity.Defaults{}); err != nil {
		t.Error(err)
	}
}
