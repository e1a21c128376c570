package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// issuedAnswer is the only one that has a secret.
type issuedAnswer struct {
	Credential lifecycle.Credential `json:"credential"`
	Secret     string               `json:"secret,omitempty"`
	// Replayed: the secret was told to an earlier call with the same Idempotency-Key.
	Replayed bool          `json:"replayed,omitempty"`
	Present  *presentation `json:"present,omitempty"`
}

// presentation says how a request carries the key.
type presentation struct {
	URL    string `json:"url,omitempty"`
	Header string `json:"header,omitempty"`
	Scheme string `json:"scheme,omitempty"`
	Query  string `json:"query,omitempty"`
}

func (g *plugin) issueKey(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r)
	g.tell(c, func() (lifecycle.Issued, error) {
		a, err := g.app(c.Context(), c.actor, c.PathValue("app"), false)
		if err != nil {
			return lifecycle.Issued{}, err
		}
		var b struct {
			API   string `json:"api"`
			Label string `json:"label"`
			TTL   string `json:"ttl"`
		}
		if err := c.decode(&b); err != nil {
			return lifecycle.Issued{}, err
		}
		ref, ok := parseAPIRef(b.API)
		if !ok {
			return lifecycle.Issued{}, apierror.Inputf("api: %q is not gateway/api", b.API)
		}
		ttl, err := duration("ttl", b.TTL)
		if err != nil {
			return lifecycle.Issued{}, err
		}
		return g.hub.Load().engine.Issue(c.Context(), lifecycle.KeyRequest{
			App: a.ID, Gateway: ref.gateway, API: ref.api, Label: b.Label, TTL: ttl, By: c.actor.ref, IdempotencyKey: c.idempotencyKey(),
		})
	})
}

func (g *plugin) rotateKey(w http.ResponseWriter, r *http.Request) {
	c := g.newCall(w, r)
	g.tell(c, func() (lifecycle.Issued, error) {
		old, err := g.credential(c.Context(), c.actor, c.PathValue("id"), false)
		if err != nil {
			return lifecycle.Issued{}, err
		}
		var b struct {
			Grace *string `json:"grace"`
			TTL   string  `json:"ttl"`
		}
		if err := c.decodeOptional(&b); err != nil {
			return lifecycle.Issued{}, err
		}
		rotation := lifecycle.Rotation{Credential: old.ID, By: c.actor.ref, IdempotencyKey: c.idempotencyKey()}
		if rotation.TTL, err = duration("ttl", b.TTL); err != nil {
			return lifecycle.Issued{}, err
		}
		if b.Grace != nil {
			grace, err := duration("grace", *b.Grace)
			if err != nil {
				return lifecycle.Issued{}, err
			}
			rotation.Grace = &grace
		}
		return g.hub.Load().engine.Rotate(c.Context(), rotation)
	})
}

// tell hands a secret on, and notes whether that went well. A caller who has left in the meantime gets no key. The answer has
// no length, so that its end, which comes after the note, is what tells the caller that the key is settled: a caller whose
// answer is cut off has a key to rotate or to revoke, or none.
func (g *plugin) tell(c *call, issue func() (lifecycle.Issued, error)) {
	k, err := issue()
	if err != nil {
		sdk.WriteError(c.w, c.Request, err)
		return
	}
	answer := issuedAnswer{Credential: k.Credential, Replayed: k.Replayed, Present: g.present(c.Context(), k.Credential)}
	if k.Replayed {
		sdk.WriteJSON(c.w, http.StatusOK, answer)
		return
	}
	engine := g.hub.Load().engine
	if c.Context().Err() != nil {
		g.logged(c.Context(), k, engine.Untold(c.Context(), k.Credential.ID, "the caller left before the secret could be told"))
		return
	}
	answer.Secret = k.Secret.Reveal()
	answer.Credential.Intent = nil // it ends with this answer
	sent := &delivery{ResponseWriter: c.w}
	sdk.WriteJSON(sent, http.StatusCreated, answer)
	if sent.err == nil {
		sent.err = http.NewResponseController(c.w).Flush()
	}
	if sent.err != nil || c.Context().Err() != nil {
		g.logged(c.Context(), k, engine.Untold(c.Context(), k.Credential.ID, "the secret could not be sent to the caller"))
		return
	}
	_, err = engine.Told(c.Context(), k.Credential.ID)
	g.logged(c.Context(), k, err)
}

// delivery knows whether an answer could be written.
type delivery struct {
	http.ResponseWriter

	err error
}

func (d *delivery) Write(b []byte) (int, error) {
	n, err := d.ResponseWriter.Write(b)
	d.err = errors.Join(d.err, err)
	return n, err
}

// logged reports what the caller can no longer be told; [lifecycle.Engine.Sweep] mends it.
func (g *plugin) logged(ctx context.Context, k lifecycle.Issued, err error) {
	if err != nil {
		slog.ErrorContext(ctx, "the end of an issue could not be noted", "credential", k.Credential.ID, "error", err)
	}
}

// present says how to use a key; nil = the gateway does not tell.
func (g *plugin) present(ctx context.Context, c lifecycle.Credential) *presentation {
	i, err := g.hub.Load().gateway(c.Gateway)
	if err != nil {
		return nil
	}
	p, err := i.driver.Credential(ctx, c.API)
	if err != nil {
		return nil
	}
	return &presentation{URL: p.URL, Header: p.Header, Scheme: p.Scheme, Query: p.Query}
}

func (g *plugin) listCredentials(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), true)
	if err != nil {
		return nil, err
	}
	all, err := g.hub.Load().engine.Credentials(c.Context(), a.ID)
	return listed(all), err
}

func (g *plugin) getCredential(c *call) (any, error) {
	return g.credential(c.Context(), c.actor, c.PathValue("id"), true)
}

func (g *plugin) suspendKey(c *call) (any, error) {
	return g.endKey(c, g.hub.Load().engine.SuspendKey)
}

func (g *plugin) resumeKey(c *call) (any, error) {
	return g.endKey(c, g.hub.Load().engine.ResumeKey)
}

func (g *plugin) revokeKey(c *call) (any, error) {
	return g.endKey(c, g.hub.Load().engine.Revoke)
}

// endKey does something to a key of an own application. The secret in the body is for proofs, and goes no further.
func (g *plugin) endKey(c *call, do func(context.Context, string, lifecycle.Ending) (lifecycle.Credential, error)) (any, error) {
	k, err := g.credential(c.Context(), c.actor, c.PathValue("id"), false)
	if err != nil {
		return nil, err
	}
	var b struct {
		Reason string `json:"reason"`
		Secret string `json:"secret"`
	}
	if err := c.decodeOptional(&b); err != nil {
		return nil, err
	}
	if len(b.Reason) > 1000 {
		return nil, apierror.Inputf("reason: at most 1000 characters")
	}
	done, err := do(c.Context(), k.ID, lifecycle.Ending{By: c.actor.ref, Reason: b.Reason, Secret: sdk.Secret(b.Secret)})
	g.observe(done, err)
	if done.Intent != nil && errors.Is(err, sdk.ErrServiceUnavailable) {
		c.status, err = http.StatusAccepted, nil // it is noted, and says why it is not done yet
	}
	return done, err
}

// observe counts how long a gateway took to refuse a key.
func (g *plugin) observe(c lifecycle.Credential, err error) {
	if err != nil || len(c.Proofs) == 0 {
		return
	}
	if p := c.Proofs[len(c.Proofs)-1]; p.Result == lifecycle.Refused && p.At.After(g.now().Add(-time.Minute)) {
		g.proofs.Observe(p.Took.Seconds(), p.By)
	}
}
