package catalog

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

func shapes() *api {
	a := &api{predicate: predicateSchema()}
	a.cursor = cursorSchema(a.predicate)
	return a
}

func TestFilterPredicate_FollowsTheStatementSyntax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []string
		want   string
	}{
		{nil, "null"}, {[]string{",", " "}, "null"},
		{[]string{"kind=a"}, `{"kind":"a"}`},
		{[]string{"a=1, b ,a = 2"}, `{"$all":[{"a":{"$in":["1","2"]}},{"b":{"$exists":true}}]}`},
		{[]string{"a=b=c", "d="}, `{"$any":[{"a":"b=c"},{"d":""}]}`},
		{[]string{"a,a=1"}, `{"a":"1"}`},
	} {
		got, err := filterPredicate(c.values)
		if err != nil || jsonText(got) != c.want {
			t.Errorf("%q: %s (%v), want %s", c.values, jsonText(got), err, c.want)
		}
	}
	if _, err := filterPredicate([]string{"a=1,=x"}); !apierror.Has(err, apierror.Input) {
		t.Errorf("got %v", err)
	}
}

func TestPredicate_OperatorsAsKeysOfFiltersAreErrors(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{"$not=x": `{ "kind": "x" }`, "$all=été": `{ "kind": "é" }`, "$any": "needs a list", "$all": "needs a list"} {
		p, err := filterPredicate([]string{filter})
		if err == nil {
			_, err = predicateFilter(p)
		}
		if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	for filter, want := range map[string]bool{"$all=": true, "$any=": false} {
		p, _ := filterPredicate([]string{filter})
		if f, err := predicateFilter(p); err != nil || f.Matches(nil) != want {
			t.Errorf("%s: %v, want %v", filter, err, want)
		}
	}
}

func TestCursor_IsReadAsLenientlyAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"abc":               "Malformed cursor: SyntaxError: Unexpected token 'i', \"i\uFFFD\" is not valid JSON",
		"!":                 "Malformed cursor: SyntaxError: Unexpected end of JSON input",
		"e":                 "Malformed cursor: SyntaxError: Unexpected end of JSON input",
		"eyJh":              "Malformed cursor: SyntaxError: Unterminated string in JSON at position 3 (line 1 column 4)",
		"bn*Vs bA==ignored": "Malformed cursor: InputError: Malformed cursor: [\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"object\"",
		base64.StdEncoding.EncodeToString([]byte(`{"orderFields":[{"field":"a"}],"isPrevious":false,"orderFieldValues":[]}`)): "[\n  {\n    \"expected\": \"'asc' | 'desc'\",\n    \"received\": \"undefined\",\n    \"code\": \"invalid_type\"",
		base64.StdEncoding.EncodeToString([]byte(`{"orderFields":[],"isPrevious":false,"orderFieldValues":[],"filter":{}}`)):  strings.Repeat("[\n {\n \"code\": \"invalid_union\",\n \"unionErrors\": [\n {\n \"issues\": ", 3),
	} {
		_, err := shapes().decodeCursor(text)
		if !apierror.Has(err, apierror.Input) || !strings.Contains(spaces.ReplaceAllString(err.Error(), " "), spaces.ReplaceAllString(want, " ")) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	odd := `{"orderFields":[],"isPrevious":true,"fullTextFilter":{"term":"a","fields":[]},"orderFieldValues":[null],"firstSortFieldValues":[],"totalItems":1.5}`
	c, err := shapes().decodeCursor(base64.RawURLEncoding.EncodeToString([]byte(odd)))
	if err != nil || jsonText(c) != odd || !c.nowhere() {
		t.Errorf("%s (%v)", jsonText(c), err)
	}
}

var spaces = regexp.MustCompile(`\s+`)

func TestWindow_ReadsNumbersAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	after := func(json string) string { return base64.StdEncoding.EncodeToString([]byte(json)) }
	for _, c := range []struct {
		query url.Values
		want  window
		fails string
	}{
		{url.Values{"limit": {"0x10"}, "offset": {" 010 "}}, window{16, 10}, ""},
		{url.Values{"limit": {"+3"}}, window{3, 0}, ""}, {url.Values{"limit": {"1e1"}}, window{10, 0}, ""},
		{url.Values{"limit": {"0"}, "offset": {"-1"}}, window{}, "Invalid offset, must be zero or greater"},
		{url.Values{"limit": {"-0"}}, window{}, "Invalid limit, must be greater than zero"},
		{url.Values{"limit": {"5"}, "after": {after(`{"offset":2}`)}}, window{5, 2}, ""},
		{url.Values{"offset": {"5"}, "after": {after(`[1]`)}}, window{0, 5}, ""},
		{url.Values{"after": {after(`{"limit":null}`)}}, window{}, "Malformed after cursor, limit was not an number"},
		{url.Values{"after": {after(`{"offset":1.5}`)}}, window{}, "Malformed after cursor, offset was not a number"},
		{url.Values{"after": {after(`{`)}}, window{}, "Malformed after cursor, could not be parsed"},
	} {
		got, _, err := listWindow(c.query)
		if c.fails == "" && (err != nil || got != c.want) || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%v: %v (%v)", c.query, got, err)
		}
	}
}

func TestPredicate_MeansWhatItSays(t *testing.T) {
	t.Parallel()
	rows := []index.Row{
		{Key: "kind", Value: "api", Original: "API"}, {Key: "n", Value: "1.5", Original: "1.5"}, {Key: "nil", Null: true},
		{Key: "tags", Value: "go", Original: "go"}, {Key: "relations.ownedby", Value: "group:default/a", Original: "group:default/a"},
	}
	for _, c := range []struct {
		predicate string
		want      bool
	}{
		{`{}`, true}, {`{"$all":[]}`, true}, {`{"$any":[]}`, false}, {`{"$not":{}}`, false},
		{`{"KIND":"Api"}`, true}, {`{"n":1.50}`, true}, {`{"nil":{"$exists":true}}`, true}, {`{"nil":""}`, false},
		{`{"x":{"$exists":false}}`, true}, {`{"kind":{"$in":[]}}`, false}, {`{"kind":{"$in":[1,"API"]}}`, true},
		{`{"kind":{"$hasPrefix":"A"}}`, true}, {`{"tags":{"$contains":"GO"}}`, true}, {`{"tags":{"$contains":true}}`, false},
		{`{"relations":{"$contains":{"Type":"OwnedBy"}}}`, true},
		{`{"relations":{"$contains":{"type":"ownedBy","targetRef":{"$in":["x","Group:default/A"]}}}}`, true},
		{`{"relations":{"$contains":{"type":"partOf"}}}`, false},
		{`{"relations":{"$contains":{"type":"ownedBy","targetRef":{"$in":["group:default/a"],"x":1}}}}`, true},
		{`{"kind":{"$exists":true,"$in":["x"]}}`, true}, // the first operator counts
		{`{"kind":{"$hasPrefix":"x","$contains":"api"}}`, true},
		{`{"$all":[{"kind":"api"},{"$any":[{"x":1},{"$not":{"x":1}}]}]}`, true},
	} {
		f, err := shapes().readPredicate(json.RawMessage(c.predicate))
		if err != nil || f.Matches(rows) != c.want {
			t.Errorf("%s: %v (%v), want %v", c.predicate, f.Matches(rows), err, c.want)
		}
	}
}

func TestPredicate_RefusesWhatHasNoMeaning(t *testing.T) {
	t.Parallel()
	for predicate, want := range map[string]string{
		`"x"`: `Invalid filter predicate: top-level primitive values are not supported`,
		`{"b":{"$contains":{"x":1}},"a":{"$contains":{"y":1}}}`:                 `not supported for field "b"`, // in the order of the request
		`{"a b":[],"":[],"2":[],"x":{"$contains":{"% ":[]}}}`:                   `at "2", or Expected`,
		`{"x":{"$contains":{"% ":[]}}}`:                                         `received array at "x.$contains["% "]"`,
		`{"$all":["x"]}`:                                                        `Invalid filter predicate: top-level primitive values are not supported. Wrap the value in a field expression, e.g. { "kind": "x" }`,
		`{"$all":{}}`:                                                           "Invalid query: Validation error: Invalid at",
		`{"a":{"b":1}}`:                                                         "Invalid query: Validation error: Expected string, received object",
		`{"relations":{"$contains":{"type":"a","TYPE":"b"}}}`:                   `Duplicate key "TYPE" in $contains for "relations"`,
		`{"relations":{"$contains":{"type":"a","targetRef":{"$in":[5]}}}}`:      `Unsupported value in $contains for "relations"`,
		`{"relations":{"$contains":{"$any":[{"type":"a"}]}}}`:                   `Unsupported key "$any" in $contains for "relations"`,
		`{"Metadata":{"$contains":{"name":"x"}}}`:                               `Object form of $contains is not supported for field "metadata"`,
		strings.Repeat(`{"$not":`, 300) + `{"a":{}}` + strings.Repeat("}", 300): "Invalid query: Validation error:",
	} {
		_, err := shapes().readPredicate(json.RawMessage(predicate))
		if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v", predicate, err)
		}
		if err != nil && len(err.Error()) > 1<<20 {
			t.Errorf("%.80s: a message of %d bytes", predicate, len(err.Error()))
		}
	}
}

func FuzzPredicate(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":{"$in":[1]}}`, `{"$not":{"$all":[]}}`, `{"relations":{"$contains":{"type":"a"}}}`, `[`, `{"a":{"$contains":{"$contains":{"$contains":1}}}}`} {
		f.Add([]byte(seed))
	}
	a := shapes()
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return // the edge does not let it through
		}
		filter, err := a.readPredicate(data)
		if err != nil && !apierror.Has(err, apierror.Input) {
			t.Fatalf("%v is no InputError", err)
		}
		filter.Matches(nil)
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("e30=")
	for _, seed := range []string{
		`{"orderFields":[{"field":"a","order":"asc"}],"orderFieldValues":["x",null],"isPrevious":true,"query":{"a":1},"filter":{"not":{"key":"k"}},"totalItems":5}`,
		`{"orderFields":[],"orderFieldValues":["1","2","3"],"isPrevious":false,"totalItems":1.5}`, `[]`, `{"filter":{"anyOf":[[]]}}`,
	} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(seed)))
	}
	a := shapes()
	ix := index.New()
	f.Fuzz(func(t *testing.T, text string) {
		req := &pageRequest{limit: 1}
		if err := a.follow(req, text); err != nil {
			if !apierror.Has(err, apierror.Input) {
				t.Fatalf("%v is no InputError", err)
			}
			return
		}
		ix.Snapshot().Query(req.query(index.Filter{}))
		if _, err := a.decodeCursor(req.cursor.encode()); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
	})
}

func TestQueryValues_ReadAsTheReferencesParser(t *testing.T) {
	t.Parallel()
	q := queryValues("filter[]=a&filter[1]=b&filter=c+d&x=%zz&&y")
	if got := jsonText(map[string][]string(q)); got != `{"filter":["a","b","c d"],"x":["%zz"],"y":[""]}` {
		t.Errorf("got %s", got)
	}
}

func TestProjection_PicksWhatIsThere(t *testing.T) {
	t.Parallel()
	const doc = `{"kind":"A","metadata":{"name":"n","a.b":{"c.d":"x"},"tags":["t"],"nil":null,"é\"":1,"links":[{"url":"a"},{"url":"b","title":"B"}]},"spec":{}}`
	for _, c := range []struct{ fields, want string }{
		{"kind", `{"kind":"A"}`},
		{"metadata.name,kind", `{"metadata":{"name":"n"},"kind":"A"}`},
		{"metadata.a.b.c.d", `{"metadata":{"a.b":{"c.d":"x"}}}`},
		{"metadata.tags,metadata.tags.t", `{"metadata":{"tags":["t"]}}`},
		{"spec,spec.x,nosuch", `{"spec":{}}`},
		{"metadata.nil", `{"metadata":{"nil":null}}`},
		{"metadata.name,metadata", `{"metadata":{"name":"n","a.b":{"c.d":"x"},"tags":["t"],"nil":null,"é\"":1,"links":[{"url":"a"},{"url":"b","title":"B"}]}}`},
		{`metadata.é"`, `{"metadata":{"é\"":1}}`},
		{"x,kind.y,.kind,spec.", `{}`},
		{"metadata.links.1.url,metadata.links.1.title", `{"metadata":{"links":[null,{"url":"b","title":"B"}]}}`},
		{"metadata.links.1.url,kind,metadata.links.0", `{"metadata":{"links":[{"url":"a"},{"url":"b"}]},"kind":"A"}`},
		{"metadata.tags.0,metadata.tags", `{"metadata":{"tags":["t"]}}`},
		{"metadata.tags.1,metadata.tags.00,metadata.links.0.x", `{}`},
	} {
		p, err := parseFields([]string{c.fields})
		if err != nil {
			t.Fatal(err)
		}
		projector := p.projector()
		for range 2 { // the second entity finds the room of the first
			if got := string(projector.append(nil, []byte(doc))); got != c.want {
				t.Errorf("%s: got %s, want %s", c.fields, got, c.want)
			}
		}
	}
	if p, err := parseFields([]string{" , "}); p != nil || err != nil {
		t.Errorf("no fields: %v %v", p, err)
	}
}
