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

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// ciAPI calls the API of one server. Its address is the operator's, so it may be anywhere, but redirects are not followed.
type ciAPI struct {
	base string
	http *http.Client
	// authorize adds the credentials.
	authorize func(ctx context.Context, a ciAPI, req *http.Request) error
}

func ciClient() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func header(name, value string) func(context.Context, ciAPI, *http.Request) error {
	return func(_ context.Context, _ ciAPI, req *http.Request) error {
		if value != "" {
			req.Header.Set(name, value)
		}
		return nil
	}
}

func bearer(token string) func(context.Context, ciAPI, *http.Request) error {
	if token == "" {
		return header("", "")
	}
	return header("Authorization", "Bearer "+token)
}

func basic(user, password string) func(context.Context, ciAPI, *http.Request) error {
	return func(_ context.Context, _ ciAPI, req *http.Request) error {
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		return nil
	}
}

// ciError is an answer that is no success.
type ciError struct {
	method, path, status string
	code                 int
	message              string
	wait                 time.Duration
}

// Error implements error.
func (e *ciError) Error() string {
	text := fmt.Sprintf("%s %s answered %s", e.method, e.path, e.status)
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// temporary: the same request may succeed later.
func (e *ciError) temporary() bool {
	return e.code >= 500 || e.code == http.StatusTooManyRequests || e.code == http.StatusRequestTimeout
}

// retryAfter is how long the server wants to be left alone, within reason. nil = not at all.
func (e *ciError) retryAfter() time.Duration {
	if e == nil {
		return 0
	}
	return min(e.wait, time.Minute)
}

// call sends body, nil or a form or a value for JSON, and reads a JSON answer into out, which may be nil. path begins with a
// slash and is encoded. The header is that of an answer that was a success.
func (a ciAPI) call(ctx context.Context, method, path string, body, out any) (http.Header, error) {
	req, err := a.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if a.authorize != nil {
		if err := a.authorize(ctx, a, req); err != nil {
			return nil, err
		}
	}
	answer, err := rest.Exchange(a.http, req, maxBody)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	case answer.Code < 200 || answer.Code > 299:
		return nil, refusal(method, path, answer)
	case out == nil || len(answer.Body) == 0:
		return answer.Header, nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return answer.Header, nil
}

func (a ciAPI) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
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
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, content)
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
func refusal(method, path string, answer rest.Answer) *ciError {
	e := &ciError{method: method, path: path, status: answer.Status, code: answer.Code}
	var said struct {
		Message json.RawMessage `json:"message"`
		Error   string          `json:"error"`
	}
	if json.Unmarshal(answer.Body, &said) == nil {
		e.message = said.Error
		if len(said.Message) > 0 && json.Unmarshal(said.Message, &e.message) != nil {
			e.message = string(said.Message) // GitLab answers objects too
		}
	}
	e.message = excerpt.Of(e.message, 500)
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.wait = time.Duration(seconds) * time.Second
	}
	return e
}
