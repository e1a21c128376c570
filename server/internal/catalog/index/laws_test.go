package index

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/callboard/callboard/sdk/entity"
)

// The laws run one after the other: generators of rapid may not be shared between goroutines.

// A small world of keys and values that collide often: the laws are about collisions.
var (
	drawKind  = rapid.SampledFrom([]string{"Component", "component", "API", "System"})
	drawValue = rapid.SampledFrom([]any{"a", "A", "b", "ab", "Ab", "c_d", "50%", "", nil, true, 7, 1.5, strings.Repeat("x", 201), "ö", "Ö"})
)

func drawDoc(t *rapid.T, uid string) *Doc {
	e := map[string]any{
		"kind": drawKind.Draw(t, "kind"),
		"metadata": map[string]any{
			"name": rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "name"), "uid": uid,
			"tags": rapid.SliceOfN(rapid.SampledFrom([]string{"go", "Go", "java", "x"}), 0, 3).Draw(t, "tags"),
		},
		"relations": []any{map[string]any{"type": "ownedBy", "targetRef": rapid.SampledFrom([]string{"group:default/a", "group:default/b"}).Draw(t, "owner")}},
	}
	if rapid.Bool().Draw(t, "hasSpec") {
		e["spec"] = map[string]any{
			"type": drawValue.Draw(t, "type"),
			"list": rapid.SliceOfN(drawValue, 0, 3).Draw(t, "list"),
		}
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	ref := entity.Canonical(fmt.Sprintf("component:default/%s-%s", e["metadata"].(map[string]any)["name"], uid))
	return &Doc{UID: uid, Ref: ref, JSON: data}
}

var drawKey = rapid.SampledFrom([]string{"kind", "metadata.name", "Metadata.Tags", "metadata.tags.go", "spec.type", "spec.list", "spec.list.a", "relations.ownedBy", "nosuch", "metadata.uid"})

func drawFilter(depth int) *rapid.Generator[Filter] {
	return rapid.Custom(func(t *rapid.T) Filter {
		n := 3
		if depth > 0 {
			n = 6
		}
		subs := func() []Filter { return rapid.SliceOfN(drawFilter(depth-1), 0, 3).Draw(t, "subs") }
		text := rapid.SampledFrom([]string{"a", "A", "b", "ab", "component", "go", "true", "7", "1.5", "", "group:default/a", "Ö", "u3"})
		switch rapid.IntRange(1, n).Draw(t, "op") {
		case 1:
			return In(drawKey.Draw(t, "key"), rapid.SliceOfN(text, 0, 3).Draw(t, "values")...)
		case 2:
			return Exists(drawKey.Draw(t, "key"))
		case 3:
			return HasPrefix(drawKey.Draw(t, "key"), text.Draw(t, "prefix"))
		case 4:
			return All(subs()...)
		case 5:
			return Any(subs()...)
		}
		return Not(drawFilter(depth-1).Draw(t, "sub"))
	})
}

// world is an index under random change with a plain map beside it.
type world struct {
	ix   *Index
	docs map[string]*Doc
	seq  int64
}

func newWorld() *world { return &world{ix: New(), docs: map[string]*Doc{}} }

func (w *world) change(t *rapid.T) {
	var batch []Change
	for range rapid.IntRange(1, 12).Draw(t, "batch") {
		w.seq++
		uid := fmt.Sprintf("u%02d", rapid.IntRange(0, 30).Draw(t, "uid"))
		c := Change{Seq: w.seq, UID: uid}
		if rapid.IntRange(0, 3).Draw(t, "kind of change") > 0 {
			c.Doc = drawDoc(t, uid)
			w.docs[uid] = c.Doc
		} else {
			delete(w.docs, uid)
		}
		batch = append(batch, c)
	}
	if err := w.ix.Apply(batch); err != nil {
		t.Fatal(err)
	}
}

func (w *world) rows(t *rapid.T, d *Doc) []Row {
	rows, err := RowsOf(d.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// uids of the documents that pass f, by definition.
func (w *world) matching(t *rapid.T, f Filter) []string {
	uids := []string{}
	for uid, d := range w.docs {
		if f.Matches(w.rows(t, d)) {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return uids
}

func uidsOf(items []Item) []string {
	uids := []string{}
	for _, it := range items {
		uids = append(uids, it.Doc.UID)
	}
	return uids
}

func TestSnapshot_AnswersFiltersByTheirDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			w.change(t)
		}
		s := w.ix.Snapshot()
		for range 5 {
			f := drawFilter(2).Draw(t, "filter")
			want := w.matching(t, f)
			page := s.Query(Query{Filter: f, Limit: 1000})
			if got := uidsOf(page.Items); !slices.Equal(got, want) || page.Total != len(want) {
				t.Fatalf("%+v: got %v (total %d), want %v", f, got, page.Total, want)
			}
			for uid, d := range w.docs {
				if got := s.Matches(d.Ref, f); got != slices.Contains(want, uid) {
					t.Fatalf("%+v matches %s: %v", f, uid, got)
				}
			}
		}
	})
}

func TestSnapshot_AfterManyBatchesIsTheSameAsBuiltAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			w.change(t)
			// Orders that were used are carried along.
			w.ix.Snapshot().Query(Query{Order: &Order{Key: "metadata.name"}, Limit: 1})
		}
		fresh := New()
		var all []Change
		for uid, d := range w.docs {
			all = append(all, Change{Seq: w.seq, UID: uid, Doc: d})
		}
		if err := fresh.Apply(all); err != nil {
			t.Fatal(err)
		}
		if got, want := describe(w.ix.Snapshot()), describe(fresh.Snapshot()); got != want {
			t.Fatalf("after changes:\n%s\nbuilt at once:\n%s", got, want)
		}
		for uid, d := range w.docs {
			s := w.ix.Snapshot()
			if s.ByUID(uid) != d || s.ByRef(d.Ref) != d || s.ByUID(strings.ToUpper(uid)) != d {
				t.Fatalf("%s is not found", uid)
			}
		}
		if w.ix.Snapshot().Len() != len(w.docs) {
			t.Fatalf("Len %d, want %d", w.ix.Snapshot().Len(), len(w.docs))
		}
	})
}

// describe writes out everything that an index knows, without document numbers.
func describe(s *Snapshot) string {
	var names []string
	for _, shard := range s.keys {
		for name := range shard {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		k := s.key(name)
		uids := func(p posting) []string {
			var uids []string
			p.each(func(n uint32) { uids = append(uids, s.doc(n).UID) })
			slices.Sort(uids)
			return uids
		}
		fmt.Fprintf(&b, "%s %v\n", name, uids(k.exists))
		if k.bare != nil {
			fmt.Fprintf(&b, "  bare %v\n", uids(posting{many: &postingMany{bits: k.bare}}))
		}
		n := 0
		for t := range k.terms.all() {
			fmt.Fprintf(&b, "  %q %q %v\n", t.value, t.label(), uids(t.docs))
			n++
		}
		if n != k.terms.count {
			fmt.Fprintf(&b, "  count %d is wrong\n", k.terms.count)
		}
		o := s.orderOf(k)
		for _, e := range o.entries {
			fmt.Fprintf(&b, "  > %q %s\n", o.value(e), s.doc(e.doc).UID)
		}
	}
	for _, n := range s.refOrder() {
		fmt.Fprintf(&b, "%s\n", s.doc(n).Ref)
	}
	return b.String()
}

type sortRow struct{ value, uid string }

// sorted is the order of q by definition: once per value, ties by uid.
func (w *world) sorted(t *rapid.T, q Query) (rows []sortRow, total int) {
	counted := map[string]bool{}
	like := q.Text.matcher()
	for uid, d := range w.docs {
		facts := w.rows(t, d)
		if !q.Filter.Matches(facts) {
			continue
		}
		key := "metadata.uid"
		if q.Order != nil {
			key = q.Order.Key
		}
		keys := q.Text.keys(key)
		if !q.Text.empty() && !slices.ContainsFunc(facts, func(r Row) bool { return !r.Null && slices.Contains(keys, r.Key) && like(r.Value) }) {
			continue
		}
		for _, r := range facts {
			if r.Key != key || r.Null {
				continue
			}
			counted[uid] = true
			if q.Text.empty() || len(keys) > 1 || keys[0] != key || like(r.Value) {
				rows = append(rows, sortRow{r.Value, uid})
			}
		}
	}
	slices.SortFunc(rows, func(a, b sortRow) int {
		if c := strings.Compare(a.value, b.value); c != 0 {
			return c
		}
		return strings.Compare(a.uid, b.uid)
	})
	if q.Order != nil && q.Order.Desc {
		slices.Reverse(rows)
	}
	return rows, len(counted)
}

func TestQuery_PagesCoverEverythingOnceForwardsAndBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			w.change(t)
		}
		q := Query{Filter: drawFilter(1).Draw(t, "filter"), Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "ordered") {
			q.Order = &Order{
				Key:  rapid.SampledFrom([]string{"metadata.name", "kind", "spec.type", "spec.list", "metadata.tags", "nosuch"}).Draw(t, "order"),
				Desc: rapid.Bool().Draw(t, "desc"),
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "texted") == 0 {
			q.Text.Term = rapid.SampledFrom([]string{"a", "%", "_", "B", "o", "1%1"}).Draw(t, "term")
			q.Text.Keys = rapid.SliceOfN(rapid.SampledFrom([]string{"metadata.name", "metadata.tags", "spec.list"}), 0, 2).Draw(t, "text keys")
		}
		want, total := w.sorted(t, q)
		s := w.ix.Snapshot()
		forwards := walkAll(t, s, q, total, len(want))
		if !slices.Equal(forwards, want) {
			t.Fatalf("forwards %v, want %v", forwards, want)
		}
		if len(want) == 0 {
			return
		}
		q.Backwards, q.From = true, &Position{UID: "zzz", Value: "\xff"}
		if q.Order != nil && q.Order.Desc {
			q.From = &Position{}
		}
		backwards := walkAll(t, s, q, total, len(want))
		slices.Reverse(backwards)
		if !slices.Equal(backwards, want) {
			t.Fatalf("backwards %v, want %v", backwards, want)
		}
	})
}

// walkAll follows pages to the end.
func walkAll(t *rapid.T, s *Snapshot, q Query, total, most int) (rows []sortRow) {
	for {
		page := s.Query(q)
		if page.Total != total {
			t.Fatalf("total %d, want %d", page.Total, total)
		}
		for _, it := range page.Items {
			value := it.Value
			if q.Order == nil {
				value = it.Doc.UID
			}
			rows = append(rows, sortRow{value, it.Doc.UID})
		}
		if len(page.Items) < q.Limit || len(rows) > most {
			return rows
		}
		last := page.Items[len(page.Items)-1]
		q.From = &Position{Value: last.Value, UID: last.Doc.UID}
	}
}

func TestFacets_CountWhatTheRowsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			w.change(t)
		}
		f := drawFilter(1).Draw(t, "filter")
		key := drawKey.Draw(t, "key")
		want := map[string]int{}
		for _, d := range w.docs {
			rows := w.rows(t, d)
			for _, r := range rows {
				if !r.Null && r.Key == strings.ToLower(key) && f.Matches(rows) {
					want[r.Original]++
				}
			}
		}
		got := w.ix.Snapshot().Facets(f, []string{key})[0]
		if len(got) != len(want) || !slices.IsSortedFunc(got, func(a, b Facet) int { return strings.Compare(a.Value, b.Value) }) {
			t.Fatalf("facets %v, want %v", got, want)
		}
		for _, x := range got {
			if want[x.Value] != x.Count {
				t.Fatalf("facets %v, want %v", got, want)
			}
		}
	})
}

func TestList_SortsByAllOrdersWithMissingValuesLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			w.change(t)
		}
		l := List{Filter: drawFilter(1).Draw(t, "filter"), Offset: rapid.IntRange(0, 4).Draw(t, "offset"), Limit: rapid.IntRange(0, 6).Draw(t, "limit")}
		for range rapid.IntRange(0, 2).Draw(t, "orders") {
			l.Orders = append(l.Orders, Order{
				Key:  rapid.SampledFrom([]string{"metadata.name", "kind", "metadata.tags", "spec.type", "KIND"}).Draw(t, "key"),
				Desc: rapid.Bool().Draw(t, "desc"),
			})
		}
		want := w.listed(t, l)
		wantMore := false
		want = want[min(l.Offset, len(want)):]
		if l.Limit > 0 && len(want) > l.Limit {
			want, wantMore = want[:l.Limit], true
		}
		docs, more := w.ix.Snapshot().List(l)
		got := []string{}
		for _, d := range docs {
			got = append(got, d.UID)
		}
		if !slices.Equal(got, want) || more != wantMore {
			t.Fatalf("%+v: got %v %v, want %v %v", l, got, more, want, wantMore)
		}
	})
}

func (w *world) listed(t *rapid.T, l List) []string {
	type candidate struct {
		uid    string
		ref    string
		values []*string
	}
	var all []candidate
	for uid, d := range w.docs {
		rows := w.rows(t, d)
		if !l.Filter.Matches(rows) {
			continue
		}
		cs := []candidate{{uid: uid, ref: string(d.Ref)}}
		for _, o := range l.Orders {
			values := []*string{}
			for _, r := range rows {
				if r.Key == o.Key && !r.Null {
					values = append(values, &r.Value)
				}
			}
			if len(values) == 0 {
				values = append(values, nil)
			}
			var next []candidate
			for _, c := range cs {
				for _, v := range values {
					next = append(next, candidate{c.uid, c.ref, append(slices.Clone(c.values), v)})
				}
			}
			cs = next
		}
		all = append(all, cs...)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		for i, o := range l.Orders {
			x, y := a.values[i], b.values[i]
			switch {
			case x == nil && y == nil:
				continue
			case x == nil:
				return 1
			case y == nil:
				return -1
			}
			c := strings.Compare(*x, *y)
			if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		if len(l.Orders) == 0 {
			return strings.Compare(a.ref, b.ref)
		}
		return strings.Compare(a.uid, b.uid)
	})
	uids := []string{}
	for _, c := range all {
		uids = append(uids, c.uid)
	}
	return uids
}
