package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk"
)

const (
	// longestAnswer is far above a page of a hundred issues.
	longestAnswer = 8 << 20
	// longestWait is how long a call waits for Sentry's rate limit; calls that would wait longer fail at once.
	longestWait = 2 * time.Second
	// longestPause bounds what a server can ask for, by mistake or not.
	longestPause = 2 * time.Minute
)

// sender sends requests to the world, and counts them.
type sender struct {
	http  *http.Client
	count func(organization, result string)
}

// tenant is one organization, and how calls to it are going.
type tenant struct {
	organization

	base     string
	requests sender
	answers  *cache
	now      func() time.Time

	pausedUntil atomic.Pointer[time.Time]
	condition   condition
}

// call is one request to Sentry's API.
type call struct {
	method string
	// path has its segments below /api/0, not escaped.
	path  []string
	query url.Values
	body  any // sent as JSON, nil = nothing
	// scope is what the token must have.
	scope string
}

// answer is what Sentry answered, if it was a success.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request and judges the answer. Each error is an [apierror.Error] that says what to do.
func (t *tenant) do(ctx context.Context, c call) (answer, error) {
	if err := t.patience(ctx); err != nil {
		return answer{}, err
	}
	a, err := t.exchange(ctx, c)
	t.heed(a.header, a.status)
	if err == nil {
		err = t.judge(c, a)
	}
	t.remember(c, err)
	if err != nil {
		return answer{}, err
	}
	return a, nil
}

func (t *tenant) exchange(ctx context.Context, c call) (answer, error) {
	req, err := t.request(ctx, c)
	if err != nil {
		return answer{}, err
	}
	once := *t.requests.http
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a redirect leads to a login page
	res, err := once.Do(req)
	if err != nil {
		return answer{}, t.unreachable(ctx, err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, longestAnswer+1))
	switch {
	case err != nil:
		return a, t.unreachable(ctx, err)
	case len(a.body) > longestAnswer:
		return a, t.unavailable("answers %s with more than %d MiB", c, longestAnswer>>20)
	}
	return a, nil
}

func (t *tenant) request(ctx context.Context, c call) (*http.Request, error) {
	var path strings.Builder
	for _, segment := range c.path {
		path.WriteString(url.PathEscape(segment) + "/") // without the last slash Sentry redirects
	}
	at := t.base + "/api/0/" + path.String()
	if len(c.query) > 0 {
		at += "?" + c.query.Encode()
	}
	var body io.Reader
	if c.body != nil {
		data, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, at, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.Token.Reveal())
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// patience waits until Sentry's rate limit lets a call through, if that is soon.
func (t *tenant) patience(ctx context.Context) error {
	until := t.pausedUntil.Load()
	if until == nil {
		return nil
	}
	wait := until.Sub(t.now())
	switch {
	case wait <= 0:
		return nil
	case wait > longestWait:
		return t.limited(wait)
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return t.unreachable(ctx, ctx.Err())
	}
}

// heed takes the headers of Sentry's rate limit to heart: nothing is sent to a server that would refuse it.
func (t *tenant) heed(h http.Header, status int) {
	remaining, err := strconv.Atoi(h.Get("X-Sentry-Rate-Limit-Remaining"))
	if status != http.StatusTooManyRequests && (err != nil || remaining > 0) {
		return
	}
	pause := time.Second
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil {
		pause = time.Duration(min(max(seconds, 0), int(longestPause/time.Second))) * time.Second
	} else if reset, err := strconv.ParseFloat(h.Get("X-Sentry-Rate-Limit-Reset"), 64); err == nil {
		pause = untilReset(reset, h, t.now())
	}
	until := t.now().Add(min(pause, longestPause))
	t.pausedUntil.Store(&until)
}

// untilReset measures by the server's own clock, so that one which is wrong does no harm.
func untilReset(reset float64, h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	seconds := reset - float64(now.UnixMilli())/1000
	return time.Duration(min(max(seconds, 0), longestPause.Seconds()) * float64(time.Second))
}

// remember counts a call, and keeps what it says about the state of the connection.
func (t *tenant) remember(c call, err error) {
	result := "ok"
	switch {
	case err == nil:
		t.condition.succeeded(c.scope)
	case errors.Is(err, errScope):
		result = "refused"
		t.condition.failed(c.scope, err)
	case errors.Is(err, sdk.ErrServiceUnavailable):
		result = "failed"
		t.condition.failed("", err)
	default:
		result = "wrong" // the call asked for what is not there, or was given up: that says nothing about the connection
	}
	t.requests.count(t.name(), result)
}

// decode reads the answer's JSON.
func (t *tenant) decode(c call, a answer, into any) error {
	err := json.Unmarshal(a.body, into)
	if err == nil {
		return nil
	}
	what := "with JSON of another form than Sentry's"
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		what = "with a text that is no JSON, or breaks off"
	}
	err = t.unavailable("answers %s %s (%d bytes)", c, what, len(a.body))
	t.condition.failed("", err)
	return err
}

// get is the usual call: it reads, and decodes.
func (t *tenant) get(ctx context.Context, c call, into any) (answer, error) {
	c.method = http.MethodGet
	a, err := t.do(ctx, c)
	if err != nil {
		return a, err
	}
	return a, t.decode(c, a, into)
}

// next is the cursor of the page after this one, "" = it was the last. Sentry always sends a link to a next page; that
// there is one is said by results.
func next(h http.Header) string {
	for _, header := range h.Values("Link") {
		for link := range strings.SplitSeq(header, ",") {
			_, params, _ := strings.Cut(link, ">")
			_, values, err := mime.ParseMediaType("link" + strings.TrimSpace(params)) // parameters have the form of a media type's
			if err == nil && values["rel"] == "next" && values["results"] == "true" {
				return values["cursor"]
			}
		}
	}
	return ""
}
