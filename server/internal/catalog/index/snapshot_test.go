package index

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

func TestSnapshot_ReadersSeeOneStateWhileChangesArePublished(t *testing.T) {
	t.Parallel()
	ix := New()
	const total = 300
	// Every batch gives all documents the same generation, so a mixed state would show.
	publish := func(generation int) {
		changes := make([]Change, total)
		for i := range changes {
			uid := fmt.Sprintf("u%03d", i)
			changes[i] = Change{Seq: int64(generation), UID: uid, Doc: &Doc{
				UID: uid, Ref: "component:default/x", JSON: fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":"n%03d","uid":%q},"spec":{"generation":%d}}`, (i*7)%total, uid, generation),
			}}
		}
		if err := ix.Apply(changes); err != nil {
			t.Error(err)
		}
	}
	publish(1)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := ix.Snapshot()
				generation := fmt.Sprint(s.Seq())
				page := s.Query(Query{Filter: In("spec.generation", generation), Order: &Order{Key: "metadata.name"}, Limit: 5})
				facets := s.Facets(In("kind", "component"), []string{"spec.generation"})[0]
				docs, _ := s.List(List{Filter: Not(In("spec.generation", generation))})
				if page.Total != total || len(facets) != 1 || facets[0].Value != generation || len(docs) != 0 {
					t.Errorf("generation %s: total %d, facets %v, %d others", generation, page.Total, facets, len(docs))
					return
				}
			}
		})
	}
	for generation := 2; generation < 30; generation++ {
		publish(generation)
	}
	close(done)
	readers.Wait()
}

func TestSnapshot_StaysAsItWasWhenLaterChangesCome(t *testing.T) {
	t.Parallel()
	ix := New()
	doc := func(uid, kind string) Change {
		return Change{UID: uid, Doc: &Doc{UID: uid, Ref: "k:n/" + "x", JSON: fmt.Appendf(nil, `{"kind":%q}`, kind)}}
	}
	if err := ix.Apply([]Change{doc("a", "One"), doc("b", "One")}); err != nil {
		t.Fatal(err)
	}
	before := ix.Snapshot()
	if err := ix.Apply([]Change{doc("a", "Two"), {UID: "b"}, doc("c", "One")}); err != nil {
		t.Fatal(err)
	}
	if n := before.Query(Query{Filter: In("kind", "one")}).Total; n != 2 || before.Len() != 2 {
		t.Errorf("the old snapshot has %d of kind one, %d in all", n, before.Len())
	}
	after := ix.Snapshot()
	if n := after.Query(Query{Filter: In("kind", "one")}).Total; n != 1 || after.ByUID("b") != nil {
		t.Errorf("the new snapshot has %d of kind one", n)
	}
	seen := 0
	for d := range after.All() {
		seen += len(d.UID)
	}
	if seen != 2 {
		t.Errorf("All gave %d documents", seen)
	}
}

func TestApply_OfMoreThanOneChunkLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 entities")
	}
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	const n = 20_000
	var changes []Change
	for i := range n {
		d := generated(i, r)
		changes = append(changes, Change{Seq: int64(i), UID: d.UID, Doc: d})
	}
	ix := New()
	if err := ix.Apply(changes); err != nil {
		t.Fatal(err)
	}
	var gone []Change
	for i := 0; i < n; i += 2 {
		gone = append(gone, Change{Seq: n, UID: changes[i].UID})
	}
	if err := ix.Apply(gone); err != nil {
		t.Fatal(err)
	}
	s := ix.Snapshot()
	if s.Len() != n/2 || s.Query(Query{}).Total != n/2 {
		t.Fatalf("%d entities, want %d", s.Len(), n/2)
	}
	for i := range changes {
		if found := s.ByRef(changes[i].Doc.Ref) != nil; found != (i%2 == 1) {
			t.Fatalf("entity %d found: %v", i, found)
		}
	}
}

func TestIndex_GzipsLargeBodiesAndKeepsThem(t *testing.T) {
	t.Parallel()
	ix := New()
	large := &Doc{JSON: []byte(`"` + strings.Repeat("text ", 1000) + `"`)}
	gz := ix.Gzip(large)
	r, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(r); err != nil || !bytes.Equal(plain, large.JSON) {
		t.Fatalf("%d bytes came back (%v)", len(plain), err)
	}
	if again := ix.Gzip(large); &again[0] != &gz[0] {
		t.Error("compressed twice")
	}
	if ix.Gzip(&Doc{JSON: []byte(`"small"`)}) != nil {
		t.Error("a small body was compressed")
	}
}

func TestLike_HasTwoWildcardsAndNoEscape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		term, value string
		want        bool
	}{
		{"b", "abc", true}, {"x", "abc", false}, {"a_c", "xabcx", true}, {"a_c", "ac", false}, {"a%c", "a123c", true},
		{"%", "", true}, {"_", "", false}, {"_", "ö", true}, {"a__b", "aöüb", true}, {`50\%`, "50%", false},
		{"a%b%c", "xxaxxbxxcxx", true}, {"a%b%c", "xxcxxbxxaxx", false}, {"%%%", "abc", true},
		{strings.Repeat("%a", 30), strings.Repeat("a", 29), false},
	} {
		if got := (Text{Term: c.term}).matcher()(c.value); got != c.want {
			t.Errorf("%q in %q: %v", c.term, c.value, got)
		}
	}
}

func TestFacets_SurviveTextThatIsNoText(t *testing.T) {
	t.Parallel()
	ix := New()
	doc := &Doc{UID: "u", Ref: "a:b/c", JSON: []byte("{\"kind\":\"\xff\xf0A\"}")}
	if err := ix.Apply([]Change{{UID: "u", Doc: doc}}); err != nil {
		t.Fatal(err)
	}
	if f := ix.Snapshot().Facets(Filter{}, []string{"kind"})[0]; len(f) != 1 || f[0].Count != 1 {
		t.Errorf("got %v", f)
	}
}

func TestPackCase_GivesTheTextBack(t *testing.T) {
	t.Parallel()
	for _, original := range []string{
		"A", "Service", "A Long Title of Something", "ALL CAPITALS EVERYWHERE", "Über Größe", "İstanbul", "ẞ",
		strings.Repeat("x", 255) + "Y", strings.Repeat("x", 256) + "Y", "Sentence with one capital and many more words after it.",
	} {
		value := strings.ToLower(original)
		packed := packCase(value, original)
		if got := unpackCase(value, packed); got != original || len(packed) > len(original) {
			t.Errorf("%q became %q by %q", original, got, packed)
		}
	}
}
