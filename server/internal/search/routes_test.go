package search

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

func decodeJSON(tb testing.TB, text string, v any) {
	tb.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		tb.Fatalf("%v: %s", err, text)
	}
}

func serve(tb testing.TB, e *Engine) *httpx.Server {
	tb.Helper()
	s := httpxtest.New(tb)
	Routes(s.Feature(Feature()), e, testLimits)
	return s
}

func TestRoutes_AnswerInTheReferencesEnvelope(t *testing.T) {
	shelf := harbour()
	d := shelf.documents["planner"]
	d.Extra = json.RawMessage(`{"annotations":{"a":"<b>"}}`)
	shelf.documents["planner"] = d
	e := newTestEngine(t, nil, notes(shelf))
	res := httpxtest.Do(t, serve(t, e), "GET", "/api/search/query?term=Berth&pageLimit=1&pageCursor=MA==", "")
	body := httpxtest.Body(t, res)
	var got map[string]any
	decodeJSON(t, body, &got)
	pre, post := e.preTag, e.postTag
	want := map[string]any{
		"numberOfResults": 3.0, "nextPageCursor": "MQ==",
		"results": []any{map[string]any{
			"type": "notes", "rank": 1.0,
			"document": map[string]any{"title": "Berth Planner", "text": "Assigns ships to berths", "kind": "Component",
				"location": "/notes/planner", "annotations": map[string]any{"a": "<b>"}},
			"highlight": map[string]any{"preTag": pre, "postTag": post,
				"fields": map[string]any{"title": pre + "Berth" + post + " Planner", "text": "Assigns ships to " + pre + "berths" + post}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" || res.StatusCode != 200 {
		t.Error(res.StatusCode, diff)
	}
}

func TestRoutes_AreForUsersAndServices(t *testing.T) {
	s := serve(t, newTestEngine(t, nil, notes(harbour())))
	for auth, want := range map[string]int{"": 401, httpxtest.Guest: 200, "Bearer service:external:ci": 200, "Bearer junk": 401} {
		if got := httpxtest.Do(t, s, "GET", "/api/search/query?term=x", "", "Authorization", auth).StatusCode; got != want {
			t.Errorf("%q: %d, want %d", auth, got, want)
		}
	}
	if got := httpxtest.Do(t, s, "POST", "/api/search/query", "{}").StatusCode; got != 404 {
		t.Errorf("POST: %d", got)
	}
}

// The texts are the reference's.
func TestRoutes_RefuseInTheReferencesWords(t *testing.T) {
	docs := notes(newShelf())
	docs.Name = "docs"
	s := serve(t, newTestEngine(t, nil, notes(harbour()), docs))
	issue := func(message string, path ...string) string {
		return "  {\n    \"code\": \"custom\",\n    \"message\": \"" + message + "\",\n    \"path\": [\n      " +
			strings.Join(path, ",\n      ") + "\n    ]\n  }"
	}
	for raw, want := range map[string]string{
		"term[0]=a&filters=x":              "request/query/term must be string",
		"term=a&term=b":                    "request/query/term must be string",
		"filters=x":                        "request/query/filters must be object",
		"filters[0]=x":                     "request/query/filters must be object",
		"filters[]=x":                      "request/query/filters must be object",
		"types[a]=notes":                   "request/query/types/0 must be string",
		"types[0][a]=notes":                "request/query/types/0 must be string",
		"pageCursor[0]=a":                  "request/query/pageCursor must be string",
		"pageLimit=x":                      "request/query/pageLimit must be integer",
		"pageLimit=1.5":                    "request/query/pageLimit must be integer",
		"pageLimit=1&pageLimit=2":          "request/query/pageLimit must be integer",
		"pageLimit=1e999":                  "request/query/pageLimit must be integer",
		"types[]=":                         "Invalid query string: [\n" + issue("Invalid input", `"types"`, "0") + "\n]",
		"types[0]=notes,docs":              "Invalid query string: [\n" + issue("Invalid input", `"types"`, "0") + "\n]",
		"pageLimit=1e30":                   "Invalid query string: [\n" + issue(`The page limit \"1e+30\" is greater than \"100\"`, `"pageLimit"`) + "\n]",
		"term=" + strings.Repeat("é", 101): "Invalid query string: [\n" + issue(`The term length \"101\" is greater than \"100\"`, `"term"`) + "\n]",
		"types[]=docs&types[]=no&pageLimit=101&term=" + strings.Repeat("x", 101): "Invalid query string: [\n" +
			issue(`The term length \"101\" is greater than \"100\"`, `"term"`) + ",\n" +
			issue("Invalid input", `"types"`, "1") + ",\n" +
			issue(`The page limit \"101\" is greater than \"100\"`, `"pageLimit"`) + "\n]",
	} {
		res := httpxtest.Do(t, s, "GET", "/api/search/query?"+raw, "")
		var answer struct {
			Error struct{ Name, Message string }
		}
		decodeJSON(t, httpxtest.Body(t, res), &answer)
		if res.StatusCode != 400 || answer.Error.Name != "InputError" || answer.Error.Message != want {
			t.Errorf("%s:\n got %d %+v\nwant %s", raw, res.StatusCode, answer.Error, want)
		}
	}
}

type brokenPolicy struct{}

func (brokenPolicy) Authorize(context.Context, *principal.Principal, permission.Permission) (permission.Decision, error) {
	return permission.Decision{}, errors.New("dial tcp 10.0.0.7:5432: connection refused")
}

func TestRoutes_TellNothingOfAnInternalFailure(t *testing.T) {
	e := newTestEngine(t, nil, guarded(harbour()))
	e.authorize = brokenPolicy{}
	res := httpxtest.Do(t, serve(t, e), "GET", "/api/search/query?term=x", "")
	body := httpxtest.Body(t, res)
	if res.StatusCode != 500 || strings.Contains(body, "10.0.0.7") || !strings.Contains(body, `"There was a problem performing the search query"`) {
		t.Error(res.StatusCode, body)
	}
}

func TestReadLimits(t *testing.T) {
	cfg := config.FromYAML("search: {maxTermLength: 5, maxPageLimit: 10}")
	if l := ReadLimits(cfg.Section("search")); l != (Limits{TermLength: 5, PageLimit: 10}) {
		t.Error(l)
	}
	bad := config.FromYAML("search: {maxTermLength: 0, maxPageLimit: -1}")
	ReadLimits(bad.Section("search"))
	if err := bad.Err(); err == nil || !strings.Contains(err.Error(), "maxTermLength") || !strings.Contains(err.Error(), "maxPageLimit") {
		t.Error(err)
	}
}

// Hostile text comes back as data: quoted where JSON needs it, and valid.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "\"\\\n\x00\x1f", "<script>&", "\xff\xfe", "\u2028", "港"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		decodeJSON(t, string(appendString(nil, s)), &got)
		if want := strings.ToValidUTF8(s, "\ufffd"); strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
