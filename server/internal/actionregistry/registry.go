package actionregistry

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
)

// Action is one thing that the host can be asked to do, as it is listed.
type Action struct {
	ID          string     `json:"id"` // "catalog:get-catalog-entity"
	Name        string     `json:"name"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Feature     string     `json:"pluginId"`
	Attributes  Attributes `json:"attributes"`
	Schema      Schemas    `json:"schema"`

	input zod.Schema
	// visible is the permission without which the action does not exist for a caller; nil = everybody sees it.
	visible *permission.Permission
	run     run
	// tidy changes an input before it is checked; nil = as it is.
	tidy func(members map[string]any)
}

// Attributes say what invoking an action may do.
type Attributes struct {
	Destructive bool `json:"destructive"`
	Idempotent  bool `json:"idempotent"`
	ReadOnly    bool `json:"readOnly"`
}

// Schemas are the JSON Schemas of an action.
type Schemas struct {
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output"`
}

// run does an action. The input fits its schema; the result is what "output" holds.
type run func(ctx context.Context, caller *principal.Principal, input json.RawMessage) (any, error)

// Identity issues the tokens with which actions act for their callers, and knows what users own.
type Identity interface {
	PluginToken(ctx context.Context, from, to string, p *principal.Principal) (string, error)
	Ownership(ctx context.Context, p *principal.Principal) ([]string, error)
}

// Options is what a [Registry] works with. All but Settings and Kinds are required.
type Options struct {
	Settings   Settings
	Identity   Identity
	Authorizer permission.Authorizer
	// Edge serves the features' routes.
	Edge http.Handler
	// Kinds are what get-catalog-model-description tells of; nil = those that every catalog knows.
	Kinds cataloginfo.Registry
}

// Registry is every action of the host. It does not change; safe for concurrent use.
type Registry struct {
	settings   Settings
	authorizer permission.Authorizer
	byFeature  map[string][]*Action
}

//go:embed definitions/*.json
var definitions embed.FS

// templateDryRun hides the dry run of templates from those who may not run them dry.
var templateDryRun = permission.Permission{Type: permission.Basic, Name: "scaffolder.template.dry-run"}

// New makes the actions of the features auth, catalog and scaffolder.
func New(o Options) *Registry {
	r := &Registry{settings: o.Settings, authorizer: o.Authorizer, byFeature: map[string][]*Action{}}
	if o.Kinds == nil {
		o.Kinds = cataloginfo.DefaultRegistry()
	}
	catalog := catalogActions{&client{edge: o.Edge, identity: o.Identity, from: "catalog"}, o.Kinds}
	r.add("auth", authActions{&client{edge: o.Edge, identity: o.Identity, from: "auth"}, o.Identity}.all())
	r.add("catalog", catalog.all())
	r.add("scaffolder", scaffolderActions{&client{edge: o.Edge, identity: o.Identity, from: "scaffolder"}}.all())
	r.action("catalog:query-catalog-entities").tidy = numbersFromTexts("limit", "offset")
	r.action("catalog:refresh-catalog-entity").tidy = trimmed("name")
	r.action("scaffolder:dry-run-template").visible = &templateDryRun
	return r
}

// add joins a feature's definitions with what does them. It panics on a mistake in either: both are compiled in.
func (r *Registry) add(feature string, does map[string]run) {
	data, err := definitions.ReadFile("definitions/" + feature + ".json")
	if err != nil {
		panic(err)
	}
	var list []*Action
	if err := json.Unmarshal(data, &list); err != nil {
		panic(fmt.Sprintf("actionregistry: definitions of %s: %s", feature, err))
	}
	for _, a := range list {
		a.ID, a.Feature, a.run = feature+":"+a.Name, feature, does[a.Name]
		if a.input, err = zod.FromJSONSchema(a.Schema.Input); err != nil || a.run == nil {
			panic(fmt.Sprintf("actionregistry: %s: %v", a.ID, err))
		}
	}
	r.byFeature[feature] = list
}

// action finds by id; nil = there is none.
func (r *Registry) action(id string) *Action {
	feature, _, _ := strings.Cut(id, ":")
	for _, a := range r.byFeature[feature] {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// List is what the caller sees of a feature's actions; never nil.
func (r *Registry) List(ctx context.Context, caller *principal.Principal, feature string) ([]*Action, error) {
	list := []*Action{}
	for _, a := range r.byFeature[feature] {
		visible, err := r.sees(ctx, caller, a)
		if err != nil {
			return nil, err
		}
		if visible {
			list = append(list, a)
		}
	}
	return list, nil
}

// sees asks the configuration, and the policy where the action is not for everybody.
func (r *Registry) sees(ctx context.Context, caller *principal.Principal, a *Action) (bool, error) {
	if !r.settings.allow(a) {
		return false, nil
	}
	if a.visible == nil {
		return true, nil
	}
	d, err := r.authorizer.Authorize(ctx, caller, *a.visible)
	return d.Result == permission.Allow, err
}

// Invocation asks for an action of a feature. Input nil = none was given.
type Invocation struct {
	Feature, Action string
	Input           json.RawMessage
	Secrets         bool // some were given
}

// Invoke does an action for a caller and returns its output. What the caller does not see is a NotFoundError, an input that
// does not fit an InputError with all that is wrong with it; other errors are those of the routes that are asked.
func (r *Registry) Invoke(ctx context.Context, caller *principal.Principal, i Invocation) (any, error) {
	if caller.Kind == principal.None {
		return nil, errAnonymous
	}
	a := r.action(i.Action)
	if a == nil || a.Feature != i.Feature {
		return nil, unknown(i.Action)
	}
	visible, err := r.sees(ctx, caller, a)
	if err != nil {
		return nil, err
	}
	if !visible {
		return nil, unknown(i.Action)
	}
	input, err := a.check(i.Input)
	if err != nil {
		return nil, err
	}
	if i.Secrets {
		return nil, apierror.Inputf("Action \"%s\" does not accept secrets", a.ID)
	}
	return a.run(ctx, caller, input)
}

var errAnonymous = apierror.New(apierror.NotAllowed, "Actions must be invoked by an authenticated principal, not an anonymous request")

func unknown(id string) error { return apierror.NotFoundf("Action \"%s\" not found", id) }

// check answers the input as it is to be used.
func (a *Action) check(input json.RawMessage) (json.RawMessage, error) {
	var value any
	if input != nil {
		var err error
		if value, err = zod.Decode(input); err != nil {
			return nil, apierror.Inputf("Invalid input to action %q: %v", a.ID, err)
		}
	}
	if _, members, ok := zod.Members(value); ok && a.tidy != nil {
		a.tidy(members)
	}
	if wrong := zod.ValidateMember(a.input, value, input != nil); wrong != nil {
		return nil, wrong.Because(fmt.Sprintf("Invalid input to action \"%s\"", a.ID))
	}
	return json.Marshal(value)
}

// Features are the ids of the features that have actions.
func (r *Registry) Features() []string {
	var ids []string
	for id := range r.byFeature {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
