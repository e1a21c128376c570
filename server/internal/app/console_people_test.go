package app_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

const consoleCatalog = `
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: fares, title: Fares API, description: What a crossing costs, links: [{url: 'https://wiki.example.com', title: Wiki}]}
spec:
  type: openapi
  lifecycle: production
  owner: group:default/crew
  definition: |
    openapi: 3.0.3
    info: {title: Fares, version: "1"}
    paths: {/fares: {get: {operationId: listFares, summary: List fares, responses: {"200": {description: OK}}}}}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: crew}
spec: {type: team, children: [], members: [guest]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: guest}
spec: {memberOf: [crew]}
`

// visitor is a browser without scripts.
type visitor struct {
	t    *testing.T
	base string
	http http.Client
}

func newVisitor(t *testing.T, base string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, base: base, http: http.Client{Jar: jar}}
}

func (v *visitor) see(path string, status int, parts ...string) string {
	v.t.Helper()
	res, err := v.http.Get(v.base + path)
	return v.answer(path, res, err, status, parts)
}

func (v *visitor) send(path string, form url.Values, parts ...string) string {
	v.t.Helper()
	res, err := v.http.PostForm(v.base+path, form)
	return v.answer(path, res, err, http.StatusOK, parts)
}

// comes waits for a page to hold a part.
func (v *visitor) comes(path, part string) {
	v.t.Helper()
	eventually(v.t, path+" to hold "+part, func() bool {
		res, err := v.http.Get(v.base + path)
		if err != nil {
			v.t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && strings.Contains(string(body), part)
	})
}

func (v *visitor) answer(path string, res *http.Response, err error, status int, parts []string) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		v.t.Errorf("%s: %d %v %.600s", path, res.StatusCode, err, body)
	}
	for _, part := range parts {
		if !strings.Contains(string(body), part) {
			v.t.Errorf("%s: %q is missing in %.3000s", path, part, body)
		}
	}
	return res.Request.URL.RequestURI()
}

func TestAPersonWithoutAFrontendFindsAnAPIOnTheConsole(t *testing.T) {
	dir := write(t, map[string]string{"catalog/a.yaml": consoleCatalog})
	text := strings.Replace(basicConfig, "guest: {", "guest: {userEntityRef: 'user:default/guest', ", 1) + "permission: {enabled: true}\norganization: {name: Ferry Line}\n"
	v := newVisitor(t, launch(t, dir, text).base)

	if at := v.see("/", http.StatusOK, "Enter as guest", "the state of the host"); at != "/console/" {
		t.Errorf("the first page is %s", at)
	}
	v.see("/console/catalog/default/api/fares?x=1", http.StatusUnauthorized, `value="/console/catalog/default/api/fares?x=1"`)
	if at := v.send("/console/session/guest", url.Values{"return": {"/console/catalog/default/api/fares?x=1"}}, "Fares API", "What a crossing costs", "https://wiki.example.com"); at != "/console/catalog/default/api/fares?x=1" {
		t.Errorf("signing in leads to %s", at)
	}
	v.see("/console/", http.StatusOK, "Ferry Line", "Fares API", "guest")
	v.see("/console/catalog?kind=API&owner=group:default/crew&q=fares&sort=-name", http.StatusOK, ">Fares API</a>", "API (1)")
	v.see("/console/catalog?kind=Component", http.StatusOK, "Nothing matches.")
	v.see("/console/catalog/default/api/fares/api", http.StatusOK, `href="/console/catalog/default/api/fares/api/operations/listFares"`)
	v.see("/console/catalog/default/api/fares/api/operations/listFares", http.StatusOK, "List fares")
	v.see("/console/catalog/default/api/fares/raw", http.StatusOK, "kind: API")
	v.see("/console/catalog/default/api/none", http.StatusNotFound, "There is nothing at this address.")
	v.comes("/console/search?term=fares", "<mark>Fares</mark>") // the index follows the catalog
	v.see("/console/apis", http.StatusOK, "Fares API")
	v.see("/console/access", http.StatusOK, "No plugin manages access")
	v.see("/console/gallery/drawings", http.StatusOK, `data-status="denied"`, `data-view="heat"`, `data-status="stale"`)
	v.see("/console/host", http.StatusOK, "Entities")

	v.send("/console/session/end", nil, "Enter as guest")
	v.see("/console/catalog", http.StatusUnauthorized, "Enter as guest")
	v.send("/console/session", url.Values{"token": {"test-token-1234"}, "return": {"/console/catalog"}}, "Fares API", "Signed in as a service")
}

func TestTheGallerysDrawingsAreAllDrawn(t *testing.T) {
	v := newVisitor(t, launch(t, write(t, map[string]string{"catalog/a.yaml": consoleCatalog}), basicConfig).base)
	v.send("/console/session/guest", nil)
	res, err := v.http.Get(v.base + "/console/gallery/drawings")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	states, samples, _ := strings.Cut(string(page), `id="views"`)
	if n := strings.Count(states, "<figure"); n != 6 {
		t.Errorf("%d states", n)
	}
	if strings.Count(samples, "<figure") < 13 || strings.Contains(samples, `data-status="error"`) || strings.Contains(samples, `data-status="empty"`) {
		t.Errorf("a view is not drawn: %s", samples)
	}
}
