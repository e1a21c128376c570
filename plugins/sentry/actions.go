package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func (s *plugin) actions(p *sdk.Plugin) {
	sdk.Action(p, "sentry:project:create", s.createProject, sdk.ActionOptions{
		Description: "Creates a project in Sentry, and answers its address and the DSN that its software reports to",
		DryRun:      true, Repeatable: true, // it never creates two of a slug
		Examples: []sdk.ActionExample{{Description: "A project for a new service", YAML: `steps:
  - id: sentry
    action: sentry:project:create
    input:
      teamSlug: payments
      name: ${{ parameters.name }}
      platform: go
`}},
	})
	sdk.Action(p, "sentry:release:create", s.createRelease, sdk.ActionOptions{
		Description: "Announces a release of projects to Sentry",
		DryRun:      true, Repeatable: true, // Sentry takes a release that it knows for the same one
		Examples: []sdk.ActionExample{{Description: "A release of one project", YAML: `steps:
  - id: release
    action: sentry:release:create
    input:
      version: checkout@1.4.0
      projects: [checkout]
`}},
	})
}

// named is the project that a template names; what the settings do not know is a mistake in the template.
func (s *plugin) named(organization, slug string) (project, error) {
	p, err := s.directory.Load().find(organization, slug)
	if errors.Is(err, sdk.ErrNotFound) {
		return p, apierror.Inputf("organizationSlug: %s", messageOf(err))
	}
	return p, err
}

type projectInput struct {
	OrganizationSlug string `json:"organizationSlug,omitempty" desc:"Organization, as the plugin's settings name it; the first of them unless set" example:"acme"`
	TeamSlug         string `json:"teamSlug" desc:"Slug of the team that the project belongs to" min:"1" max:"100" example:"payments"`
	Name             string `json:"name" desc:"Name of the project" min:"1" max:"100" example:"checkout"`
	Slug             string `json:"slug,omitempty" desc:"Slug of the project; made of the name unless set" max:"100" example:"checkout"`
	Platform         string `json:"platform,omitempty" desc:"Platform, such as go or javascript-react" max:"64" example:"go"`
	AllowExisting    bool   `json:"allowExisting,omitempty" desc:"Go on with a project of this slug that is there already"`
}

type projectOutput struct {
	ID   string `json:"id" desc:"Number of the project"`
	Slug string `json:"slug" desc:"Slug of the project"`
	// Annotation ties an entity to the project.
	Annotation string `json:"annotation" desc:"Value for the annotation sentry.io/project-slug"`
	URL        string `json:"url" desc:"Address of the project's page"`
	DSN        string `json:"dsn" desc:"Where its software reports to"`
}

func (s *plugin) createProject(a sdk.ActionContext[projectInput]) (projectOutput, error) {
	in := a.Input
	if in.Slug == "" {
		in.Slug = slugOf(in.Name)
	}
	p, err := s.named(in.OrganizationSlug, in.Slug)
	if err == nil && !slugForm.MatchString(in.TeamSlug) {
		err = apierror.Inputf("teamSlug: %q is no slug", in.TeamSlug)
	}
	if err == nil && (p.slug != strings.ToLower(p.slug) || strings.Trim(p.slug, "0123456789") == "") {
		err = apierror.Inputf("slug: %q is none that Sentry takes: it has no capitals, and not only digits", p.slug)
	}
	if err != nil {
		return projectOutput{}, err
	}
	if a.DryRun {
		a.Log.Info("dry run: a project would be created", "project", p.String(), "team", in.TeamSlug)
		return p.output("0", p.slug, "https://public@example.com/0"), nil
	}
	created, err := sdk.Checkpoint(a, "created", func() (createdProject, error) { return s.postProject(a, a.User, p, in) })
	if err != nil {
		return projectOutput{}, err
	}
	dsn, err := p.dsn(a, created.Slug)
	if err != nil {
		return projectOutput{}, err
	}
	a.Log.Info("the project is there", "project", p.tenant.name()+"/"+created.Slug)
	return p.output(created.ID, created.Slug, dsn), nil
}

func (p project) output(id, slug, dsn string) projectOutput {
	return projectOutput{
		ID: id, Slug: slug, DSN: dsn, Annotation: p.tenant.name() + "/" + slug,
		URL: p.tenant.base + "/organizations/" + p.tenant.Slug + "/projects/" + slug + "/",
	}
}

// slugOf makes a slug of a name, as Sentry would: "Check Out!" becomes "check-out".
func slugOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

type createdProject struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
}

func (s *plugin) postProject(ctx context.Context, user string, p project, in projectInput) (createdProject, error) {
	var made createdProject
	body := map[string]string{"name": in.Name, "slug": p.slug}
	if in.Platform != "" {
		body["platform"] = in.Platform
	}
	c := call{method: http.MethodPost, path: []string{"teams", p.tenant.Slug, in.TeamSlug, "projects"}, body: body, scope: "project:write"}
	answer, err := p.tenant.do(ctx, c)
	if err == nil {
		err = p.tenant.decode(c, answer, &made)
	}
	if errors.Is(err, sdk.ErrConflict) && in.AllowExisting {
		_, err = p.tenant.get(ctx, call{path: []string{"projects", p.tenant.Slug, p.slug}, scope: "project:read"}, &made)
		return made, err // nothing was written
	}
	s.audit(ctx, "project.create", user, err, map[string]any{"organization": p.tenant.name(), "project": p.slug, "team": in.TeamSlug})
	return made, err
}

// dsn is where the software of a project reports to, by the first of its keys.
func (p project) dsn(ctx context.Context, slug string) (string, error) {
	var keys []struct {
		IsActive bool
		DSN      struct{ Public string }
	}
	if _, err := p.tenant.get(ctx, call{path: []string{"projects", p.tenant.Slug, slug, "keys"}, scope: "project:read"}, &keys); err != nil {
		return "", err
	}
	for _, k := range keys {
		if k.IsActive && k.DSN.Public != "" {
			return k.DSN.Public, nil
		}
	}
	return "", apierror.NotFoundf("the project %s has no client key that is active", p)
}

type releaseInput struct {
	OrganizationSlug string       `json:"organizationSlug,omitempty" desc:"Organization, as the plugin's settings name it; the first of them unless set" example:"acme"`
	Version          string       `json:"version" desc:"Version, the same that the software reports: package@1.2.3" min:"1" max:"200" example:"checkout@1.4.0"`
	Projects         []string     `json:"projects" desc:"Slugs of the projects that it is a release of" min:"1" max:"50"`
	URL              string       `json:"url,omitempty" desc:"Address of a page about the release" format:"uri"`
	Refs             []releaseRef `json:"refs,omitempty" desc:"Commits that it was built of" max:"50"`
	Released         bool         `json:"released,omitempty" desc:"It is released now, rather than being prepared"`
}

type releaseRef struct {
	Repository string `json:"repository" desc:"Repository, as Sentry knows it" min:"1"`
	Commit     string `json:"commit" desc:"Hash of the commit" min:"1"`
}

type releaseOutput struct {
	Version string `json:"version" desc:"Version of the release"`
	URL     string `json:"url" desc:"Address of its page in Sentry"`
}

func (s *plugin) createRelease(a sdk.ActionContext[releaseInput]) (releaseOutput, error) {
	in := a.Input
	if strings.ContainsAny(in.Version, "/\\\n\r\t\x0c") || in.Version != strings.TrimSpace(in.Version) || in.Version == "." || in.Version == ".." {
		return releaseOutput{}, apierror.Inputf("version: %q is none that Sentry takes: it may hold no slashes and line breaks, and no blanks at its ends", in.Version)
	}
	var p project
	for _, slug := range in.Projects {
		var err error
		if p, err = s.named(in.OrganizationSlug, slug); err != nil {
			return releaseOutput{}, err
		}
	}
	out := releaseOutput{Version: in.Version, URL: p.tenant.base + "/organizations/" + p.tenant.Slug + "/releases/" + url.PathEscape(in.Version) + "/"}
	if a.DryRun {
		a.Log.Info("dry run: a release would be announced", "version", in.Version, "projects", strings.Join(in.Projects, ", "))
		return out, nil
	}
	_, err := sdk.Checkpoint(a, "created", func() (bool, error) { return true, s.postRelease(a, a.User, p.tenant, in) })
	if err == nil {
		a.Log.Info("the release is announced", "version", in.Version, "projects", strings.Join(in.Projects, ", "))
	}
	return out, err
}

func (s *plugin) postRelease(ctx context.Context, user string, t *tenant, in releaseInput) error {
	body := map[string]any{"version": in.Version, "projects": in.Projects}
	if in.URL != "" {
		body["url"] = in.URL
	}
	if len(in.Refs) > 0 {
		body["refs"] = in.Refs
	}
	if in.Released {
		body["dateReleased"] = s.now().UTC().Format(time.RFC3339)
	}
	_, err := t.do(ctx, call{method: http.MethodPost, path: []string{"organizations", t.Slug, "releases"}, body: body, scope: "project:releases"})
	s.audit(ctx, "release.create", user, err, map[string]any{"organization": t.name(), "version": in.Version, "projects": in.Projects})
	for _, slug := range in.Projects {
		t.answers.forget(project{t, slug}.String() + "\x00")
	}
	return err
}
