package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// rest calls the API of one server. Its address is the operator's, so it may be anywhere, but redirects are not followed.
type rest struct {
	base string
	http *http.Client
	// authorize adds the credentials.
	authorize func(ctx context.Context, r rest, req *http.Request) error
}

func restClient() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func header(name, value string) func(context.Context, rest, *http.Request) error {
	return func(_ context.Context, _ rest, req *http.Request) error {
		if value != "" {
			req.Header.Set(name, value)
		}
		return nil
	}
}

func bearer(token string) func(context.Context, rest, *http.Request) error {
	if token == "" {
		return header("", "")
	}
	return header("Authorization", "Bearer "+token)
}

func basic(user, password string) func(context.Context, rest, *http.Request) error {
	return func(_ context.Context, _ rest, req *http.Request) error {
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		return nil
	}
}

// restError is an answer that is no success.
type restError struct {
	method, path, status string
	code                 int
	message              string
	wait                 time.Duration
}

// Error implements error.
func (e *restError) Error() string {
	text := fmt.Sprintf("%s %s answered %s", e.method, e.path, e.status)
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// temporary: the same request may succeed later.
func (e *restError) temporary() bool {
	return e.code >= 500 || e.code == http.StatusTooManyRequests || e.code == http.StatusRequestTimeout
}

// retryAfter is how long the server wants to be left alone, within reason. nil = not at all.
func (e *restError) retryAfter() time.Duration {
	if e == nil {
		return 0
	}
	return min(e.wait, time.Minute)
}

// call sends body, nil or a form or a value for JSON, and reads a JSON answer into out, which may be nil. path begins with a
// slash and is encoded. The header is that of an answer that was a success.
func (r rest) call(ctx context.Context, method, path string, body, out any) (http.Header, error) {
	req, err := r.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if r.authorize != nil {
		if err := r.authorize(ctx, r, req); err != nil {
			return nil, err
		}
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, refusal(method, path, resp, data)
	}
	if out == nil || len(data) == 0 {
		return resp.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return resp.Header, nil
}

func (r rest) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		content, contentType = bytes.NewReader(data), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "callboard-scaffolder")
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

// refusal keeps the server's own words, if they are short.
func refusal(method, path string, resp *http.Response, data []byte) *restError {
	e := &restError{method: method, path: path, status: resp.Status, code: resp.StatusCode}
	var answer struct {
		Message json.RawMessage `json:"message"`
		Error   string          `json:"error"`
	}
	if json.Unmarshal(data, &answer) == nil {
		e.message = answer.Error
		if len(answer.Message) > 0 && json.Unmarshal(answer.Message, &e.message) != nil {
			e.message = string(answer.Message) // GitLab answers objects too
		}
	}
	if len(e.message) > 500 {
		e.message = strings.ToValidUTF8(e.message[:500], "") + "…"
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.wait = time.Duration(seconds) * time.Second
	}
	return e
}
