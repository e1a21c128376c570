package usersettings

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// recorder is a Broadcaster that remembers.
type recorder struct {
	mu       sync.Mutex
	messages []signals.Message
}

func (r *recorder) Publish(_ context.Context, m signals.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
}

func newServer(t *testing.T, db *store.DB) (*httpx.Server, *recorder) {
	t.Helper()
	r := &recorder{}
	s, err := New(t.Context(), db, r)
	if err != nil {
		t.Fatal(err)
	}
	edge := httpxtest.New(t)
	Routes(edge.Feature(Feature()), s)
	return edge, r
}

// exchange is one line of a story: request and expected answer.
type exchange struct{ method, path, body, want string }

func play(t *testing.T, s *httpx.Server, story []exchange, headers ...string) {
	t.Helper()
	for _, x := range story {
		res := httpxtest.Do(t, s, x.method, "/api/user-settings"+x.path, x.body, headers...)
		if got := fmt.Sprint(res.StatusCode, " ", httpxtest.Body(t, res)); got != x.want {
			t.Errorf("%s %s %s:\n got %s\nwant %s", x.method, x.path, x.body, got, x.want)
		}
	}
}

func notFound(key, url string) string {
	return `404 {"error":{"name":"NotFoundError","message":"Unable to find '` + key + `' in bucket 'b'"},"request":{"method":"GET","url":"` + url + `"},"response":{"statusCode":404}}`
}

func TestValues_ArePutReadOverwrittenAndDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, r := newServer(t, db)
		play(t, s, []exchange{
			{"GET", "/buckets/b/keys/a", "", notFound("a", "/buckets/b/keys/a")},
			{"PUT", "/buckets/b/keys/a", `{"value":{"x":[1,null,"ü"]}}`, `200 {"bucket":"b","key":"a","value":{"x":[1,null,"ü"]}}`},
			{"GET", "/buckets/b/keys/a", "", `200 {"bucket":"b","key":"a","value":{"x":[1,null,"ü"]}}`},
			{"PUT", "/buckets/b/keys/a", `{"value" : "te xt", "bucket":"other"}`, `200 {"bucket":"b","key":"a","value":"te xt"}`},
			{"GET", "/buckets/b/keys/a", "", `200 {"bucket":"b","key":"a","value":"te xt"}`},
			{"GET", "/buckets/b/keys/A", "", notFound("A", "/buckets/b/keys/A")},
			{"DELETE", "/buckets/b/keys/a", "", "204 "},
			{"GET", "/buckets/b/keys/a", "", notFound("a", "/buckets/b/keys/a")},
			{"DELETE", "/buckets/b/keys/a", "", "204 "},
		})
		var told []any
		for _, m := range r.messages {
			if !cmp.Equal(m.Recipients, signals.Users("user:default/guest"), cmp.AllowUnexported(signals.Recipients{})) || m.Channel != "user-settings" {
				t.Errorf("told %+v", m)
			}
			told = append(told, m.Payload.(map[string]string)["type"])
		}
		if diff := cmp.Diff([]any{"key-changed", "key-changed", "key-deleted", "key-deleted"}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestValues_AreAnyJSONAndComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _ := newServer(t, db)
		for _, v := range []string{`"s"`, `5`, `true`, `false`, `0`, `""`, `null`, `[]`, `{}`, `{"a":{"b":["ö",1.5]}}`,
			`12345678901234567890`, `"\u0000"`, `"'; DROP TABLE usersettings_values; --"`, `"?0 ?"`, `"</script>&"`} {
			want := `200 {"bucket":"b","key":"v","value":` + v + `}`
			play(t, s, []exchange{{"PUT", "/buckets/b/keys/v", `{"value":` + v + `}`, want}, {"GET", "/buckets/b/keys/v", "", want}})
		}
	})
}

func TestKeys_MayHoldAnything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _ := newServer(t, db)
		for path, key := range map[string]string{"a%2Fb": "a/b", "c/d": "c/d", "a%20b": "a b", "%C3%BC": "ü", "a.b:c": "a.b:c",
			"%25": "%", "%2525": "%25", "component:default%2Fquay-web": "component:default/quay-web", "a+b": "a+b", "x/": "x/"} {
			quoted, _ := json.Marshal(key)
			stored := `200 {"bucket":"b/c","key":` + string(quoted) + `,"value":1}`
			play(t, s, []exchange{
				{"PUT", "/buckets/b%2Fc/keys/" + path, `{"value":1}`, stored},
				{"GET", "/buckets/b%2Fc/keys/" + path, "", stored},
				{"POST", "/multiget", `{"items":[{"bucket":"b/c","key":` + string(quoted) + `}]}`, `200 {"items":[{"value":1}]}`},
			})
		}
	})
}

func TestMultiget_KeepsPositions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _ := newServer(t, db)
		play(t, s, []exchange{
			{"PUT", "/buckets/b/keys/m1", `{"value":1}`, `200 {"bucket":"b","key":"m1","value":1}`},
			{"PUT", "/buckets/b/keys/m2", `{"value":null}`, `200 {"bucket":"b","key":"m2","value":null}`},
			{"PUT", "/buckets/c/keys/m1", `{"value":3}`, `200 {"bucket":"c","key":"m1","value":3}`},
			{"POST", "/multiget", `{"items":[{"bucket":"b","key":"m2"},{"bucket":"b","key":"none"},{"bucket":"c","key":"m1"},{"bucket":"b","key":"m1"},{"bucket":"b","key":"m1"}]}`,
				`200 {"items":[{"value":null},null,{"value":3},{"value":1},{"value":1}]}`},
			{"POST", "/multiget", `{"items":[]}`, `200 {"items":[]}`},
			{"POST", "/multiget", `{"items":[{"bucket":"","key":""},{"bucket":"\u0000","key":"a"}]}`, `200 {"items":[null,null]}`},
		})
		many := strings.TrimSuffix(strings.Repeat(`{"bucket":"b","key":"m1"},`, 2000), ",")
		play(t, s, []exchange{{"POST", "/multiget", `{"items":[` + many + `]}`, `200 {"items":[` + strings.TrimSuffix(strings.Repeat(`{"value":1},`, 2000), ",") + `]}`}})
	})
}

func TestMultiget_ComplainsLikeTheReference(t *testing.T) {
	s, _ := newServer(t, storetest.SQLite(t))
	for body, want := range map[string]string{
		`{}`:                         `expected "array" received "undefined" at ["items"]: Required`,
		`{"items":"x"}`:              `expected "array" received "string" at ["items"]: Expected array, received string`,
		`{"items":[{"bucket":"a"}]}`: `expected "string" received "undefined" at ["items",0,"key"]: Required`,
		`{"items":[{"bucket":"a","key":5},{"bucket":true,"key":null}]}`: `expected "string" received "number" at ["items",0,"key"]: Expected string, received number` +
			`; expected "string" received "boolean" at ["items",1,"bucket"]: Expected string, received boolean` +
			`; expected "string" received "null" at ["items",1,"key"]: Expected string, received null`,
		`{"items":[null]}`: `expected "object" received "null" at ["items",0]: Expected object, received null`,
		`[]`:               `expected "object" received "array" at []: Expected object, received array`,
	} {
		res := httpxtest.Do(t, s, "POST", "/api/user-settings/multiget", body)
		var answer struct {
			Error struct {
				Name, Message string
				Issues        []struct {
					Expected, Received, Message string
					Path                        []any
				}
			}
		}
		text := httpxtest.Body(t, res)
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err, text)
		}
		var issues []string
		for _, i := range answer.Error.Issues {
			path, _ := json.Marshal(i.Path)
			issues = append(issues, fmt.Sprintf("expected %q received %q at %s: %s", i.Expected, i.Received, path, i.Message))
		}
		if got := strings.Join(issues, "; "); got != want || res.StatusCode != 500 || answer.Error.Name != "ZodError" {
			t.Errorf("%s: %d %s\n got %s\nwant %s", body, res.StatusCode, answer.Error.Name, got, want)
		}
	}
	_, err := readNames(map[string]any{})
	want := "ZodError: [\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"array\",\n    \"received\": \"undefined\",\n    \"path\": [\n      \"items\"\n    ],\n    \"message\": \"Required\"\n  }\n]"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestPut_RefusesWhatHasNoValueOrName(t *testing.T) {
	s, r := newServer(t, storetest.SQLite(t))
	for _, c := range []struct{ path, body, want string }{
		{"n", `{}`, `Missing required field \"value\"`},
		{"n", ``, `Missing required field \"value\"`},
		{"n", `[]`, `Missing required field \"value\"`},
		{strings.Repeat("k", 1025), `{"value":1}`, "The key is 1025 bytes long, the limit is 1024"},
		{"a%00b", `{"value":1}`, "The key must be UTF-8 without NUL characters"},
		{"%ff", `{"value":1}`, "The key must be UTF-8 without NUL characters"},
	} {
		res := httpxtest.Do(t, s, "PUT", "/api/user-settings/buckets/b/keys/"+c.path, c.body)
		if body := httpxtest.Body(t, res); res.StatusCode != 400 || !strings.Contains(body, `"name":"InputError"`) || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s", c.path, c.body, res.StatusCode, body)
		}
	}
	if len(r.messages) > 0 {
		t.Errorf("told %v", r.messages)
	}
	for _, path := range []string{"/buckets", "/buckets/b", "/buckets/b/keys", "/multiget"} {
		if got := httpxtest.Do(t, s, "GET", "/api/user-settings"+path, "").StatusCode; got != 404 {
			t.Errorf("GET %s: %d", path, got)
		}
	}
}

func TestUsers_SeeOnlyTheirOwnValues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _ := newServer(t, db)
		eve := []string{"Authorization", "Bearer user:default/eve"}
		play(t, s, []exchange{{"PUT", "/buckets/b/keys/a", `{"value":"mine"}`, `200 {"bucket":"b","key":"a","value":"mine"}`}})
		play(t, s, []exchange{
			{"GET", "/buckets/b/keys/a", "", notFound("a", "/buckets/b/keys/a")},
			{"POST", "/multiget", `{"items":[{"bucket":"b","key":"a","user":"user:default/guest"}]}`, `200 {"items":[null]}`},
			{"PUT", "/buckets/b/keys/a", `{"value":"hers"}`, `200 {"bucket":"b","key":"a","value":"hers"}`},
			{"DELETE", "/buckets/b/keys/a", "", "204 "},
		}, eve...)
		play(t, s, []exchange{{"GET", "/buckets/b/keys/a", "", `200 {"bucket":"b","key":"a","value":"mine"}`}})
		for auth, want := range map[string]int{"": 401, "Bearer junk": 401, "Bearer service:external:ci": 403} {
			for _, x := range [][2]string{{"GET", "/buckets/b/keys/a"}, {"PUT", "/buckets/b/keys/a"}, {"DELETE", "/buckets/b/keys/a"}, {"POST", "/multiget"}} {
				if got := httpxtest.Do(t, s, x[0], "/api/user-settings"+x[1], "", "Authorization", auth).StatusCode; got != want {
					t.Errorf("%s %s as %q: %d, want %d", x[0], x[1], auth, got, want)
				}
			}
		}
	})
}

func TestUsers_CannotFillTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, err := New(t.Context(), db, &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, db)
		if _, err := s.Set(t.Context(), "user:default/guest", Name{"b", "one more"}, json.RawMessage("1")); err == nil || !strings.Contains(err.Error(), "10000 settings at most") {
			t.Error(err)
		}
		if _, err := s.Set(t.Context(), "user:default/guest", Name{"b", "7"}, json.RawMessage("2")); err != nil {
			t.Error("a full user cannot change a value: ", err)
		}
		if _, err := s.Set(t.Context(), "user:default/other", Name{"b", "x"}, json.RawMessage("2")); err != nil {
			t.Error("a full user fills others: ", err)
		}
	})
}

func TestSet_TwoAtOnceBothSucceed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, err := New(t.Context(), db, &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := s.Set(t.Context(), "user:default/guest", Name{"b", fmt.Sprint(i % 2)}, json.RawMessage(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
