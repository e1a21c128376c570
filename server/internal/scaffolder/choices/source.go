package choices

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Limits of what is fetched and offered.
const (
	maxChoices  = 1000
	maxDocument = 1 << 20
	maxCached   = 1000 // lists
	// freshness is how old a list may be that a task's values are held against.
	freshness = 10 * time.Second
)

// Documents reads documents by URL, as far as the host's configuration lets anybody read.
type Documents interface {
	Document(ctx context.Context, url string) ([]byte, error)
}

// Plugins asks a route of a plugin in the name of a caller, who sees what the plugin lets them see.
type Plugins interface {
	Get(ctx context.Context, p *principal.Principal, plugin, path string) ([]byte, error)
}

// key says when a list is the same. A plugin may answer each caller differently.
type key struct {
	source             source
	items, value, name string
	caller             string
}

type list struct {
	choices []choice
	at      time.Time
	keep    time.Duration
}

// Resolver finds the choices of fields. Safe for concurrent use.
type Resolver struct {
	documents Documents
	plugins   Plugins
	now       func() time.Time
	lists     *otter.Cache[key, list]
}

// New makes a resolver. plugins may be nil: then a reference to one is an error.
func New(documents Documents, plugins Plugins) *Resolver {
	return &Resolver{documents: documents, plugins: plugins, now: time.Now, lists: otter.Must(&otter.Options[key, list]{
		MaximumSize:      maxCached,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[key, list]) time.Duration { return max(e.Value.keep, freshness) }),
		Executor:         func(fn func()) { fn() },
	})}
}

// Close ends the cache's upkeep.
func (s *Resolver) Close() { s.lists.StopAllGoroutines() }

// choices is the list of r for p, not older than age.
func (s *Resolver) choices(ctx context.Context, p *principal.Principal, r reference, age time.Duration) ([]choice, error) {
	k := key{source: r.source, items: r.itemsText, value: r.valueText, name: r.titleText}
	if r.source.plugin != "" {
		k.caller = p.Subject
	}
	if have, ok := s.lists.GetIfPresent(k); ok && s.now().Sub(have.at) < min(age, r.cache) {
		return have.choices, nil
	}
	found, err := s.fetch(ctx, p, r)
	if err != nil {
		return nil, err
	}
	s.lists.Set(k, list{found, s.now(), r.cache})
	return found, nil
}

func (s *Resolver) fetch(ctx context.Context, p *principal.Principal, r reference) ([]choice, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("no answer within %s", r.timeout))
	defer cancel()
	data, err := s.read(ctx, p, r.source)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, r.source.about(err)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%s: more than %d bytes", r.source, maxDocument)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("%s: not JSON: %w", r.source, err)
	}
	found, err := r.pick(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.source, err)
	}
	return found, nil
}

func (s *Resolver) read(ctx context.Context, p *principal.Principal, from source) ([]byte, error) {
	if from.url != "" {
		return s.documents.Document(ctx, from.url)
	}
	if s.plugins == nil {
		return nil, errors.New("this host runs no plugins")
	}
	return s.plugins.Get(ctx, p, from.plugin, from.path)
}

// unavailable is the answer to a value that cannot be held against its choices.
func unavailable(field string, err error) error {
	return &apierror.Error{Name: apierror.ServiceUnavailable, Cause: err,
		Message: fmt.Sprintf("The choices of %q cannot be loaded, so its value cannot be checked: %s. Try again in a moment", field, err)}
}
