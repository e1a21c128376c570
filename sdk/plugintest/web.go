package plugintest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk"
)

// RequestOption changes a request to the plugin's routes.
type RequestOption func(*http.Request)

// As sends a request in the name of somebody: a user ("user:default/ann"), or a service ("plugin:scaffolder",
// "external:ci"). Refs of groups make a user own what they own. Without As, nobody calls.
func As(subject string, groups ...string) RequestOption {
	caller := sdk.Caller{Type: "service", Subject: subject}
	if strings.HasPrefix(subject, "user:") {
		caller.Type = "user"
		caller.OwnershipRefs = append([]string{subject}, groups...)
	}
	return func(r *http.Request) {
		data, err := json.Marshal(caller)
		if err != nil {
			panic("plugintest: " + err.Error())
		}
		r.Header.Set("X-Callboard-Principal", base64.RawURLEncoding.EncodeToString(data))
		if caller.IsUser() {
			r.Header.Set("X-Callboard-User-Token", UserToken(subject))
		}
	}
}

// Header adds a header.
func Header(name, value string) RequestOption {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Response is what a route answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Text is the body.
func (r *Response) Text() string { return string(r.Body) }

// Get requests a path of the plugin, "/issues/shop" for what clients see as /api/<id>/issues/shop.
func (h *Harness) Get(path string, opts ...RequestOption) *Response {
	h.t.Helper()
	return h.Do(http.MethodGet, path, nil, opts...)
}

// Do sends a request with a body, which is sent as JSON unless it is nil, a []byte or a string. Redirects are not followed.
func (h *Harness) Do(method, path string, body any, opts ...RequestOption) *Response {
	h.t.Helper()
	res := h.Open(method, path, body, opts...)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &Response{res.StatusCode, res.Header, data}
}

// Open is [Harness.Do] for answers that are read while they come, such as server-sent events. Close the body.
func (h *Harness) Open(method, path string, body any, opts ...RequestOption) *http.Response {
	h.t.Helper()
	content, kind := payload(body)
	r, err := http.NewRequestWithContext(h.ctx, method, "http://plugin"+path, bytes.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for _, opt := range opts {
		opt(r)
	}
	res, err := h.web.Do(r)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res
}

func payload(body any) ([]byte, string) {
	switch body := body.(type) {
	case nil:
		return nil, ""
	case []byte:
		return body, "application/octet-stream"
	case string:
		return []byte(body), "text/plain; charset=utf-8"
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic("plugintest: " + err.Error())
	}
	return data, "application/json"
}

// JSON decodes the body into a value, and fails the test when it is none.
func (r *Response) JSON(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, into any,
) {
	t.Helper()
	if err := json.Unmarshal(r.Body, into); err != nil {
		t.Fatalf("the answer %d is no JSON: %v\n%s", r.Status, err, r.Body)
	}
}
