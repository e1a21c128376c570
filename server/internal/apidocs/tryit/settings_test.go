package tryit

import (
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/config"
)

func TestTargets_PreferTheSandboxOrWhatTheAuthorWants(t *testing.T) {
	r := startWith(t, `callboard: {apiDocs: {tryIt: {enabled: true, servers: [{url: 'https://live.test', environment: live, methods: [GET]}, {url: 'https://box.test', environment: sandbox}, {url: 'https://box.test/closed', methods: [POST]}]}}}`,
		`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"https://live.test/"},{"url":"https://box.test:443/api"},{"url":"https://box.test/closed/x"},{"url":"https://box.test/%2e%2e/x"},{"url":"https://u:p@box.test"},{"url":"https://box.test.evil.test"},{"url":"https://box.test@evil.test"}],"paths":{"/a":{"get":{"operationId":"a"}}}}`)
	op, _ := r.doc.Operation("a")
	for annotation, want := range map[string]string{"": "https://box.test/api https://live.test", "live": "https://live.test https://box.test/api"} {
		r.entity = entity.Entity{"kind": "API", "metadata": map[string]any{"name": "shop", "annotations": map[string]any{PreferAnnotation: annotation}}}
		var urls []string
		for _, target := range r.engine.Targets(r.entity, op) {
			urls = append(urls, target.URL())
		}
		if got := strings.Join(urls, " "); got != want {
			t.Errorf("%q: %s, want %s", annotation, got, want)
		}
	}
}

func TestSettings_NameTheKeyAndTheRuleAndNoSecret(t *testing.T) {
	for yaml, want := range map[string]string{
		`{url: ftp://a}`:                                                                                       "servers[0].url: must be a URL with http or https",
		`{url: 'https://u:hidden@a.test'}`:                                                                     "must have no user",
		`{url: 'https://a.test/x/../y'}`:                                                                       "without dot segments",
		`{url: 'https://a.test', methods: [TRACE]}`:                                                            "methods: must be of GET",
		`{url: 'https://a.test', headers: [Authorization]}`:                                                    "must not hold Authorization",
		`{url: 'https://a.test', headers: [X-Forwarded-For]}`:                                                  "must not hold X-Forwarded-For",
		`{url: 'https://a.test', answerHeaders: [set-cookie]}`:                                                 "must not hold Set-Cookie",
		`{url: 'https://a.test', entities: [shop]}`:                                                            "must be refs",
		`{url: 'https://a.test', credentials: [{id: a, value: hidden}]}`:                                       "value: must be",
		`{url: 'https://a.test', credentials: [{id: a, value: "hidden\r\nX: hidden"}]}`:                        "value: must be",
		`{url: 'https://a.test', credentials: [{id: a, header: Host, value: hidden-hidden}]}`:                  "header: must be",
		`{url: 'https://a.test', credentials: [{id: a, value: hidden-hidden, users: [':']}]}`:                  "users: must be refs",
		`{url: 'https://a.test', credentials: [{id: a, value: hidden-hidden}, {id: a, value: hidden-hidden}]}`: "id: is the id of another one",
	} {
		c := config.FromYAML("callboard: {apiDocs: {tryIt: {enabled: true, servers: [" + yaml + "]}}}")
		ReadSettings(c)
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}

// FuzzPath holds that no value of a parameter leads out of the path of the server, however it is decoded.
func FuzzPath(f *testing.F) {
	for _, v := range []string{"1", "..", "%2e%2e", "..%2f", `..\`, "%252e%252e%252f", "..;/", "a/../../b", "%c0%ae%c0%ae/", "\u2025"} {
		f.Add(v)
	}
	op := &spec.Operation{Summary: spec.Summary{ID: "x", Verb: "GET", Path: "/a/{v}/b"}, Parameters: []spec.Parameter{{Name: "v", In: "path", Required: true}}}
	base := named("https://a.test/base")
	at := Target{&Server{URL: base}, base}
	f.Fuzz(func(t *testing.T, v string) {
		c, err := read(op, at, &Ask{Params: Params{Path: map[string]string{"v": v}}})
		if err != nil {
			return
		}
		path := c.url.EscapedPath()
		for range 10 {
			depth := 0
			for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
				name, _, _ := strings.Cut(segment, ";")
				if strings.TrimSpace(name) == ".." {
					depth--
				}
			}
			if depth < 0 || c.url.Host != "a.test" || !strings.HasPrefix(c.url.EscapedPath(), "/base/a/") {
				t.Fatalf("%q: %s", v, c.url)
			}
			path = decodeOnce(path)
		}
	})
}
