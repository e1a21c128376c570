package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Runner replays cases against one base URL. It is used by one goroutine at a time.
type Runner struct {
	// Lenient leaves the texts of error messages out of the comparison.
	Lenient bool

	base     string
	fixtures string
	upstream *Upstream
	client   *http.Client
	norm     normaliser
	vars     map[string]string
	guest    string // token of the signed-in guest, "" = sign in first
	cookie   string
}

// NewRunner prepares a run of suite against base, whose configuration names the fixtures folder and the upstream.
func NewRunner(base string, suite Suite, fixtures string, upstream *Upstream, upstreamURL string) (*Runner, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	var id [5]byte
	_, _ = rand.Read(id[:])
	run := "r" + hex.EncodeToString(id[:]) + "z"
	r := &Runner{base: base, fixtures: fixtures, upstream: upstream,
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		norm: normaliser{fixtures: fixtures, base: base, host: u.Host, hostname: u.Hostname(), run: run, names: map[string]string{}},
		vars: map[string]string{"BASE": base, "FIXTURES": fixtures, "UPSTREAM": upstreamURL, "RUN": run},
	}
	for name, location := range suite.Locations {
		sum := location.generatedName(fixtures)
		r.vars["loc."+name] = "generated-" + sum
		r.norm.names[sum] = name
	}
	return r, nil
}

// Run replays one case and returns where it differs.
func (r *Runner) Run(ctx context.Context, c Case) []Difference {
	vars := maps.Clone(r.vars)
	defer func() {
		for _, step := range c.Cleanup {
			step.Expect = nil
			_, _ = r.step(ctx, step, vars, c.Auth)
		}
	}()
	var out []Difference
	for i, step := range c.Steps {
		where := ""
		if len(c.Steps) > 1 {
			where = fmt.Sprintf("step %d ", i+1)
		}
		got, err := r.step(ctx, step, vars, c.Auth)
		if err != nil {
			return append(out, Difference{where, "a response", err.Error()})
		}
		if got == nil || step.Expect == nil || step.Quiet && step.Expect.Status == 0 {
			continue
		}
		for _, d := range r.check(step, got) {
			d.Path = where + d.Path
			out = append(out, d)
		}
	}
	return out
}

func (r *Runner) check(step Step, got *answer) []Difference {
	c := comparison{lenient: r.Lenient, mode: step.Compare.Mode}
	if step.Expect.Status != 0 && step.Expect.Status != got.status {
		c.add("status", step.Expect.Status, got.status)
	}
	for name, expected := range step.Expect.Headers {
		c.header(name, expected, r.norm.header(name, got.headers.Values(name)))
	}
	if step.Expect.Body == nil {
		return c.out
	}
	var expected any
	if err := json.Unmarshal(step.Expect.Body, &expected); err != nil {
		c.add("recorded body", "JSON", err.Error())
		return c.out
	}
	how := step.Compare
	if how.Mode == "shape" { // the recording holds the shape already
		how.Mode = ""
	}
	c.diff(prepare(expected, how), prepare(r.norm.value(got.body, ""), step.Compare), "")
	return c.out
}

func (c *comparison) header(name string, expected, got *string) {
	switch {
	case expected != nil && strings.HasPrefix(*expected, "~"):
		if got == nil || !regexp.MustCompile((*expected)[1:]).MatchString(*got) {
			c.add("header "+name, *expected, deref(got))
		}
	case expected == nil && got == nil:
	case expected == nil || got == nil || *expected != *got:
		c.add("header "+name, deref(expected), deref(got))
	}
}

func deref(s *string) any {
	if s == nil {
		return absent{}
	}
	return *s
}

// step runs one step; nil = it asked nothing.
func (r *Runner) step(ctx context.Context, step Step, vars map[string]string, auth string) (*answer, error) {
	if step.Auth != "" {
		auth = step.Auth
	}
	switch {
	case step.Serve != nil:
		return nil, r.serve(step.Serve, vars)
	case step.Sleep != 0:
		time.Sleep(time.Duration(step.Sleep) * time.Millisecond)
		return nil, nil
	}
	got, err := r.ask(ctx, step, vars, auth)
	if err != nil {
		return nil, err
	}
	for name, from := range step.Capture {
		if v, ok := got.capture(from); ok {
			vars[name] = v
		}
	}
	if step.Select != nil {
		part := lookup(got.body, *step.Select)
		if _, missing := part.(absent); !missing || got.status < 400 {
			got.body = part
		}
	}
	root := map[string]any{"root": got.body}
	for _, d := range step.Decode {
		visit(root, "/root"+d.Pointer, func(node any, set func(any)) {
			if s, ok := node.(string); ok {
				set(decode(s, d.As))
			}
		})
	}
	got.body = root["root"]
	if _, missing := got.body.(absent); missing {
		got.body = "<nothing>"
	}
	return got, nil
}

func (r *Runner) serve(spec any, vars map[string]string) error {
	expanded, err := r.expand(spec, vars)
	if err != nil {
		return err
	}
	var s served
	data, _ := json.Marshal(expanded)
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	r.upstream.put(s)
	return nil
}

func (r *Runner) ask(ctx context.Context, step Step, vars map[string]string, auth string) (*answer, error) {
	switch {
	case step.Walk != nil:
		return r.walk(ctx, *step.Walk, vars, auth)
	case step.WS != nil:
		return r.webSocket(ctx, step.WS, vars)
	}
	interval, timeout := 250*time.Millisecond, 20*time.Second
	if u := step.Until; u != nil && u.IntervalMs != 0 {
		interval = time.Duration(u.IntervalMs) * time.Millisecond
	}
	if u := step.Until; u != nil && u.TimeoutMs != 0 {
		timeout = time.Duration(u.TimeoutMs) * time.Millisecond
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(interval) {
		got, err := r.request(ctx, step.Request, vars, auth, step)
		if err != nil {
			return nil, err
		}
		if step.Until == nil || step.Until.met(got) || time.Now().After(deadline) {
			return got, nil
		}
	}
}

func (u *Until) met(got *answer) bool {
	if u.Status != 0 {
		return got.status == u.Status
	}
	v := lookup(got.body, u.Pointer)
	_, missing := v.(absent)
	switch {
	case u.Equals != nil:
		var want any
		_ = json.Unmarshal(u.Equals, &want)
		return stable(v) == stable(want)
	case u.In != nil:
		for _, x := range u.In {
			if stable(x) == stable(v) {
				return true
			}
		}
		return false
	case u.MinLength != nil:
		list, ok := v.([]any)
		return ok && len(list) >= *u.MinLength
	case u.Exists != nil:
		return missing != *u.Exists
	case u.Contains != nil:
		return strings.Contains(stable(v), *u.Contains)
	}
	return true
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][\w.]*)(\|[a-z0-9]+)?\}`)

// expand fills variables in; ${{ … }} is template syntax and is left alone.
func (r *Runner) expand(v any, vars map[string]string) (any, error) {
	switch v := v.(type) {
	case string:
		return expandText(v, vars)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			e, err := r.expand(x, vars)
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case map[string]any:
		return r.expandObject(v, vars)
	case object:
		return r.expandOrdered(v, vars)
	}
	return v, nil
}

func (r *Runner) expandOrdered(o object, vars map[string]string) (any, error) {
	if o.get("$repeat") != nil || o.get("$dir") != nil {
		plain := make(map[string]any, len(o))
		for _, m := range o {
			plain[m.key] = m.value
		}
		return r.expandObject(plain, vars)
	}
	out := make(object, len(o))
	for i, m := range o {
		key, err := expandText(m.key, vars)
		if err != nil {
			return nil, err
		}
		value, err := r.expand(m.value, vars)
		if err != nil {
			return nil, err
		}
		out[i] = member{key, value}
	}
	return out, nil
}

func (r *Runner) expandObject(v map[string]any, vars map[string]string) (any, error) {
	if s, ok := v["$repeat"].(string); ok {
		return strings.Repeat(s, int(v["times"].(float64))), nil
	}
	if dir, ok := v["$dir"].(string); ok {
		return readDir(filepath.Join(r.fixtures, dir))
	}
	out := make(map[string]any, len(v))
	for k, x := range v {
		key, err := expandText(k, vars)
		if err != nil {
			return nil, err
		}
		if out[key], err = r.expand(x, vars); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func expandText(s string, vars map[string]string) (string, error) {
	var unset error
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		parts := variable.FindStringSubmatch(m)
		value, ok := vars[parts[1]]
		if !ok {
			unset = fmt.Errorf("variable %s is not set: an earlier step did not return it", parts[1])
		}
		switch parts[2] {
		case "|url":
			return encodeURIComponent(value)
		case "|b64":
			return base64.StdEncoding.EncodeToString([]byte(value))
		}
		return value
	})
	return out, unset
}

var unescaped = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

func encodeURIComponent(s string) string { return unescaped.Replace(url.QueryEscape(s)) }

// readDir is a folder as the contents of a dry run.
func readDir(root string) (any, error) {
	var out []any
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		out = append(out, map[string]any{"path": rel, "base64Content": base64.StdEncoding.EncodeToString(data),
			"executable": info.Mode()&0o100 != 0})
		return err
	})
	return out, err
}

// decode opens an encoded string; the times of a token become marks, its lifetime stays.
func decode(s, as string) any {
	failed := fmt.Sprintf("<cannot decode as %s: %.60s>", as, s)
	data := []byte(s)
	var err error
	if strings.HasPrefix(as, "base64") {
		if data, err = base64.StdEncoding.DecodeString(s); err != nil {
			return failed
		}
	}
	switch as {
	case "jwt":
		if v, err := decodeToken(s); err == nil {
			return v
		}
		return failed
	case "base64":
		return string(data)
	}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return failed
	}
	return v
}

func decodeToken(s string) (any, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%d parts", len(parts))
	}
	raw := make([][]byte, 3)
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return nil, err
		}
	}
	var header, payload map[string]any
	if err := json.Unmarshal(raw[0], &header); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw[1], &payload); err != nil {
		return nil, err
	}
	issued, ok1 := payload["iat"].(float64)
	expires, ok2 := payload["exp"].(float64)
	if ok1 && ok2 {
		payload["lifetime"], payload["exp"], payload["iat"] = expires-issued, "<number>", "<number>"
	}
	if proof, ok := payload["uip"].(string); ok {
		b, _ := base64.RawURLEncoding.DecodeString(proof)
		payload["uip"] = fmt.Sprintf("<%d bytes>", len(b))
	}
	return map[string]any{"header": header, "headerKeys": keysInOrder(raw[0]), "payload": payload,
		"payloadKeys": keysInOrder(raw[1]), "signatureBytes": float64(len(raw[2]))}, nil
}

func keysInOrder(object []byte) []any {
	d := json.NewDecoder(bytes.NewReader(object))
	var keys []any
	_, _ = d.Token()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var skip json.RawMessage
		_ = d.Decode(&skip)
		keys = append(keys, key)
	}
	return keys
}
