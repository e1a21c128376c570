package actionregistry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// client calls routes of the host inside the process, as a feature that acts for somebody. Nothing is dialled: the edge is
// called as a handler, and sees a request like any other.
type client struct {
	edge     http.Handler
	identity Identity
	from     string // the feature that calls
}

// request is a call of a route. Path is below the target's mount, escaped.
type request struct {
	target, method, path string
	query                url.Values
	body                 any // sent as JSON; nil = none
}

// maxAnswer bounds what is kept of an answer: it is passed on as a whole.
const maxAnswer = 64 << 20

// call answers the body of a successful answer. A refusal is a ResponseError as the reference's clients make it: it has
// the status of the answer, and the route's own error as its cause.
func (c *client) call(ctx context.Context, caller *principal.Principal, q request) (json.RawMessage, error) {
	status, body, err := c.do(ctx, caller, q)
	if err == nil && !succeeded(status) {
		err = refusal(status, body)
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

func succeeded(status int) bool { return status >= 200 && status <= 299 }

// do answers whatever the route answers.
func (c *client) do(ctx context.Context, caller *principal.Principal, q request) (status int, body []byte, err error) {
	r, err := c.prepare(ctx, caller, q)
	if err != nil {
		return 0, nil, err
	}
	a, err := httpx.Ask(c.edge, r, maxAnswer)
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s of %s: %w", q.method, q.path, q.target, err)
	}
	return a.Status, a.Body, nil
}

// decode is [client.call] for what is read as JSON.
func (c *client) decode(ctx context.Context, caller *principal.Principal, q request, into any) error {
	data, err := c.call(ctx, caller, q)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s %s of %s: %w", q.method, q.path, q.target, err)
	}
	return nil
}

func (c *client) prepare(ctx context.Context, caller *principal.Principal, q request) (*http.Request, error) {
	token, err := c.identity.PluginToken(ctx, c.from, q.target, caller)
	if err != nil {
		return nil, err
	}
	address := "/api/" + q.target + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var body bytes.Buffer
	if q.body != nil {
		if err := json.NewEncoder(&body).Encode(q.body); err != nil {
			return nil, fmt.Errorf("%s %s of %s: %w", q.method, q.path, q.target, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, &body)
	if err != nil {
		return nil, fmt.Errorf("%s %s of %s: %w", q.method, q.path, q.target, err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// responseError is the reference's name for what another feature refused.
const responseError apierror.Name = "ResponseError"

// refusal is the error of an answer that is none of success.
func refusal(status int, body []byte) error {
	text := http.StatusText(status)
	e := &apierror.Error{
		Name: responseError, Status: status, Message: fmt.Sprintf("Request failed with %d %s", status, text),
		Fields: map[string]any{"statusCode": status, "statusText": text},
	}
	var envelope struct {
		Error    json.RawMessage `json:"error"`
		Response json.RawMessage `json:"response"`
	}
	if json.Unmarshal(body, &envelope) == nil && envelope.Error != nil && envelope.Response != nil {
		e.Fields["body"], e.Cause = json.RawMessage(body), cause(envelope.Error)
		return e
	}
	said := apierror.Newf(apierror.Generic, "Request failed with status %d %s, %s", status, text, body)
	e.Fields["body"] = map[string]any{
		"error":    map[string]any{"name": said.Name, "message": said.Message},
		"response": map[string]any{"statusCode": status},
	}
	e.Cause = said
	return e
}

// cause reads an error as it was serialised, with its own cause.
func cause(data json.RawMessage) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil //nolint:nilerr // it was none
	}
	e := &apierror.Error{Name: apierror.Generic, Fields: map[string]any{}}
	for name, value := range members {
		switch name {
		case "name":
			_ = json.Unmarshal(value, &e.Name) // what is no text is no name
		case "message":
			_ = json.Unmarshal(value, &e.Message)
		case "cause":
			e.Cause = cause(value)
		default:
			e.Fields[name] = value
		}
	}
	return e
}

// missing reports whether a route refused because there is no such thing.
func missing(err error) bool {
	e, ok := errors.AsType[*apierror.Error](err)
	return ok && e.Name == responseError && e.Status == http.StatusNotFound
}
