package sdk

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Settings declares the plugin's settings as a struct and what takes them into use. The struct's JSON Schema is what the
// host checks settings against, draws a form from and documents; see the tags in the README. A member marked
// secret:"true", or of type [Secret], is sealed where it is stored and never shown.
//
// use is called before anything else of the plugin, and again whenever the settings change, while the plugin serves: keep
// what it makes behind a lock or an atomic pointer. It is never called twice at once. When it returns an error, the former
// settings stay in use, and the error is shown to the operator.
//
// A type with a method Validate(context.Context) error is asked about settings before they are stored.
func Settings[T any](p *Plugin, use func(context.Context, T) error) {
	p.registering("Settings")
	if p.settings != nil {
		misusef("Settings is called twice; put everything into one struct")
	}
	sch := schemaOf("Settings", reflect.TypeFor[T]())
	decode := func(data []byte) (v T, found []*pluginv1.Diagnostic) {
		found = sch.decode(data, &v)
		return v, found
	}
	p.settings = &settings{
		schema: sch,
		validate: func(ctx context.Context, data []byte) []*pluginv1.Diagnostic {
			v, found := decode(data)
			if len(found) == 0 {
				found = ownOpinion(ctx, v)
			}
			return found
		},
		use: func(ctx context.Context, data []byte) []*pluginv1.Diagnostic {
			v, found := decode(data)
			if len(found) > 0 {
				return found
			}
			if err := use(ctx, v); err != nil {
				return []*pluginv1.Diagnostic{problem("", err.Error())}
			}
			return nil
		},
	}
}

// Validator is what a settings type may implement to check more than its schema can say.
type Validator interface {
	Validate(ctx context.Context) error
}

func ownOpinion(ctx context.Context, v any) []*pluginv1.Diagnostic {
	if checked, ok := v.(Validator); ok {
		if err := checked.Validate(ctx); err != nil {
			return []*pluginv1.Diagnostic{problem("", err.Error())}
		}
	}
	return nil
}

// settings is what Settings declared, without its type.
type settings struct {
	schema        *schema
	validate, use func(ctx context.Context, data []byte) []*pluginv1.Diagnostic
}

// redactor replaces secret settings in texts that leave the plugin: log lines, errors, diagnostics. The host does the
// same; here it also holds for what a plugin says while it is not configured yet.
type redactor struct {
	current atomic.Pointer[strings.Replacer]
}

// shortest keeps a secret of a few letters from blanking out half of every line.
const shortest = 4

func (r *redactor) set(secrets []string) {
	var pairs []string
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		for _, once := range []string{inner(string(must(json.Marshal(s)))), inner(asLogged(s))} {
			pairs = append(pairs, inner(asLogged(once)), hidden, once, hidden) // a body of JSON may be logged
		}
		pairs = append(pairs, s, hidden)
	}
	r.current.Store(strings.NewReplacer(pairs...))
}

// asLogged is JSON as slog writes it, which spares HTML.
func asLogged(text string) string {
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	_ = out.Encode(text) // texts can be encoded
	return strings.TrimSpace(b.String())
}

// inner is what stands between quotes.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func (r *redactor) clean(text string) string {
	if replace := r.current.Load(); replace != nil {
		return replace.Replace(text)
	}
	return text
}

func (r *redactor) diagnostics(ds []*pluginv1.Diagnostic) []*pluginv1.Diagnostic {
	for _, d := range ds {
		d.Summary, d.Detail = r.clean(d.GetSummary()), r.clean(d.GetDetail())
	}
	return ds
}

func failed(ds []*pluginv1.Diagnostic) bool {
	for _, d := range ds {
		if d.GetSeverity() == pluginv1.Diagnostic_SEVERITY_ERROR {
			return true
		}
	}
	return false
}
