package index

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

func TestRows_FlattenAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 201)
	for _, c := range []struct{ name, spec, want string }{
		{"text", `"a":"X"`, `spec.a=x(X)`},
		{"numbers are what JavaScript prints", `"a":12345678901234567890,"b":1e3,"c":0.50,"d":1e21,"e":1e-7,"f":-0`,
			`spec.a=12345678901234567000 spec.b=1000 spec.c=0.5 spec.d=1e+21 spec.e=1e-7 spec.f=0`},
		{"booleans and null", `"a":true,"b":false,"c":null`, `spec.a=true spec.b=false spec.c:null`},
		{"empty containers have no rows", `"a":{},"b":[]`, ``},
		{"an empty text is a value", `"a":""`, `spec.a=`},
		{"text elements are keys too", `"a":["Go",1,null]`, `spec.a.go=true spec.a:null spec.a=1 spec.a=go(Go)`},
		{"elements differing in case are one key", `"a":["Go","go"]`, `spec.a.go=true spec.a=go(Go)`},
		{"nested arrays share a key", `"a":[["x"],"y"]`, `spec.a.x=true spec.a.y=true spec.a=x spec.a=y`},
		{"objects in arrays merge", `"a":[{"k":"v"},{"k":"w"}]`, `spec.a.k=v spec.a.k=w`},
		{"equal values are one row", `"a":[1,"1",1.0]`, `spec.a.1=true spec.a=1`},
		{"keys are not escaped", `"a.b/c":{"d e":"f"}`, `spec.a.b/c.d e=f`},
		{"keys are lower case", `"Type":"Service"`, `spec.type=service(Service)`},
		{"long values exist only", `"a":"` + long + `"`, `spec.a:null`},
		{"200 characters are not long", `"a":"` + long[:200] + `"`, `spec.a=` + long[:200]},
		{"length counts UTF-16 units", `"a":"` + strings.Repeat("⚓", 200) + `","b":"` + strings.Repeat("𝄞", 101) + `"`, `spec.a=` + strings.Repeat("⚓", 200) + ` spec.b:null`},
		{"long keys are dropped", `"` + long + `":1`, ``},
		{"escapes are decoded", `"a":"\u00fc\n\"","b\\":"x"`, `spec.a=ü` + "\n" + `" spec.b\=x`},
		{"special names are special at their place only", `"relations":"x","status":"y","name":"z"`, `spec.name=z spec.relations=x spec.status=y`},
	} {
		rows, err := RowsOf([]byte(`{"metadata":{"name":"n","uid":"u","namespace":"ns"},"spec":{` + c.spec + `}}`))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := show(rows); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// show lists the rows of spec.
func show(rows []Row) string {
	var texts []string
	for _, r := range rows {
		switch {
		case !strings.HasPrefix(r.Key, "spec."):
			continue
		case r.Null:
			texts = append(texts, r.Key+":null")
		case r.Value != r.Original:
			texts = append(texts, r.Key+"="+r.Value+"("+r.Original+")")
		default:
			texts = append(texts, r.Key+"="+r.Value)
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func TestRows_OfMetadataAndRelations(t *testing.T) {
	t.Parallel()
	rows, err := RowsOf([]byte(`{"kind":"K","attachments":{"a":1},"status":{"items":[1]},"relations":[{"type":"ownedBy","targetRef":"group:default/a"},{"targetRef":"x","type":"partOf","extra":{}}],
		"metadata":{"name":"N","uid":"U","etag":"e","labels":{"l":"v"}},"metadata.name":"not the name"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{Key: "kind", Value: "k", Original: "K"},
		{Key: "metadata.labels.l", Value: "v", Original: "v"},
		{Key: "metadata.name", Value: "n", Original: "N"},
		{Key: "metadata.namespace", Null: true},
		{Key: "metadata.uid", Value: "u", Original: "U"},
		{Key: "metadata.namespace", Value: "default", Original: "default"},
		{Key: "relations.ownedby", Value: "group:default/a", Original: "group:default/a"},
		{Key: "relations.partof", Value: "x", Original: "x"},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got  %v\nwant %v", rows, want)
	}
}

func TestRows_RefuseKeysThatDifferInCaseOnly(t *testing.T) {
	t.Parallel()
	_, err := Rows(entity.Entity{"metadata": map[string]any{"name": "n", "labels": map[string]any{"Tier": "a", "tier": "b"}}})
	if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), "Entity has duplicate keys that vary only in casing, 'metadata.labels.tier'") {
		t.Errorf("got %v", err)
	}
}

func TestApply_PublishesNothingWhenOneEntityIsRefused(t *testing.T) {
	t.Parallel()
	ix := New()
	good := &Doc{UID: "1", Ref: "a:b/c", JSON: []byte(`{"kind":"a"}`)}
	bad := &Doc{UID: "2", Ref: "a:b/d", JSON: []byte(`{"kind":"a","Kind":"b"}`)}
	err := ix.Apply([]Change{{Seq: 1, UID: "1", Doc: good}, {Seq: 2, UID: "2", Doc: bad}})
	if err == nil || !strings.Contains(err.Error(), "index entity a:b/d") {
		t.Errorf("got %v", err)
	}
	if s := ix.Snapshot(); s.Len() != 0 || s.Seq() != 0 || s.ByUID("1") != nil {
		t.Error("something was published")
	}
}

func TestRows_OfRecordedEntitiesAreThoseOfAPlainImplementation(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../testdata/entities.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		rows, err := RowsOf(slices.Clone(lines.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sortedRows(rows), sortedRows(plainRows(t, lines.Bytes())); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if n < 100 {
		t.Fatalf("%d entities only", n)
	}
}

func sortedRows(rows []Row) string {
	var texts []string
	for _, r := range rows {
		texts = append(texts, fmt.Sprintf("%s %q %q %v", r.Key, r.Value, r.Original, r.Null))
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

// plainRows flattens a decoded entity the obvious way. Which spelling of a repeated value wins may differ for values
// of different objects; recorded entities have none.
func plainRows(t testing.TB, data []byte) []Row {
	var e map[string]any
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	seen := map[string]bool{}
	add := func(key string, v any) {
		r := Row{Key: strings.ToLower(key), Null: true}
		if v != nil {
			text := fmt.Sprint(v)
			if n, ok := v.(float64); ok {
				text = NumberText(n)
			}
			if !longText(strings.ToLower(text)) {
				r = Row{Key: r.Key, Value: strings.ToLower(text), Original: text}
			}
		}
		id := fmt.Sprintf("%s\x00%v\x00%s", r.Key, r.Null, r.Value)
		if !longText(r.Key) && !seen[id] {
			seen[id] = true
			rows = append(rows, r)
		}
	}
	skipped := []string{"attachments", "relations", "status", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.etag"}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		if slices.Contains(skipped, path) {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for k, sub := range v {
				if path != "" {
					k = path + "." + k
				}
				visit(k, sub)
			}
		case []any:
			for _, sub := range v {
				visit(path, sub)
				if text, ok := sub.(string); ok {
					add(path+"."+text, true)
				}
			}
		default:
			add(path, v)
		}
	}
	visit("", e)
	m, _ := e["metadata"].(map[string]any)
	add("metadata.name", m["name"])
	add("metadata.uid", m["uid"])
	add("metadata.namespace", m["namespace"])
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		relation := r.(map[string]any)
		add("relations."+relation["type"].(string), relation["targetRef"])
	}
	return rows
}

// Whatever the text, flattening ends, and for what decodes it says the same twice.
func FuzzRowsOf(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,"x",{"b":null}],"metadata":{"name":"n"},"relations":[{"type":"t","targetRef":"r"}]}`,
		`{"":{"":""}}`, `{"a":"\ud83d\u0000","b":-1e-9}`, `[`, `{"a"`, `{"a":"\`, `{"relations":[1,{}]}`,
		`{"metadata":{"name":{"a":1},"uid":[2]}}`, strings.Repeat(`{"a":`, 2000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		flat := newFlattener()
		first, err := flat.rows(data)
		kept := slices.Clone(first)
		if err != nil {
			if !apierror.Has(err, apierror.Input) {
				t.Fatalf("%v is no InputError", err)
			}
			return
		}
		again, err := flat.rows(data)
		if err != nil || !slices.Equal(kept, again) {
			t.Fatalf("first %v, then %v (%v)", kept, again, err)
		}
		for _, r := range kept {
			if longText(r.Key) || longText(r.Value) || r.Key != strings.ToLower(r.Key) {
				t.Fatalf("row %v breaks the rules", r)
			}
		}
		ix := New()
		doc := &Doc{UID: "u", Ref: "a:b/c", JSON: data}
		if err := ix.Apply([]Change{{Seq: 1, UID: "u", Doc: doc}}); err != nil {
			t.Fatal(err)
		}
		for _, r := range kept {
			if r.Key != uidKey && !ix.Snapshot().Matches("a:b/c", Exists(r.Key)) {
				t.Fatalf("%v is not found", r)
			}
		}
	})
}
