package tryit

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
)

// Permission is what viewers need besides that of reading the entity.
var Permission = permission.Permission{Type: permission.Basic, Name: "callboard.apidocs.try"}

// Feature is what an embedding page needs.
const Feature = "tryit"

// PreferAnnotation names the environment whose servers an entity's author wants to come first; without it "sandbox" does.
const PreferAnnotation = "callboard.dev/try-environment"

// atOnce is how many requests are under way at a time, whoever makes them.
const atOnce = 16

// Options is what an engine is made of. All but Now are required, DB where trying is enabled.
type Options struct {
	Settings Settings
	// DB keeps the questions that viewers have not answered yet.
	DB         *store.DB
	Authorizer permission.Authorizer
	// Ownership are the refs that a user is and belongs to.
	Ownership func(ctx context.Context, p *principal.Principal) ([]string, error)
	// Logger gets one line for each request that is sent: who, what, where, how it ended; no values and no bodies.
	Logger *slog.Logger
	Now    func() time.Time
}

// Engine sends requests. Safe for concurrent use; a request is sent on the goroutine of who asks.
type Engine struct {
	Options

	questions       questions
	turns           chan struct{}
	outside, within *http.Client
}

// New makes an engine, and its table where trying is enabled.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{Options: o, questions: questions{o.DB}, turns: make(chan struct{}, atOnce), outside: client(false), within: client(true)}
	if !o.Settings.Enabled {
		return e, nil
	}
	return e, e.questions.migrate(ctx)
}

// Close closes the connections that are kept.
func (e *Engine) Close() error {
	e.outside.CloseIdleConnections()
	e.within.CloseIdleConnections()
	return nil
}

// Target is a server of an operation that may be reached.
type Target struct {
	server *Server
	url    *url.URL
}

// URL is the address as the document has it.
func (t Target) URL() string { return t.url.String() }

// Environment is what the configuration calls it.
func (t Target) Environment() string { return t.server.Environment }

// Headers are those that viewers may set.
func (t Target) Headers() []string { return append([]string{"Accept"}, t.server.Headers...) }

// Cookies are those that viewers may set.
func (t Target) Cookies() []string { return t.server.Cookies }

// Targets are the servers that the document names and the configuration allows for this operation, preferred ones first.
func (e *Engine) Targets(of entity.Entity, op *spec.Operation) []Target {
	if !e.Settings.Enabled || !callable(op) {
		return nil
	}
	var out []Target
	for _, s := range op.Servers {
		u := named(s.URL)
		if u == nil {
			continue
		}
		if server := e.serverFor(of, op.Verb, u); server != nil && !slices.ContainsFunc(out, func(t Target) bool { return t.URL() == u.String() }) {
			out = append(out, Target{server, u})
		}
	}
	preferred := cmp.Or(of.Annotation(PreferAnnotation), "sandbox")
	slices.SortStableFunc(out, func(a, b Target) int {
		return cmp.Compare(boolean(a.server.Environment != preferred), boolean(b.server.Environment != preferred))
	})
	return out
}

// callable holds for operations that are requests to a server.
func callable(op *spec.Operation) bool {
	return slices.Contains(knownMethods, op.Verb) && op.Group != spec.Webhooks && strings.HasPrefix(op.Path, "/")
}

// Refusal says to who would like to try an operation that has no targets why it cannot be; "" where nobody expects that it can.
func (e *Engine) Refusal(op *spec.Operation) string {
	if !e.Settings.Enabled || !callable(op) {
		return ""
	}
	var names []string
	for _, s := range op.Servers {
		names = append(names, shown(s.URL))
	}
	if len(names) == 0 {
		return "It cannot be tried from here: the document names no server."
	}
	return "It cannot be tried from here: this host sends no " + op.Verb + " to " + strings.Join(names[:min(3, len(names))], ", ") + " for this API."
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// serverFor is the entry of the configuration that holds for an address: the most particular one that names it, whether it
// allows the method or not.
func (e *Engine) serverFor(of entity.Entity, method string, u *url.URL) *Server {
	var found *Server
	for _, s := range e.Settings.Servers {
		if s.below(u) && (found == nil || len(s.URL.EscapedPath()) > len(found.URL.EscapedPath())) {
			found = s
		}
	}
	if found == nil || !slices.Contains(found.Methods, method) || found.Entities != nil && !slices.Contains(found.Entities, of.Ref().Canonical()) {
		return nil
	}
	return found
}

// Credentials are those of a target that the viewer may use.
func (e *Engine) Credentials(ctx context.Context, p *principal.Principal, t Target) ([]*Credential, error) {
	var out []*Credential
	for _, c := range t.server.Credentials {
		ok, err := e.mayUse(ctx, p, c)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, c)
		}
	}
	return out, nil
}

func (e *Engine) mayUse(ctx context.Context, p *principal.Principal, c *Credential) (bool, error) {
	if c.For == nil {
		return true, nil
	}
	if p.Kind != principal.User {
		return false, nil
	}
	refs, err := e.Ownership(ctx, p)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(append(refs, p.Subject), func(ref string) bool { return slices.Contains(c.For, strings.ToLower(ref)) }), nil
}

// Permit reports whether a viewer may try operations at all, as an error.
func (e *Engine) Permit(ctx context.Context, p *principal.Principal) error {
	if !e.Settings.Enabled {
		return apierror.NotFoundf("Trying operations is not enabled on this host (callboard.apiDocs.tryIt.enabled)")
	}
	if !p.Embed.Has(Feature) {
		return apierror.NotAllowedf("This page may not try operations: its token lacks the feature %q", Feature)
	}
	return permission.Require(ctx, e.Authorizer, p, Permission)
}

// Confirmation asks whether the request shall be sent.
type Confirmation struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
	Summary   Summary   `json:"summary"`
}

// Try sends a request of an operation of an entity that the viewer may read. Exactly one of the answers is not nil. A
// viewer who is known by a cookie alone is refused: any page could have sent that.
func (e *Engine) Try(ctx context.Context, p *principal.Principal, of entity.Entity, op *spec.Operation, a *Ask) (*Answer, *Confirmation, error) {
	if p.Limited {
		return nil, nil, apierror.NotAllowedf("Trying an operation needs a token in the Authorization header")
	}
	if err := e.Permit(ctx, p); err != nil {
		return nil, nil, err
	}
	c, err := e.call(ctx, p, of, op, a)
	if err != nil {
		return nil, nil, err
	}
	ref := string(of.Ref().Canonical())
	if changing(op) {
		bound := digest(p, ref, op.ID, c)
		ok, err := e.taken(ctx, a.Confirm, bound)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			question := &Confirmation{Summary: c.summary()}
			if question.Token, question.ExpiresAt, err = e.issue(ctx, p, bound); err != nil {
				return nil, nil, err
			}
			return nil, question, nil
		}
	}
	answer, err := e.send(ctx, c)
	e.audit(ctx, p, ref, op, c, answer, err)
	return answer, nil, err
}

// call decides where a request goes, with which credential, and makes it.
func (e *Engine) call(ctx context.Context, p *principal.Principal, of entity.Entity, op *spec.Operation, a *Ask) (*call, error) {
	targets := e.Targets(of, op)
	if len(targets) == 0 {
		return nil, apierror.NotAllowedf("The operation %q has no server that callboard.apiDocs.tryIt allows for %s", shown(op.ID), shown(op.Verb))
	}
	at := targets[0]
	if a.Server != "" {
		i := slices.IndexFunc(targets, func(t Target) bool { return t.URL() == a.Server })
		if i < 0 {
			return nil, apierror.Inputf("server: %q is none that callboard.apiDocs.tryIt allows for this operation", shown(a.Server))
		}
		at = targets[i]
	}
	c, err := read(op, at, a)
	if err != nil || a.Credential == "" {
		return c, err
	}
	list, err := e.Credentials(ctx, p, at)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(x *Credential) bool { return x.ID == a.Credential })
	if i < 0 {
		return nil, apierror.NotAllowedf("credential: there is no %q of this server that you may use", shown(a.Credential))
	}
	c.credential = list[i]
	return c, c.besides(list[i])
}
