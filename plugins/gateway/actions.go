package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func (g *plugin) actions(p *sdk.Plugin) {
	sdk.Action(p, "gateway:key:request", g.requestAction, sdk.ActionOptions{
		Description: "Asks for access of an application to an API. The policy, and perhaps an owner of the API, decide",
		DryRun:      true, Repeatable: true,
		Examples: []sdk.ActionExample{{Description: "Access to an API of the catalog", YAML: `steps:
  - id: access
    action: gateway:key:request
    input:
      app: ${{ parameters.app }}
      api: api:default/orders
      plan: bronze
      ttlDays: 90
      reason: ${{ parameters.reason }}
`}},
	})
	sdk.Action(p, "gateway:key:issue", g.issueAction, sdk.ActionOptions{
		Description: "Makes a key for an API that the application has access to. Hand its secret to a step that keeps it; what a template writes into its output is kept with the task",
		DryRun:      true, Repeatable: true,
		Examples: []sdk.ActionExample{{Description: "A key for the pipeline of a repository", YAML: `steps:
  - id: key
    action: gateway:key:issue
    input:
      app: ${{ parameters.app }}
      api: edge/orders
  - id: keep
    action: github:environment:create
    input:
      repoUrl: ${{ parameters.repoUrl }}
      name: production
      secrets:
        ORDERS_API_KEY: ${{ steps.key.output.secret }}
`}},
	})
	sdk.Action(p, "gateway:key:rotate", g.rotateAction, sdk.ActionOptions{
		Description: "Makes a new key in place of one, which goes on for the time of grace",
		DryRun:      true, Repeatable: true,
	})
	sdk.Action(p, "gateway:key:revoke", g.revokeAction, sdk.ActionOptions{
		Description: "Ends a key, and says how it was seen that the gateway refuses it", DryRun: true, Repeatable: true,
	})
	sdk.Action(p, "gateway:api:publish", g.publishAction, sdk.ActionOptions{
		Description: "Puts an API behind a gateway, or changes it; for operators of the gateways", DryRun: true, Repeatable: true,
	})
}

// onceFor is the idempotency key of a step: run again with the same input, it is the same request. The input is part of it
// for steps that run once for each of several values.
func onceFor[In any](a sdk.ActionContext[In], attempt int) string {
	input, err := json.Marshal(a.Input)
	if err != nil {
		input = nil // inputs come from JSON
	}
	sum := sha256.Sum256(fmt.Appendf(input, "%T", a.Input))
	return fmt.Sprintf("task/%s/%s/%x/%d", a.TaskID, a.StepID, sum[:8], attempt)
}

type requestInput struct {
	App            string `json:"app" desc:"Id of the application" min:"1" max:"40" example:"web-shop-k3v9q2"`
	API            string `json:"api" desc:"The API, as gateway/api or the ref of an entity that names it" min:"1" max:"300" example:"api:default/orders"`
	Plan           string `json:"plan,omitempty" desc:"Id of the plan" max:"200" example:"bronze"`
	TTLDays        int    `json:"ttlDays,omitempty" desc:"How many days a key may live" min:"0" max:"36500"`
	Reason         string `json:"reason,omitempty" desc:"What it is for" max:"2000"`
	OverrideReason string `json:"overrideReason,omitempty" desc:"Why the policy's warnings do not matter" max:"2000"`
}

type requestOutput struct {
	RequestID string `json:"requestId" desc:"Id of the request"`
	Status    string `json:"status" desc:"granted, pending while somebody must approve, or granting while the gateway is not reached"`
	Granted   bool   `json:"granted" desc:"The application has access"`
	API       string `json:"api" desc:"The API as gateway/api"`
}

func (g *plugin) requestAction(a sdk.ActionContext[requestInput]) (requestOutput, error) {
	in := a.Input
	who, err := g.user(a, a.User)
	if err != nil {
		return requestOutput{}, err
	}
	body := accessBody(in)
	if a.DryRun {
		a.Log.Info("dry run: access would be asked for", "app", in.App, "api", in.API, "plan", in.Plan)
		return requestOutput{RequestID: "dry-run", Status: string(lifecycle.Pending), API: in.API}, nil
	}
	r, err := g.access(a, who, body, onceFor(a, 1))
	if err != nil {
		return requestOutput{}, err
	}
	for _, f := range append(r.Verdict.Warning, r.Verdict.Advisory...) {
		a.Log.Warn(f.Message, "rule", f.Rule)
	}
	a.Log.Info("access was asked for", "request", r.ID, "status", string(r.Status))
	return requestOutput{r.ID, string(r.Status), r.Status == lifecycle.Granted, r.Gateway + "/" + string(r.API)}, nil
}

type issueInput struct {
	App   string       `json:"app" desc:"Id of the application" min:"1" max:"40"`
	API   string       `json:"api" desc:"The API, as gateway/api or the ref of an entity that names it" min:"1" max:"300"`
	Label string       `json:"label,omitempty" desc:"What people call the key" max:"100"`
	TTL   sdk.Duration `json:"ttl,omitempty" desc:"How long it lives; as the plugin's settings say unless set"`
}

type keyOutput struct {
	CredentialID string `json:"credentialId" desc:"Id of the key, for rotations and its end"`
	Prefix       string `json:"prefix" desc:"Its first characters, to tell it by"`
	Expires      string `json:"expires" desc:"When it ends; empty = never"`
	Secret       string `json:"secret" desc:"The key itself. Hand it to a step that keeps it"`
}

func (g *plugin) issueAction(a sdk.ActionContext[issueInput]) (keyOutput, error) {
	in := a.Input
	who, err := g.user(a, a.User)
	if err != nil {
		return keyOutput{}, err
	}
	if a.DryRun {
		a.Log.Info("dry run: a key would be issued", "app", in.App, "api", in.API)
		return keyOutput{CredentialID: "dry-run", Prefix: "dryrun", Secret: "dry-run"}, nil
	}
	app, err := g.app(a, who, in.App, false)
	if err != nil {
		return keyOutput{}, err
	}
	ref, _, err := g.hub.Load().resolve(a, who.read, in.API)
	if err != nil {
		return keyOutput{}, err
	}
	return tellStep(g, a, who, func(key string) (lifecycle.Issued, error) {
		return g.hub.Load().engine.Issue(a, lifecycle.KeyRequest{
			App: app.ID, Gateway: ref.gateway, API: ref.api, Label: in.Label, TTL: in.TTL.Std(), By: who.ref, IdempotencyKey: key,
		})
	})
}

type rotateInput struct {
	Credential string        `json:"credential" desc:"Id of the key" min:"1" max:"100"`
	Grace      *sdk.Duration `json:"grace,omitempty" desc:"How long the old key goes on; as the plugin's settings say unless set"`
}

func (g *plugin) rotateAction(a sdk.ActionContext[rotateInput]) (keyOutput, error) {
	in := a.Input
	who, err := g.user(a, a.User)
	if err != nil {
		return keyOutput{}, err
	}
	rotation := lifecycle.Rotation{Credential: in.Credential, By: who.ref}
	if in.Grace != nil {
		rotation.Grace = new(in.Grace.Std())
	}
	if a.DryRun {
		a.Log.Info("dry run: a key would be rotated", "credential", in.Credential)
		return keyOutput{CredentialID: "dry-run", Prefix: "dryrun", Secret: "dry-run"}, nil
	}
	if _, err := g.credential(a, who, in.Credential, false); err != nil {
		return keyOutput{}, err
	}
	return tellStep(g, a, who, func(key string) (lifecycle.Issued, error) {
		again := rotation
		again.IdempotencyKey = key
		return g.hub.Load().engine.Rotate(a, again)
	})
}

// maxAttempts bounds how often a step is begun again.
const maxAttempts = 10

// tellStep makes a key and hands its secret to the step. When the step was interrupted after it had a key, the task never
// got the secret: that key is revoked, and another one made. A rotation can then only be made again by a person, since the
// old key is on its way out.
func tellStep[In any](g *plugin, a sdk.ActionContext[In], who actor, issue func(key string) (lifecycle.Issued, error)) (keyOutput, error) {
	engine := g.hub.Load().engine
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		k, err := issue(onceFor(a, attempt))
		switch {
		case errors.Is(err, lifecycle.ErrInterrupted):
			continue // it is, or will be, revoked
		case err != nil:
			return keyOutput{}, err
		case k.Replayed:
			if _, err := engine.Revoke(a, k.Credential.ID, lifecycle.Ending{By: who.ref, Reason: "the step that asked for it was interrupted"}); err != nil {
				return keyOutput{}, err
			}
			continue
		}
		return handOver(a, engine, k)
	}
	return keyOutput{}, apierror.Conflictf("the step was interrupted %d times", maxAttempts)
}

func handOver[In any](a sdk.ActionContext[In], engine *lifecycle.Engine, k lifecycle.Issued) (keyOutput, error) {
	if err := a.Output("secret", k.Secret.Reveal()); err != nil {
		return keyOutput{}, errors.Join(err, engine.Untold(a, k.Credential.ID, "the secret could not be handed to the task"))
	}
	c, err := engine.Told(a, k.Credential.ID)
	if err != nil {
		return keyOutput{}, err
	}
	a.Log.Info("a key is there", "credential", c.ID, "prefix", c.Prefix)
	out := keyOutput{CredentialID: c.ID, Prefix: c.Prefix, Secret: k.Secret.Reveal()}
	if !c.Expires.IsZero() {
		out.Expires = c.Expires.Format(time.RFC3339)
	}
	return out, nil
}

type revokeInput struct {
	Credential string     `json:"credential" desc:"Id of the key" min:"1" max:"100"`
	Reason     string     `json:"reason,omitempty" desc:"Why" max:"1000"`
	Secret     sdk.Secret `json:"secret,omitempty" desc:"The key itself, to prove by requests that the gateway refuses it"`
}

type revokeOutput struct {
	State  string `json:"state" desc:"revoked, or what it was when it had ended before"`
	Proof  string `json:"proof" desc:"refused, accepted or unknown: what the gateway was last seen to do with the key"`
	By     string `json:"by" desc:"request or management: how that was seen"`
	Millis int64  `json:"millis" desc:"How long after the revocation, in milliseconds"`
}

func (g *plugin) revokeAction(a sdk.ActionContext[revokeInput]) (revokeOutput, error) {
	in := a.Input
	who, err := g.user(a, a.User)
	if err != nil {
		return revokeOutput{}, err
	}
	if a.DryRun {
		a.Log.Info("dry run: a key would be revoked", "credential", in.Credential)
		return revokeOutput{State: string(lifecycle.Revoked), Proof: string(lifecycle.Unknown)}, nil
	}
	if _, err := g.credential(a, who, in.Credential, false); err != nil {
		return revokeOutput{}, err
	}
	c, err := g.hub.Load().engine.Revoke(a, in.Credential, lifecycle.Ending{By: who.ref, Reason: in.Reason, Secret: in.Secret})
	g.observe(c, err)
	if err != nil {
		return revokeOutput{}, err
	}
	out := revokeOutput{State: string(c.State), Proof: string(lifecycle.Unknown)}
	if n := len(c.Proofs); n > 0 {
		p := c.Proofs[n-1]
		out.Proof, out.By, out.Millis = string(p.Result), p.By, p.Took.Milliseconds()
	}
	a.Log.Info("the key has ended", "credential", c.ID, "state", out.State, "proof", out.Proof, "by", out.By)
	return out, nil
}

type publishInput struct {
	Gateway  string   `json:"gateway" desc:"Name of the gateway" min:"1" max:"40" example:"edge"`
	API      string   `json:"api" desc:"Id of the API" pattern:"^[A-Za-z0-9][A-Za-z0-9._~-]*$" max:"100" example:"orders"`
	Name     string   `json:"name,omitempty" desc:"Name for people" max:"100"`
	Upstream string   `json:"upstream" desc:"Address of what serves it" format:"uri" example:"http://orders.internal:8080"`
	Paths    []string `json:"paths" desc:"Prefixes at the gateway" min:"1" max:"20"`
	Tags     []string `json:"tags,omitempty" desc:"Tags" max:"20"`
}

type publishOutput struct {
	Annotation string `json:"annotation" desc:"Value for the annotation callboard.dev/gateway-api"`
	BaseURL    string `json:"baseUrl" desc:"Address where callers reach it; empty = the gateway does not tell"`
}

func (g *plugin) publishAction(a sdk.ActionContext[publishInput]) (publishOutput, error) {
	in := a.Input
	i, err := g.publisher(a, a.User, in)
	if a.DryRun {
		a.Log.Info("dry run: an API would be published", "gateway", in.Gateway, "api", in.API)
		if err != nil {
			a.Log.Warn("it would be refused", "reason", message(err))
		}
		return publishOutput{Annotation: in.Gateway + "/" + in.API}, nil
	}
	if err != nil {
		return publishOutput{}, err
	}
	published, err := sdk.Checkpoint(a, "published", func() (driver.API, error) {
		name := in.Name
		if name == "" {
			name = in.API
		}
		api, err := i.driver.Publish(a, driver.Publication{ID: driver.APIID(in.API), Name: name, Upstream: in.Upstream, Paths: in.Paths, Tags: in.Tags})
		event := lifecycle.Event{Who: a.User, What: "api.publish", Gateway: in.Gateway, API: driver.APIID(in.API), Failed: err != nil, Detail: in.Upstream}
		if err != nil {
			event.Detail = message(err)
		}
		g.record(a, event)
		i.forget()
		return api, err
	})
	if err != nil {
		return publishOutput{}, err
	}
	a.Log.Info("the API is published", "gateway", in.Gateway, "api", string(published.ID))
	return publishOutput{Annotation: in.Gateway + "/" + string(published.ID), BaseURL: published.BaseURL}, nil
}

// publisher is the gateway of a publication, which only operators may change.
func (g *plugin) publisher(ctx context.Context, user string, in publishInput) (*instance, error) {
	who, err := g.user(ctx, user)
	if err != nil {
		return nil, err
	}
	if err := g.operator(ctx, who); err != nil {
		return nil, err
	}
	for _, path := range in.Paths {
		if !strings.HasPrefix(path, "/") {
			return nil, apierror.Inputf("paths: %q does not begin with a slash", path)
		}
	}
	return g.hub.Load().gateway(in.Gateway)
}
