package caps

import (
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
)

// delivery is what one refresh brings.
type delivery struct {
	client   *Client
	call     string
	own      entity.Location
	received int
	added    []catalog.DeferredEntity
	at       map[entity.Canonical]int
	twice    int
	twiceRef entity.Canonical
	removed  []entity.Canonical
	full     bool
	cursor   string
}

func (d *delivery) take(m *pluginv1.RefreshProviderResponse) error {
	l := d.client.limits
	if d.received += len(m.GetUpserts()) + len(m.GetRemovals()); d.received > l.Entities {
		return d.client.tooMuch(d.call, "more than %d entities", l.Entities)
	}
	for _, doc := range m.GetUpserts() {
		if err := d.add(doc); err != nil {
			return err
		}
	}
	for _, text := range m.GetRemovals() {
		ref, err := readRef(text)
		if err != nil {
			return d.client.wrong(d.call, "%s", err)
		}
		d.removed = append(d.removed, ref.Canonical())
	}
	d.full = d.full || m.GetFull()
	d.cursor = m.GetNextCursor()
	if len(d.cursor) > maxCursor {
		return d.client.tooMuch(d.call, "a cursor of %d bytes, at most %d are allowed", len(d.cursor), maxCursor)
	}
	return nil
}

// maxCursor is far more than a position needs.
const maxCursor = 64 << 10

func (d *delivery) add(doc *pluginv1.EntityDocument) error {
	e, err := readEntity(doc.GetJson(), d.client.limits)
	if err != nil {
		return d.client.wrong(d.call, "%s", err)
	}
	ref := e.Ref().Canonical()
	if err := place(e, d.own); err != nil {
		return d.client.wrong(d.call, "%s: %s", excerpt.Short(string(ref)), err)
	}
	key := d.own.String()
	if k := doc.GetLocationKey(); k != "" {
		if len(k) > 500 {
			return d.client.tooMuch(d.call, "a location key of %d bytes, at most 500 are allowed", len(k))
		}
		key += "#" + k
	}
	added := catalog.DeferredEntity{Entity: e, LocationKey: key}
	if i, twice := d.at[ref]; twice {
		d.twice, d.twiceRef = d.twice+1, ref
		d.added[i] = added
		return nil
	}
	d.at[ref] = len(d.added)
	d.added = append(d.added, added)
	return nil
}

// mutation is what the catalog is told. Of a whole set removals need not be told: what is not in it goes anyway.
func (d *delivery) mutation() catalog.Mutation {
	if d.full {
		return catalog.Mutation{Full: true, Added: d.added}
	}
	return catalog.Mutation{Added: d.added, Removed: d.removed}
}
