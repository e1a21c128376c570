package catalog

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
)

var denyAll = policy{permission.Decision{Result: permission.Deny}}

// onlyKinds lets a caller see some kinds.
func onlyKinds(kinds ...string) policy {
	return policy{permission.Decision{Result: permission.Conditional, Conditions: &permission.Criteria{
		Condition: &permission.Condition{Rule: "IS_ENTITY_KIND", ResourceType: ResourceType, Params: map[string]any{"kinds": kinds}},
	}}}
}

// ask sends a request as guest and decodes the answer.
func ask(t *testing.T, h http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httpxtest.Do(t, h, method, "/api/catalog"+path, body)
	text := httpxtest.Body(t, r)
	var answer map[string]any
	if strings.HasPrefix(text, "[") {
		text = `{"items":` + text + "}"
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatalf("%s %s: %v in %.200s", method, path, err, text)
		}
	}
	return r.StatusCode, answer
}

// text digs out a value as JSON: "error.message", "items.0.kind".
func text(v any, path string) string {
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return "missing"
			}
			v = x[i]
		}
	}
	return jsonText(v)
}

func TestReading_HidesEverythingFromCallersWhoMayNotRead(t *testing.T) {
	t.Parallel()
	h := reading(t, RoutesDeps{Index: recordedIndex(t), Authorizer: denyAll})
	for _, c := range []struct{ method, path, body, at, want string }{
		{"GET", "/entities", "", "items", "[]"},
		{"GET", "/entities?limit=5", "", "items", "[]"},
		{"GET", "/entities/by-query", "", "totalItems", "0"},
		{"POST", "/entities/by-query", "{}", "items", "[]"},
		{"POST", "/entities/by-refs", `{"entityRefs":["domain:default/harbour"]}`, "items", "[null]"},
		{"GET", "/entities/by-name/domain/default/harbour", "", "error.name", `"NotFoundError"`},
		{"GET", "/entities/by-name/domain/default/harbour/ancestry", "", "error.name", `"NotAllowedError"`},
		{"GET", "/entity-facets?facet=kind", "", "facets", `{"kind":[]}`},
		{"POST", "/refresh", `{"entityRef":"domain:default/harbour"}`, "error.name", `"NotAllowedError"`},
		{"DELETE", "/entities/by-uid/x", "", "error.message", `""`},
		{"POST", "/validate-entity", `{"location":"url:https://a.b/c","entity":{}}`, "error.name", `"NotAllowedError"`},
		{"GET", "/locations", "", "items", "[]"},
		{"GET", "/locations/x", "", "error.message", `"Found no location with ID x"`},
		{"GET", "/locations/by-entity/a/b/c", "", "error.name", `"NotFoundError"`},
		{"POST", "/locations/by-query", `{}`, "totalItems", "0"},
		{"POST", "/locations", `{"type":"url","target":"x"}`, "error.name", `"NotAllowedError"`},
		{"PUT", "/locations/x", `{"type":"url","target":"x"}`, "error.name", `"NotAllowedError"`},
		{"DELETE", "/locations/x", "", "error.name", `"NotAllowedError"`},
		{"POST", "/analyze-location", `{"location":{"type":"url","target":"https://github.com/o/r"}}`, "error.name", `"NotAllowedError"`},
	} {
		if _, answer := ask(t, h, c.method, c.path, c.body); text(answer, c.at) != c.want {
			t.Errorf("%s %s: %s is %s, want %s", c.method, c.path, c.at, text(answer, c.at), c.want)
		}
	}
}

func TestReading_CountsOnlyWhatConditionsLetThrough(t *testing.T) {
	t.Parallel()
	h := reading(t, RoutesDeps{Index: recordedIndex(t), Authorizer: onlyKinds("API", "Domain")})
	for _, c := range []struct{ method, path, body, at, want string }{
		{"GET", "/entities/by-query?limit=0", "", "totalItems", "9"},
		{"GET", "/entities/by-query?limit=0&filter=kind=component&filter=kind=domain", "", "totalItems", "3"},
		{"POST", "/entities/by-query", `{"limit":0,"query":{"$not":{"kind":"api"}}}`, "totalItems", "3"},
		{"GET", "/entity-facets?facet=kind", "", "facets.kind", `[{"count":6,"value":"API"},{"count":3,"value":"Domain"}]`},
		{"POST", "/entities/by-refs", `{"entityRefs":["domain:default/harbour","system:default/yard"],"fields":["kind"]}`, "items", `[{"kind":"Domain"},null]`},
		{"GET", "/entities/by-name/system/default/yard", "", "error.name", `"NotFoundError"`},
		{"GET", "/entities/by-name/domain/default/harbour", "", "kind", `"Domain"`},
		{"GET", "/entities?fields=kind&filter=kind=domain&filter=kind=user", "", "items", `[{"kind":"Domain"},{"kind":"Domain"},{"kind":"Domain"}]`},
		{"POST", "/refresh", `{"entityRef":"system:default/yard"}`, "error.name", `"NotAllowedError"`},
		{"DELETE", "/entities/by-uid/unknown", "", "error.name", `"NotAllowedError"`},
	} {
		if _, answer := ask(t, h, c.method, c.path, c.body); text(answer, c.at) != c.want {
			t.Errorf("%s %s: %s is %s, want %s", c.method, c.path, c.at, text(answer, c.at), c.want)
		}
	}
}

func TestReading_AnswersOddRequestsLikeTheReference(t *testing.T) {
	t.Parallel()
	h := reading(t, RoutesDeps{Index: recordedIndex(t)})
	cursor := func(json string) string { return base64.StdEncoding.EncodeToString([]byte(json)) }
	before := cursor(`{"orderFields":[{"field":"kind","order":"asc"}],"isPrevious":true,"orderFieldValues":["a","0"],"totalItems":2.5}`)
	for _, c := range []struct{ method, path, body, at, want string }{
		{"GET", "/entities/by-name/component/%C3/x", "", "error.message", `"malformed uri'"`},
		{"GET", "/entities/by-uid/%ff", "", "error.message", `"malformed uri'"`},
		{"GET", "/entity-facets?facet=&facet=", "", "error.message", `"Missing facet parameter"`},
		{"POST", "/entities/by-query", `{"limit":0,"query":{"spec":{"$contains":{"a":1}}},"fields":["a["]}`, "error.message", `"Invalid field \"a[\", array type fields are not supported"`},
		{"POST", "/entities/by-query", `{"limit":1.5,"offset":0.5,"fields":["kind"],"query":{"kind":"domain"}}`, "items", `[{"kind":"Domain"}]`},
		{"POST", "/entities/by-query", `{"limit":-1,"query":{"spec":{"$contains":{"a":1}}}}`, "error.message", `"Object form of $contains is not supported for field \"spec\""`},
		{"POST", "/entities/by-query", `{"fullTextFilter":{"term":"e","fields":[]}}`, "totalItems", "0"},
		{"GET", "/entities/by-query?limit=0x0&fullTextFilterTerm=tide&fullTextFilterFields=metadata.name,x&fullTextFilterFields=y", "", "totalItems", "0"},
		{"GET", "/entities?filter=spec.$contains&order=x&limit=0", "", "error.message", `"Invalid order parameter \"x\", expected \"<asc or desc>:<field name>\""`},
		{"POST", "/entities/by-refs", `{"entityRefs":[],"query":{"spec":{"$contains":{"a":1}}}}`, "items", "[]"},
		// A page without items before the first one leads to a position without values, where there is nothing.
		{"GET", "/entities/by-query?cursor=" + before, "", "totalItems", "2.5"},
		{"GET", "/entities/by-query?cursor=" + before, "", "pageInfo.nextCursor", `"` + cursor(`{"orderFields":[{"field":"kind","order":"asc"}],"isPrevious":false,"orderFieldValues":[null,null],"firstSortFieldValues":[null,null],"totalItems":2.5}`) + `"`},
		{"GET", "/entities/by-query?cursor=" + cursor(`{"orderFields":[{"field":"kind","order":"asc"}],"isPrevious":false,"orderFieldValues":[null,null]}`), "", "items", "[]"},
	} {
		if _, answer := ask(t, h, c.method, c.path, c.body); text(answer, c.at) != c.want {
			t.Errorf("%s %s %s: %s is %s, want %s", c.method, c.path, c.body, c.at, text(answer, c.at), c.want)
		}
	}
}

func TestReading_CursorsHoldNothingOfTheCallersPermissions(t *testing.T) {
	t.Parallel()
	ix := recordedIndex(t)
	few := reading(t, RoutesDeps{Index: ix, Authorizer: onlyKinds("API")})
	_, answer := ask(t, few, "GET", "/entities/by-query?limit=2&filter=kind=api&filter=kind=user&orderField=metadata.name", "")
	next := strings.Trim(text(answer, "pageInfo.nextCursor"), `"`)
	data, err := base64.StdEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"orderFields":[{"field":"metadata.name","order":"asc"}],"isPrevious":false,"query":{"$any":[{"kind":"api"},{"kind":"user"}]},"fullTextFilter":{"term":""},`
	if !strings.HasPrefix(string(data), want) {
		t.Errorf("cursor is %s", data)
	}
	// Somebody else who is handed the cursor sees what they may see.
	none := reading(t, RoutesDeps{Index: ix, Authorizer: denyAll})
	if _, answer := ask(t, none, "GET", "/entities/by-query?cursor="+url.QueryEscape(next), ""); text(answer, "items") != "[]" || text(answer, "totalItems") != "0" {
		t.Errorf("got %v", answer)
	}
}

func TestReading_AcceptsCursorsOfEarlierReleases(t *testing.T) {
	t.Parallel()
	h := reading(t, RoutesDeps{Index: recordedIndex(t)})
	old := `{"orderFields":[{"field":"metadata.name","order":"asc"}],"orderFieldValues":["cranes","0"],"isPrevious":false,"totalItems":3,
		"filter":{"allOf":[{"key":"kind","values":["domain"]},{"not":{"key":"nosuch"}},{"anyOf":[{"key":"metadata.name"}]}]}}`
	cursor := base64.URLEncoding.EncodeToString([]byte(old))
	status, answer := ask(t, h, "GET", "/entities/by-query?fields=metadata.name&cursor="+url.QueryEscape(cursor), "")
	if status != http.StatusOK || text(answer, "items") != `[{"metadata":{"name":"cranes"}},{"metadata":{"name":"customs"}},{"metadata":{"name":"harbour"}}]` {
		t.Errorf("%d %v", status, answer)
	}
}

func TestReading_FollowsCursorsAcrossChanges(t *testing.T) {
	t.Parallel()
	ix := recordedIndex(t)
	h := reading(t, RoutesDeps{Index: ix})
	_, first := ask(t, h, "GET", "/entities/by-query?limit=3&fields=metadata.name&filter=metadata.tags=fleet&orderField=metadata.name", "")
	last := ix.Snapshot().ByRef("component:default/ship-03")
	if err := ix.Apply([]index.Change{{Seq: 1000, UID: last.UID}}); err != nil {
		t.Fatal(err)
	}
	next := url.QueryEscape(strings.Trim(text(first, "pageInfo.nextCursor"), `"`))
	_, second := ask(t, h, "GET", "/entities/by-query?limit=1&fields=metadata.name&cursor="+next, "")
	if got := text(second, "items.0.metadata.name"); got != `"ship-04"` {
		t.Errorf("the page after a removed entity begins with %s", got)
	}
}

func TestReading_StreamsAndCompresses(t *testing.T) {
	t.Parallel()
	ix := recordedIndex(t)
	server := httptest.NewServer(reading(t, RoutesDeps{Index: ix}))
	defer server.Close()
	for path, least := range map[string]int{"/entities": 80_000, "/entities/by-name/component/default/berth-planner": 1024, "/entities/by-query": 80_000} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/catalog"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", httpxtest.Guest)
		r.Header.Set("Accept-Encoding", "gzip")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Header.Get("Content-Encoding") != "gzip" || answer.Header.Get("Etag") != "" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
		gz, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(gz)
		_ = answer.Body.Close()
		if err != nil || len(body) < least || !json.Valid(body) {
			t.Errorf("%s: %d bytes, %v", path, len(body), err)
		}
	}
}

// fakeWriter is a writing side with some locations, an ancestry, and opinions.
type fakeWriter struct {
	unwritten
	locations []Location
	ancestry  []AncestryItem
	problems  []error
	err       error
	got       []string
}

func (w *fakeWriter) Locations(context.Context) ([]Location, error) {
	return slices.Clone(w.locations), nil
}

func (w *fakeWriter) Location(_ context.Context, id string) (Location, error) {
	for _, l := range w.locations {
		if l.ID == id {
			return l, nil
		}
	}
	return Location{}, apierror.NotFoundf("Found no location with ID %s", id)
}

func (w *fakeWriter) LocationByEntity(_ context.Context, ref entity.Ref) (Location, error) {
	w.got = append(w.got, ref.String())
	return w.locations[0], nil
}

func (w *fakeWriter) CreateLocation(_ context.Context, spec LocationSpec, on OnConflict) (Location, error) {
	w.got = append(w.got, fmt.Sprintf("create %s %s %s %q", spec.Type, spec.Target, spec.Presence, on))
	return Location{ID: "new", Type: spec.Type, Target: spec.Target, EntityRef: "location:default/x"}, w.err
}

func (w *fakeWriter) DryRunLocation(_ context.Context, spec LocationSpec) (DryRun, error) {
	w.got = append(w.got, "try "+spec.Target)
	return DryRun{Exists: true, Location: Location{ID: "url:x"}, Entities: []entity.Entity{{"kind": "Location"}}}, nil
}

func (w *fakeWriter) UpdateLocation(_ context.Context, id string, spec LocationSpec) (Location, error) {
	w.got = append(w.got, "update "+id+" "+spec.Target)
	return w.locations[0], nil
}

func (w *fakeWriter) DeleteLocation(_ context.Context, id string) error {
	w.got = append(w.got, "delete "+id)
	return nil
}

func (w *fakeWriter) Ancestry(context.Context, string) ([]AncestryItem, error) {
	return w.ancestry, w.err
}

func (w *fakeWriter) Refresh(_ context.Context, ref string) error {
	w.got = append(w.got, "refresh "+ref)
	return nil
}

func (w *fakeWriter) DeleteEntity(_ context.Context, uid string) error {
	w.got = append(w.got, "remove "+uid)
	return nil
}

func (w *fakeWriter) ValidateEntity(_ context.Context, e entity.Entity, location string) ([]error, error) {
	w.got = append(w.got, "validate "+e.Kind()+" "+location)
	return w.problems, w.err
}

func TestLocations_GoThroughToTheWritingSide(t *testing.T) {
	t.Parallel()
	w := &fakeWriter{locations: []Location{{ID: "2", Type: "url", Target: "https://A.b/c", EntityRef: "location:default/g"}, {ID: "1", Type: "url", Target: "https://a.b/d", EntityRef: "location:default/h"}}}
	h := reading(t, RoutesDeps{Index: index.New(), Writer: w})
	const one, two = `{"entityRef":"location:default/h","id":"1","target":"https://a.b/d","type":"url"}`, `{"entityRef":"location:default/g","id":"2","target":"https://A.b/c","type":"url"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		at, want           string
	}{
		{"GET", "/locations", "", 200, "items", `[{"data":` + two + `},{"data":` + one + `}]`},
		{"GET", "/locations/1", "", 200, "target", `"https://a.b/d"`},
		{"GET", "/locations/by-entity/Component/default/X", "", 200, "id", `"2"`},
		{"POST", "/locations", `{"type":"url","target":"t","presence":"optional"}`, 201, "", `null`},
		{"POST", "/locations?onConflict=refresh", `{"type":"url","target":"t"}`, 201, "entities", `[]`},
		{"POST", "/locations?dryRun=Yes", `{"type":"url","target":"t"}`, 201, "exists", `true`},
		{"POST", "/locations?dryRun=nope", `{"type":"url","target":"u"}`, 201, "location.id", `"new"`},
		{"PUT", "/locations/1", `{"type":"url","target":"v"}`, 200, "id", `"2"`},
		{"DELETE", "/locations/1", "", 204, "", "null"},
		{"POST", "/locations/by-query", `{"query":{"TARGET":{"$hasPrefix":"HTTPS://a"}}}`, 200, "items", `[` + one + `,` + two + `]`},
		{"POST", "/locations/by-query", `{"query":{"$all":[]}}`, 200, "totalItems", `0`},
		{"POST", "/locations/by-query", `{"query":{"target":{"$contains":"https://a.b/d"}}}`, 200, "totalItems", `0`},
		{"POST", "/locations/by-query", `{"query":{"$not":{"id":{"$in":["1","3"]}}}}`, 200, "items", `[` + two + `]`},
		{"POST", "/locations/by-query", `{"cursor":"` + base64.StdEncoding.EncodeToString([]byte(`{"limit":1,"afterId":"1"}`)) + `"}`, 200, "items", `[` + two + `]`},
		{"POST", "/locations/by-query", `{"cursor":"` + base64.StdEncoding.EncodeToString([]byte(`{"limit":0}`)) + `"}`, 400, "error.name", `"InputError"`},
		{"POST", "/locations/by-query", `{"query":{"$any":[{"nosuch":1}]}}`, 400, "error.name", `"InputError"`},
	} {
		status, answer := ask(t, h, c.method, c.path, c.body)
		if status != c.status || c.at != "" && text(answer, c.at) != c.want {
			t.Errorf("%s %s %s: %d, %s is %s, want %d, %s", c.method, c.path, c.body, status, c.at, text(answer, c.at), c.status, c.want)
		}
	}
	want := []string{"component:default/x", `create url t optional ""`, `create url t  "refresh"`, "try t", `create url u  ""`, "update 1 v", "delete 1"}
	if !slices.Equal(w.got, want) {
		t.Errorf("got  %q\nwant %q", w.got, want)
	}
}

func TestValidateEntity_AnswersProblemsWithTheirCauses(t *testing.T) {
	t.Parallel()
	w := &fakeWriter{problems: []error{
		apierror.Wrap(apierror.Input, "Policy check failed for a:b/c", apierror.New(apierror.Generic, "no good")),
		errors.New("plain"),
	}}
	h := reading(t, RoutesDeps{Index: index.New(), Writer: w})
	const body = `{"location":"url:https://a.b/c","entity":{"kind":"X"}}`
	status, answer := ask(t, h, "POST", "/validate-entity", body)
	want := `[{"cause":{"message":"no good","name":"Error"},"message":"Policy check failed for a:b/c; caused by Error: no good","name":"InputError"},{"message":"plain","name":"Error"}]`
	if status != http.StatusBadRequest || text(answer, "errors") != want {
		t.Errorf("%d %s", status, text(answer, "errors"))
	}
	w.problems = nil
	if status, _ := ask(t, h, "POST", "/validate-entity", body); status != http.StatusOK {
		t.Errorf("a good entity: %d", status)
	}
	w.err = apierror.TypeErrorf("Invalid location ref")
	if status, answer := ask(t, h, "POST", "/validate-entity", body); status != http.StatusBadRequest || text(answer, "errors.0.name") != `"TypeError"` {
		t.Errorf("a bad location: %d %v", status, answer)
	}
	w.err = errors.New("disk on fire")
	if status, answer := ask(t, h, "POST", "/validate-entity", body); status != http.StatusInternalServerError || strings.Contains(jsonText(answer), "fire") {
		t.Errorf("an internal error: %d %v", status, answer)
	}
}

func TestAncestry_LeavesOutWhatIsHiddenAndEverythingAboveIt(t *testing.T) {
	t.Parallel()
	item := func(ref string, parents ...entity.Canonical) AncestryItem {
		return AncestryItem{Ref: entity.Canonical(ref), JSON: fmt.Appendf(nil, `{"kind":%q}`, ref), ParentRefs: parents}
	}
	// The component is read through a system that is hidden and through a location that is not.
	w := &fakeWriter{ancestry: []AncestryItem{
		item("component:default/berth-planner", "system:default/yard", "domain:default/harbour"),
		item("domain:default/harbour"),
		item("system:default/yard", "domain:default/cranes"),
		item("domain:default/cranes"),
	}}
	h := reading(t, RoutesDeps{Index: recordedIndex(t), Writer: w, Authorizer: onlyKinds("Component", "Domain")})
	_, answer := ask(t, h, "GET", "/entities/by-name/component/default/berth-planner/ancestry", "")
	want := `[{"entity":{"kind":"component:default/berth-planner"},"parentEntityRefs":["system:default/yard","domain:default/harbour"]},{"entity":{"kind":"domain:default/harbour"},"parentEntityRefs":[]}]`
	if got := text(answer, "items"); got != want || text(answer, "rootEntityRef") != `"component:default/berth-planner"` {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRefresh_ActsForTheTokenInTheBody(t *testing.T) {
	t.Parallel()
	w := &fakeWriter{}
	h := reading(t, RoutesDeps{Index: index.New(), Writer: w, Auth: httpxtest.Credentials{}})
	if status, answer := ask(t, h, "POST", "/refresh", `{"entityRef":"A:b/C","authorizationToken":"garbage"}`); status != http.StatusUnauthorized {
		t.Errorf("%d %v", status, answer)
	}
	status, _ := ask(t, h, "POST", "/refresh", `{"entityRef":"A:b/C","authorizationToken":"user:default/guest"}`)
	if status != http.StatusOK || !slices.Equal(w.got, []string{"refresh A:b/C"}) {
		t.Errorf("%d %v", status, w.got)
	}
}

func TestRoutes_AreAllInTheSpecification(t *testing.T) {
	t.Parallel()
	r := httpxtest.Do(t, reading(t, RoutesDeps{Index: index.New()}), "GET", "/api/catalog/openapi.json", "")
	var spec struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(httpxtest.Body(t, r)), &spec); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, methods := range spec.Paths {
		for method := range methods {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	s := httpxtest.New(t)
	Routes(s.Feature(Feature()), RoutesDeps{Index: index.New(), Writer: unwritten{}, Authorizer: allowAll})
	n := 0
	for _, route := range s.Routes() {
		if strings.Contains(route.Path, "/.well-known/") || strings.HasSuffix(route.Path, "openapi.json") {
			continue
		}
		var parts []string
		for part := range strings.SplitSeq(route.Path, "/") {
			if strings.HasPrefix(part, ":") {
				part = "{" + part[1:] + "}"
			}
			parts = append(parts, part)
		}
		n++
		if key := route.Method + " /api/catalog" + strings.Join(parts, "/"); !described[key] {
			t.Errorf("%s is not described", key)
		}
	}
	if n != len(described) {
		t.Errorf("%d routes, %d described", n, len(described))
	}
}

func TestAnalyzeLocation_OffersTheAnnotationsThatPluginsRead(t *testing.T) {
	t.Parallel()
	h := reading(t, RoutesDeps{Index: index.New(), Annotations: func() []ReadAnnotation {
		return []ReadAnnotation{{"sonarqube.org/project-key", "plugin:sonarqube"}}
	}})
	status, answer := ask(t, h, "POST", "/analyze-location", `{"location":{"type":"url","target":"https://github.com/acme/checkout"}}`)
	const want = `[{"description":"Ties the entity to what the plugin sonarqube shows of it; leave it out where there is nothing",` +
		`"field":"metadata.annotations.sonarqube.org/project-key","state":"needsUserInput","value":null}]`
	if got := text(answer, "generateEntities.0.fields"); status != http.StatusOK || got != want {
		t.Errorf("%d %s", status, got)
	}
}
