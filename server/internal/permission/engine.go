package permission

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// User is who a policy decides about.
type User struct {
	*principal.Principal
	owners OwnershipResolver
}

// Ownership lists the refs that the user owns things through. Asked for only by policies that need it.
func (u User) Ownership(ctx context.Context) ([]string, error) {
	if u.owners == nil {
		return nil, nil
	}
	return u.owners(ctx, u.Principal)
}

// OwnershipResolver answers through which refs a user principal owns things; the auth feature has one.
type OwnershipResolver func(ctx context.Context, p *principal.Principal) ([]string, error)

// Policy decides about users. Implementations are safe for concurrent use.
type Policy interface {
	// Decide says what u may do with perm; u is nil when nobody is signed in and the host admits that. Conditional is
	// for resource permissions only, with conditions of that resource type.
	Decide(ctx context.Context, perm Permission, u *User) (Decision, error)
}

// AllowAll is the policy that the reference installs by default.
type AllowAll struct{}

// Decide implements [Policy].
func (AllowAll) Decide(context.Context, Permission, *User) (Decision, error) {
	return Decision{Result: Allow}, nil
}

// All is the policy that all of several agree to: one that denies decides, conditions add up. No policies allow.
func All(policies ...Policy) Policy { return all(policies) }

type all []Policy

func (a all) Decide(ctx context.Context, perm Permission, u *User) (Decision, error) {
	var conditions []Criteria
	for _, p := range a {
		d, err := p.Decide(ctx, perm, u)
		if err != nil || d.Result == Deny {
			return Decision{Result: Deny}, err
		}
		if d.Result == Conditional {
			if d.Conditions == nil {
				return Decision{Result: Deny}, fmt.Errorf("policy %T: a conditional decision without conditions", p)
			}
			conditions = append(conditions, *d.Conditions)
		}
	}
	switch len(conditions) {
	case 0:
		return Decision{Result: Allow}, nil
	case 1:
		return Decision{Result: Conditional, Conditions: &conditions[0]}, nil
	}
	return Decision{Result: Conditional, Conditions: &Criteria{AllOf: conditions}}, nil
}

// Options is what an [Engine] is made of.
type Options struct {
	// Enabled is permission.enabled. While it is false users may do everything; restricted tokens stay restricted.
	Enabled bool
	// Anonymous is backend.auth.dangerouslyDisableDefaultAuthPolicy: callers without credentials are decided about too.
	Anonymous bool
	Policy    Policy // nil = [AllowAll]
	Ownership OwnershipResolver
	Logger    *slog.Logger // required
}

// Engine is the host's [Authorizer], and the permission feature.
type Engine struct {
	enabled, anonymous bool
	policy             Policy
	owners             OwnershipResolver
	log                *slog.Logger

	mu        sync.RWMutex
	resources map[string]*owned // by resource type
	set       map[string][]Integration
}

// owned is a resource type and the feature it belongs to.
type owned struct {
	plugin      string
	integration *Integration
}

// New makes an engine without resource types.
func New(o Options) *Engine {
	if o.Policy == nil {
		o.Policy = AllowAll{}
	}
	return &Engine{
		enabled: o.Enabled, anonymous: o.Anonymous, policy: o.Policy, owners: o.Ownership, log: o.Logger,
		resources: map[string]*owned{}, set: map[string][]Integration{},
	}
}

var (
	allowed = Decision{Result: Allow}
	denied  = Decision{Result: Deny}

	errMissingCredentials = apierror.New(apierror.Authentication, "Missing credentials")
)

// Authorize implements [Authorizer].
func (e *Engine) Authorize(ctx context.Context, p *principal.Principal, perm Permission) (Decision, error) {
	if p.Kind == principal.Service {
		return decideService(p.Restrictions, perm), nil
	}
	if !e.enabled {
		return allowed, nil
	}
	return e.decide(ctx, p, perm)
}

// decide asks the policy and holds it to its law.
func (e *Engine) decide(ctx context.Context, p *principal.Principal, perm Permission) (Decision, error) {
	var u *User
	if p.Kind == principal.User {
		u = &User{Principal: p, owners: e.owners}
	} else if !e.anonymous {
		return denied, errMissingCredentials
	}
	d, err := e.policy.Decide(ctx, perm, u)
	switch {
	case err != nil:
		return denied, fmt.Errorf("decide %s: %w", perm.Name, err)
	case d.Result == Allow || d.Result == Deny:
		return Decision{Result: d.Result}, nil
	case d.Result != Conditional || d.Conditions == nil:
		return denied, fmt.Errorf("the policy answered %s with %q", perm.Name, d.Result)
	case perm.Type != Resource:
		return denied, apierror.Newf(apierror.Generic, "Conditional decision returned from permission policy for non-resource permission %s", perm.Name)
	case !d.Conditions.about(perm.ResourceType):
		return denied, apierror.Newf(apierror.Generic, "Invalid resource conditions returned from permission policy for permission %s", perm.Name)
	}
	return d, nil
}

// about reports whether all conditions are on that resource type.
func (c *Criteria) about(resourceType string) bool {
	if c.Condition != nil {
		return c.Condition.ResourceType == resourceType
	}
	below := func(c Criteria) bool { return c.about(resourceType) }
	return (c.Not == nil || below(*c.Not)) && !slices.ContainsFunc(c.AllOf, func(c Criteria) bool { return !below(c) }) &&
		!slices.ContainsFunc(c.AnyOf, func(c Criteria) bool { return !below(c) })
}

// decideService needs no policy: a service may do what its token says, and unrestricted ones everything.
func decideService(r *principal.Restrictions, perm Permission) Decision {
	if !r.Limits() {
		return allowed
	}
	if len(r.Permissions) > 0 && !slices.Contains(r.Permissions, perm.Name) {
		return denied
	}
	if len(r.Actions) > 0 && !slices.Contains(r.Actions, perm.Attributes.Action) {
		return denied
	}
	return allowed
}

// add makes a resource type known; a type belongs to one feature only.
func (e *Engine) add(plugin string, in *Integration) {
	if in.ResourceType == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resources[in.ResourceType] != nil {
		panic(fmt.Sprintf("permission: resource type %q is registered twice", in.ResourceType))
	}
	e.resources[in.ResourceType] = &owned{plugin: plugin, integration: in}
}

// Set makes integrations all that plugin has, while the host runs. A resource type that another feature owns is a
// ConflictError, and nothing changes then. Conditions on a type that is gone are answered as those on one that never was.
func (e *Engine) Set(plugin string, integrations []Integration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[string]*owned, len(e.resources)+len(integrations))
	for resourceType, o := range e.resources {
		if o.plugin != plugin {
			next[resourceType] = o
		}
	}
	for i := range integrations {
		in := &integrations[i]
		if in.ResourceType == "" {
			continue
		}
		if next[in.ResourceType] != nil {
			return apierror.Conflictf("%s cannot own the resource type %q: %s does", plugin, in.ResourceType, next[in.ResourceType].plugin)
		}
		next[in.ResourceType] = &owned{plugin: plugin, integration: in}
	}
	e.resources = next
	e.set[plugin] = integrations
	return nil
}

// Integrations is what plugin has at present by [Engine.Set], for reading; false when it was not set or was removed.
func (e *Engine) Integrations(plugin string) ([]Integration, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	integrations, ok := e.set[plugin]
	return integrations, ok
}

// Remove takes away everything that plugin has.
func (e *Engine) Remove(plugin string) {
	_ = e.Set(plugin, nil) // nothing can be in conflict
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.set, plugin)
}

func (e *Engine) resource(resourceType string) *owned {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.resources[resourceType]
}

var _ Authorizer = (*Engine)(nil)
