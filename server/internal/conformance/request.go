package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// answer is what came back, before normalisation.
type answer struct {
	status  int
	headers http.Header
	body    any
}

// capture reads "header:<name>", "cookie:<name>" (the pair), "cookievalue:<name>" or a pointer into the body.
func (a *answer) capture(from string) (string, bool) {
	kind, name, _ := strings.Cut(from, ":")
	switch kind {
	case "header":
		v := a.headers.Get(name)
		return v, v != ""
	case "cookie", "cookievalue":
		for _, line := range a.headers.Values("Set-Cookie") {
			pair, _, _ := strings.Cut(line, ";")
			if key, value, _ := strings.Cut(pair, "="); key == name {
				if kind == "cookie" {
					return pair, true
				}
				return value, true
			}
		}
		return "", false
	}
	v := lookup(a.body, from)
	if _, missing := v.(absent); missing || v == nil {
		return "", false
	}
	return text(v), true
}

// request sends one request as it is written in a case: the path is not cleaned.
func (r *Runner) request(ctx context.Context, spec any, vars map[string]string, auth string, step Step) (*answer, error) {
	expanded, err := r.expand(spec, vars)
	if err != nil {
		return nil, err
	}
	rq, ok := expanded.(map[string]any)
	if !ok {
		return nil, errors.New("the case has no request")
	}
	if own, ok := rq["auth"].(string); ok {
		auth = own
	}
	timeout := 30 * time.Second
	if step.Compare.Mode == "sse" {
		timeout = 15 * time.Second
	}
	if step.TimeoutMs != 0 {
		timeout = time.Duration(step.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := r.build(ctx, rq, auth)
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data := readUntil(res.Body, step.Stop)
	return &answer{res.StatusCode, res.Header, parse(data, res.Header.Get("Content-Type"), step.Compare.Mode)}, nil
}

func (r *Runner) build(ctx context.Context, rq map[string]any, auth string) (*http.Request, error) {
	method, _ := rq["method"].(string)
	path, _ := rq["path"].(string)
	headers, err := r.credentials(ctx, auth)
	if err != nil {
		return nil, err
	}
	headers.Set("Accept", "application/json")
	var body io.Reader
	if raw, ok := rq["rawBody"].(string); ok {
		body = strings.NewReader(raw)
	} else if v, ok := rq["body"]; ok {
		body = strings.NewReader(stable(v))
		headers.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base, body)
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(path, "?")
	req.URL.Opaque, req.URL.RawQuery = path, query
	if strings.HasPrefix(path, "//") {
		req.URL.Opaque = "//" + req.URL.Host + path
	}
	own, _ := rq["headers"].(map[string]any)
	for name, value := range own {
		if s, ok := value.(string); ok {
			headers.Set(name, s)
		} else {
			headers.Del(name)
		}
	}
	if _, ok := headers["User-Agent"]; !ok {
		headers["User-Agent"] = nil
	}
	if host := headers.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header = headers
	return req, nil
}

// readUntil reads all, or up to the first appearance of stop, or what came before the time was over.
func readUntil(body io.Reader, stop string) []byte {
	if stop == "" {
		data, _ := io.ReadAll(body)
		return data
	}
	var data []byte
	for buf := make([]byte, 4096); ; {
		n, err := body.Read(buf)
		data = append(data, buf[:n]...)
		if err != nil || strings.Contains(string(data), stop) {
			return data
		}
	}
}

func parse(data []byte, contentType, mode string) any {
	switch mode {
	case "sse":
		return parseEvents(string(data))
	case "sha256":
		sum := sha256.Sum256(data)
		return map[string]any{"length": float64(len(data)), "sha256": hex.EncodeToString(sum[:])}
	}
	if strings.Contains(contentType, "json") && len(data) > 0 {
		var v any
		if json.Unmarshal(data, &v) == nil {
			return v
		}
	}
	return string(data)
}

var eventField = regexp.MustCompile(`^([a-z]+): ?(.*)$`)

func parseEvents(stream string) any {
	out := []any{}
	for block := range strings.SplitSeq(stream, "\n\n") {
		event := map[string]any{}
		for line := range strings.SplitSeq(block, "\n") {
			switch m := eventField.FindStringSubmatch(line); {
			case m == nil && line != "" && !strings.HasPrefix(line, ":"):
				event["raw"] = line
			case m == nil:
			case event[m[1]] != nil:
				event[m[1]] = event[m[1]].(string) + "\n" + m[2]
			default:
				event[m[1]] = m[2]
			}
		}
		if len(event) == 0 {
			continue
		}
		if s, ok := event["data"].(string); ok {
			var v any
			if json.Unmarshal([]byte(s), &v) == nil {
				event["data"] = v
			}
		}
		out = append(out, event)
	}
	return out
}

func (r *Runner) credentials(ctx context.Context, auth string) (http.Header, error) {
	h := http.Header{}
	kind, value, _ := strings.Cut(auth, ":")
	switch kind {
	case "", "guest":
		token, err := r.guestToken(ctx)
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+token)
	case "cookie":
		cookie, err := r.guestCookie(ctx)
		if err != nil {
			return nil, err
		}
		h.Set("Cookie", cookie)
	case "static":
		h.Set("Authorization", "Bearer "+value)
	case "raw":
		h.Set("Authorization", value)
	}
	return h, nil
}

// SignInAgain forgets the guest's token: ownership is looked up in the catalog at sign-in.
func (r *Runner) SignInAgain() { r.guest, r.cookie = "", "" }

func (r *Runner) guestToken(ctx context.Context) (string, error) {
	if r.guest != "" {
		return r.guest, nil
	}
	got, err := r.request(ctx, map[string]any{"path": "/api/auth/guest/refresh", "auth": "none",
		"headers": map[string]any{"x-requested-with": "XMLHttpRequest"}}, nil, "none", Step{})
	if err != nil {
		return "", err
	}
	token, ok := lookup(got.body, "/backstageIdentity/token").(string)
	if !ok {
		return "", fmt.Errorf("guest sign-in: %s", show(got.body))
	}
	r.guest = token
	return token, nil
}

func (r *Runner) guestCookie(ctx context.Context) (string, error) {
	if r.cookie != "" {
		return r.cookie, nil
	}
	got, err := r.request(ctx, map[string]any{"path": "/api/techdocs/.backstage/auth/v1/cookie"}, nil, "guest", Step{})
	if err != nil {
		return "", err
	}
	r.cookie = "backstage-auth=none"
	if pair, ok := got.capture("cookie:backstage-auth"); ok {
		r.cookie = pair
	}
	return r.cookie, nil
}
