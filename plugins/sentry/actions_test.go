package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

var byAnn = plugintest.ActionRequest{User: "user:default/ann"}

func TestCreateProject_AnswersWhatATemplateNeeds(t *testing.T) {
	r := start(t)
	run := r.RunAction("sentry:project:create", map[string]any{"teamSlug": "payments", "name": "Gift Cards!", "platform": "go"}, byAnn)
	if run.Err != nil {
		t.Fatal(run.Err)
	}
	if run.Output["annotation"] != "acme/gift-cards" || run.Output["slug"] != "gift-cards" || !strings.HasPrefix(run.Output["dsn"].(string), "https://") ||
		run.Output["url"] != origin+"/organizations/acme/projects/gift-cards/" {
		t.Error(run.Output)
	}
	if !slices.Contains(r.sentry.Projects(), "gift-cards") {
		t.Error(r.sentry.Projects())
	}
	audit := r.Audit.Written()
	if len(audit) != 1 || audit[0].Event != "project.create" || audit[0].Actor != "user:default/ann" || audit[0].Failed {
		t.Errorf("%+v", audit)
	}
}

func TestCreateProject_GoesOnAfterAnInterruptionWithoutASecondProject(t *testing.T) {
	r := start(t)
	in := map[string]any{"teamSlug": "payments", "name": "gifts"}
	first := r.RunAction("sentry:project:create", in)
	again := byAnn
	again.Checkpoints = map[string]json.RawMessage{"created": first.Checkpoints["created"]}
	if run := r.RunAction("sentry:project:create", in, again); run.Err != nil || run.Output["id"] != first.Output["id"] {
		t.Error(run.Output, run.Err)
	}
	if run := r.RunAction("sentry:project:create", in); !errors.Is(run.Err, sdk.ErrConflict) || !strings.Contains(run.Err.Error(), "already exists") {
		t.Error(run.Err)
	}
	in["allowExisting"] = true
	if run := r.RunAction("sentry:project:create", in); run.Err != nil || run.Output["id"] != first.Output["id"] {
		t.Error(run.Output, run.Err)
	}
	if n := len(r.sentry.Projects()); n != 4 {
		t.Errorf("%d projects", n)
	}
}

func TestCreateRelease_IsTheSameWhenItIsRepeated(t *testing.T) {
	r := start(t)
	r.Get("/v1/entities/component/default/shop/releases", ann)
	in := map[string]any{"version": "checkout@1.5.0", "projects": []string{"checkout"}, "url": "https://ci.example/1", "released": true}
	for range 2 {
		run := r.RunAction("sentry:release:create", in, byAnn)
		if run.Err != nil || run.Output["url"] != origin+"/organizations/acme/releases/checkout@1.5.0/" {
			t.Fatal(run.Output, run.Err)
		}
	}
	if list := r.sentry.Releases(); len(list) != 4 || list[0].Version != "checkout@1.5.0" || list[0].Released == nil || list[0].URL != "https://ci.example/1" {
		t.Errorf("%+v", list)
	}
	if got := r.Get("/v1/entities/component/default/shop/releases", ann).Text(); !strings.Contains(got, "1.5.0") {
		t.Error("the new release is not shown")
	}
}

func TestActions_DoNothingInADryRun(t *testing.T) {
	r := start(t)
	dry := plugintest.ActionRequest{DryRun: true}
	project := r.RunAction("sentry:project:create", map[string]any{"teamSlug": "payments", "name": "gifts"}, dry)
	release := r.RunAction("sentry:release:create", map[string]any{"version": "1", "projects": []string{"checkout"}}, dry)
	if project.Err != nil || release.Err != nil || project.Output["slug"] != "gifts" || len(project.Output) != 5 || release.Output["version"] != "1" {
		t.Error(project, release)
	}
	if len(r.sentry.Calls()) != 0 || len(r.Outgoing.Requests()) != 0 || len(r.Audit.Written()) != 0 {
		t.Error(r.sentry.Calls(), r.Audit.Written())
	}
}

func TestActions_RefuseWhatSentryWouldNotTake(t *testing.T) {
	r := start(t)
	for part, c := range map[string]struct {
		action string
		input  map[string]any
	}{
		"no organization":       {"sentry:project:create", map[string]any{"teamSlug": "payments", "name": "a", "organizationSlug": "x"}},
		"no capitals":           {"sentry:project:create", map[string]any{"teamSlug": "payments", "name": "a", "slug": "Gifts"}},
		"not only digits":       {"sentry:project:create", map[string]any{"teamSlug": "payments", "name": "42"}},
		"teamSlug":              {"sentry:project:create", map[string]any{"teamSlug": "../x", "name": "a"}},
		`"" is no slug`:         {"sentry:project:create", map[string]any{"teamSlug": "payments", "name": "???"}},
		"knows no teams/acme/x": {"sentry:project:create", map[string]any{"teamSlug": "x", "name": "a"}},
		"no slashes":            {"sentry:release:create", map[string]any{"version": "a/b", "projects": []string{"checkout"}}},
		"is no slug":            {"sentry:release:create", map[string]any{"version": "1", "projects": []string{"a/b"}}},
		"Invalid project slugs": {"sentry:release:create", map[string]any{"version": "1", "projects": []string{"nothing"}}},
	} {
		for _, dry := range []bool{true, false} {
			run := r.RunAction(c.action, c.input, plugintest.ActionRequest{DryRun: dry})
			if asked := strings.Contains(part, "knows") || strings.Contains(part, "Invalid"); dry && asked {
				continue // a dry run asks nobody
			}
			if run.Err == nil || !strings.Contains(run.Err.Error(), part) {
				t.Errorf("%s: %v", part, run.Err)
			}
		}
	}
}

func TestActions_RecordWhatFailed(t *testing.T) {
	r := start(t)
	r.sentry.Fail("/releases/", -1, said(http.StatusForbidden, "application/json", `{"detail":"no"}`))
	run := r.RunAction("sentry:release:create", map[string]any{"version": "1", "projects": []string{"checkout"}}, byAnn)
	if run.Err == nil || !strings.Contains(run.Err.Error(), "lacks the scope project:releases") {
		t.Error(run.Err)
	}
	if audit := r.Audit.Written(); len(audit) != 1 || !audit[0].Failed || audit[0].Meta["error"] == nil {
		t.Errorf("%+v", audit)
	}
}
