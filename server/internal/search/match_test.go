package search

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func harbour() *shelf {
	s := newShelf()
	s.note("planner", "Berth Planner", "Assigns ships to berths", "Component")
	s.note("queue", "berth-queue", "Ships that wait", "Resource")
	s.note("north", "North pier", "", "Component")
	s.note("pages", "Pages", "The planning of websites", "API")
	s.note("greeting", "Grüße", "港湾 und Überfahrt", "API")
	return s
}

func TestQuery_FindsWhatATermMeans(t *testing.T) {
	e := newTestEngine(t, nil, notes(harbour()))
	for _, c := range []struct {
		why, query string
		want       []string
	}{
		{"in any case, best match first", "term=BERTH", []string{"/notes/planner", "/notes/queue", "/notes/north"}},
		{"by its stem", "term=planned", []string{"/notes/pages", "/notes/planner"}},
		{"by a prefix", "term=queu", []string{"/notes/queue"}},
		{"with two letters wrong", "term=wepzit", []string{"/notes/pages"}},
		{"with two letters swapped and one missing", "term=qeueu", []string{"/notes/queue"}},
		{"one of several words", "term=websites%20queue", []string{"/notes/queue", "/notes/pages"}},
		{"in other scripts", "term=%E6%B8%AF%E6%B9%BE&filters[kind]=API", []string{"/notes/greeting", "/notes/pages"}},
		{"beyond ASCII at its ends", "term=%C3%BCberfahrt", []string{"/notes/greeting"}},
		{"beyond ASCII at its ends, mistyped", "term=uberfahrt", []string{"/notes/greeting"}},
		{"never for being as short as a word of another script", "term=xq", []string{}},
		{"not what is not there", "term=zeppelin", []string{}},
		{"nothing typed is everything, by key", "term=", []string{"/notes/greeting", "/notes/north", "/notes/pages", "/notes/planner", "/notes/queue"}},
		{"only separators is nothing typed", "term=--&pageLimit=1", []string{"/notes/greeting"}},
		{"a filter demands", "term=&filters[kind]=component", []string{"/notes/north", "/notes/planner"}},
		{"a filter is tokenised, every token counts", "term=&filters[title]=planner+berth", []string{"/notes/planner"}},
		{"with a filter the term only ranks", "term=berth&filters[kind]=Component", []string{"/notes/planner", "/notes/north"}},
		{"a list widens", "term=queue&filters[kind][0]=API&filters[kind][1]=nope", []string{"/notes/queue", "/notes/greeting", "/notes/pages"}},
		{"a list value of several tokens needs all of them", "term=&filters[title][]=north-pier&filters[title][]=berth-pier", []string{"/notes/north"}},
		{"a list of one is no list", "term=berth&filters[kind][0]=Resource", []string{"/notes/queue"}},
		{"an unknown field matches nothing", "term=&filters[nosuch]=x", []string{}},
		{"an unknown value matches nothing", "term=&filters[kind]=Nope", []string{}},
		{"stop words in filters do not count", "term=&filters[kind]=the", []string{"/notes/greeting", "/notes/north", "/notes/pages", "/notes/planner", "/notes/queue"}},
		{"an object is no filter", "term=&filters[kind][x]=API&pageLimit=1", []string{"/notes/greeting"}},
	} {
		if diff := cmp.Diff(c.want, ask(t, e, c.query)); diff != "" {
			t.Errorf("%s (%s):\n%s", c.why, c.query, diff)
		}
	}
}

func TestQuery_HighlightsWhatMatched(t *testing.T) {
	e := newTestEngine(t, nil, notes(harbour()))
	e.preTag, e.postTag = "<", ">"
	want := []Highlighted{{"title", "<Berth> Planner"}, {"text", "Assigns ships to <berths>"}}
	if diff := cmp.Diff(want, query(t, e, "term=Berth").Results[0].Highlight); diff != "" {
		t.Error(diff)
	}
	want = []Highlighted{{"title", "<Grüße>"}, {"kind", "<API>"}}
	if diff := cmp.Diff(want, query(t, e, "term=gr%C3%BC%C3%9Fe&filters[kind]=api").Results[0].Highlight); diff != "" {
		t.Error("a filter highlights in its own field only\n", diff)
	}
}

func TestQuery_PagesCoverEverythingOnce(t *testing.T) {
	e := newTestEngine(t, nil, Type{Name: "c", Fields: catalogFields, Source: generated(150)})
	for _, term := range []string{"", "payment", "team"} {
		var walked []string
		page := query(t, e, "pageLimit=7&term="+term)
		for {
			walked = append(walked, locations(page)...)
			if page.Next == nil {
				break
			}
			page = query(t, e, "pageLimit=7&term="+term+"&pageCursor="+page.Next.cursor())
		}
		total := *page.Total
		slices.Sort(walked)
		if n := len(slices.Compact(walked)); n != total || n == 0 {
			t.Errorf("term %q: pages hold %d different documents of %d", term, n, total)
		}
		for page.Previous != nil {
			page = query(t, e, "pageLimit=7&term="+term+"&pageCursor="+page.Previous.cursor())
		}
		if first := query(t, e, "pageLimit=7&term="+term); !slices.Equal(locations(page), locations(first)) {
			t.Errorf("term %q: walking back does not end on the first page", term)
		}
	}
}

func TestWithinEdits_AgreesWithTryingAllEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringMatching(`[abcü]{1,6}`).Draw(t, "token")
		term := rapid.StringMatching(`[abcü]{1,7}`).Draw(t, "term")
		if got, want := withinEdits([]rune(token), term), reachable([]rune(token), []rune(term), maxEdits); got != want {
			t.Fatalf("withinEdits(%q, %q) = %v, trying all edits says %v", token, term, got, want)
		}
	})
}

// reachable tries every edit at every place.
func reachable(token, term []rune, edits int) bool {
	if len(token) == 0 && len(term) <= edits || len(term) == 0 && len(token) <= edits {
		return true
	}
	if len(token) > 0 && len(term) > 0 && token[0] == term[0] && reachable(token[1:], term[1:], edits) {
		return true
	}
	if edits == 0 {
		return false
	}
	return len(term) > 0 && reachable(token, term[1:], edits-1) || // insert
		len(token) > 0 && reachable(token[1:], term, edits-1) || // delete
		len(token) > 0 && len(term) > 0 && reachable(token[1:], term[1:], edits-1) || // substitute
		len(token) > 1 && len(term) > 0 && token[1] == term[0] &&
			reachable(append([]rune{token[0]}, token[2:]...), term[1:], edits-1) // swap
}

func TestShapes_MissNoTermWithinReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfNDistinct(rapid.StringMatching(`[abz09ü港]{1,5}`), 1, 20, rapid.ID).Draw(t, "terms")
		slices.Sort(terms)
		token := []rune(rapid.StringMatching(`[abz09ü港]{1,6}`).Draw(t, "token"))
		sh := newShapes(terms)
		near := map[string]bool{}
		sh.near(token, maxEdits, func(id termID) { near[terms[id]] = true })
		for _, term := range terms {
			if withinEdits(token, term) && !near[term] {
				t.Fatalf("%q is within reach of %q but was dismissed", term, string(token))
			}
		}
	})
}

// A history of changes, indexed one update at a time, must answer like an index made at once.
func TestIndex_UpdatedEqualsRebuilt(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	words := []string{"berth", "berths", "planner", "quay", "north", "the", "07", "harbour", "api"}
	rapid.Check(t, func(rt *rapid.T) {
		s := newShelf()
		ix := newIndex(notes(s), log)
		word := rapid.SampledFrom(words)
		for range rapid.IntRange(1, 12).Draw(rt, "updates") {
			for range rapid.IntRange(1, 6).Draw(rt, "changes") {
				key := fmt.Sprint("d", rapid.IntRange(0, 25).Draw(rt, "key"))
				if rapid.IntRange(0, 3).Draw(rt, "op") == 0 {
					s.remove(key)
				} else {
					s.note(key, word.Draw(rt, "title"), strings.Join(rapid.SliceOfN(word, 0, 4).Draw(rt, "text"), " "), word.Draw(rt, "kind"))
				}
			}
			if err := ix.update(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		rebuilt := newIndex(notes(s), log)
		if err := rebuilt.update(context.Background()); err != nil {
			rt.Fatal(err)
		}
		q := Query{Term: word.Draw(rt, "term") + " " + word.Draw(rt, "term2")}
		if rapid.Bool().Draw(rt, "filtered") {
			q.Filters = []Filter{{Field: "kind", Values: rapid.SliceOfN(word, 1, 2).Draw(rt, "filter")}}
		}
		got, want := ranked(rt, ix, q), ranked(rt, rebuilt, q)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("after %d segments: %s", len(ix.current.Load().segments), diff)
		}
	})
}

// ranked is the outcome of a query; scores are rounded, because the order of additions differs.
func ranked(t *rapid.T, ix *index, q Query) map[string]string {
	p, _ := newPlan(q, noteFields)
	f, err := ix.current.Load().find(context.Background(), &p, nil, 1000, new(scratchPool))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range f.best {
		all[m.doc().key] = fmt.Sprint(math.Round(m.score*1e6), m.doc().Values)
	}
	if f.total != len(f.best) {
		t.Fatalf("total %d, found %d", f.total, len(f.best))
	}
	return all
}

func TestIndex_ReadsOnlyWhatChanged(t *testing.T) {
	s := generated(500)
	ix := newIndex(Type{Name: "c", Fields: catalogFields, Source: s}, slog.New(slog.DiscardHandler))
	update := func() int {
		t.Helper()
		before := s.reads
		if err := ix.update(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.reads - before
	}
	if n := update(); n != 500 {
		t.Errorf("the first update reads everything, read %d", n)
	}
	if n := update(); n != 0 {
		t.Errorf("nothing changed, read %d", n)
	}
	for i := range 200 {
		s.put(fmt.Sprint("new", i), "x", "", "", "", "", "", "", "", "/x")
		if n := update(); n != 1 {
			t.Fatalf("one document is new, read %d", n)
		}
	}
	if n := len(ix.current.Load().segments); n > 8 {
		t.Errorf("200 small updates left %d segments", n)
	}
}

func TestIndex_KeepsWhatItHasWhenTheSourceFails(t *testing.T) {
	s := harbour()
	e := newTestEngine(t, nil, notes(s))
	s.remove("planner")
	s.fails = true
	if err := e.Update(t.Context()); err == nil {
		t.Error("the failure is not reported")
	}
	if n := len(ask(t, e, "")); n != 5 {
		t.Errorf("%d documents are left of 5", n)
	}
	s.fails = false
	if err := e.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(ask(t, e, "")); n != 4 {
		t.Errorf("%d documents after the source is back, want 4", n)
	}
}

func TestIndex_LeavesOutLocationsThatAreNoWebPages(t *testing.T) {
	s := newShelf()
	for key, location := range map[string]string{
		"a": "/relative", "b": "https://elsewhere.test/x", "c": "HTTP://elsewhere.test", "d": "?a=b:c", "e": "catalog/a:b",
		"x1": "javascript:alert(1)", "x2": " JavaScript:alert(1)", "x3": "java\tscript:alert(1)", "x4": "data:text/html,x",
		"x5": "\x01vbscript:x", "x6": "file:///etc/passwd", "x7": "http://[broken",
	} {
		s.put(key, key, "", "", location)
	}
	e := newTestEngine(t, nil, notes(s))
	var titles []string
	for _, r := range query(t, e, "pageLimit=100").Results {
		titles = append(titles, r.Document.Values[0])
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, titles); diff != "" {
		t.Error(diff)
	}
}
