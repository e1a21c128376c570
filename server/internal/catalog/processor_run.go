package catalog

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Processing is one entity's way through the processors: where it comes from, and what they emit on the way. It belongs
// to the goroutine that processes the entity and must not be kept.
type Processing struct {
	// Ref is the entity's own ref; it cannot change during processing.
	Ref entity.Canonical
	// Location is where the entity was read, Origin the root location that led there.
	Location, Origin entity.Location

	cache *processorCache
	// fresh tells readers not to trust what they remember of earlier rounds.
	fresh     bool
	processor string // the one that is running
	kind      string // in lower case

	ancestors   []entity.Canonical
	children    []child
	emitted     map[entity.Canonical]int // the last child with that ref
	relations   []relation
	refreshKeys map[string]struct{}
	failures    []failure
	notes       []failure // worth telling, but no reason to withhold anything
	// unchanged and changed count the targets of a Location by what their readers said.
	unchanged, changed int
	reads              bool // the result depends on something that is read
	// unavailable are the processors that could not do their part.
	unavailable map[string]*UnavailableError
}

// failure is one error and the line of the file that it concerns; 0 = not known here.
type failure struct {
	err  error
	line int
}

// child is an emitted entity, ready to be stored.
type child struct {
	ref         entity.Canonical
	entity      entity.Entity
	locationKey string
	line        int
	order       *cataloginfo.Order // of the spec; nil = sorted
}

// relation is one emitted edge, by canonical refs.
type relation struct{ source, typ, target string }

// Emit hands over an entity that was found at loc, starting at the given line (0 = unknown). A malformed envelope and a
// ref that no database can hold are errors of the entity being processed. The locations of the child are set here,
// whatever it says itself.
func (p *Processing) Emit(loc entity.Location, e entity.Entity, line int) { p.emit(loc, e, line, nil) }

func (p *Processing) emit(loc entity.Location, e entity.Entity, line int, order *cataloginfo.Order) {
	if err := cataloginfo.ValidateEnvelope(e); err != nil {
		p.fail(err, line)
		return
	}
	ref := e.Ref().Canonical()
	if err := checkStorable(string(ref)); err != nil {
		p.fail(err, line)
		return
	}
	if ref == p.Ref || slices.Contains(p.ancestors, ref) {
		// Taking it over would cut the tree off its root. The reference only warns, and only about the entity itself.
		p.notes = append(p.notes, failure{apierror.Newf(apierror.Conflict, "Ignored %s: it leads here itself, so the locations form a circle", ref), line})
		return
	}
	annotations, ok := e.Metadata()["annotations"].(map[string]any)
	if !ok && e.Metadata()["annotations"] != nil {
		p.fail(apierror.New(apierror.Generic, "metadata.annotations must be a valid object"), line)
		return
	}
	own := make(map[string]any, len(annotations)+2)
	maps.Copy(own, annotations)
	own[entity.AnnotationOriginLocation], own[entity.AnnotationLocation] = p.Origin.String(), loc.String()
	e = withMetadata(e, "annotations", own)
	if i, twice := p.emitted[ref]; twice && p.children[i].locationKey == loc.String() {
		p.notes = append(p.notes, failure{apierror.Newf(apierror.Conflict, "%s is described twice, at line %d and at line %d; the last one counts", ref, p.children[i].line, line), line})
	}
	p.emitted[ref] = len(p.children)
	p.children = append(p.children, child{ref: ref, entity: e, locationKey: loc.String(), line: line, order: order})
}

// withMetadata is e with one metadata field replaced, without touching e.
func withMetadata(e entity.Entity, key string, value any) entity.Entity {
	metadata := make(map[string]any, len(e.Metadata())+1)
	maps.Copy(metadata, e.Metadata())
	metadata[key] = value
	out := make(entity.Entity, len(e))
	maps.Copy(out, e)
	out["metadata"] = metadata
	return out
}

// Relation emits one directed edge; emit its reverse as well where there is one.
func (p *Processing) Relation(source entity.Ref, typ string, target entity.Ref) error {
	r := relation{source.String(), typ, target.String()}
	for _, s := range []string{r.source, r.typ, r.target} {
		if err := checkStorable(s); err != nil {
			return err
		}
	}
	p.relations = append(p.relations, r)
	return nil
}

// Error records what is wrong without ending the processing. Any error withholds everything that this round emitted.
func (p *Processing) Error(err error) { p.fail(err, 0) }

// Note records what is worth telling people, but no reason to withhold anything.
func (p *Processing) Note(err error) { p.notes = append(p.notes, failure{err, 0}) }

func (p *Processing) fail(err error, line int) {
	p.failures = append(p.failures, failure{err, line})
}

// withheld notes that err is an [UnavailableError], and reports it.
func (p *Processing) withheld(err error) bool {
	unavailable, ok := errors.AsType[*UnavailableError](err)
	if !ok {
		return false
	}
	if p.unavailable == nil {
		p.unavailable = map[string]*UnavailableError{}
	}
	p.unavailable[p.processor] = unavailable
	if unavailable.Alone {
		p.Note(unavailable.Err)
	}
	return true
}

// missing says which processors could not do their part, and why.
func (p *Processing) missing() string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(p.unavailable)) {
		texts = append(texts, name+" cannot say ("+p.unavailable[name].Error()+")")
	}
	return strings.Join(texts, ", ")
}

// RefreshKey records that the result depends on key ("url:https://…", "file:/a/b.yaml"): who knows that it has changed
// can have the entity processed by [ProviderConnection.Refresh]. The entity is polled from now on.
func (p *Processing) RefreshKey(key string) {
	p.refreshKeys[key] = struct{}{}
	p.reads = true
}

// Fresh reports whether the result must not be built on what the cache says about unchanged sources.
func (p *Processing) Fresh() bool { return p.fresh }

// Unchanged is a reader's way to say that a target is what it was when its cache was written. When that is true of all
// targets nothing is emitted or stored; else the entity is processed again with Fresh.
func (p *Processing) Unchanged() { p.unchanged++ }

// Remember keeps a value for this processor and entity until the next round that succeeds; nil forgets. The value must
// survive a JSON round trip.
func (p *Processing) Remember(key string, value any) { p.cache.set(p.processor, key, value) }

// Remembered is the value of the last successful round, decoded from JSON, or nil.
func (p *Processing) Remembered(key string) any { return p.cache.get(p.processor, key) }

// checkStorable refuses text that PostgreSQL cannot store or that would be cut off elsewhere.
func checkStorable(s string) error {
	switch {
	case strings.IndexByte(s, 0) != -1:
		return apierror.Inputf("Entity reference %q holds a NUL character", s)
	case !utf8.ValidString(s):
		return apierror.Inputf("Entity reference %q is not valid UTF-8", s)
	case len(s) > 1000: // far beyond kind, namespace and name at their longest
		return apierror.Inputf("Entity reference %.60q… is longer than 1000 characters", s)
	}
	return nil
}

// processorCache is what processors remember of one entity, by processor and key.
type processorCache struct {
	before, after map[string]map[string]any
	// lives counts the failed rounds that before survives.
	lives int
}

// cacheLives is how many failed rounds keep the cache of the last good one.
const cacheLives = 5

// processingVersion is part of what the engine compares at start: a higher number makes every entity go through the
// processors once more.
const processingVersion = 1

func (c *processorCache) get(processor, key string) any { return c.before[processor][key] }

func (c *processorCache) set(processor, key string, value any) {
	if c.after == nil {
		c.after = map[string]map[string]any{}
	}
	if c.after[processor] == nil {
		c.after[processor] = map[string]any{}
	}
	if value == nil {
		delete(c.after[processor], key)
		return
	}
	c.after[processor][key] = value
}

// decodeCache reads the stored form {"lives":5,"state":{processor:{key:value}}}; anything else is an empty cache.
func decodeCache(data string) *processorCache {
	c := &processorCache{}
	v, err := decodeJSON([]byte(data))
	root, ok := v.(map[string]any)
	if err != nil || !ok {
		return c
	}
	if n, err := asInt(root["lives"]); err == nil {
		c.lives = n
	}
	state, _ := root["state"].(map[string]any)
	c.before = make(map[string]map[string]any, len(state))
	for name, values := range state {
		c.before[name], _ = values.(map[string]any)
	}
	return c
}

// encode is the form to store after a round, "" when there is nothing to remember.
func (c *processorCache) encode(ok bool) string {
	state, lives := c.after, cacheLives
	if !ok {
		state, lives = c.before, c.lives-1
	}
	if len(state) == 0 || lives < 0 {
		return ""
	}
	root := map[string]any{}
	for name, values := range state {
		root[name] = values
	}
	return string(appendCanonical(nil, map[string]any{"lives": int64(lives), "state": root}))
}
