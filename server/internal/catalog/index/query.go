package index

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// Query asks for a page of entities by keyset.
type Query struct {
	Filter Filter
	Text   Text
	// Order is nil for the order of uids. Entities without a value of its key are left out, also of the total; an entity
	// with several values comes once per value.
	Order *Order
	// From is the position that the page follows, or comes before when Backwards; nil is the beginning.
	From      *Position
	Backwards bool
	Offset    int
	Limit     int
	// NoTotal leaves Page.Total zero.
	NoTotal bool
}

// Order is a key to sort by, ties by uid in the same direction.
type Order struct {
	Key  string
	Desc bool
}

// Position is where an entity stands in an order. Value is empty in the order of uids.
type Position struct{ Value, UID string }

// Item is an entity of a page with the value that put it there.
type Item struct {
	Value string
	Doc   *Doc
}

// Page is the answer to a [Query]. Items of a backwards page are nearest first. Total counts entities, each once.
type Page struct {
	Items []Item
	Total int
}

// Query answers q.
func (s *Snapshot) Query(q Query) Page {
	k := s.key(uidKey)
	if q.Order != nil {
		k = s.key(strings.ToLower(q.Order.Key))
	}
	var page Page
	if k == nil {
		return page
	}
	hits, rows := s.hits(q, k)
	if !q.NoTotal {
		page.Total = k.valuedIn(hits)
	}
	if q.Limit <= 0 {
		return page
	}
	o := s.orderOf(k)
	w := walk{order: o, hits: hits, rows: rows, down: (q.Order != nil && q.Order.Desc) != q.Backwards}
	places := w.run(w.begin(s, q), q.Offset, q.Limit)
	page.Items = make([]Item, len(places))
	for i, p := range places {
		e := o.entries[p]
		page.Items[i].Doc = s.doc(e.doc)
		if q.Order != nil {
			page.Items[i].Value = o.value(e)
		}
	}
	return page
}

// hits is who passes the filter and the text, nil for everybody. When the text looks at nothing but the sort key it
// chooses among the values of an entity as well: rows says which.
func (s *Snapshot) hits(q Query, k *key) (hits *roaring.Bitmap, rows func(value string) bool) {
	if !q.Filter.IsZero() {
		hits = s.eval(q.Filter).bits
	}
	if q.Text.empty() {
		return hits, nil
	}
	like := q.Text.matcher()
	keys := q.Text.keys(k.name)
	text := s.withText(keys, like)
	if hits != nil {
		text.And(hits)
	}
	if q.Order != nil && len(keys) == 1 && keys[0] == k.name {
		rows = like
	}
	return text, rows
}

// valuedIn counts the documents of hits (nil: all) that have a value of k.
func (k *key) valuedIn(hits *roaring.Bitmap) int {
	if hits == nil {
		n := k.exists.count()
		if k.bare != nil {
			n -= int(k.bare.GetCardinality())
		}
		return n
	}
	n := k.exists.countIn(hits)
	if k.bare != nil {
		n -= int(k.bare.AndCardinality(hits))
	}
	return n
}

// walk goes through the places of an order that hits have.
type walk struct {
	*order
	hits *roaring.Bitmap         // nil: all
	rows func(value string) bool // nil: all
	down bool
}

// begin is the first place to look at.
func (w *walk) begin(s *Snapshot, q Query) int {
	if q.From == nil {
		if w.down {
			return len(w.entries) - 1
		}
		return 0
	}
	value, uid := q.From.Value, strings.ToLower(q.From.UID)
	if q.Order == nil {
		value = uid
	}
	at := w.search(s, value, uid)
	if w.down {
		return at - 1
	}
	// The position itself may be gone; if it is there, the page begins after it.
	if at < len(w.entries) {
		if e := w.entries[at]; w.value(e) == value && strings.ToLower(s.doc(e.doc).UID) == uid {
			at++
		}
	}
	return at
}

// sparseStep is what one hit costs in a sparse walk, in steps of a dense one.
const sparseStep = 2

// run returns up to limit places after offset. A few hits are looked up and sorted; of many, the next ones are found by
// going along the order.
func (w *walk) run(begin, offset, limit int) []uint32 {
	if begin < 0 || begin >= len(w.entries) {
		return nil
	}
	offset, limit = min(offset, len(w.entries)), min(limit, len(w.entries))
	if w.hits == nil {
		return w.dense(begin, offset, limit)
	}
	count := int(w.hits.GetCardinality())
	if count == 0 {
		return nil
	}
	steps := (offset + limit) * (len(w.entries)/count + 1)
	if count*sparseStep < min(steps, len(w.entries)) {
		return w.sparse(begin, offset, limit)
	}
	return w.dense(begin, offset, limit)
}

func (w *walk) dense(begin, offset, limit int) []uint32 {
	step, left := 1, len(w.entries)-begin
	if w.down {
		step, left = -1, begin+1
	}
	places := make([]uint32, 0, min(limit, left))
	for i := begin; left > 0 && len(places) < limit; i, left = i+step, left-1 {
		if !w.takes(w.entries[i]) {
			continue
		}
		if offset > 0 {
			offset--
			continue
		}
		places = append(places, uint32(i))
	}
	return places
}

func (w *walk) takes(e entry) bool {
	return (w.hits == nil || w.hits.Contains(e.doc)) && (w.rows == nil || w.rows(w.value(e)))
}

func (w *walk) sparse(begin, offset, limit int) []uint32 {
	var places []uint32
	posting{many: &postingMany{bits: w.hits}}.each(func(n uint32) {
		for _, p := range w.placesOf(n) {
			ahead := int(p) >= begin
			if w.down {
				ahead = int(p) <= begin
			}
			if ahead && (w.rows == nil || w.rows(w.value(w.entries[p]))) {
				places = append(places, p)
			}
		}
	})
	slices.Sort(places)
	if w.down {
		slices.Reverse(places)
	}
	places = places[min(offset, len(places)):]
	return places[:min(limit, len(places))]
}
