package catalog

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// known is what the database remembers of extensions, so that neither a restart nor a stop loses whose is what.
type known struct {
	providers  map[string]knownProvider
	processors map[string]knownProcessor
}

type knownProvider struct {
	Source string `json:"source"`
}

type knownProcessor struct {
	Source  string   `json:"source"`
	Version string   `json:"version"`
	Kinds   []string `json:"kinds,omitempty"` // sorted; none = all
}

func (k knownProcessor) declaration() Declaration {
	return Declaration{Version: k.Version, Kinds: k.Kinds}
}

// declaration is what p says, or what was known last when it does not know yet.
func (k known) declaration(p Processor) Declaration {
	d := declarationOf(p)
	if last, ok := k.processors[p.Name()]; ok && d.Unknown {
		return last.declaration()
	}
	return d
}

func (k known) sources() []string {
	all := map[string]bool{}
	for _, p := range k.providers {
		all[p.Source] = true
	}
	for _, p := range k.processors {
		all[p.Source] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (k known) clone() known {
	return known{maps.Clone(k.providers), maps.Clone(k.processors)}
}

// affected are the kinds whose entities may become others by what a reconciliation has found.
type affected struct {
	all   bool
	kinds map[string]bool
}

func (a *affected) add(kinds []string) {
	if len(kinds) == 0 {
		a.all = true
	}
	if a.kinds == nil {
		a.kinds = map[string]bool{}
	}
	for _, k := range kinds {
		a.kinds[k] = true
	}
}

// reconcile compares what an extension has with what is known of its source, remembers it, schedules the entities that
// processors see now or saw before, and removes those of providers that are gone. The pipeline is the new one already:
// what was claimed with the old one is due again by this.
func (e *Engine) reconcile(ctx context.Context, x *extension) error {
	next := e.extended.known.clone()
	var touched affected
	processors := map[string]bool{}
	for _, p := range x.Processors {
		processors[p.Name()] = true
		d := declarationOf(p)
		if d.Unknown {
			continue
		}
		now := knownProcessor{Source: x.source, Version: d.Version, Kinds: sortedKinds(d.Kinds)}
		before, ok := next.processors[p.Name()]
		if ok && before.Version == now.Version && slices.Equal(before.Kinds, now.Kinds) && before.Source == now.Source {
			continue
		}
		next.processors[p.Name()] = now
		touched.add(now.Kinds)
		if ok {
			touched.add(before.Kinds)
		}
	}
	for name, before := range e.extended.known.processors {
		if before.Source == x.source && !processors[name] {
			delete(next.processors, name)
			touched.add(before.Kinds)
		}
	}
	providers := map[string]bool{}
	for _, p := range x.Providers {
		providers[p.Name()] = true
		next.providers[p.Name()] = knownProvider{x.source}
	}
	var gone []string
	for name, before := range e.extended.known.providers {
		if before.Source == x.source && !providers[name] {
			delete(next.providers, name)
			gone = append(gone, name)
		}
	}
	if err := e.remember(ctx, next, touched); err != nil {
		return err
	}
	return e.removeProvided(ctx, gone)
}

// forget removes everything of a source that does not extend the engine any more.
func (e *Engine) forget(ctx context.Context, source string) error {
	err := e.reconcile(ctx, &extension{source: source})
	e.pipeline.Store(e.composed())
	e.wake()
	return err
}

// remember stores what is known and schedules what it affects, together. What is the same is not written.
func (e *Engine) remember(ctx context.Context, next known, touched affected) error {
	before := e.extended.known
	if maps.Equal(before.providers, next.providers) && maps.EqualFunc(before.processors, next.processors, sameProcessor) {
		return nil
	}
	if err := e.db.remember(ctx, e.now().UnixMilli(), before, next, touched); err != nil {
		return err
	}
	e.extended.known = next
	e.pipeline.Store(e.composed()) // processors that are forgotten have no stand-in any more
	return nil
}

func sameProcessor(a, b knownProcessor) bool {
	return a.Source == b.Source && a.Version == b.Version && slices.Equal(a.Kinds, b.Kinds)
}

// removeProvided removes the entities of providers that are gone for good.
func (e *Engine) removeProvided(ctx context.Context, providers []string) error {
	if e.keepProviders {
		return nil
	}
	slices.Sort(providers)
	for _, name := range providers {
		e.log.Info("removing the entities of a provider that is gone", "provider", name)
		if err := newConnection(e, name).ApplyMutation(ctx, Mutation{Full: true}); err != nil {
			return err
		}
	}
	return nil
}

func sortedKinds(kinds []string) []string {
	var lower []string
	for _, k := range kinds {
		lower = append(lower, strings.ToLower(k))
	}
	slices.Sort(lower)
	return slices.Compact(lower)
}

// The keys of catalog_meta under which extensions are remembered, followed by a name.
const (
	knownProviderKey  = "provider:"
	knownProcessorKey = "processor:"
)

// rows is the stored form of what is known.
func (k known) rows() map[string]string {
	rows := map[string]string{}
	for name, p := range k.providers {
		data, _ := json.Marshal(p)
		rows[knownProviderKey+name] = string(data)
	}
	for name, p := range k.processors {
		data, _ := json.Marshal(p)
		rows[knownProcessorKey+name] = string(data)
	}
	return rows
}

// read takes one stored row; one that cannot be read is as good as unknown.
func (k known) read(key, value string) {
	if name, ok := strings.CutPrefix(key, knownProviderKey); ok {
		var p knownProvider
		if json.Unmarshal([]byte(value), &p) == nil {
			k.providers[name] = p
		}
	}
	if name, ok := strings.CutPrefix(key, knownProcessorKey); ok {
		var p knownProcessor
		if json.Unmarshal([]byte(value), &p) == nil {
			k.processors[name] = p
		}
	}
}
