package catalog

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/conformance"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// policy answers every question alike.
type policy struct{ permission.Decision }

func (p policy) Authorize(context.Context, *principal.Principal, permission.Permission) (permission.Decision, error) {
	return p.Decision, nil
}

var allowAll = policy{permission.Decision{Result: permission.Allow}}

// unwritten is a writing side that knows nothing. Tests embed it and add what they need.
type unwritten struct{ Writer }

func (unwritten) Refresh(_ context.Context, ref string) error {
	return apierror.NotFoundf("Entity %s not found", ref)
}

func (unwritten) DeleteEntity(context.Context, string) error { return nil }

// recordedIndex holds the entities that the reference made of the fixture catalog.
func recordedIndex(tb testing.TB) *index.Index {
	tb.Helper()
	f, err := os.Open("testdata/entities.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var changes []index.Change
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		doc := docOf(tb, slices.Clone(lines.Bytes()))
		changes = append(changes, index.Change{Seq: int64(len(changes) + 1), UID: doc.UID, Doc: doc})
	}
	ix := index.New()
	if err := ix.Apply(changes); err != nil {
		tb.Fatal(err)
	}
	return ix
}

func docOf(tb testing.TB, data []byte) *index.Doc {
	tb.Helper()
	var e entity.Entity
	if err := json.Unmarshal(data, &e); err != nil {
		tb.Fatal(err)
	}
	return &index.Doc{UID: e.UID(), Ref: e.Ref().Canonical(), JSON: data}
}

// reading is the catalog's routes on an edge.
func reading(tb testing.TB, d RoutesDeps) http.Handler {
	tb.Helper()
	s := httpxtest.New(tb)
	if d.Writer == nil {
		d.Writer = unwritten{}
	}
	if d.Authorizer == nil {
		d.Authorizer = allowAll
	}
	Routes(s.Feature(Feature()), d)
	guest := s.Feature(httpx.Feature{ID: "auth", Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}})
	guest.GET("/guest/refresh", httpx.Public, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, map[string]any{"backstageIdentity": map[string]string{"token": "user:default/guest"}})
	})
	return s
}

// The areas of recorded cases that the reading side can answer alone.
var readAreas = []string{"catalog.entities", "catalog.by-query", "catalog.by-refs", "catalog.by-name", "catalog.facets", "catalog.errors", "catalog.ingested", "catalog.analyze"}

// beyond are cases of these areas that this test cannot ask.
var beyond = map[string]string{
	"catalog.by-name.case-014": "net/http refuses the URL before any handler; the host's own listener answers it",
}

func TestReading_AnswersTheRecordedCasesLikeTheReference(t *testing.T) {
	const fixtures = "../conformance/testdata/fixtures"
	suite, err := conformance.LoadSuite(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := conformance.LoadCases("../conformance/testdata/cases", nil, func(line string) string { return line })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(reading(t, RoutesDeps{Index: recordedIndex(t), Auth: httpxtest.Credentials{}}))
	defer server.Close()
	runner, err := conformance.NewRunner(server.URL, suite, "/fixtures", conformance.NewUpstream(fixtures), "http://127.0.0.1:7190")
	if err != nil {
		t.Fatal(err)
	}
	passed := map[string]int{}
	for _, c := range cases {
		if !slices.Contains(readAreas, c.Area) || beyond[c.ID] != "" {
			continue
		}
		differences := runner.Run(t.Context(), c)
		if len(differences) == 0 {
			passed[c.Area]++
			continue
		}
		var text strings.Builder
		for _, d := range differences[:min(len(differences), 5)] {
			text.WriteString("\n  " + d.String())
		}
		t.Errorf("%s (%s):%s", c.ID, c.Why, text.String())
	}
	for _, area := range readAreas {
		if passed[area] == 0 {
			t.Errorf("%s: no case", area)
		}
		t.Logf("%s: %d", area, passed[area])
	}
}
