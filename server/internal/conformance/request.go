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
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/coder/websocket"
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
	for _, block := range strings.Split(stream, "\n\n") {
		event := map[string]any{}
		for _, line := range strings.Split(block, "\n") {
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

// walk follows cursors or Link headers to the end and reports sequence, page sizes and totals.
func (r *Runner) walk(ctx context.Context, w Walk, vars map[string]string, auth string) (*answer, error) {
	var pages, back [][]any
	totals := []any{}
	next, previous, status := w.Request, "", 0
	limit := w.MaxPages
	if limit == 0 {
		limit = 60
	}
	for range limit {
		got, err := r.request(ctx, next, vars, auth, Step{})
		if err != nil {
			return nil, err
		}
		if status = got.status; status != http.StatusOK {
			pages = append(pages, []any{fmt.Sprintf("status %d", status)})
			break
		}
		pages = append(pages, w.itemsOf(got.body))
		if total := lookup(got.body, "/totalItems"); !contains(totals, total) {
			totals = append(totals, total)
		}
		previous, _ = lookup(got.body, "/pageInfo/prevCursor").(string)
		link := w.nextLink(got)
		if link == "" {
			break
		}
		next = w.follow(link)
	}
	for i := 0; w.Back && i < limit && previous != ""; i++ {
		got, err := r.request(ctx, w.follow(previous), vars, auth, Step{})
		if err != nil {
			return nil, err
		}
		if got.status != http.StatusOK {
			back = append(back, []any{fmt.Sprintf("status %d", got.status)})
			break
		}
		back = append([][]any{w.itemsOf(got.body)}, back...)
		previous, _ = lookup(got.body, "/pageInfo/prevCursor").(string)
	}
	return &answer{status, http.Header{}, w.summary(pages, back, totals)}, nil
}

func (w Walk) summary(pages, back [][]any, totals []any) map[string]any {
	sequence, distinct := flatten(pages), map[string]bool{}
	for _, x := range sequence {
		distinct[stable(x)] = true
	}
	out := map[string]any{"pageSizes": sizes(pages), "sequence": sequence, "distinct": float64(len(distinct)), "totals": totals}
	if w.Back {
		out["backPages"] = sizes(back)
		out["backMatches"] = stable(flatten(back)) == stable(flatten(pages[:max(0, len(pages)-1)]))
	}
	return out
}

func (w Walk) itemsOf(body any) []any {
	pointer := w.Items
	if pointer == "" && w.Style != "link" {
		pointer = "/items"
	}
	list, ok := lookup(body, pointer).([]any)
	if !ok {
		return []any{"(no array at " + pointer + ")"}
	}
	out := make([]any, len(list))
	for i, x := range list {
		if w.Key != "" {
			out[i] = lookup(x, w.Key)
		} else {
			out[i] = refOf(x)
		}
	}
	return out
}

var nextRelation = regexp.MustCompile(`<([^>]+)>; rel="next"`)

func (w Walk) nextLink(got *answer) string {
	if w.Style == "link" {
		if m := nextRelation.FindStringSubmatch(got.headers.Get("Link")); m != nil {
			return m[1]
		}
		return ""
	}
	next, _ := lookup(got.body, "/pageInfo/nextCursor").(string)
	return next
}

func (w Walk) follow(cursor string) map[string]any {
	next := map[string]any{}
	for k, v := range w.Request {
		next[k] = v
	}
	switch {
	case w.Style == "link":
		next["path"] = w.Mount + cursor
	case w.Post || w.Request["method"] == "POST":
		body := map[string]any{"cursor": cursor}
		for k, v := range w.CursorBody {
			body[k] = v
		}
		next["method"], next["path"], next["body"] = "POST", w.CursorPath, body
	default:
		separator := "?"
		if strings.Contains(w.CursorPath, "?") {
			separator = "&"
		}
		next["path"] = w.CursorPath + separator + "cursor=" + url.QueryEscape(cursor)
	}
	return next
}

func refOf(e any) any {
	kind, ok1 := lookup(e, "/kind").(string)
	name, ok2 := lookup(e, "/metadata/name").(string)
	if !ok1 || !ok2 {
		return stable(e)
	}
	namespace, ok := lookup(e, "/metadata/namespace").(string)
	if !ok {
		namespace = "default"
	}
	return strings.ToLower(kind + ":" + namespace + "/" + name)
}

func sizes(pages [][]any) []any {
	out := []any{}
	for _, p := range pages {
		out = append(out, float64(len(p)))
	}
	return out
}

func flatten(pages [][]any) []any {
	out := []any{}
	for _, p := range pages {
		out = append(out, p...)
	}
	return out
}

func contains(list []any, v any) bool {
	if _, missing := v.(absent); missing {
		return true
	}
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// session is a WebSocket step.
type session struct {
	Path, Token  string
	Send         []any
	Triggers     []map[string]any
	SettleMs     int
	TimeoutMs    int
	WaitMessages *int
	QuietMs      int
}

func (r *Runner) webSocket(ctx context.Context, spec any, vars map[string]string) (*answer, error) {
	triggers := lookup(spec, "/triggers") // filled in when they are sent
	expanded, err := r.expand(without(spec, "triggers"), vars)
	if err != nil {
		return nil, err
	}
	var s session
	data, _ := json.Marshal(expanded)
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if list, ok := triggers.([]any); ok {
		for _, t := range list {
			s.Triggers = append(s.Triggers, t.(map[string]any))
		}
	}
	var protocols []string
	switch s.Token {
	case "none":
	case "", "guest":
		token, err := r.guestToken(ctx)
		if err != nil {
			return nil, err
		}
		protocols = []string{token}
	default:
		protocols = []string{s.Token}
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.base, "http")+s.Path, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		return &answer{0, http.Header{}, map[string]any{"opened": false, "protocolEchoed": nil, "triggers": []any{}, "messages": []any{}}}, nil
	}
	defer conn.CloseNow()
	var echoed any
	if protocols != nil {
		echoed = conn.Subprotocol() == protocols[0]
	}
	sent, messages, err := r.talk(ctx, conn, s, vars)
	if err != nil {
		return nil, err
	}
	return &answer{101, http.Header{}, map[string]any{"opened": true, "protocolEchoed": echoed, "triggers": sent, "messages": messages}}, nil
}

func (r *Runner) talk(ctx context.Context, conn *websocket.Conn, s session, vars map[string]string) (sent, messages []any, err error) {
	for _, m := range s.Send {
		if err := conn.Write(ctx, websocket.MessageText, []byte(stable(m))); err != nil {
			return nil, nil, err
		}
	}
	time.Sleep(orDefault(s.SettleMs, 300))
	sent, messages = []any{}, []any{}
	for _, t := range s.Triggers {
		got, err := r.request(ctx, without(t, "capture"), vars, "", Step{})
		if err != nil {
			return nil, nil, err
		}
		sent = append(sent, float64(got.status))
		if captures, ok := t["capture"].(map[string]any); ok {
			for name, from := range captures {
				vars[name], _ = got.capture(from.(string))
			}
		}
	}
	want := 1
	if s.WaitMessages != nil {
		want = *s.WaitMessages
	}
	timeout := orDefault(s.TimeoutMs, 4000)
	for wait := timeout; ; wait = time.Duration(s.QuietMs) * time.Millisecond {
		if len(messages) < want {
			wait = timeout
		} else if s.QuietMs == 0 {
			return sent, messages, nil
		}
		ctx, cancel := context.WithTimeout(ctx, wait)
		_, data, err := conn.Read(ctx)
		cancel()
		if err != nil {
			return sent, messages, nil
		}
		var v any
		if json.Unmarshal(data, &v) != nil {
			v = string(data)
		}
		messages = append(messages, v)
	}
}

func orDefault(ms, def int) time.Duration {
	if ms == 0 {
		ms = def
	}
	return time.Duration(ms) * time.Millisecond
}

func without(v any, key string) any {
	out := map[string]any{}
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			if k != key {
				out[k] = x
			}
		}
	}
	return out
}
