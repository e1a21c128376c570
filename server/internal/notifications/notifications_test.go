package notifications

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// recorder is a Broadcaster that remembers.
type recorder struct {
	mu       sync.Mutex
	messages []string
}

func (r *recorder) Publish(_ context.Context, m signals.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	payload, _ := json.Marshal(m.Payload)
	r.messages = append(r.messages, fmt.Sprintf("%s %+v %s", m.Channel, m.Recipients, payload))
}

// take returns what was told since the last call.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.messages = nil }()
	return r.messages
}

// harbour is a small organisation.
func harbour(ref entity.Canonical) []byte {
	text := map[entity.Canonical]string{
		"group:default/operations":    `{"relations":[{"type":"parentOf","targetRef":"group:default/pilots"}]}`,
		"group:default/pilots":        `{"relations":[{"type":"childOf","targetRef":"group:default/operations"},{"type":"hasMember","targetRef":"user:default/ada"},{"type":"hasMember","targetRef":"user:default/mateo"},{"type":"parentOf","targetRef":"group:default/operations"}]}`,
		"component:default/planner":   `{"relations":[{"type":"ownedBy","targetRef":"group:default/pilots"},{"type":"ownedBy","targetRef":"user:default/second-owner"}]}`,
		"component:default/web":       `{"relations":[{"type":"dependsOn","targetRef":"component:default/planner"},{"type":"ownedBy","targetRef":"user:default/ada"}]}`,
		"component:default/ownerless": `{"kind":"Component"}`,
	}[ref]
	if text == "" {
		return nil
	}
	return []byte(text)
}

type stage struct {
	t    *testing.T
	edge *httpx.Server
	told *recorder
	now  time.Time
	svc  *Service
}

func newStage(t *testing.T, db *store.DB, yaml string) *stage {
	t.Helper()
	s := &stage{t: t, told: &recorder{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	svc, err := New(t.Context(), Options{
		DB: db, Config: config.FromYAML(yaml).Section("notifications"), Entities: harbour, Signals: s.told,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.svc, s.edge = svc, httpxtest.New(t)
	Routes(s.edge.Feature(Feature()), svc)
	return s
}

const ci = "Bearer service:external:ci"

// do sends a request and returns status and decoded body.
func (s *stage) do(auth, method, path, body string) (int, any) {
	s.t.Helper()
	res := httpxtest.Do(s.t, s.edge, method, "/api/notifications"+path, body, "Authorization", auth)
	text, _ := io.ReadAll(res.Body)
	var v any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &v); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
	return res.StatusCode, v
}

func (s *stage) ok(auth, method, path, body string) any {
	s.t.Helper()
	status, v := s.do(auth, method, path, body)
	if status != 200 {
		s.t.Fatalf("%s %s %s: %d %v", method, path, body, status, v)
	}
	return v
}

// send sends a payload to guest, or to what recipients says, and returns what was sent.
func (s *stage) send(payload, recipients string) []any {
	s.t.Helper()
	if recipients == "" {
		recipients = `{"type":"entity","entityRef":"user:default/guest"}`
	}
	return s.ok(ci, "POST", "/notifications", `{"recipients":`+recipients+`,"payload":`+payload+`}`).([]any)
}

func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case int:
			v = v.([]any)[p]
		case string:
			v = v.(map[string]any)[p]
		}
	}
	return v
}

func titles(page any) []string {
	all := []string{}
	for _, n := range at(page, "notifications").([]any) {
		all = append(all, at(n, "payload", "title").(string))
	}
	return all
}

func TestNotifications_AreSentListedReadAndSaved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		sent := s.send(`{"title":"One","topic":"a","custom":1,"metadata":{"k":"v"}}`, "")
		id := at(sent, 0, "id").(string)
		want := map[string]any{"id": id, "user": "user:default/guest", "created": "2026-03-01T12:00:00.000Z", "origin": "external:ci",
			"payload": map[string]any{"title": "One", "topic": "a", "severity": "normal", "custom": 1.0, "metadata": map[string]any{"k": "v"}}}
		if diff := cmp.Diff([]any{want}, sent); diff != "" {
			t.Error("the sender's answer\n", diff)
		}
		stored := map[string]any{"id": id, "user": "user:default/guest", "created": "2026-03-01T12:00:00.000Z", "saved": nil, "read": nil, "updated": nil,
			"origin": "external:ci", "payload": map[string]any{"title": "One", "description": nil, "link": nil, "topic": "a", "severity": "normal", "scope": nil, "icon": nil}}
		for _, path := range []string{"/notifications", "/", "/notifications?topic=a&read=false&saved=false"} {
			if diff := cmp.Diff(map[string]any{"totalCount": 1.0, "notifications": []any{stored}}, s.ok(httpxtest.Guest, "GET", path, "")); diff != "" {
				t.Error(path, diff)
			}
		}
		for _, path := range []string{"/notifications/" + id, "/" + id} {
			if diff := cmp.Diff(stored, s.ok(httpxtest.Guest, "GET", path, "")); diff != "" {
				t.Error(path, diff)
			}
		}
		s.now = s.now.Add(time.Minute)
		update := func(change string) any {
			return at(s.ok(httpxtest.Guest, "POST", "/notifications/update", `{"ids":["`+id+`","unknown"],`+change+`}`), 0)
		}
		stored["read"], stored["saved"] = "2026-03-01T12:01:00.000Z", "2026-03-01T12:01:00.000Z"
		if diff := cmp.Diff(stored, update(`"read":true,"saved":true`)); diff != "" {
			t.Error("read and saved\n", diff)
		}
		if diff := cmp.Diff(map[string]any{"unread": 0.0, "read": 1.0}, s.ok(httpxtest.Guest, "GET", "/status", "")); diff != "" {
			t.Error(diff)
		}
		stored["read"] = nil
		if diff := cmp.Diff(stored, update(`"read":false`)); diff != "" {
			t.Error("unread again, still saved\n", diff)
		}
		told := []string{
			`notifications {everybody:false refs:[user:default/guest]} {"action":"new_notification","notification_id":"` + id + `"}`,
			`notifications {everybody:false refs:[user:default/guest]} {"action":"notification_read","notification_ids":["` + id + `","unknown"]}`,
			`notifications {everybody:false refs:[user:default/guest]} {"action":"notification_unread","notification_ids":["` + id + `","unknown"]}`,
		}
		if diff := cmp.Diff(told, s.told.take()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]any{"topics": []any{"a"}}, s.ok(httpxtest.Guest, "GET", "/topics", "")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSend_ReachesThoseWhoAreMeant(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), "")
	for _, c := range []struct {
		recipients string
		want       []string
	}{
		{`{"type":"entity","entityRef":"user:default/nobody"}`, []string{"user:default/nobody"}},
		{`{"type":"entity","entityRef":"group:default/pilots"}`, []string{"user:default/ada", "user:default/mateo"}},
		{`{"type":"entity","entityRef":"group:default/operations"}`, []string{"user:default/ada", "user:default/mateo"}},
		{`{"type":"entity","entityRef":["user:default/ada","group:default/pilots","USER:default/Ada"]}`, []string{"user:default/ada", "user:default/mateo"}},
		{`{"type":"entity","entityRef":"component:default/planner"}`, []string{"user:default/ada", "user:default/mateo"}},
		{`{"type":"entity","entityRef":"component:default/web"}`, []string{"user:default/ada"}},
		{`{"type":"entity","entityRef":"component:default/ownerless"}`, nil},
		{`{"type":"entity","entityRef":"system:default/nope"}`, nil},
		{`{"type":"entity","entityRef":[]}`, nil},
		{`{"type":"entity","entityRef":"group:default/pilots","excludeEntityRef":"user:default/Ada"}`, []string{"user:default/mateo"}},
		{`{"type":"entity","entityRef":["group:default/operations","user:default/x"],"excludeEntityRef":["group:default/pilots","junk"]}`, []string{"user:default/x"}},
		{`{"type":"entity","entityRef":"USER:Default/Guest"}`, []string{"USER:Default/Guest"}},
	} {
		var got []string
		for _, n := range s.send(`{"title":"R"}`, c.recipients) {
			got = append(got, at(n, "user").(string))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s\n%s", c.recipients, diff)
		}
	}
	if got := at(s.ok(httpxtest.Guest, "GET", "/status", ""), "unread"); got != 1.0 {
		t.Errorf("a ref in upper case does not reach its user: %v unread", got)
	}
}

func TestSend_RefusesInTheReferencesWords(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), "")
	toGuest := `"recipients":{"type":"entity","entityRef":"user:default/guest"}`
	for body, want := range map[string]string{
		`{}`:                                       "request/body must have required property 'recipients'",
		`{"recipients":{"type":"broadcast"}}`:      "request/body must have required property 'payload'",
		`{` + toGuest + `,"payload":{}}`:           "request/body/payload must have required property 'title'",
		`{` + toGuest + `,"payload":{"title":5}}`:  "request/body/payload/title must be string",
		`{` + toGuest + `,"payload":{"title":""}}`: "Invalid notification request received: missing title",
		`{` + toGuest + `,"payload":{"title":"x","severity":"FATAL"}}`:                 "request/body/payload/severity must be equal to one of the allowed values: critical, high, normal, low",
		`{` + toGuest + `,"payload":{"title":"x\u0000"}}`:                              "request/body/payload/title must not contain NUL characters",
		`{` + toGuest + `,"payload":{"title":"x","link":"javascript:alert(1)"}}`:       "Invalid link provided; caused by Error: Only HTTP/HTTPS links are allowed",
		`{` + toGuest + `,"payload":{"title":"x","link":"/javascript:alert(1)"}}`:      "Invalid link provided; caused by Error: Only HTTP/HTTPS links are allowed",
		`{` + toGuest + `,"payload":{"title":"x","link":" java\tscript:alert(1)"}}`:    "Invalid link provided; caused by Error: Only HTTP/HTTPS links are allowed",
		`{` + toGuest + `,"payload":{"title":"x","link":"https://["}}`:                 "Invalid link provided; caused by TypeError: Invalid URL",
		`{"recipients":{"type":"entity","entityRef":"guest"},"payload":{"title":"x"}}`: `Failed to send user notifications; caused by Error: Entity reference \"guest\" had missing or empty kind (e.g. did not start with \"component:\" or similar)`,
		`{"recipients":{"type":"odd"},"payload":{"title":"x"}}`:                        "request/body/recipients must have required property 'entityRef', request/body/recipients/type must be equal to one of the allowed values: broadcast, request/body/recipients must match exactly one schema in oneOf",
	} {
		status, v := s.do(ci, "POST", "/notifications", body)
		got, _ := json.Marshal(at(v, "error", "message"))
		if status != 400 || string(got) != `"`+want+`"` {
			t.Errorf("%s: %d\n got %s\nwant %s", body, status, got, want)
		}
	}
	for _, link := range []string{"/relative", "relative", "https://a.test/x", "?q=a:b"} {
		quoted, _ := json.Marshal(link)
		if got := at(s.send(`{"title":"x","link":`+string(quoted)+`}`, ""), 0, "payload", "link"); got != link {
			t.Errorf("link %s: %v", link, got)
		}
	}
}

func TestSend_TheSameScopeReplaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		id := at(s.send(`{"title":"First","description":"kept","scope":"s","topic":"t"}`, ""), 0, "id").(string)
		s.ok(httpxtest.Guest, "POST", "/update", `{"ids":["`+id+`"],"read":true,"saved":true}`)
		s.now = s.now.Add(time.Minute)
		again := s.send(`{"title":"Second","severity":"low","scope":"s"}`, "")
		want := map[string]any{"id": id, "user": "user:default/guest", "created": "2026-03-01T12:00:00.000Z", "updated": "2026-03-01T12:01:00.000Z",
			"read": nil, "saved": "2026-03-01T12:00:00.000Z", "origin": "external:ci",
			"payload": map[string]any{"title": "Second", "description": "kept", "link": nil, "topic": "t", "severity": "low", "scope": "s", "icon": nil}}
		if diff := cmp.Diff([]any{want}, again); diff != "" {
			t.Error(diff)
		}
		s.send(`{"title":"Another user","scope":"s"}`, `{"type":"entity","entityRef":"user:default/ada"}`)
		s.ok("Bearer service:plugin:other", "POST", "/", `{"recipients":{"type":"entity","entityRef":"user:default/guest"},"payload":{"title":"Another origin","scope":"s"}}`)
		s.send(`{"title":"No scope","scope":""}`, "")
		s.send(`{"title":"No scope","scope":""}`, "")
		if got := at(s.ok(httpxtest.Guest, "GET", "/", ""), "totalCount"); got != 4.0 {
			t.Errorf("the guest has %v, want 4", got)
		}
	})
}

func TestBroadcasts_AreEverybodysAndEachReadsForThemselves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		const eve = "Bearer user:default/eve"
		sent := s.send(`{"title":"All hands","scope":"x"}`, `{"type":"broadcast"}`)
		id := at(sent, 0, "id").(string)
		if at(sent, 0, "user") != nil {
			t.Error(sent)
		}
		read := s.ok(httpxtest.Guest, "POST", "/update", `{"ids":["`+id+`"],"read":true}`)
		saved := s.ok(httpxtest.Guest, "POST", "/update", `{"ids":["`+id+`"],"saved":true}`)
		if at(read, 0, "read") == nil || at(saved, 0, "read") == nil || at(saved, 0, "saved") == nil || at(saved, 0, "user") != nil {
			t.Error(read, saved)
		}
		for auth, want := range map[string]any{httpxtest.Guest: map[string]any{"unread": 0.0, "read": 1.0}, eve: map[string]any{"unread": 1.0, "read": 0.0}} {
			if diff := cmp.Diff(want, s.ok(auth, "GET", "/status", "")); diff != "" {
				t.Error(auth, diff)
			}
		}
		s.now = s.now.Add(time.Minute)
		again := s.send(`{"title":"All hands again","scope":"x"}`, `{"type":"broadcast"}`)
		if at(again, 0, "id") != id || at(again, 0, "payload", "title") != "All hands again" {
			t.Error(again)
		}
		if diff := cmp.Diff(map[string]any{"unread": 1.0, "read": 0.0}, s.ok(httpxtest.Guest, "GET", "/status", "")); diff != "" {
			t.Error("a broadcast that was sent again is unread again\n", diff)
		}
		if told := s.told.take(); len(told) != 3 || !strings.HasPrefix(told[0], "notifications {everybody:true") {
			t.Error(told)
		}
	})
}

func TestUsers_SeeAndChangeOnlyTheirOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		id := at(s.send(`{"title":"Private","topic":"secret"}`, `{"type":"entity","entityRef":"user:default/ada"}`), 0, "id").(string)
		for _, path := range []string{"/" + id, "/notifications/" + id, "/nope", "/notifications/00000000-0000-4000-8000-000000000000", "/a%00b"} {
			if status, v := s.do(httpxtest.Guest, "GET", path, ""); status != 404 || at(v, "error", "message") != "Not found" {
				t.Error(path, status, v)
			}
		}
		if got := s.ok(httpxtest.Guest, "POST", "/update", `{"ids":["`+id+`"],"read":true,"saved":true}`); len(got.([]any)) != 0 {
			t.Error(got)
		}
		mine := at(s.ok("Bearer user:default/ada", "GET", "/", ""), "notifications", 0)
		if at(mine, "read") != nil || at(mine, "saved") != nil {
			t.Error("another user changed it: ", mine)
		}
		if got := s.ok(httpxtest.Guest, "GET", "/topics", ""); len(at(got, "topics").([]any)) != 0 {
			t.Error(got)
		}
		for path, method := range map[string]string{"/": "GET", "/status": "GET", "/settings": "GET", "/topics": "GET", "/update": "POST", "/" + id: "GET"} {
			if status, _ := s.do(ci, method, path, `{"ids":[]}`); status != 403 {
				t.Errorf("%s %s as a service: %d", method, path, status)
			}
			if status, _ := s.do("", method, path, ""); status != 401 {
				t.Errorf("%s %s without credentials: %d", method, path, status)
			}
		}
		status, v := s.do(httpxtest.Guest, "POST", "/notifications", `{"recipients":{"type":"broadcast"},"payload":{"title":"x"}}`)
		if status != 403 || at(v, "error", "message") != "This endpoint does not allow 'user' credentials" {
			t.Error(status, v)
		}
	})
}

func TestList_FiltersOrdersAndPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		for _, payload := range []string{`{"title":"Alpha 100%","severity":"low"}`, `{"title":"Beta","description":"alpha_inside","severity":"high"}`, `{"title":"Gamma","severity":"critical","topic":"t"}`} {
			s.send(payload, "")
			s.now = s.now.Add(time.Second)
		}
		for query, want := range map[string][]string{
			"":                       {"Gamma", "Beta", "Alpha 100%"},
			"orderField=created,asc": {"Alpha 100%", "Beta", "Gamma"},
			"orderField=title":       {"Alpha 100%", "Beta", "Gamma"},
			"orderField=severity,desc&orderField=title,asc": {"Alpha 100%", "Beta", "Gamma"},
			"orderField=created,asc&limit=1&offset=1":       {"Beta"},
			"limit=0":                               {},
			"offset=5":                              {},
			"limit=99999999999":                     {"Gamma", "Beta", "Alpha 100%"},
			"search=ALPHA":                          {"Beta", "Alpha 100%"},
			"search=%25":                            {"Alpha 100%"},
			"search=_":                              {"Beta"},
			"search='":                              {},
			"minimumSeverity=high":                  {"Gamma", "Beta"},
			"minimumSeverity=low":                   {"Gamma", "Beta", "Alpha 100%"},
			"topic=t":                               {"Gamma"},
			"topic=nope":                            {},
			"read=true":                             {},
			"createdAfter=2026-03-01T12:00:01.000Z": {"Gamma", "Beta"},
			"createdAfter=2100-01-01":               {},
		} {
			if diff := cmp.Diff(want, titles(s.ok(httpxtest.Guest, "GET", "/notifications?"+query, ""))); diff != "" {
				t.Errorf("%s\n%s", query, diff)
			}
		}
		if got := at(s.ok(httpxtest.Guest, "GET", "/?limit=1&offset=2", ""), "totalCount"); got != 3.0 {
			t.Errorf("total %v", got)
		}
		for query, want := range map[string]string{
			"createdAfter=nodate":        "400 Unexpected date format",
			"orderField=created,bogus":   "400 Invalid order field order, must be asc or desc",
			"orderField=bogus,asc":       `500 Unknown order field "bogus"`,
			"orderField=user_entity_ref": `500 Unknown order field "user_entity_ref"`,
			"orderField=" + url.QueryEscape(`(CASE WHEN 1=1 THEN id END)`): `500 Unknown order field "(CASE WHEN 1=1 THEN id END)"`,
			"minimumSeverity=bogus": "400 request/query/minimumSeverity must be equal to one of the allowed values: critical, high, normal, low",
			"bogus=1":               "400 Unknown query parameter 'bogus'",
			"limit=-1":              "400 request/query/limit must be >= 0",
			"search=%00":            "400 request/query must not contain NUL characters",
		} {
			status, v := s.do(httpxtest.Guest, "GET", "/notifications?"+query, "")
			if got := fmt.Sprint(status, " ", at(v, "error", "message")); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
	})
}

func TestUpdate_RefusesOtherShapes(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), "")
	for body, want := range map[string]string{
		`{}`:                             "request/body must have required property 'ids'",
		`{"ids":"x","read":true}`:        "request/body/ids must be array",
		`{"ids":["x"],"read":"yes"}`:     "request/body/read must be boolean",
		`{"ids":["\u0000"],"read":true}`: "ids must not contain NUL characters",
	} {
		if status, v := s.do(httpxtest.Guest, "POST", "/notifications/update", body); status != 400 || at(v, "error", "message") != want {
			t.Errorf("%s: %d %v", body, status, v)
		}
	}
	if got := s.ok(httpxtest.Guest, "POST", "/notifications/update", `{"ids":[]}`); len(got.([]any)) != 0 {
		t.Error(got)
	}
}

func TestSettings_DecideWhatArrives(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		setting := func(yes ...bool) map[string]any {
			return map[string]any{"channels": []any{map[string]any{"id": "Web", "origins": []any{map[string]any{"id": "external:ci", "enabled": yes[0], "topics": []any{
				map[string]any{"id": "builds", "enabled": yes[1]}, map[string]any{"id": "deploys", "enabled": yes[2]}}}}}}}
		}
		empty := map[string]any{"channels": []any{map[string]any{"id": "Web", "origins": []any{}}}}
		if diff := cmp.Diff(empty, s.ok(httpxtest.Guest, "GET", "/settings", "")); diff != "" {
			t.Error("before anything was heard\n", diff)
		}
		s.send(`{"title":"1","topic":"builds"}`, "")
		s.send(`{"title":"2","topic":"deploys"}`, "")
		if diff := cmp.Diff(setting(true, true, true), s.ok(httpxtest.Guest, "GET", "/settings", "")); diff != "" {
			t.Error("everything is on\n", diff)
		}
		saved := s.ok(httpxtest.Guest, "POST", "/settings", `{"channels":[{"id":"Web","origins":[{"id":"external:ci","enabled":true,"topics":[{"id":"builds","enabled":false}]}]}]}`)
		if diff := cmp.Diff(setting(true, false, true), saved); diff != "" {
			t.Error("one topic is off\n", diff)
		}
		if got := s.send(`{"title":"3","topic":"builds"}`, ""); len(got) != 0 {
			t.Error("a topic that is off arrives: ", got)
		}
		if got := s.send(`{"title":"3","topic":"Builds"}`, `{"type":"entity","entityRef":["user:default/guest","user:default/ada"]}`); len(got) != 1 {
			t.Error("others do not want it either? ", got)
		}
		s.send(`{"title":"4"}`, "")
		s.ok(httpxtest.Guest, "POST", "/settings", `{"channels":[{"id":"Web","enabled":false,"origins":[{"id":"plugin:a","enabled":true}]}]}`)
		if got := s.send(`{"title":"5"}`, ""); len(got) != 0 {
			t.Error("an origin that nobody turned on arrives in a channel that is off: ", got)
		}
		s.ok("Bearer service:plugin:a", "POST", "/", `{"recipients":{"type":"entity","entityRef":"user:default/guest"},"payload":{"title":"6"}}`)
		if diff := cmp.Diff([]string{"1", "2", "4", "6"}, titles(s.ok(httpxtest.Guest, "GET", "/?orderField=title,asc", ""))); diff != "" {
			t.Error(diff)
		}
		for body, want := range map[string]string{`{}`: "request/body must have required property 'channels'",
			`{"channels":[{"id":"Nope","origins":[]}]}`: "Invalid channel"} {
			if status, v := s.do(httpxtest.Guest, "POST", "/settings", body); status != 400 || at(v, "error", "message") != want {
				t.Errorf("%s: %d %v", body, status, v)
			}
		}
	})
}

func TestSettings_HaveConfiguredDefaults(t *testing.T) {
	s := newStage(t, storetest.SQLite(t), `
notifications:
  defaultSettings:
    channels:
      - id: Web
        origins:
          - id: external:ci
            enabled: false
            topics: [{id: urgent, enabled: true}]
      - id: Email
        enabled: false
`)
	want := map[string]any{"channels": []any{
		map[string]any{"id": "Web", "origins": []any{map[string]any{"id": "external:ci", "enabled": false, "topics": []any{map[string]any{"id": "urgent", "enabled": true}}}}},
		map[string]any{"id": "Email", "enabled": false, "origins": []any{map[string]any{"id": "external:ci", "enabled": false, "topics": []any{map[string]any{"id": "urgent", "enabled": false}}}}},
	}}
	if diff := cmp.Diff(want, s.ok(httpxtest.Guest, "GET", "/settings", "")); diff != "" {
		t.Error(diff)
	}
	if got := s.send(`{"title":"x"}`, ""); len(got) != 0 {
		t.Error("off by default, yet sent: ", got)
	}
	if got := s.send(`{"title":"x","topic":"urgent"}`, ""); len(got) != 1 {
		t.Error("a topic that is on by default does not arrive")
	}
	s.ok(httpxtest.Guest, "POST", "/settings", `{"channels":[{"id":"Web","origins":[{"id":"external:ci","enabled":true}]}]}`)
	if got := s.send(`{"title":"x"}`, ""); len(got) != 1 {
		t.Error("the user's choice does not win over the default")
	}
}

func TestSend_ManyRecipientsWithLongTextsFitTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "")
		var refs []string
		for i := range 50 {
			refs = append(refs, fmt.Sprintf(`"user:default/u%d"`, i))
		}
		got := s.send(`{"title":"x","description":"`+strings.Repeat("'", 90_000)+`"}`, `{"type":"entity","entityRef":[`+strings.Join(refs, ",")+`]}`)
		if len(got) != 50 {
			t.Errorf("%d sent", len(got))
		}
	})
}

func TestResolve_BoundsWhatOneRequestCauses(t *testing.T) {
	endless := func(ref entity.Canonical) []byte {
		n := len(ref)
		return fmt.Appendf(nil, `{"relations":[{"type":"parentOf","targetRef":"group:default/a%d"},{"type":"hasMember","targetRef":"user:default/u%d"}]}`, n, n)
	}
	if found, err := resolve(endless, []string{"group:default/a"}, nil); err != nil || len(found) == 0 {
		t.Error(found, err)
	}
	next := 0
	growing := func(entity.Canonical) []byte {
		next += 2
		return fmt.Appendf(nil, `{"relations":[{"type":"parentOf","targetRef":"group:default/g%d"},{"type":"parentOf","targetRef":"group:default/g%d"}]}`, next, next+1)
	}
	if _, err := resolve(growing, []string{"group:default/a"}, nil); err == nil || !strings.Contains(err.Error(), "send a broadcast instead") {
		t.Error(err)
	}
}

func TestCleaner_ForgetsWhatIsOld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db, "notifications: {retention: {days: 30}}")
		s.send(`{"title":"old"}`, "")
		broadcast := at(s.send(`{"title":"old broadcast"}`, `{"type":"broadcast"}`), 0, "id").(string)
		s.ok(httpxtest.Guest, "POST", "/update", `{"ids":["`+broadcast+`"],"read":true}`)
		s.send(`{"title":"old but updated","scope":"s"}`, "")
		s.now = s.now.Add(29 * 24 * time.Hour)
		s.send(`{"title":"old but updated","scope":"s"}`, "")
		s.send(`{"title":"new"}`, "")
		s.now = s.now.Add(24 * time.Hour)
		n, err := s.svc.tables.forget(t.Context(), Time(s.now.Add(-s.svc.retention).UnixMilli()))
		if err != nil || n != 2 {
			t.Error(n, err)
		}
		if diff := cmp.Diff([]string{"new", "old but updated"}, titles(s.ok(httpxtest.Guest, "GET", "/?orderField=title,asc", ""))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRun_EndsWithItsContext(t *testing.T) {
	for _, retention := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); (&Service{retention: retention}).Run(ctx) }()
			synctest.Wait()
			cancel()
			<-ended
		})
	}
}

func TestRetention_IsReadFromTheConfiguration(t *testing.T) {
	for yaml, want := range map[string]time.Duration{"{}": defaultRetention, "{retention: false}": 0, "{retention: 12h}": 12 * time.Hour, "{retention: {days: 2}}": 48 * time.Hour} {
		c := config.FromYAML("notifications: " + yaml)
		if got := readRetention(c.Section("notifications")); got != want || c.Err() != nil {
			t.Errorf("%s: %v %v", yaml, got, c.Err())
		}
	}
	for _, yaml := range []string{"{retention: true}", "{retention: 0s}"} {
		c := config.FromYAML("notifications: " + yaml)
		readRetention(c.Section("notifications"))
		if c.Err() == nil {
			t.Errorf("%s is accepted", yaml)
		}
	}
}
