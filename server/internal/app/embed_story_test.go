package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget"
)

// spend is a widget that tells who asks and for what.
type spend struct{ id widget.ID }

func (s spend) Description() widget.Description {
	applies, _ := widget.ParseAppliesTo("kind:component")
	return widget.Description{ID: s.id, Title: "Spend", View: widget.Stat, AppliesTo: applies,
		ArgsSchema: json.RawMessage(`{"type":"object","properties":{"top":{"type":"integer"}},"additionalProperties":false}`)}
}

func (s spend) Query(_ context.Context, q widget.Query) ([]*frame.Frame, error) {
	return []*frame.Frame{frame.New("spend", frame.Strings("who", q.User+" "+string(q.Args)))}, nil
}

const (
	portalOrigin = "https://portal.example.com"
	embedConfig  = `
  embed:
    apps:
      portal:
        title: The portal
        origins: [https://portal.example.com]
        services: [test]
        widgets: ['cost/*']
        entities: ['component:default/*']
        mayNameViewers: true
      users: {users: true, widgets: ['*'], services: []}
`
)

// withPortal is a host with two components, three widgets and a portal that may show two of them.
func withPortal(t *testing.T) (h *host, dir string) {
	t.Helper()
	dir = write(t, map[string]string{"catalog/a.yaml": named("a"), "catalog/b.yaml": named("b"),
		"catalog/u.yaml": "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: guest}\nspec: {memberOf: []}\n"})
	h = launch(t, dir, strings.ReplaceAll(basicConfig, "callboard: {operations: {listen: false}}", "callboard:\n  operations: {listen: false}"+embedConfig))
	if err := h.app.Widgets().Set("test", []widget.Widget{spend{"cost/spend"}, spend{"cost/trend"}, spend{"secret/plan"}}); err != nil {
		t.Fatal(err)
	}
	h.awaitEntity(t, "component/default/b")
	return h, dir
}

type embedToken struct {
	Token, ID                              string
	ExpiresAt, RefreshAfter, SessionEndsAt time.Time
}

func (h *host) mint(t *testing.T, path, credentials, body string) embedToken {
	t.Helper()
	status, text := h.fetch(t, http.MethodPost, "/api/widgets/v1/"+path, credentials, body)
	var token embedToken
	if err := json.Unmarshal([]byte(text), &token); status != http.StatusCreated || err != nil || token.Token == "" {
		t.Fatalf("%s: %d %s", path, status, text)
	}
	return token
}

// from asks as a page of an origin does.
func (h *host) from(t *testing.T, origin, method, path, token, body string) (*http.Response, string) {
	t.Helper()
	req := h.request(t, method, path, token, body)
	req.Header.Set("Origin", origin)
	res, text, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res, text
}

const dataOfA = "/api/widgets/v1/data/cost/spend?entityRef=component:default/a"

func TestAnEmbeddingPageSeesWhatItsTokenNamesAndNothingElse(t *testing.T) {
	h, _ := withPortal(t)
	page := h.mint(t, "tokens", serviceToken, `{"app":"portal","widgets":["cost/spend"],"entities":["component:default/a"],"args":{"top":5},"viewer":"user:default/guest"}`)
	res, body := h.from(t, portalOrigin, http.MethodGet, dataOfA, page.Token, "")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `user:default/guest {\"top\":5}`) || res.Header.Get("Access-Control-Allow-Origin") != portalOrigin {
		t.Fatalf("%d %s %v", res.StatusCode, body, res.Header)
	}
	for _, c := range []struct {
		why, origin, method, path, body string
		status                          int
	}{
		{"a fragment", portalOrigin, "GET", strings.Replace(dataOfA, "data/cost/spend", "render/cost/spend.html", 1), "", 200},
		{"a badge", portalOrigin, "GET", strings.Replace(dataOfA, "data/cost/spend", "badge/cost/spend.svg", 1), "", 200},
		{"the list of the entity", portalOrigin, "GET", "/api/widgets/v1/entities/component/default/a", "", 200},
		{"a batch", portalOrigin, "POST", "/api/widgets/v1/batch", `{"requests":[{"id":"cost/spend","entityRef":"component:default/a"}]}`, 200},
		{"another widget", portalOrigin, "GET", strings.Replace(dataOfA, "cost/spend", "cost/trend", 1), "", 403},
		{"a widget of another plugin", portalOrigin, "GET", strings.Replace(dataOfA, "cost/spend", "secret/plan", 1), "", 403},
		{"another entity", portalOrigin, "GET", strings.Replace(dataOfA, "default/a", "default/b", 1), "", 403},
		{"an entity that there is not", portalOrigin, "GET", strings.Replace(dataOfA, "default/a", "default/z", 1), "", 403},
		{"a locked argument", portalOrigin, "GET", dataOfA + "&args=%7B%22top%22%3A6%7D", "", 403},
		{"a file", portalOrigin, "GET", strings.Replace(dataOfA, "data/cost/spend", "render/cost/spend.csv", 1), "", 403},
		{"a page of another origin", "https://evil.test", "GET", dataOfA, "", 403},
		{"a page without an origin", "null", "GET", dataOfA, "", 403},
		{"the host's own frame", h.base, "GET", dataOfA, "", 200},
		{"the catalog", portalOrigin, "GET", "/api/catalog/entities", "", 403},
		{"search", portalOrigin, "GET", "/api/search/query?term=a", "", 403},
		{"a feature that does not exist", portalOrigin, "GET", "/api/nope/x", "", 404},
		{"another token", portalOrigin, "POST", "/api/widgets/v1/tokens", `{"app":"portal"}`, 403},
		{"revoking", portalOrigin, "DELETE", "/api/widgets/v1/tokens/" + page.ID, "", 403},
		{"revoking all", portalOrigin, "POST", "/api/widgets/v1/apps/portal/revoke", "{}", 403},
		{"a public picture", portalOrigin, "POST", "/api/widgets/v1/capabilities", `{"widget":"cost/spend"}`, 403},
		{"the list of public pictures", portalOrigin, "GET", "/api/widgets/v1/capabilities", "", 403},
		{"a cookie", portalOrigin, "GET", "/api/widgets/.backstage/auth/v1/cookie", "", 403},
		{"actions", portalOrigin, "GET", "/api/widgets/.backstage/actions/v1/actions", "", 403},
		{"the description of the API", portalOrigin, "GET", "/api/widgets/openapi.json", "", 403},
		{"another form of a path", portalOrigin, "GET", "/api/widgets/v1/%64ata/cost/trend?entityRef=component:default/a", "", 403},
	} {
		if res, body := h.from(t, c.origin, c.method, c.path, page.Token, c.body); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d: %s", c.why, res.StatusCode, c.status, body)
		}
	}
	if _, body := h.from(t, portalOrigin, http.MethodGet, "/api/widgets/v1/catalog", page.Token, ""); strings.Count(body, `"id"`) != 1 || !strings.Contains(body, "cost/spend") {
		t.Errorf("the list holds more than the token: %s", body)
	}
}

func TestATokenOfAPageIsRefreshedAndRevoked(t *testing.T) {
	h, _ := withPortal(t)
	status := func(token string) int {
		res, _ := h.from(t, portalOrigin, http.MethodGet, dataOfA, token, "")
		return res.StatusCode
	}
	first := h.mint(t, "tokens", serviceToken, `{"app":"portal"}`)
	second := h.mint(t, "tokens/refresh", first.Token, "")
	if second.ID == first.ID || status(first.Token) != 200 || status(second.Token) != 200 {
		t.Fatalf("%s %s: %d %d", first.ID, second.ID, status(first.Token), status(second.Token))
	}
	if code, body := h.fetch(t, http.MethodPost, "/api/widgets/v1/tokens/refresh", serviceToken, "{}"); code != 403 {
		t.Errorf("refreshing what is no embed token: %d %s", code, body)
	}
	if code, _ := h.fetch(t, http.MethodDelete, "/api/widgets/v1/tokens/"+first.ID, h.guestToken(t), ""); code != 404 {
		t.Errorf("somebody else may revoke: %d", code)
	}
	if code, body := h.fetch(t, http.MethodDelete, "/api/widgets/v1/tokens/"+first.ID, serviceToken, ""); code != 204 {
		t.Fatalf("revoking: %d %s", code, body)
	}
	if status(first.Token) != 401 || status(second.Token) != 401 {
		t.Errorf("revoked: %d %d", status(first.Token), status(second.Token))
	}
	third := h.mint(t, "tokens", serviceToken, `{"app":"portal"}`)
	if code, body := h.fetch(t, http.MethodPost, "/api/widgets/v1/apps/portal/revoke", serviceToken, ""); code != 204 {
		t.Fatalf("revoking all: %d %s", code, body)
	}
	if status(third.Token) != 401 || status(h.mint(t, "tokens", serviceToken, `{"app":"portal"}`).Token) != 200 {
		t.Error("an epoch ends what was before it and nothing else")
	}
	for body, want := range map[string]string{`{"app":"portal","colour":"red"}`: "colour", `{"app":"portal","widgets":["secret/plan"]}`: "secret/plan",
		`{"app":"portal","widgets":"cost/spend"}`: "widgets", `{"app":"users"}`: "users", `{}`: "app"} {
		if code, text := h.fetch(t, http.MethodPost, "/api/widgets/v1/tokens", serviceToken, body); code != 400 && code != 403 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	own := h.mint(t, "tokens", h.guestToken(t), `{"app":"users","expiresIn":30}`)
	if code, body := h.fetch(t, http.MethodGet, strings.Replace(dataOfA, "cost/spend", "secret/plan", 1), own.Token, ""); code != 200 || !strings.Contains(body, "user:development/guest") {
		t.Errorf("a user's own page: %d %s", code, body)
	}
}

func TestTokensOfPagesAreInNoAddressAndInNoLog(t *testing.T) {
	h, _ := withPortal(t)
	page := h.mint(t, "tokens", serviceToken, `{"app":"portal"}`)
	for _, name := range []string{"token", "access_token", "jwt", "authorization", "c", "key"} {
		path := dataOfA + "&" + name + "=" + page.Token
		if code, _ := h.fetch(t, http.MethodGet, path, "", ""); code != 401 {
			t.Errorf("?%s= stands for credentials: %d", name, code)
		}
		if code, body := h.fetch(t, http.MethodGet, path, page.Token, ""); code != 400 {
			t.Errorf("?%s= is taken beside credentials: %d %s", name, code, body)
		}
	}
	h.mint(t, "tokens/refresh", page.Token, "")
	h.fetch(t, http.MethodGet, dataOfA, page.Token+"x", "")
	status, text := h.fetch(t, http.MethodPost, "/api/widgets/v1/capabilities", h.guestToken(t), `{"widget":"cost/spend","entityRef":"component:default/a"}`)
	var made struct{ ID, URL string }
	if err := json.Unmarshal([]byte(text), &made); status != 201 || err != nil {
		t.Fatalf("%d %s", status, text)
	}
	picture := strings.TrimPrefix(made.URL, h.base)
	for _, path := range []string{picture, picture + "/x", strings.Replace(picture, ".svg", ".gif", 1)} {
		h.fetch(t, http.MethodGet, path, "", "")
	}
	secret := strings.TrimSuffix(picture[strings.LastIndexByte(picture, '/')+1:], ".svg")
	signature := page.Token[strings.LastIndexByte(page.Token, '.')+1:]
	log := h.log.String()
	for _, canary := range []string{signature[:30], secret, serviceToken} {
		if strings.Contains(log, canary) {
			t.Errorf("the log holds %s", canary)
		}
	}
	if !strings.Contains(log, page.ID) || !strings.Contains(log, made.ID) || !strings.Contains(log, "images/[secret]") {
		t.Error("the log does not tell of the token and the picture")
	}
}

func TestAPublicPictureNeedsNoCredentialsAndEndsAtOnce(t *testing.T) {
	h, _ := withPortal(t)
	guest := h.guestToken(t)
	status, text := h.fetch(t, http.MethodPost, "/api/widgets/v1/capabilities", guest, `{"widget":"cost/spend","entityRef":"component:default/a","args":{"top":3}}`)
	var made struct{ ID, URL string }
	if err := json.Unmarshal([]byte(text), &made); status != 201 || err != nil || !strings.HasPrefix(made.URL, h.base+"/api/widgets/v1/images/") {
		t.Fatalf("%d %s", status, text)
	}
	picture := strings.TrimPrefix(made.URL, h.base)
	res, body := h.from(t, "https://readme.test", http.MethodGet, picture, "", "")
	header := res.Header
	if res.StatusCode != 200 || header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(body, "user:development/guest") ||
		header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") ||
		!strings.HasPrefix(header.Get("Cache-Control"), "public, max-age=") || header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v %s", res.StatusCode, header, body)
	}
	for ending, want := range map[string]string{".json": `"label":"Spend"`, ".png": "PNG"} {
		if status, body := h.fetch(t, http.MethodGet, strings.Replace(picture, ".svg", ending, 1), "", ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", ending, status, body)
		}
	}
	if status, body := h.fetch(t, http.MethodGet, "/api/widgets/v1/capabilities", guest, ""); status != 200 || !strings.Contains(body, made.ID) || strings.Contains(body, "images") {
		t.Errorf("the list: %d %s", status, body)
	}
	if status, _ := h.fetch(t, http.MethodPost, "/api/widgets/v1/capabilities", guest, `{"widget":"cost/spend","entityRef":"component:default/nope"}`); status != 404 {
		t.Errorf("of an entity that there is not: %d", status)
	}
	if status, _ := h.fetch(t, http.MethodPost, "/api/widgets/v1/capabilities", "", `{"widget":"cost/spend"}`); status != 401 {
		t.Errorf("made by nobody: %d", status)
	}
	if status, _ := h.fetch(t, http.MethodDelete, "/api/widgets/v1/capabilities/"+made.ID, serviceToken, ""); status != 404 {
		t.Errorf("ended by somebody else: %d", status)
	}
	if status, _ := h.fetch(t, http.MethodDelete, "/api/widgets/v1/capabilities/"+made.ID, guest, ""); status != 204 {
		t.Errorf("ended: %d", status)
	}
	if status, body := h.fetch(t, http.MethodGet, picture, "", ""); status != 404 || strings.Contains(body, "component") {
		t.Errorf("after its end: %d %s", status, body)
	}
}

func TestAnAppThatIsConfiguredNoLongerHasNoTokens(t *testing.T) {
	h, dir := withPortal(t)
	page := h.mint(t, "tokens", serviceToken, `{"app":"portal"}`)
	file := filepath.Join(dir, "app-config.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, strings.Replace(string(text), "      portal:\n", "      renamed:\n", 1))
	eventually(t, "the token is refused", func() bool {
		res, _ := h.from(t, portalOrigin, http.MethodGet, dataOfA, page.Token, "")
		return res.StatusCode == http.StatusUnauthorized
	})
	if status, body := h.fetch(t, http.MethodGet, "/api/widgets/v1/apps/renamed", serviceToken, ""); status != 200 || !strings.Contains(body, "The portal") || strings.Contains(body, "origin") {
		t.Errorf("%d %s", status, body)
	}
}
