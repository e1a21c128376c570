package httpx_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func checked(tb testing.TB) *httpx.Server {
	s := httpxtest.New(tb)
	r := s.Feature(httpx.Feature{ID: "catalog", OpenAPI: readFile(tb, "testdata/openapi.yaml")})
	for _, path := range []string{"/entities", "/entity-facets", "/search", "/undocumented", "/entities/by-name/:kind/:namespace/:name"} {
		r.GET(path, httpx.AnyPrincipal, echo())
	}
	for _, path := range []string{"/entities/by-refs", "/refresh", "/send"} {
		r.POST(path, httpx.AnyPrincipal, func(c *gin.Context) error {
			var body any
			if err := httpx.BindJSON(c, &body); err != nil {
				return err
			}
			return httpx.JSON(c, http.StatusOK, body)
		})
	}
	return s
}

// message is the error message of an answer, "" when it is no error.
func message(tb testing.TB, res *http.Response) string {
	tb.Helper()
	var body struct {
		Error struct{ Name, Message string }
	}
	text := httpxtest.Body(tb, res)
	if res.StatusCode < 400 {
		return ""
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil || res.StatusCode != http.StatusBadRequest || body.Error.Name != "InputError" {
		tb.Errorf("not an InputError: %d %s", res.StatusCode, text)
	}
	return body.Error.Message
}

func TestOpenAPI_ComplainsAboutQueriesInTheWordsOfTheReference(t *testing.T) {
	s := checked(t)
	for target, want := range map[string]string{
		"/entities":                              "",
		"/entities?limit=1&&fields=a,b&filter=x": "",
		"/entities?limit=1.0":                    "",
		"/entities?limit=01":                     "",
		"/entities?limit=%201":                   "",
		"/entities?limit=1&=x&":                  "",
		"/entities?fields[]=kind":                "",
		"/entities?fields[0]=kind&fields[1]=x":   "",
		"/entities?filter=a&filter=b":            "",
		"/entities?fields=%zz":                   "",
		"/entities?totalItems=exclude":           "",
		"/entities?limit=abc":                    "request/query/limit must be integer",
		"/entities?limit=1.5":                    "request/query/limit must be integer",
		"/entities?limit=-1":                     "request/query/limit must be >= 0",
		"/entities?limit=1&limit=2":              "request/query/limit must be integer",
		"/entities?limit=Infinity":               "request/query/limit must be integer",
		"/entities?offset=x&limit=abc":           "request/query/limit must be integer",
		"/entities?limit=":                       "Empty value found for query parameter 'limit'",
		"/entities?limit=&offset=abc":            "Empty value found for query parameter 'limit'",
		"/entities?filter=":                      "Empty value found for query parameter 'filter'",
		"/entities?filter[a]=1":                  "request/query/filter/0 must be string",
		"/entities?x":                            "Unknown query parameter 'x'",
		"/entities?x=1&limit=abc":                "Unknown query parameter 'x'",
		"/entities?x[a]=1":                       "Unknown query parameter 'x'",
		"/entities?totalItems=maybe":             "request/query/totalItems must be equal to one of the allowed values: include, exclude",
		"/entities?strict=a:b":                   "Parameter 'strict' must be url encoded. Its value may not contain reserved characters.",
		"/entities?strict=a%3Ab":                 "",
		"/Entities/?limit=abc":                   "request/query/limit must be integer",
		"/entity-facets":                         "request/query must have required property 'facet'",
		"/entity-facets?facet=":                  "Empty value found for query parameter 'facet'",
		"/entity-facets?facet=a&facet=":          "",
		"/search?bogus=1&filters[kind]=a":        "",
		"/search?pageLimit=x":                    "request/query/pageLimit must be integer",
		"/undocumented?anything=1":               "",
		"/entities/by-name/a/b/c?x=1":            "Unknown query parameter 'x'",
	} {
		if got := message(t, httpxtest.Do(t, s, http.MethodGet, "/api/catalog"+target, "")); got != want {
			t.Errorf("GET %s: %q, want %q", target, got, want)
		}
	}
}

func TestOpenAPI_ComplainsAboutBodiesInTheWordsOfTheReference(t *testing.T) {
	s := checked(t)
	for _, tc := range []struct{ path, body, want string }{
		{"/entities/by-refs", `{"entityRefs":["a"],"query":{"a":{"b":[1]}}}`, ""},
		{"/entities/by-refs", `{}`, "request/body must have required property 'entityRefs'"},
		{"/entities/by-refs", `[]`, "request/body must be object"},
		{"/entities/by-refs", `{"entityRefs":"a"}`, "request/body/entityRefs must be array"},
		{"/entities/by-refs", `{"entityRefs":[1]}`, "request/body/entityRefs/0 must be string"},
		{"/entities/by-refs", `{"entityRefs":["x"],"fields":1}`, "request/body/fields must be array"},
		{"/entities/by-refs", `{"entityRefs":["x"],"limit":"5","query":[]}`, "request/body/query must be object"},
		{"/entities/by-refs", `{"entityRefs":["x"],"query":null}`, "request/body/query must be object"},
		{"/entities/by-refs", `{"entityRefs":["x"],"limit":"5"}`, "request/body/limit must be number"},
		{"/entities/by-refs", `{"entityRefs":[],"orderBy":[{"field":"a","order":"up"}]}`, "request/body/orderBy/0/order must be equal to one of the allowed values: asc, desc"},
		{"/entities/by-refs?x=1", `{"entityRefs":1}`, "Unknown query parameter 'x'"},
		{"/refresh", `{"entityRef":5}`, "request/body/entityRef must be string"},
		{"/refresh", `{"entityRef":"a","bogus":1}`, "request/body must NOT have additional properties"},
		{"/send", `{"recipients":{"type":"broadcast"}}`, ""},
		{"/send", `{"recipients":{"type":"entity","entityRef":"a"},"title":""}`, "request/body/title must NOT have fewer than 1 characters"},
		{"/send", `{"recipients":{"type":"broadcast"},"read":"yes"}`, "request/body/read must be boolean"},
		{"/send", `{"recipients":{"type":"entity"}}`, "request/body/recipients must have required property 'entityRef', request/body/recipients/type must be equal to one of the allowed values: broadcast, request/body/recipients must match exactly one schema in oneOf"},
		{"/send", `{"recipients":{}}`, "request/body/recipients must have required property 'type', request/body/recipients must have required property 'type', request/body/recipients must match exactly one schema in oneOf"},
		{"/entities/by-refs", `{"a":`, "Unexpected end of JSON input"},
		{"/entities/by-refs", `{"a":1,}`, "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"},
		{"/entities/by-refs", `{"a" 1}`, "Expected ':' after property name in JSON at position 5 (line 1 column 6)"},
		{"/entities/by-refs", "{\n}}", "Unexpected non-whitespace character after JSON at position 3 (line 2 column 2)"},
		{"/entities/by-refs", `{`, "Expected property name or '}' in JSON at position 1 (line 1 column 2)"},
		{"/entities/by-refs", "{\"é\":\n1", "Expected ',' or '}' after property value in JSON at position 7 (line 2 column 2)"},
		{"/entities/by-refs", `{"a":01}`, "Unexpected number in JSON at position 6 (line 1 column 7)"},
		{"/entities/by-refs", `["a`, "Unterminated string in JSON at position 3 (line 1 column 4)"},
		{"/entities/by-refs", `["\x"]`, "Bad escaped character in JSON at position 3 (line 1 column 4)"},
		{"/entities/by-refs", `[-`, "No number after minus sign in JSON at position 2 (line 1 column 3)"},
		{"/entities/by-refs", `[nul`, "Unexpected end of JSON input"},
		{"/entities/by-refs", `{"abcdefghijk":xabcdefghijklmn}`, `Unexpected token 'x', ..."defghijk":xabcdefghi"... is not valid JSON`},
		{"/entities/by-refs", `[1 2]`, "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"},
		{"/entities/by-refs", `[tru]`, `Unexpected token ']', "[tru]" is not valid JSON`},
		{"/entities/by-refs", ` "x"`, `Unexpected token '"', " "x"" is not valid JSON`},
		{"/entities/by-refs", `null`, `Unexpected token 'n', "null" is not valid JSON`},
		{"/entities/by-refs", strings.Repeat(" ", 110000), "request entity too large"},
	} {
		if got := message(t, httpxtest.Do(t, s, http.MethodPost, "/api/catalog"+tc.path, tc.body)); got != tc.want {
			t.Errorf("POST %s %.80s:\n got %q\nwant %q", tc.path, tc.body, got, tc.want)
		}
	}
}

func TestOpenAPI_ChecksTheContentType(t *testing.T) {
	s := checked(t)
	const path = "/api/catalog/entities/by-refs"
	for contentType, want := range map[string]string{
		"application/json":                  "",
		"Application/JSON":                  "",
		"application/json; charset=utf-8":   "",
		"text/plain":                        "unsupported media type text/plain",
		"application/x-www-form-urlencoded": "unsupported media type application/x-www-form-urlencoded",
		"application/vnd.x+json":            "unsupported media type application/vnd.x+json",
		"application/json, text/plain":      "unsupported media type application/json, text/plain",
		"application/json; charset=foo":     `unsupported charset "FOO"`,
		"":                                  "", // not read, so there is nothing to complain about
	} {
		res := httpxtest.Do(t, s, http.MethodPost, path, `{"entityRefs":[]}`, "Content-Type", contentType)
		if got := message(t, res); got != want {
			t.Errorf("%q: %q, want %q", contentType, got, want)
		}
	}
	res := httpxtest.Do(t, s, http.MethodPost, path, "", "Content-Type", "application/json")
	if got := message(t, res); got != "request/body must have required property 'entityRefs'" {
		t.Errorf("empty body: %q", got)
	}
	res = httpxtest.Do(t, s, http.MethodPost, path, `{"entityRefs":[]}`, "Content-Type", "")
	if got := httpxtest.Body(t, res); got != "{}" {
		t.Errorf("a body without a content type was bound: %s", got)
	}
	res = httpxtest.Do(t, s, http.MethodPost, "/api/catalog/refresh", `{}`, "Content-Type", "")
	if got := message(t, res); got != "unsupported media type undefined" {
		t.Errorf("required body: %q", got)
	}
}

func TestOpenAPI_ServesTheDocumentBehindTheBarrier(t *testing.T) {
	s := checked(t)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	body := httpxtest.Body(t, httpxtest.Do(t, s, http.MethodGet, "/api/catalog/openapi.json", ""))
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.0.3" || doc.Paths["/api/catalog/entities"]["get"] == nil || strings.Contains(body, "x-property-order") {
		t.Errorf("document: %.200s", body)
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/catalog/openapi.json", "", "Authorization", ""); res.StatusCode != 401 {
		t.Errorf("without credentials: %d", res.StatusCode)
	}
}

func TestBody_OfPlainFeaturesFailsAsTheReferencesParser(t *testing.T) {
	s := demo(t, httpx.Options{})
	for _, tc := range []struct{ body, contentType, coding, want string }{
		{`{"a":1}`, "application/json", "", `{"a":1}`},
		{``, "application/json", "", `{}`},
		{`x`, "text/plain", "", `{}`},
		{`{x}`, "application/json", "", `{"error":{"name":"SyntaxError","message":"Expected property name or '}' in JSON at position 1 (line 1 column 2)","body":"{x}","expose":true,"status":400,"statusCode":400,"type":"entity.parse.failed"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":400}}`},
		{`[]`, "application/json", "", `{"error":{"name":"InputError","message":"request/body must be object"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":400}}`},
		{strings.Repeat(" ", 110000), "application/json", "", `{"error":{"name":"PayloadTooLargeError","message":"request entity too large","expected":110000,"length":110000,"limit":102400,"type":"entity.too.large"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":413}}`},
		{`{}`, "application/json", "br", `{"error":{"name":"UnsupportedMediaTypeError","message":"unsupported content encoding \"br\"","encoding":"br","type":"encoding.unsupported"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":415}}`},
		{`{}`, "application/json; charset=latin1", "", `{"error":{"name":"UnsupportedMediaTypeError","message":"unsupported charset \"LATIN1\"","charset":"latin1","type":"charset.unsupported"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":415}}`},
		{"\ufeff{\"a\":3}", "application/json", "", `{"a":3}`},
		{"{\x00\"\x00a\x00\"\x00:\x004\x00}\x00", "application/json; charset=utf-16", "", `{"a":4}`},
		{"\xfe\xff\x00{\x00}", "application/json; charset=utf-16", "", `{}`},
		{`{"a":5}`, "application/json;", "", `{}`},
		{zipped(t, `{"a":6}`)[:12], "application/json", "gzip", `{"error":{"name":"Error","message":"unexpected end of file","code":"Z_BUF_ERROR","errno":-5,"expose":true,"status":400,"statusCode":400},"request":{"method":"POST","url":"/things"},"response":{"statusCode":400}}`},
		{`nonsense that is no gzip`, "application/json", "gzip", `{"error":{"name":"Error","message":"incorrect header check","code":"Z_DATA_ERROR","errno":-3,"expose":true,"status":400,"statusCode":400},"request":{"method":"POST","url":"/things"},"response":{"statusCode":400}}`},
		{zipped(t, `{"a":2}`), "application/json", "gzip", `{"a":2}`},
		{zipped(t, strings.Repeat(" ", 1<<20)), "application/json", "gzip", `{"error":{"name":"PayloadTooLargeError","message":"request entity too large","limit":102400,"received":102401,"type":"entity.too.large"},"request":{"method":"POST","url":"/things"},"response":{"statusCode":413}}`},
	} {
		res := httpxtest.Do(t, s, http.MethodPost, "/api/demo/things", tc.body, "Content-Type", tc.contentType, "Content-Encoding", tc.coding)
		if got := httpxtest.Body(t, res); got != tc.want {
			t.Errorf("%.20q as %s %s:\n got %s\nwant %s", tc.body, tc.contentType, tc.coding, got, tc.want)
		}
	}
}

func TestBody_ThatIsNoJSONIsRefusedBeforeARouteIsFound(t *testing.T) {
	s := checked(t)
	s.Feature(httpx.Feature{ID: "plain", Policies: []httpx.Policy{{Path: "/open", Allow: httpx.AllowUnauthenticated}}})
	s.Feature(httpx.Feature{ID: "left", LeaveBodies: true})
	for _, tc := range []struct {
		method, path string
		status       int
		name         string
	}{
		{http.MethodPost, "/api/plain/nope", 400, "SyntaxError"},
		{http.MethodPut, "/api/plain/open", 400, "SyntaxError"},
		{http.MethodGet, "/api/plain/nope", 400, "SyntaxError"},
		{http.MethodPost, "/api/catalog/nope", 400, "InputError"},
		{http.MethodPost, "/api/catalog/.well-known/backstage/permissions/apply-conditions", 400, "SyntaxError"},
		{http.MethodPost, "/api/left/nope", 404, ""},
		{http.MethodPost, "/api/nope", 404, ""},
	} {
		res := httpxtest.Do(t, s, tc.method, tc.path, "{x")
		if body := httpxtest.Body(t, res); res.StatusCode != tc.status || !strings.Contains(body, tc.name) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, res.StatusCode, body)
		}
	}
}

func zipped(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
