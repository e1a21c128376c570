package permission

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// stockBoats are the boats of testdata/stock.cjs, as a plugin in another process lists them and answers about them.
func stockBoats() []Integration {
	type boat struct {
		colour string
		old    bool
	}
	harbour := map[string]boat{"boat:a": {"red", true}, "boat:b": {"blue", false}}
	needsColour := func(params map[string]any) error {
		if _, ok := params["colour"].(string); !ok {
			return errors.New("colour: must be a string")
		}
		return nil
	}
	return []Integration{
		{Permissions: []Permission{sail, register, {Type: Resource, Name: "boat.look", ResourceType: boatType}, {Type: Resource, Name: "pier.use", ResourceType: "pier"}}},
		{
			ResourceType: boatType,
			Rules: []Rule{
				{Name: "HAS_COLOUR", Description: "Boats of a colour", Check: needsColour, ParamsSchema: json.RawMessage(`{"type":"object","properties":{"colour":{"type":"string","description":"The colour"}},` +
					`"required":["colour"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}`)},
				{Name: "IS_OLD", Description: "Old boats"},
			},
			Hold: func(_ context.Context, c *Condition, refs []string) ([]Held, error) {
				held := make([]Held, len(refs))
				for i, ref := range refs {
					b, ok := harbour[ref]
					switch {
					case !ok:
						held[i] = Missing
					case c.Rule == "IS_OLD" && b.old, c.Rule == "HAS_COLOUR" && b.colour == c.Params["colour"]:
						held[i] = Holds
					}
				}
				return held, nil
			},
		},
		{ResourceType: "pier"},
	}
}

// passing is what answers to an attached feature beside its permission routes.
func passing(w http.ResponseWriter, _ *http.Request, _ httpx.Call) error {
	w.WriteHeader(http.StatusTeapot)
	return nil
}

func attached(t *testing.T, source Source) (h http.Handler, detach func()) {
	t.Helper()
	s := httpxtest.NewWith(t, httpx.Options{Auth: actors{}})
	detach, err := s.Attach(httpx.Feature{ID: "harbour", Routes: func(r *httpx.Router) { MountSource(r, source) }}, passing)
	if err != nil {
		t.Fatal(err)
	}
	return s, detach
}

// stockCase is what a stock plugin was asked, and answered.
type stockCase struct {
	Name, Method, Path, As string
	Body, Answer           json.RawMessage
	Status                 int
}

// body of a long request is told by its length.
func (c *stockCase) body(t *testing.T) (body string) {
	t.Helper()
	var long struct{ Length int }
	switch {
	case c.Body == nil:
	case json.Unmarshal(c.Body, &long) == nil:
		const around = `{"items":[],"x":""}`
		body = around[:len(around)-2] + strings.Repeat("x", long.Length-len(around)) + around[len(around)-2:]
	case json.Unmarshal(c.Body, &body) != nil:
		t.Fatalf("%s: %s", c.Name, c.Body)
	}
	return body
}

func stockCases(t *testing.T) (cases []stockCase) {
	t.Helper()
	file, err := os.Open("testdata/stock.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c stockCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil || len(cases) < 30 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	return cases
}

func TestMountSource_AnswersAsAStockPlugin(t *testing.T) {
	h, _ := attached(t, func() ([]Integration, error) { return stockBoats(), nil })
	as := map[string]string{"user": httpxtest.Guest, "service": "Bearer service:plugin:permission", "acting": "Bearer acting"}
	for _, c := range stockCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			status, answer := do(t, h, c.Method, "/api/harbour"+c.Path, c.body(t), as[c.As])
			if status != c.Status {
				t.Errorf("%d, want %d", status, c.Status)
			}
			got, want := plain(t, []byte(answer)), plain(t, c.Answer)
			if !reflect.DeepEqual(got, want) {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

// plain is an answer without the details of wrong parameters: those of a plugin are a JSON Schema's and not Zod's.
func plain(t *testing.T, answer []byte) any {
	t.Helper()
	var v any = ""
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &v); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
	}
	if envelope, ok := v.(map[string]any); ok {
		if e, ok := envelope["error"].(map[string]any); ok {
			if text, _, cut := strings.Cut(e["message"].(string), "; caused by "); cut {
				e["message"] = text
				delete(e, "cause")
			}
		}
	}
	return v
}

func TestMountSource_FollowsWhatTheFeatureHas(t *testing.T) {
	var now []Integration
	var down error
	h, detach := attached(t, func() ([]Integration, error) { return now, down })
	const service = "Bearer service:plugin:permission"
	ask := func(method, path, as string, want int) (text string) {
		t.Helper()
		body := ""
		if method == http.MethodPost {
			body = `{"items":[]}`
		}
		status, text := do(t, h, method, "/api/harbour/.well-known/backstage/permissions/"+path, body, as)
		if status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, status, text, want)
		}
		return text
	}
	all := func(metadata, apply, user int) {
		t.Helper()
		ask("GET", "metadata", service, metadata)
		ask("POST", "apply-conditions", service, apply)
		ask("POST", "apply-conditions", httpxtest.Guest, user)
		ask("PUT", "apply-conditions", httpxtest.Guest, user)
		ask("GET", "metadata", "", 401)
		ask("POST", "apply-conditions", "", 401)
		ask("GET", "other", service, http.StatusTeapot) // is the feature's own
	}
	all(404, 404, 404) // as a stock plugin that has no permissions
	now = stockBoats()
	all(200, 200, 403)
	down = apierror.Newf(apierror.ServiceUnavailable, "Plugin 'harbour' is not available: it is stopped")
	all(503, 503, 403)
	if name, text := message(t, ask("GET", "metadata", service, 503)); name != "ServiceUnavailableError" || text != "Plugin 'harbour' is not available: it is stopped" {
		t.Errorf("%s: %s", name, text)
	}
	detach()
	for _, as := range []string{service, httpxtest.Guest, ""} {
		ask("GET", "metadata", as, 404)
		ask("POST", "apply-conditions", as, 404)
	}
}
