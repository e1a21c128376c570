package widget

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// ask sends a batch and reads its lines by index.
func (r *rig) ask(t *testing.T, requests string) (int, map[int]answerLine) {
	t.Helper()
	res := httpxtest.Do(t, r.server, "POST", "/api/widgets/v1/batch", `{"requests":[`+requests+`]}`)
	body := httpxtest.Body(t, res)
	lines := map[int]answerLine{}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, map[int]answerLine{-1: {Error: &lineError{Message: body}}}
	}
	if got := res.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("it is %s", got)
	}
	for text := range strings.Lines(body) {
		var line answerLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines[line.Index] = line
	}
	return res.StatusCode, lines
}

const (
	onShop   = `{"id":"cost/spend","entityRef":"component:default/shop"}`
	shopData = `{"id":"cost/spend","entityRef":"component:default/shop","format":"json","maxPoints":10,"args":{"top":1}}`
)

func TestBatch_AnswersEachQuestionAsIfItWereAskedAlone(t *testing.T) {
	r := start(t, nil)
	status, lines := r.ask(t, strings.Join([]string{
		onShop, shopData, `{"id":"cost/spend","entityRef":"component:default/vault"}`, `{"id":"cost/nope","entityRef":"component:default/shop","format":"json"}`,
		`{"id":"cost/spend","entityRef":"component:default/shop","range":"9y"}`, `{"id":"cost/spend","entityRef":"component:default/shop","args":{"top":0},"format":"json"}`,
	}, ","))
	if status != http.StatusOK || len(lines) != 6 {
		t.Fatalf("%d %+v", status, lines)
	}
	for i, want := range []int{200, 200, 404, 404, 400, 400} {
		if lines[i].Status != want {
			t.Errorf("question %d: %+v", i, lines[i])
		}
	}
	if alone, body := r.get(spendHTML); alone != 200 || body != lines[0].HTML || lines[0].AsOf == nil || lines[0].MaxAge != 60 || lines[0].Data != nil {
		t.Errorf("the fragment is %+v, alone it is %s", lines[0], body)
	}
	if lines[1].Data == nil || lines[1].Data.Status != "ok" || lines[1].HTML != "" || len(lines[1].Data.Frames) != 1 {
		t.Errorf("the data is %+v", lines[1])
	}
	for _, i := range []int{2, 4} { // an error has a fragment too
		if !strings.Contains(lines[i].HTML, "cb-state") || lines[i].Error == nil || lines[i].AsOf != nil {
			t.Errorf("question %d: %+v", i, lines[i])
		}
	}
	if lines[3].Error == nil || lines[3].Error.Name != apierror.NotFound || lines[3].HTML != "" {
		t.Errorf("a widget that there is not: %+v", lines[3])
	}
}

func TestBatch_AsksTheSameOnce(t *testing.T) {
	r := start(t, nil)
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, errors.New("boom") } // not kept
	_, lines := r.ask(t, strings.TrimSuffix(strings.Repeat(onShop+`, {"entityRef":"component:default/shop", "id":"cost/spend"},`, 5), ","))
	if n := r.widget.asked.Load(); n != 1 || len(lines) != 10 {
		t.Errorf("asked %d times for %d answers", n, len(lines))
	}
	if l := lines[7]; l.Status != http.StatusInternalServerError || strings.Contains(l.HTML+l.Error.Message, "boom") {
		t.Errorf("an error that is for the log: %+v", l)
	}
}

func TestBatch_IsRefusedAsAWholeWhenItIsMalformed(t *testing.T) {
	r := start(t, nil)
	for requests, want := range map[string]string{
		"": "from 1 to 50", strings.TrimSuffix(strings.Repeat(onShop+",", 51), ","): "from 1 to 50",
		`{"id":"cost/spend","colour":"red"}`:                                        `unknown field \"colour\"`,
		`{"entityRef":"component:default/shop"}`:                                    "id",
		`{"id":"cost/spend","format":"svg"}`:                                        "requests[0].format: must be html or json",
		`{"id":"cost/spend","args":{"x":"` + strings.Repeat("x", maxArgs) + `"}}`:   "requests[0].args: must have at most",
		`{"id":"cost/spend","w":true}`:                                              "must be a text or a number",
		`{"id":"cost/spend","token":"canary","entityRef":"component:default/shop"}`: `unknown field \"token\"`,
		`{"id":7}`: "string",
	} {
		status, lines := r.ask(t, requests)
		if status != http.StatusBadRequest || !strings.Contains(lines[-1].Error.Message, want) {
			t.Errorf("%.80s: %d %+v, want %s", requests, status, lines[-1].Error, want)
		}
	}
	if n := r.widget.asked.Load(); n != 0 {
		t.Errorf("the widget was asked %d times", n)
	}
}

func TestBatch_HoldsAnEmbeddingPageToItsToken(t *testing.T) {
	r := start(t, nil)
	lines := map[int]answerLine{}
	for line := range r.engine.batch(t.Context(), page("cost/spend", "component:default/shop", ""), []question{
		{ID: "cost/spend", EntityRef: "component:default/shop", Format: "json"}, {ID: "cost/other", EntityRef: "component:default/shop"},
		{ID: "cost/spend", EntityRef: "component:default/vault", Format: "json"},
	}) {
		lines[line.Index] = line
	}
	if lines[0].Status != 200 || lines[1].Status != 403 || lines[2].Status != 403 {
		t.Errorf("%+v", lines)
	}
}

// A quick widget is read while a slow one is still being asked, and nobody waits for that one when the caller is gone.
func TestBatch_SendsLinesAsTheyAreReadyAndEndsWithItsCaller(t *testing.T) {
	r := start(t, nil)
	hanging, release := make(chan struct{}), make(chan struct{})
	defer close(release) // a question goes on without its caller, for others who ask the same
	usual := r.widget.answer
	r.widget.answer = func(ctx context.Context, q Query) ([]*frame.Frame, error) {
		if q.MaxPoints == 7 {
			close(hanging)
			<-release
		}
		return usual(ctx, q)
	}
	served := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		defer close(served)
		r.server.ServeHTTP(w, q)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := `{"requests":[{"id":"cost/spend","entityRef":"component:default/shop","maxPoints":7},` + onShop + `]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/api/widgets/v1/batch", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", httpxtest.Guest)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-hanging
	first, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil || !strings.HasPrefix(first, `{"index":1,"status":200`) {
		t.Errorf("%.100q, %v", first, err)
	}
	cancel()
	<-served // while the slow widget still hangs
}

func TestBatch_SurvivesAWidgetThatPanics(t *testing.T) {
	r := start(t, nil)
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { panic("canary") }
	_, lines := r.ask(t, onShop+","+shopData)
	for i := range 2 {
		if lines[i].Status != http.StatusInternalServerError || strings.Contains(fmt.Sprint(lines[i]), "canary") {
			t.Errorf("%+v", lines[i])
		}
	}
}

func TestBadge_IsTheValueOfAWidget(t *testing.T) {
	r := start(t, func(d *Description) { d.Title, d.View = "Open issues", Stat })
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) {
		return []*frame.Frame{frame.New("n", frame.Strings("what", "<b>"), frame.Numbers("n", 7))}, nil
	}
	const of = "?entityRef=component:default/shop"
	if status, body := r.get("/badge/cost/spend.svg" + of); status != 200 || !strings.HasPrefix(body, "<svg") || !strings.Contains(body, "Open issues: 7") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := r.get("/badge/cost/spend.json" + of); status != 200 || !strings.Contains(body, `"label":"Open issues","message":"7"`) {
		t.Errorf("%d %s", status, body)
	}
	for path, want := range map[string]int{"/badge/cost/spend.png" + of: 404, "/badge/cost/spend" + of: 404, "/badge/cost/nope.svg" + of: 404,
		"/badge/cost/spend.svg?entityRef=component:default/vault": 404, "/badge/cost/spend.svg": 400} {
		if status, _ := r.get(path); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	r = start(t, func(d *Description) { d.View = Table })
	if status, body := r.get("/badge/cost/spend.svg" + of); status != 400 || !strings.Contains(body, "no single value") {
		t.Errorf("a table: %d %s", status, body)
	}
}
