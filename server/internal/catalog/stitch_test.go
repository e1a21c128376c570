package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// assembled says in maps what stitching does on bytes.
func assembled(e entity.Entity, u unstitched) entity.Entity {
	annotations := asObject(e.Metadata()["annotations"])
	if u.orphan {
		if annotations == nil {
			annotations = map[string]any{}
			e.Metadata()["annotations"] = annotations
		}
		annotations[entity.AnnotationOrphan] = "true"
	}
	for _, name := range []string{entity.AnnotationViewURL, entity.AnnotationEditURL} {
		if url, ok := annotations[name].(string); ok && entity.IsScriptURL(url) {
			annotations[name] = rejectedURL
		}
	}
	relations := make([]any, len(u.relations))
	for i, r := range u.relations {
		relations[i] = map[string]any{"type": r.Type, "targetRef": r.TargetRef}
	}
	e["relations"] = relations
	if items := statusItems(u.errors); len(items) > 0 {
		e["status"] = map[string]any{"items": items}
	}
	hash := hashOf(appendCanonical(nil, e))
	e.Metadata()["uid"] = u.id
	if etag, _ := e.Metadata()["etag"].(string); etag == "" {
		e.Metadata()["etag"] = hash
	}
	return e
}

// words are texts that members, keys and values are drawn from: order, escapes and case are what can go wrong.
var words = []string{
	"a", "b", "Tags", "tags", "type", "Type", "relations", "status", "spec", "etag", "uid", "annotations", "metadata", "Metadata", "NAME", "name",
	"", "a.b", "A.b", `q"uote`, `back\slash`, "new\nline", "{", "}]", ",:", "ümlaut", "ÜMLAUT", "\u2028", "javascript:alert(1)", "https://a.test/x",
	"backstage.io/view-url", "backstage.io/edit-url", "backstage.io/orphan", strings.Repeat("long ", 60), "\x01",
}

func anyValue(depth int) *rapid.Generator[any] {
	text := rapid.Map(rapid.SampledFrom(words), func(s string) any { return s })
	other := rapid.SampledFrom([]any{nil, true, false, int64(-3), 2.5})
	if depth == 0 {
		return rapid.OneOf(text, other)
	}
	below := anyValue(depth - 1)
	return rapid.OneOf(text, other, rapid.Map(rapid.SliceOfN(below, 0, 3), func(l []any) any { return l }),
		rapid.Map(anyObject(depth-1), func(m map[string]any) any { return m }))
}

func anyObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom(words), anyValue(depth), 0, 5)
}

func anyUnstitched(t *rapid.T) unstitched {
	doc := anyObject(2).Draw(t, "root")
	metadata := anyObject(2).Draw(t, "metadata")
	if rapid.Bool().Draw(t, "annotated") {
		metadata["annotations"] = anyObject(1).Draw(t, "annotations")
	}
	doc["metadata"] = metadata
	u := unstitched{id: "0192-uid", processed: string(appendCanonical(nil, doc)), orphan: rapid.Bool().Draw(t, "orphan")}
	if rapid.Bool().Draw(t, "failing") {
		u.errors = `[{"name":"InputError","message":"no \"such\" thing"}]`
	}
	for range rapid.IntRange(0, 3).Draw(t, "relations") {
		u.relations = append(u.relations, entity.Relation{
			Type: rapid.SampledFrom(words).Draw(t, "type"), TargetRef: rapid.SampledFrom(words).Draw(t, "target"),
		})
	}
	return u
}

func TestStitch_OnBytesIsStitchingOfTheDecodedDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := anyUnstitched(t)
		doc, err := decodeEntity(u.processed)
		if err != nil {
			t.Fatal(err)
		}
		want := string(appendCanonical(nil, assembled(doc, u)))
		_, refused := index.RowsOf([]byte(want))
		got := stitch(u, &spellings{words: map[string]string{}})
		switch {
		case refused != nil && (got.problem == nil || got.problem.Error() != refused.Error()):
			t.Fatalf("%s was published, the index says: %v", got.final, refused)
		case refused != nil:
		case got.problem != nil:
			t.Fatalf("%s: %v", want, got.problem)
		case got.final != want:
			t.Fatal(cmp.Diff(want, got.final))
		}
	})
}

func TestStitch_AnUnchangedEntityIsNotWrittenAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := anyUnstitched(t)
		first := stitch(u, &spellings{words: map[string]string{}})
		if first.problem != nil {
			return
		}
		u.previousHash = first.hash
		if again := stitch(u, &spellings{words: map[string]string{}}); again.final != "" || again.hash != first.hash {
			t.Fatalf("written again: %s", again.final)
		}
	})
}

func TestSpellings_OrdinaryEntitiesNeedNoCloseLook(t *testing.T) {
	s := &spellings{words: map[string]string{}}
	for document, want := range map[string]bool{
		`{"kind":"API","metadata":{"name":"a","tags":["go","java"]},"relations":[{"targetRef":"a:b/c","type":"ownedBy"}]}`: false,
		`{"spec":{"lifeCycle":1,"lifecycle":2}}`:                            true,
		`{"metadata":{"tags":["go","Go"]}}`:                                 true,
		`{"a":{"b":1},"A.b":2}`:                                             true,
		`{"metadata":{"nameSpace":"x"}}`:                                    true,
		`{"relations":[{"type":"ownedBy"},{"type":"OwnedBy"}]}`:             true,
		`{"esc\"aped":1}`:                                                   true,
		strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100):       true,
		`{"spec":{"definition":"Long text in Which WHICH case is no key"}}`: false,
	} {
		if got := s.doubtful([]byte(document)); got != want {
			t.Errorf("%s: doubtful is %v", document, got)
		}
	}
}

func FuzzMembersOf(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":{"b":[1,"}"]},"c":"\\\""}`, `{`, `{"a"`, `{"a":`, `{"a":1,`, `{"a":1,}`, `[]`, `{"a":"`, `{,}`, `{:}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		(&spellings{words: map[string]string{}}).doubtful([]byte(data))
		members, err := membersOf([]byte(data))
		doc, broken := decodeEntity(data)
		if broken != nil || string(appendCanonical(nil, doc)) != data {
			return // any answer will do, but there must be one
		}
		if err != nil || string(appendMembers(nil, members)) != data {
			t.Fatalf("%s: %v, %v", data, members, err)
		}
		keys := make([]string, len(members))
		for i, m := range members {
			keys[i] = textOf(m.key)
		}
		if want := slices.Sorted(maps.Keys(doc)); !slices.Equal(keys, want) {
			t.Fatalf("%s has members %q", data, keys)
		}
	})
}

func TestFollow_OwnWritesAreTakenOnlyWhereTheyFollowTheIndex(t *testing.T) {
	one := func(seq int64, name string) published {
		document := fmt.Sprintf(`{"kind":"Component","metadata":{"name":%q,"uid":%q}}`, name, name)
		doc := &index.Doc{UID: name, Ref: entity.Canonical("component:default/" + name), JSON: []byte(document)}
		return published{before: seq - 1, last: seq, changes: []index.Change{{Seq: seq, UID: name, Doc: doc}}}
	}
	gap := one(9, "gap")
	gap.before = 7 // somebody else's change lies between
	for name, c := range map[string]struct {
		offered []published
		seq     int64
		visible []string
	}{
		"in order":            {[]published{one(5, "a"), one(6, "b")}, 6, []string{"a", "b"}},
		"known already":       {[]published{one(4, "a"), one(5, "b")}, 5, []string{"b"}},
		"another's write":     {[]published{one(5, "a"), one(7, "b")}, 5, []string{"a"}},
		"all behind a gap":    {[]published{one(6, "a"), one(7, "b")}, 4, nil},
		"a gap inside of one": {[]published{gap}, 4, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := &follower{index: index.New(), seq: 4}
			for _, p := range c.offered {
				f.offer(p)
			}
			if err := f.applyOffered(); err != nil {
				t.Fatal(err)
			}
			var visible []string
			for doc := range f.index.Snapshot().All() {
				visible = append(visible, doc.UID)
			}
			slices.Sort(visible)
			if f.seq != c.seq || !slices.Equal(visible, c.visible) {
				t.Errorf("the index holds %q up to %d, want %q up to %d", visible, f.seq, c.visible, c.seq)
			}
		})
	}
}
