package widget

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

const (
	orderForm = "/api/widgets/v1/forms/cost/order"
	asPage    = "application/x-www-form-urlencoded"
)

// post sends a form as the guest.
func (r *rig) post(body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	res := httpxtest.Do(r.t, r.server, "POST", orderForm, body, headers...)
	return res, httpxtest.Body(r.t, res)
}

func TestForms_TakeJSON(t *testing.T) {
	r, w, _ := form(t)
	w.submit = func(context.Context, Submission) (Result, error) {
		return Result{Message: "Ordered.", Secret: true, Next: &Link{"Orders", "/orders"}, Frames: []*frame.Frame{frame.New("key", frame.Strings("secret", "k1"))}}, nil
	}
	res, body := r.post(`{"entityRef":"component:default/shop","args":{"plan":"gold"},"key":"once","lang":"de","tz":"Europe/Berlin"}`, "Content-Type", "application/json")
	if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Etag") != "" {
		t.Fatalf("%d %v %s", res.StatusCode, res.Header, body)
	}
	var got struct {
		Message, HTML string
		Secret        bool
		Next          Link
		Frames        []*frame.Frame
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Message != "Ordered." || !got.Secret || got.Next.URL != "/orders" || got.Frames[0].Column("secret").Values[0] != "k1" || !strings.Contains(got.HTML, "<code") || !strings.Contains(got.HTML, `lang="de"`) {
		t.Errorf("%+v", got)
	}
	s := w.sent[0]
	if s.Key != "once" || string(s.Args) != `{"plan":"gold"}` || s.Locale != "de" || s.TimeZone != "Europe/Berlin" || s.By.Subject == "" {
		t.Errorf("%+v", s)
	}
}

func TestForms_TellProgramsWhatIsWrong(t *testing.T) {
	r, w, _ := form(t)
	for body, status := range map[string]int{
		`{"entityRef":"component:default/shop","args":{"days":0}}`: http.StatusBadRequest,
		`{"entityRef":"component:default/vault","args":{}}`:        http.StatusNotFound,
		`{"args":{"plan":"gold"}}`:                                 http.StatusBadRequest,
		`{"entityRef":"component:default/shop","args":[]}`:         http.StatusBadRequest,
		`{"entityRef":"component:default/shop","x":1}`:             http.StatusBadRequest,
		`{"lang":"<x"}`: http.StatusBadRequest,
		`{`:             http.StatusBadRequest,
	} {
		if res, answer := r.post(body, "Content-Type", "application/json"); res.StatusCode != status || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s: %d %s, want %d", body, res.StatusCode, answer, status)
		}
	}
	_, body := r.post(`{"entityRef":"component:default/shop","args":{"days":0}}`, "Content-Type", "application/json")
	var failed struct {
		Error struct{ FieldErrors map[string]string }
	}
	if err := json.Unmarshal([]byte(body), &failed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"plan": "must be filled in", "days": "must be at least 1"}, failed.Error.FieldErrors); diff != "" {
		t.Error(diff)
	}
	if res, _ := r.post(`{}`, "Content-Type", "application/json", "Authorization", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody is answered %d", res.StatusCode)
	}
	if res, _ := r.post(`{}`, "Content-Type", "application/json", "Authorization", "", "Cookie", "backstage-auth=user:default/c"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a cookie is answered %d", res.StatusCode)
	}
	if res, _ := r.post(`<x/>`, "Content-Type", "text/xml"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another type is answered %d", res.StatusCode)
	}
	if len(w.sent) != 0 {
		t.Errorf("the widget was asked: %+v", w.sent)
	}
}

func TestForms_OfAPageAreAnsweredAsFragments(t *testing.T) {
	r, w, _ := form(t)
	shown := func() string {
		status, body := r.get("/render/cost/order.html?entityRef=component:default/shop&lang=de&args=" + url.QueryEscape(`{"days":7}`))
		if status != http.StatusOK || !strings.Contains(body, `action="/api/widgets/v1/forms/cost/order"`) || !strings.Contains(body, `value="7"`) || !strings.Contains(body, `data-status="ok"`) {
			t.Fatalf("%d %s", status, body)
		}
		return body
	}
	key := func(fragment string) string {
		found := regexp.MustCompile(`name="key" value="([A-Z0-9]+)"`).FindStringSubmatch(fragment)
		if found == nil {
			t.Fatalf("no key in %s", fragment)
		}
		return found[1]
	}
	first := shown()
	if key(first) == key(shown()) {
		t.Error("two forms have one key")
	}
	values := url.Values{"key": {key(first)}, "entityRef": {"component:default/shop"}, "lang": {"de"}, "args.days": {"0"}, "args.note": {"a <b>"}, "args.sure": {"true"}}
	res, body := r.post(values.Encode(), "Content-Type", asPage)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(res.Header.Get("Content-Type"), "text/html") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	for _, part := range []string{`role="alert"`, "must be filled in", "must be at least 1", `value="a &lt;b&gt;"`, "checked", "Das konnte nicht gesendet werden"} {
		if !strings.Contains(body, part) {
			t.Errorf("there is no %s in %s", part, body)
		}
	}
	if key(body) == key(first) {
		t.Error("nothing was done, and the form keeps its key")
	}
	values.Set("args.plan", "gold")
	values.Set("args.days", "")
	if res, body = r.post(values.Encode(), "Content-Type", asPage, "Accept", "text/html"); res.StatusCode != http.StatusOK || !strings.Contains(body, "Ordered.") || !strings.Contains(body, `role="status"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if s := w.sent[0]; s.Key != key(first) || string(s.Args) != `{"note":"a \u003cb\u003e","plan":"gold","sure":true}` {
		t.Errorf("%s %s", s.Key, s.Args)
	}
	if res, body = r.post(values.Encode(), "Content-Type", asPage, "Accept", "application/json"); !strings.HasPrefix(body, `{"message":"Ordered."`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestForms_ShowAgainWhatWasFilledInWhateverHappens(t *testing.T) {
	r, w, _ := form(t)
	values := url.Values{"key": {"ONCE"}, "entityRef": {"component:default/shop"}, "args.plan": {"gold"}, "args.note": {"hello"}}
	for _, c := range []struct {
		err    error
		status int
		part   string
		same   bool
	}{
		{apierror.NotAllowedf("at most 365 days are allowed"), http.StatusForbidden, "at most 365 days are allowed", false},
		{apierror.Conflictf("it is on its way"), http.StatusConflict, "it is on its way", false},
		{apierror.Newf(apierror.ServiceUnavailable, "Plugin cost does not answer"), http.StatusServiceUnavailable, "does not answer", true},
		{context.DeadlineExceeded, http.StatusInternalServerError, "Something went wrong", true},
	} {
		w.submit = func(context.Context, Submission) (Result, error) { return Result{}, c.err }
		res, body := r.post(values.Encode(), "Content-Type", asPage)
		if res.StatusCode != c.status || !strings.Contains(body, c.part) || !strings.Contains(body, `value="hello"`) || strings.Contains(body, "deadline") {
			t.Errorf("%v: %d %s", c.err, res.StatusCode, body)
		}
		if strings.Contains(body, `value="ONCE"`) != c.same {
			t.Errorf("%v: its key is kept, or is not: %s", c.err, body)
		}
	}
	values.Set("entityRef", "component:default/vault")
	if res, body := r.post(values.Encode(), "Content-Type", asPage); res.StatusCode != http.StatusNotFound || strings.Contains(body, "<form") {
		t.Errorf("of an entity that cannot be seen: %d %s", res.StatusCode, body)
	}
	if res, body := r.post("args.note="+strings.Repeat("x", maxForm), "Content-Type", asPage); res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "cb-state") {
		t.Errorf("too much: %d %s", res.StatusCode, body)
	}
}

func TestForm_ShowsItsChoicesAndWhatIsThere(t *testing.T) {
	r, w, _ := form(t)
	w.answer = func(context.Context, Query) ([]*frame.Frame, error) {
		return []*frame.Frame{
			frame.New("choices/note", frame.Strings("value", "a", "b").Labeled("x"), frame.Strings("label", "First <b>").Add(nil)),
			frame.New("choices/plan", frame.Numbers("value", 1)), frame.New("values", frame.Strings("note", "b")), frame.New("Orders", frame.Strings("order", "o-1")),
		}, nil
	}
	status, body := r.get("/render/cost/order.html?entityRef=component:default/shop")
	for _, part := range []string{`value="a">First &lt;b&gt;<`, `selected="selected" value="b">b<`, "<table>", "o-1", `value="gold">gold<`} {
		if status != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("%d: there is no %s in %s", status, part, body)
		}
	}
	if strings.Contains(body, "choices/") {
		t.Error("choices are shown as a table")
	}
}
