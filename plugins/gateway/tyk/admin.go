package tyk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func (d *Driver) get(ctx context.Context, path string, out any) error {
	return d.admin.Do(ctx, http.MethodGet, path, nil, nil, out)
}

// done is what Tyk answers writes with.
type done struct {
	Key    string `json:"key"`
	Hash   string `json:"key_hash"`
	Status string `json:"status"`
	Action string `json:"action"`
}

// write sends a change, and holds the answer to what Tyk answers changes with.
func (d *Driver) write(ctx context.Context, r rest.Request) (done, error) {
	var answer done
	if err := d.admin.Call(ctx, r, &answer); err != nil {
		return answer, err
	}
	if answer.Status != "ok" {
		return answer, d.unavailable("does not say that it has changed anything")
	}
	return answer, nil
}

// reload has the gateways of the group know APIs and policies as they were written. It is done some moments later.
func (d *Driver) reload(ctx context.Context) error {
	_, err := d.write(ctx, rest.Request{Method: http.MethodGet, Path: "/tyk/reload/group"})
	return err
}

func (d *Driver) authorize(r *http.Request) error {
	r.Header.Set("X-Tyk-Authorization", d.options.Secret.Reveal())
	return nil
}

// explain names the credential, and tells what Tyk has not from what is no Tyk: that answers 404 as well.
func (d *Driver) explain(status int, body []byte) error {
	var said struct{ Status, Message string }
	_ = json.Unmarshal(body, &said) // what cannot be read says nothing
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		err := d.problem(apierror.ServiceUnavailable, "does not accept the secret in X-Tyk-Authorization: %s", rest.Saying(body))
		err.Cause = rest.ErrCredentials
		return err
	case strings.Contains(said.Message, "listing is disabled"):
		return d.problem(apierror.NotImplemented, "lists no keys, since it has their hashes only; set enable_hashed_keys_listing")
	case strings.Contains(said.Message, "Dashboard API"):
		return d.problem(apierror.NotImplemented, "takes no APIs and policies, since they are the Dashboard's; make them there")
	case status == http.StatusNotFound && said.Status != "error":
		return d.unavailable("has no Gateway API at its address: %s", rest.Saying(body))
	}
	return nil
}

// notHashed is what Tyk answers to a hash where it has none.
const notHashed = "key hashing is not enabled"

// hashed asks whether Tyk keeps hashes of keys in their place.
func (d *Driver) hashed(ctx context.Context) (bool, error) {
	err := d.admin.Do(ctx, http.MethodGet, "/tyk/keys/portal-none", url.Values{"hashed": {"true"}}, nil, nil)
	refusal, refused := rest.RefusalOf(err)
	switch {
	case missing(err):
		return true, nil
	case refused && refusal.Status == http.StatusBadRequest && strings.Contains(rest.Saying(refusal.Body), notHashed):
		return false, nil
	case err == nil:
		err = d.unavailable("answers with a key that cannot be there")
	}
	return false, err
}

func (d *Driver) unavailable(format string, args ...any) error {
	return d.problem(apierror.ServiceUnavailable, format, args...)
}

func (d *Driver) problem(name apierror.Name, format string, args ...any) *apierror.Error {
	return apierror.Newf(name, "Tyk "+d.options.Name+": "+format, args...)
}

func missing(err error) bool { return errors.Is(err, sdk.ErrNotFound) }
