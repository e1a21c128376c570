package caps

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/search"
)

// CollatorOptions are those of [Collators].
type CollatorOptions struct {
	ImporterOptions

	// Entity is the permission to read an entity, Conditions what tests refs against a conditional decision on it: they are
	// those of the type software-catalog. A document that names an entity is found by those who may read it.
	Entity     *permission.Permission
	Conditions func(ctx context.Context, p *principal.Principal, c *permission.Criteria) (func(ref string) bool, error)
}

// Collators brings plugins' search types into the search engine. Documents are asked for when the plugin comes up and then
// by the interval that it states, 10 s at least; a stream that breaks leaves the index as it was. While the plugin is away
// its documents stay findable.
func Collators(engine *search.Engine, o CollatorOptions) *Importer {
	i := newImporter("search", o.ImporterOptions)
	i.announced = func(p manifest.Provides) []string { return p.Search.Types }
	known := &collators{options: o, byType: map[string]*collator{}}
	i.meet = func(ctx context.Context, c *Client, s Source, promised []string) error {
		types, err := known.list(ctx, c, s, promised)
		if err != nil {
			return err
		}
		return engine.Set(sourceOf(c.plugin), types)
	}
	i.remove = func(id manifest.ID) {
		engine.Remove(sourceOf(id))
		known.forget(id)
	}
	return i
}

// collators keeps the collator of a type over instances of its plugin, so that the type keeps its index.
type collators struct {
	options CollatorOptions

	mu     sync.Mutex
	byType map[string]*collator
}

func (k *collators) forget(id manifest.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, c := range k.byType {
		if c.plugin == id {
			delete(k.byType, name)
		}
	}
}

const minCollate = 10 * time.Second

func (k *collators) list(ctx context.Context, c *Client, s Source, promised []string) ([]search.Type, error) {
	const call = "ListCollators"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewSearchCollatorServiceClient(c.conn).ListCollators, &pluginv1.ListCollatorsRequest{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range answer.GetCollators() {
		ids = append(ids, l.GetType())
	}
	if err := c.listed(call, ids, promised); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var types []search.Type
	for _, l := range answer.GetCollators() {
		types = append(types, k.typeOf(c.plugin, s, l))
	}
	return types, nil
}

// collatedFields are the searchable members of plugins' documents.
var collatedFields = []string{"title", "text", "location"}

func (k *collators) typeOf(plugin manifest.ID, s Source, l *pluginv1.SearchCollator) search.Type {
	source := k.byType[l.GetType()]
	if source == nil || source.plugin != plugin || source.from != s || source.permission != l.GetPermission() {
		source = &collator{plugin: plugin, typ: l.GetType(), permission: l.GetPermission(), from: s}
		k.byType[l.GetType()] = source
	}
	source.every(time.Duration(min(max(l.GetIntervalSeconds(), 0), 86400)) * time.Second)
	t := search.Type{Name: l.GetType(), Fields: collatedFields, Source: source, Permission: k.options.Entity, Conditions: k.options.Conditions}
	if l.GetPermission() != "" {
		t.Needs = []permission.Permission{{Type: permission.Basic, Name: l.GetPermission()}}
	}
	return t
}

// collator is one search type of a plugin as a source of documents.
type collator struct {
	plugin          manifest.ID
	typ, permission string
	from            Source

	mu         sync.Mutex
	interval   time.Duration
	generation uint64
	due        time.Time
	version    string // of the plugin that was read last
}

func (c *collator) every(interval time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interval = max(interval, minCollate)
}

// Generation implements [search.Source]: it is another when the interval is over and the plugin is there.
func (c *collator) Generation() uint64 {
	client, err := c.from.Client(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && (!time.Now().Before(c.due) || client.version != c.version) {
		c.generation++
		c.due, c.version = time.Now().Add(c.interval), client.version
	}
	return c.generation
}

// Documents implements [search.Source].
func (c *collator) Documents(ctx context.Context) iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		client, err := c.from.Client(ctx)
		if err != nil {
			c.mu.Lock()
			unread := c.generation == 0
			c.mu.Unlock()
			if !unread {
				yield(search.Entry{}, err)
			}
			return
		}
		call := "CollectDocuments " + c.typ
		n, places := 0, map[string]int{}
		err = stream(ctx, client, call, client.budget(), pluginv1.NewSearchCollatorServiceClient(client.conn).CollectDocuments,
			&pluginv1.CollectDocumentsRequest{Type: c.typ}, func(m *pluginv1.CollectDocumentsResponse) error {
				if n += len(m.GetDocuments()); n > client.limits.Documents {
					return client.tooMuch(call, "more than %d documents", client.limits.Documents)
				}
				for _, d := range m.GetDocuments() {
					e, err := client.readDocument(call, d, places)
					if err != nil {
						return err
					}
					if !yield(e, nil) {
						return ofHost(errEnough)
					}
				}
				return nil
			})
		if err != nil && !errors.Is(err, errEnough) {
			yield(search.Entry{}, err)
		}
	}
}

var errEnough = errors.New("nobody reads on")

// readDocument checks a document. Its key is its location, and which of the documents with that location it is.
func (c *Client) readDocument(call string, d *pluginv1.SearchDocument, places map[string]int) (search.Entry, error) {
	size := len(d.GetTitle()) + len(d.GetText()) + len(d.GetLocation()) + len(d.GetExtraJson())
	if size > c.limits.EntityBytes {
		return search.Entry{}, c.tooMuch(call, "a document of %d bytes, at most %d are allowed", size, c.limits.EntityBytes)
	}
	extra, err := readObject("extra members", d.GetExtraJson(), c.limits.EntityBytes)
	if err != nil {
		return search.Entry{}, c.wrong(call, "%s at %s", err, excerpt.Short(d.GetLocation()))
	}
	ref := ""
	if d.GetEntityRef() != "" {
		r, err := readRef(d.GetEntityRef())
		if err != nil {
			return search.Entry{}, c.wrong(call, "%s", err)
		}
		ref = r.String()
	}
	if extra, err = withoutOwn(extra); err != nil {
		return search.Entry{}, c.wrong(call, "%s at %s", err, excerpt.Short(d.GetLocation()))
	}
	doc := search.Document{Values: []string{toValid(d.GetTitle()), toValid(d.GetText()), toValid(d.GetLocation())}, Extra: extra, ResourceRef: ref}
	h := fnv.New64a()
	for _, part := range append(slices.Clone(doc.Values), string(extra), ref) {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	place := doc.Values[2]
	places[place]++
	return search.Entry{Key: place + "#" + strconv.Itoa(places[place]), Version: h.Sum64(), Read: func() (search.Document, bool, error) { return doc, true, nil }}, nil
}

// withoutOwn drops extra members that would stand beside the document's own, under the same names.
func withoutOwn(extra json.RawMessage) (json.RawMessage, error) {
	if extra == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(extra, &members); err != nil {
		return nil, err
	}
	before := len(members)
	for _, own := range append(slices.Clone(collatedFields), "authorization") {
		delete(members, own)
	}
	if len(members) == before {
		return extra, nil
	}
	return json.Marshal(members)
}

var _ search.Source = (*collator)(nil)
