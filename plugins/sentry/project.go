package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// annotation ties an entity to a project: "project" or "organization/project".
const annotation = "sentry.io/project-slug"

// directory are the organizations of the settings in use. It is made anew with each change of them, with empty caches.
type directory struct {
	settings settings
	byName   map[string]*tenant // in lower case
	first    *tenant
}

func newDirectory(s settings, requests sender, now func() time.Time) (*directory, error) {
	d := &directory{settings: s, byName: map[string]*tenant{}}
	answers := newCache(s.Fresh.Std(), s.Keep.Std(), now)
	for _, o := range s.Organizations {
		base, err := o.base()
		if err != nil {
			return nil, err
		}
		t := &tenant{organization: o, base: base, requests: requests, answers: answers, now: now}
		d.byName[fold(o.name())] = t
		if d.first == nil {
			d.first = t
		}
	}
	return d, nil
}

// fold is the form by which names are compared: that of the catalog's filters, which know no case.
func fold(name string) string { return strings.ToLower(name) }

// project is one project of one organization.
type project struct {
	tenant *tenant
	slug   string
}

func (p project) String() string { return p.tenant.name() + "/" + p.slug }

// same compares as the catalog's filters do, without regard to case.
func (p project) same(other project) bool {
	return p.tenant == other.tenant && strings.EqualFold(p.slug, other.slug)
}

// find looks a project up by the name of its organization, "" = the first.
func (d *directory) find(name, slug string) (project, error) {
	t := d.first
	if name != "" {
		t = d.byName[fold(name)]
	}
	switch {
	case t == nil:
		return project{}, apierror.NotFoundf("the settings of the plugin sentry know no organization %.100q", name)
	case !slugForm.MatchString(slug):
		return project{}, apierror.Inputf("%.100q is no slug of a Sentry project", slug)
	}
	return project{t, slug}, nil
}

// parse reads the annotation as the community's frontend does: the last part is the project, the one before it the
// organization, and what stands before these is of no meaning.
func (d *directory) parse(text string) (project, error) {
	parts := strings.Split(text, "/")
	slug, name := parts[len(parts)-1], ""
	if len(parts) > 1 {
		name = parts[len(parts)-2]
	}
	p, err := d.find(name, slug)
	if err != nil {
		return p, fmt.Errorf("annotation %s: %w", annotation, err)
	}
	return p, nil
}

// of is the project of an entity.
func (d *directory) of(e sdk.Entity) (project, error) {
	text := e.Annotation(annotation)
	if text == "" {
		return project{}, apierror.NotFoundf("%s has no annotation %s, which names its project", e.Ref(), annotation)
	}
	return d.parse(text)
}

// filters select the entities that are annotated with a project; what they find is to be held against [directory.of].
func (d *directory) filters(p project) []string {
	key := "metadata.annotations." + annotation + "="
	filters := []string{key + p.String()}
	if p.tenant == d.first {
		filters = append(filters, key+p.slug)
	}
	return filters
}
