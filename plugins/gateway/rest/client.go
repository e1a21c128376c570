package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// defaultLimit is far above a page of a thousand entities.
	defaultLimit = 8 << 20
	// defaultTimeout leaves a caller who waits for two calls an answer within a request's time.
	defaultTimeout = 15 * time.Second
	// keptBody bounds what a [Refusal] keeps of an answer.
	keptBody = 64 << 10
)

// Client calls the management API of one gateway. It has no state: copies and concurrent use are safe. Redirects are never
// followed, since credentials must not follow them. Repeating what may be repeated, and waiting as Retry-After asks, is
// done by the transport of the SDK.
type Client struct {
	HTTP *http.Client // the host's way out; nil = http.DefaultClient, which a sandbox does not let out
	Base string       // such as https://kong.example.com:8444/admin
	Name string       // what errors call the gateway: "Kong eu"
	// Authorize adds the credentials; nil = none. Its errors are returned as they are.
	Authorize func(*http.Request) error
	// Explain says what an answer without success means where the gateway has laws of its own; nil or a nil answer leaves it
	// to the status, as told at [Refusal]. What it returns gets the refusal as its cause.
	Explain func(status int, body []byte) error
	// Secrets never stand in an error, whatever the gateway answers: its credentials, plain.
	Secrets []sdk.Secret
	Limit   int64         // of an answer, in bytes; 0 = 8 MiB
	Timeout time.Duration // of a call with its repetitions; 0 = 15 s
}

// Request is one call.
type Request struct {
	Method string
	Path   string // below Base, begins with / and is escaped already: see [Path]
	Query  url.Values
	Header http.Header
	// Body is sent as JSON; []byte as it is, url.Values as a form; nil = nothing.
	Body any
	// Hide are secrets of this call that must not stand in an error, such as the key that it makes.
	Hide []sdk.Secret
}

// Answer is that of a call which succeeded.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a value as JSON and reads the answer into out; in and out may be nil.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return c.Call(ctx, Request{Method: method, Path: path, Query: query, Body: in}, out)
}

// Call is [Client.Do] for what needs more. An empty answer leaves out as it was where the status says that it is empty. A
// page is no success even where nothing is read of the answer: it is of something that stands before the gateway.
func (c *Client) Call(ctx context.Context, r Request, out any) error {
	a, err := c.Send(ctx, r)
	switch {
	case err != nil || a.Status == http.StatusNoContent:
		return err
	case isPage(a.Header, a.Body):
		return c.problem(r, apierror.ServiceUnavailable, nil, "answers a page instead of data; check its address, and whether a login stands before it")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return c.problem(r, apierror.ServiceUnavailable, nil, "answers no readable JSON: %v", err)
	}
	return nil
}

// Send answers what the gateway did, if that is a success: a status of 2xx, and no page for people.
func (c *Client) Send(ctx context.Context, r Request) (Answer, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := c.request(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	res, err := c.client().Do(req)
	if err != nil {
		return Answer{}, c.unreachable(ctx, r, err)
	}
	defer res.Body.Close()
	return c.read(ctx, r, res)
}

func (c *Client) read(ctx context.Context, r Request, res *http.Response) (Answer, error) {
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	a := Answer{res.StatusCode, res.Header, body}
	switch {
	case a.Status < 200 || a.Status > 299:
		return Answer{}, c.refused(r, a)
	case err != nil && ctx.Err() != nil:
		return Answer{}, c.unreachable(ctx, r, err)
	case err != nil:
		return Answer{}, c.problem(r, apierror.ServiceUnavailable, nil, "broke its answer off: %v", err)
	case int64(len(body)) > limit:
		return Answer{}, c.problem(r, apierror.ServiceUnavailable, nil, "answers more than %d bytes", limit)
	case isPage(a.Header, body):
		return Answer{}, c.problem(r, apierror.ServiceUnavailable, nil, "answers a page instead of data; check its address, and whether a login stands before it")
	}
	return a, nil
}

func (c *Client) client() *http.Client {
	once := http.Client{}
	if c.HTTP != nil {
		once = *c.HTTP
	}
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &once
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	if !strings.HasPrefix(r.Path, "/") || strings.Contains(r.Path, "//") || strings.HasSuffix(r.Path, "/") && r.Path != "/" {
		return nil, c.problem(r, apierror.Input, nil, "cannot be asked for that: an identifier is empty")
	}
	body, kind, err := encode(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", c.Name, r.Method, r.Path, err)
	}
	at := strings.TrimRight(c.Base, "/") + r.Path
	if len(r.Query) > 0 {
		at += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, at, body)
	if err != nil {
		return nil, c.problem(r, apierror.ServiceUnavailable, nil, "cannot be asked; check its address")
	}
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if c.Authorize != nil {
		if err := c.Authorize(req); err != nil {
			return nil, err
		}
	}
	return req, nil
}

func encode(body any) (io.Reader, string, error) {
	switch b := body.(type) {
	case nil:
		return nil, "", nil
	case []byte:
		return bytes.NewReader(b), "application/octet-stream", nil
	case url.Values:
		return strings.NewReader(b.Encode()), "application/x-www-form-urlencoded", nil
	}
	data, err := json.Marshal(body)
	return bytes.NewReader(data), "application/json", err
}

// unreachable is why there was no answer. The host's refusal to let a call out is an operator's business.
func (c *Client) unreachable(ctx context.Context, r Request, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // the address is known, and may hold what must not be told
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", c.Name, ctx.Err())
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return c.problem(r, apierror.ServiceUnavailable, context.DeadlineExceeded, "does not answer in time")
	case errors.Is(err, sdk.ErrNotAllowed):
		return c.problem(r, apierror.ServiceUnavailable, nil, "may not be called: needs.egress of the plugin does not name its address, or it was not approved")
	}
	return c.problem(r, apierror.ServiceUnavailable, nil, "cannot be reached: %v", err)
}
