package templating

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"modernc.org/quickjs"

	"github.com/callboard/callboard/sdk/apierror"
)

// Limits where Options does not say otherwise.
const (
	DefaultMemory  = 64 << 20
	DefaultTimeout = time.Second
	// DefaultFilterTimeout is for one call of a plugin's filter.
	DefaultFilterTimeout = 5 * time.Second
	DefaultOutput        = 10 << 20
)

// mostKept is the size of variables up to which their copy in a virtual machine is kept for the next call. The copies count
// towards its memory.
const mostKept = 64 << 10

// Options are what an [Engine] is made with. Zero values mean the defaults.
type Options struct {
	VMs     int           // how many calls run at once; one for each core
	Memory  int           // bytes for one virtual machine; DefaultMemory
	Timeout time.Duration // for one call, without what filters of plugins take; DefaultTimeout
	// FilterTimeout is for one call of a plugin's filter; DefaultFilterTimeout.
	FilterTimeout time.Duration
	Output        int // bytes that one call may answer; DefaultOutput
	Stack         int // depth of calls within one virtual machine; that of QuickJS
	// Integrations are the hosts that parseRepoUrl and projectSlug know, by type ("github", "bitbucketCloud", …).
	Integrations []Integration
	// Filters are those of plugins as they are now; nil = none. It is called for each rendering, from many goroutines.
	Filters func() []Filter
}

// Integration is a host of repositories that is configured.
type Integration struct {
	Type string `json:"type"`
	Host string `json:"host"`
}

// Engine is the [Language] in QuickJS.
type Engine struct {
	options Options
	pool    *pool
}

var _ Language = (*Engine)(nil)

// New makes an engine. It starts no virtual machine before there is work for one.
func New(o Options) (*Engine, error) {
	o.VMs = cmp.Or(o.VMs, runtime.GOMAXPROCS(0))
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.Output = cmp.Or(o.Output, DefaultOutput)
	o.FilterTimeout = cmp.Or(o.FilterTimeout, DefaultFilterTimeout)
	if o.Filters == nil {
		o.Filters = func() []Filter { return nil }
	}
	p, err := newPool(o)
	if err != nil {
		return nil, err
	}
	return &Engine{options: o, pool: p}, nil
}

// Close ends all virtual machines. Calls that come later fail; it waits for those that run.
func (e *Engine) Close() { e.pool.close() }

// Value implements [Language].
func (e *Engine) Value(ctx context.Context, template json.RawMessage, s Scope) (Result, error) {
	if r, ok := direct(template, s); ok {
		return r, context.Cause(ctx)
	}
	return e.machineValue(ctx, template, s)
}

func (e *Engine) machineValue(ctx context.Context, template json.RawMessage, s Scope) (Result, error) {
	kind, failed := "", false
	if s.Failed != nil {
		kind, failed = "s", *s.Failed
	}
	key := keyOf(s.Variables)
	var answer string
	err := e.pool.do(ctx, "template", func(m *machine) error {
		filters := m.useFilters(ctx, e.options.Filters())
		return withVariables(key, s.Variables, func(variables any) (err error) {
			answer, err = m.call(m.value, string(template), kind, filters, key, variables, string(s.Each), orEmpty(s.Secrets), orEmpty(s.Plain), failed)
			return err
		})
	})
	if err != nil {
		return Result{}, err
	}
	return e.decodeResult(answer)
}

func (e *Engine) decodeResult(answer string) (Result, error) {
	var r struct {
		Value   json.RawMessage `json:"value"`
		Plain   json.RawMessage `json:"plain"`
		Tainted []string        `json:"tainted"`
		Read    bool            `json:"read"`
	}
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		return Result{}, apierror.Inputf("template: %v", err)
	}
	if len(r.Value) > e.options.Output {
		return Result{}, e.tooLarge()
	}
	return Result{Value: r.Value, Plain: r.Plain, Tainted: r.Tainted, StatusRead: r.Read}, nil
}

// Validate implements [Language].
func (e *Engine) Validate(ctx context.Context, schema, value json.RawMessage, property string) ([]Violation, error) {
	var answer string
	err := e.pool.do(ctx, "schema", func(m *machine) (err error) {
		answer, err = m.call(m.validate, string(schema), string(value), property)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []Violation
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		return nil, apierror.Inputf("schema: %v", err)
	}
	return all, nil
}

// Files implements [Language]. What it answers holds no virtual machine between two texts.
func (e *Engine) Files(ctx context.Context, variables json.RawMessage, o FileOptions) (Files, error) {
	kind := []byte("f")
	for _, letter := range []struct {
		on   bool
		name byte
	}{{o.CookiecutterCompat, 'c'}, {o.TrimBlocks, 't'}, {o.LstripBlocks, 'l'}} {
		if letter.on {
			kind = append(kind, letter.name)
		}
	}
	f := &files{engine: e, kind: string(kind), variables: variables, key: keyOf(variables)}
	if _, err := f.Render(ctx, ""); err != nil { // variables that no template can have
		return nil, err
	}
	f.begun = true
	return f, nil
}

type files struct {
	engine    *Engine
	kind, key string
	variables json.RawMessage
	begun     bool
}

// hasNoSign reports whether text is none but text. The end of a comment without its beginning is an error, and so is a text
// beyond a limit of the language.
func hasNoSign(text string) bool {
	const longest = 4 << 20
	for _, sign := range []string{"{{", "{%", "{#", "#}"} {
		if strings.Contains(text, sign) {
			return false
		}
	}
	return len(text) <= longest && utf8.ValidString(text)
}

func (f *files) Close() {}

func (f *files) Render(ctx context.Context, text string) (string, error) {
	if f.begun && hasNoSign(text) {
		return text, context.Cause(ctx)
	}
	var answer string
	err := f.engine.pool.do(ctx, "template", func(m *machine) error {
		filters := m.useFilters(ctx, f.engine.options.Filters())
		return withVariables(f.key, f.variables, func(variables any) (err error) {
			answer, err = m.call(m.file, text, f.kind, filters, f.key, variables)
			return err
		})
	})
	if len(answer) > f.engine.options.Output {
		return "", f.engine.tooLarge()
	}
	return answer, err
}

func (e *Engine) tooLarge() error {
	return apierror.Inputf("template: more than %s of output", bytesText(e.options.Output))
}

// withVariables calls with the key alone, and again with the variables if nothing is kept under it.
func withVariables(key string, variables json.RawMessage, call func(variables any) error) error {
	if key != "" {
		if err := call(quickjs.Undefined{}); !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	return call(orEmpty(variables))
}

// keyOf is the key under which the copy of variables is kept, "" = it is not.
func keyOf(variables json.RawMessage) string {
	if len(variables) > mostKept {
		return ""
	}
	sum := sha256.Sum256(variables)
	return hex.EncodeToString(sum[:])
}

func orEmpty(object json.RawMessage) string {
	if len(object) == 0 {
		return "{}"
	}
	return string(object)
}
