package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

func (c call) String() string { return c.method + " " + strings.Join(c.path, "/") }

// judge says what an answer without success means, to somebody who can do something about it. That the token is wrong is
// an outage for those who look at a page: they are signed in, and may see it.
func (t *tenant) judge(c call, a answer) error {
	detail := t.detail(a)
	switch {
	case a.status >= 200 && a.status < 300 && !isHTML(a):
		return nil
	case a.status >= 200 && a.status < 300:
		return t.unavailable("answers %s with a web page: is that the address of Sentry, and is nothing in front of it that asks to sign in?", c)
	case a.status >= 300 && a.status < 400:
		return t.unavailable("answers %s with a redirect to %s: correct the address in the settings, or the slug if the project was renamed", c, target(a.header))
	case a.status == http.StatusUnauthorized:
		return t.unavailable("does not accept the token: it is wrong, revoked or expired%s", detail)
	case a.status == http.StatusForbidden:
		wrong := t.unavailable("refuses %s: the token lacks the scope %s, or is of a user who is not a member%s", c, c.scope, detail)
		wrong.Cause = errScope
		return wrong
	case a.status == http.StatusNotFound:
		return apierror.NotFoundf("Sentry knows no %s, or the token of organization %s may not see it%s", strings.Join(c.path, "/"), t.name(), detail)
	case a.status == http.StatusConflict:
		return apierror.Conflictf("Sentry refuses %s%s", c, detail)
	case a.status == http.StatusTooManyRequests:
		return t.limited(t.pauseLeft())
	case a.status >= 400 && a.status < 500:
		return apierror.Inputf("Sentry refuses %s with %d%s", c, a.status, detail)
	}
	return t.unavailable("answers %s with %d%s", c, a.status, detail)
}

func (t *tenant) pauseLeft() time.Duration {
	if until := t.pausedUntil.Load(); until != nil {
		return max(0, until.Sub(t.now()))
	}
	return time.Second
}

// errScope marks the answer to a call that the token does not suffice for, though others may succeed.
var errScope = errors.New("the token lacks a scope")

// retryAfter is the name of the field of an error that says when to come back, in seconds.
const retryAfter = "retryAfter"

func (t *tenant) limited(wait time.Duration) *apierror.Error {
	seconds := int((wait + time.Second - 1) / time.Second)
	err := t.unavailable("has had too many requests of this organization; it takes more in %d s", seconds)
	err.Fields = map[string]any{retryAfter: max(seconds, 1)}
	return err
}

func (t *tenant) unavailable(format string, args ...any) *apierror.Error {
	return apierror.Newf(apierror.ServiceUnavailable, "Sentry at %s (organization %s) %s", t.base, t.name(), fmt.Sprintf(format, args...))
}

// unreachable is why there was no answer. A refusal of the host's way out is no matter of what the caller may do.
func (t *tenant) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return t.unavailable("did not answer in time")
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // without the address, which has the query of a viewer in it
	}
	return t.unavailable("cannot be reached: %s", plain(err.Error()))
}

// detail is what Sentry says about an error: {"detail": text}, {"detail": {"message": text}}, or {"field": [texts]}.
func (t *tenant) detail(a answer) string {
	var said struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	var text string
	var object struct{ Message string }
	var fields map[string][]string
	switch {
	case json.Unmarshal(said.Detail, &text) == nil:
	case json.Unmarshal(said.Detail, &object) == nil:
		text = object.Message
	case json.Unmarshal(a.body, &fields) == nil:
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			text += name + ": " + strings.Join(fields[name], " ") + " "
		}
	}
	if text = plain(strings.ReplaceAll(text, t.Token.Reveal(), "[token]")); text == "" {
		return ""
	}
	return ": " + text
}

// plain makes foreign text one short line.
func plain(text string) string { return excerpt.Line(text, 300) }

func isHTML(a answer) bool {
	return strings.HasPrefix(strings.ToLower(a.header.Get("Content-Type")), "text/html") || strings.HasPrefix(strings.TrimSpace(string(a.body[:min(len(a.body), 64)])), "<")
}

// target is where a redirect leads, without what it may carry in its query.
func target(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.String() == "" {
		return "nowhere"
	}
	return plain((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}
