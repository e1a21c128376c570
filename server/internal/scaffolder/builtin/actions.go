package builtin

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/urlreader"
)

// Deps is what the actions need of the host.
type Deps struct {
	Reader   Reader
	Language Language
	Catalog  Catalog
	Notifier Notifier
	// LocalTemplate says whether a template that was read from a file of this host may read its neighbours. An entity
	// can claim any location for itself, so the answer must come from the configuration or from what the catalog knows,
	// not from the entity. nil = none may. Dry runs are not asked about: their files are the host's own copies.
	LocalTemplate func(ctx context.Context, t action.Template) (bool, error)
	// RequireUserCredentials is scaffolder.requireScmUserCredentials.
	RequireUserCredentials bool
	// GoTemplate offers callboard:gotemplate.
	GoTemplate bool
}

// Reader reads what is elsewhere, within what the configuration allows; *urlreader.Reader is one.
type Reader interface {
	// ReadFile and ReadTree use token instead of the integration's when it is not "".
	ReadFile(ctx context.Context, target, token string) ([]byte, error)
	ReadTree(ctx context.Context, target, token string) (urlreader.Tree, error)
	ResolveURL(target, base string) (string, error)
	// Integration is the kind of integration that knows the host of target, "" = none.
	Integration(target string) string
}

// Language renders the texts of files; [templating.Language] is more than that.
type Language interface {
	Files(ctx context.Context, variables json.RawMessage, o templating.FileOptions) (templating.Files, error)
}

// Catalog is asked in the name of the one who started the task.
type Catalog interface {
	// Register adds a location of type url; ConflictError when it is there.
	Register(ctx context.Context, by *principal.Principal, target string) error
	// Preview is the entities that a location brings, and adds nothing.
	Preview(ctx context.Context, by *principal.Principal, target string) ([]entity.Entity, error)
	// Entities are those of refs in their order, as JSON; nil for one that is not there or that by may not see.
	Entities(ctx context.Context, by *principal.Principal, refs []entity.Ref) ([]json.RawMessage, error)
}

// Notifier sends as the scaffolder.
type Notifier interface {
	Send(ctx context.Context, n Notification) error
}

// Notification is what notification:send sends. "" and nil are what the template left out.
type Notification struct {
	Broadcast                                 bool
	EntityRefs                                []string
	Title                                     string
	Description, Link, Topic, Scope, Severity *string
}

// Actions are the actions of this package.
func Actions(d Deps) []action.Action {
	source := sources{d.Reader, d.LocalTemplate, d.RequireUserCredentials}
	all := []action.Action{
		fetchPlain(source), fetchPlainFile(source), fetchTemplate(source, d.Language), fetchTemplateFile(source, d.Language),
		fsDelete(), fsRename(), fsReadDir(),
		catalogRegister(d.Catalog, d.Reader), catalogWrite(), catalogFetch(d.Catalog),
		debugLog(), debugWait(), notificationSend(d.Notifier),
	}
	if d.GoTemplate {
		all = append(all, goTemplate(source))
	}
	return all
}
