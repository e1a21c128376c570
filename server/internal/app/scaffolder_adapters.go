package app

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/notifications"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// scaffolderCatalog is the catalog as tasks see it: in the name of who started them.
type scaffolderCatalog struct {
	auth       *auth.Service
	engine     *catalog.Engine
	authorizer permission.Authorizer
}

// caller is p as the catalog knows it. What a token from outside may do is narrowed to the feature that it was shown to,
// so for the catalog it is asked anew.
func (c scaffolderCatalog) caller(ctx context.Context, p *principal.Principal) (*principal.Principal, error) {
	if p.Kind != principal.Service || p.Restrictions == nil || p.Token == "" {
		return p, nil
	}
	return c.auth.AuthenticateToken(ctx, p.Token, "catalog", false)
}

// Entity implements scaffolder.Catalog.
func (c scaffolderCatalog) Entity(ctx context.Context, p *principal.Principal, ref string) ([]byte, error) {
	p, err := c.caller(ctx, p)
	if err != nil {
		return nil, err
	}
	return catalog.Reader{Index: c.engine.Index(), Authorizer: c.authorizer}.Entity(ctx, p, ref)
}

// Entities implements [builtin.Catalog].
func (c scaffolderCatalog) Entities(ctx context.Context, p *principal.Principal, refs []entity.Ref) ([]json.RawMessage, error) {
	texts := make([]string, len(refs))
	for i, ref := range refs {
		texts[i] = ref.String()
	}
	return c.entities(ctx, p, texts)
}

// entities are those of refs, nil for those that p does not see.
func (c scaffolderCatalog) entities(ctx context.Context, p *principal.Principal, refs []string) ([]json.RawMessage, error) {
	found := make([]json.RawMessage, len(refs))
	for i, ref := range refs {
		document, err := c.Entity(ctx, p, ref)
		if err != nil && !apierror.Has(err, apierror.NotFound) {
			return nil, err
		}
		found[i] = document
	}
	return found, nil
}

// Register implements [builtin.Catalog].
func (c scaffolderCatalog) Register(ctx context.Context, p *principal.Principal, target string) error {
	if err := c.mayRegister(ctx, p); err != nil {
		return err
	}
	_, err := c.engine.CreateLocation(ctx, locationOf(target), "")
	return err
}

// Preview implements [builtin.Catalog].
func (c scaffolderCatalog) Preview(ctx context.Context, p *principal.Principal, target string) ([]entity.Entity, error) {
	if err := c.mayRegister(ctx, p); err != nil {
		return nil, err
	}
	tried, err := c.engine.DryRunLocation(ctx, locationOf(target))
	return tried.Entities, err
}

func (c scaffolderCatalog) mayRegister(ctx context.Context, p *principal.Principal) error {
	p, err := c.caller(ctx, p)
	if err != nil {
		return err
	}
	return permission.Require(ctx, c.authorizer, p, catalog.PermissionLocationCreate)
}

func locationOf(target string) catalog.LocationSpec {
	return catalog.LocationSpec{Type: "url", Target: target}
}

// notifier sends what templates send.
type notifier struct{ notes *notifications.Service }

// Send implements [builtin.Notifier].
func (n notifier) Send(ctx context.Context, m builtin.Notification) error {
	d := notifications.Draft{
		Origin: principal.Host("scaffolder").Subject, Broadcast: m.Broadcast, Refs: m.EntityRefs,
		Title: m.Title, Description: m.Description, Link: m.Link, Topic: m.Topic, Scope: m.Scope,
	}
	if m.Severity != nil {
		d.Severity = notifications.Severity(*m.Severity)
	}
	_, err := n.notes.Send(ctx, d)
	return err
}

// localTemplates says which templates may read their neighbours on this host: those that the catalog itself has read from
// the file that they claim. An entity may claim to come from any file, so its own word opens no folder.
type localTemplates struct{ catalog *catalog.Engine }

func (l localTemplates) permits(ctx context.Context, t action.Template) (bool, error) {
	path, ok := strings.CutPrefix(t.BaseURL, "file://")
	if !ok {
		return false, nil
	}
	key, err := l.catalog.LocationKey(ctx, entity.Canonical(strings.ToLower(t.EntityRef)))
	return err == nil && key == "file:"+path, err
}

// defaultHosts are those of repositories that templates know without configuration, as the reference's.
var defaultHosts = []templating.Integration{
	{Type: "azure", Host: "dev.azure.com"}, {Type: "bitbucketCloud", Host: "bitbucket.org"},
	{Type: "github", Host: "github.com"}, {Type: "gitlab", Host: "gitlab.com"},
}

// repositoryHosts are the hosts of integrations, by type.
func repositoryHosts(section *config.Section) []templating.Integration {
	all := slices.Clip(defaultHosts)
	for _, kind := range section.Keys() {
		for _, entry := range section.Sections(kind) {
			if host := entry.String("host", ""); host != "" {
				all = append(all, templating.Integration{Type: kind, Host: host})
			}
		}
	}
	return all
}
