package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
)

// everything is a configuration with all optional routes switched on.
var everything = strings.ReplaceAll(basicConfig, "auth: {providers: {guest: {dangerouslyAllowOutsideDevelopment: true}}}",
	"auth: {providers: {guest: {dangerouslyAllowOutsideDevelopment: true}}, experimentalClientIdMetadataDocuments: {enabled: true}}")

const (
	publicKeys  = "others verify this feature's tokens with it"
	signingIn   = "how one gets credentials"
	oauthClient = "part of OAuth: the route asks for the credentials of its own step"
)

// publicRoutes may be called without credentials, each for a reason.
var publicRoutes = map[string]string{
	"GET /api/widgets/v1/style.css":                            "the same for everybody, and read by pages of other origins",
	"GET /api/widgets/v1/oembed":                               "its consumers have no credentials; it tells what the address says, and the title of a widget",
	"GET /api/widgets/v1/images/:file":                         "the address is the credential: 128 random bits, of one picture, revocable and rate-limited",
	"GET /api/api-docs/v1/style.css":                           "as that of widgets",
	"GET /api/auth/.well-known/openid-configuration":           "tells clients where to sign in",
	"GET /api/auth/.well-known/jwks.json":                      publicKeys,
	"GET /api/auth/.well-known/oauth-client/cli.json":          "describes a client, to be fetched by anybody",
	"GET /api/auth/guest/refresh":                              signingIn,
	"POST /api/auth/guest/refresh":                             signingIn,
	"GET /api/auth/guest/start":                                signingIn,
	"GET /api/auth/guest/handler/frame":                        signingIn,
	"POST /api/auth/guest/handler/frame":                       signingIn,
	"GET /api/auth/v1/userinfo":                                "answers 401 by itself, in the words of OpenID",
	"GET /api/auth/v1/authorize":                               oauthClient,
	"GET /api/auth/v1/sessions/:session":                       oauthClient,
	"POST /api/auth/v1/sessions/:session/approve":              "asks for a user by itself",
	"POST /api/auth/v1/sessions/:session/reject":               "asks for a user by itself",
	"POST /api/auth/v1/token":                                  oauthClient,
	"POST /api/auth/v1/revoke":                                 oauthClient,
	"GET /api/auth/.well-known/backstage/permissions/metadata": "tells which permissions exist, behind the barrier of the feature, and auth has none",
	"DELETE /api/auth/.backstage/auth/v1/cookie":               "signing out must work with credentials that have expired",
	"DELETE /api/signals/.backstage/auth/v1/cookie":            "as for auth: the whole feature is open, because its tokens come as subprotocols",
	"GET /api/signals":                                         "a WebSocket brings its token as subprotocol; without one it hears broadcasts only",
	"GET /api/signals/health":                                  "tells that the feature answers, as in the reference",
	"GET /api/permission/health":                               "tells that the feature answers, as in the reference",
	"POST /api/scaffolder/v2/triggers/:id":                     "a webhook is signed; it has no credentials",
	"DELETE /api/proxy/.backstage/auth/v1/cookie":              "as for auth: the edge lets all of the proxy pass, which asks by endpoint",
}

// openFeatures let everybody pass. There everybody sees which actions there are; invoking asks for credentials by itself.
var openFeatures = []string{"auth", "signals", "proxy"}

// isPublic also knows what is public in every feature or for any provider.
func isPublic(r httpx.Route) bool {
	switch {
	case strings.HasPrefix(r.Path, "/.backstage/actions/") && slices.Contains(openFeatures, r.Feature):
		return true
	case r.Method == http.MethodGet && r.Path == "/.backstage/auth/v1/jwks.json":
		return true
	case unknownProvider(r):
		return true
	case r.Feature == "proxy" && r.Path == "/*path": // asks for credentials by endpoint, and where there is none
		return true
	}
	return publicRoutes[nameOf(r)] != ""
}

// unknownProvider is the route that answers that there is no such provider.
func unknownProvider(r httpx.Route) bool {
	return r.Feature == "auth" && (r.Path == "/:provider" || r.Path == "/:provider/*rest")
}

func nameOf(r httpx.Route) string { return r.Method + " " + mounted(r) }

func mounted(r httpx.Route) string {
	return "/api/" + r.Feature + strings.TrimSuffix(r.Path, "/")
}

// example is a path that the route answers.
func example(r httpx.Route) string {
	segments := strings.Split(mounted(r), "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") || strings.HasPrefix(s, "*") {
			segments[i] = "example"
		}
	}
	return strings.Join(segments, "/")
}

func TestEveryRouteAsksWhoIsCalling(t *testing.T) {
	h := launch(t, write(t, map[string]string{"catalog/a.yaml": named("a")}), everything)
	routes := h.server().Routes()
	if len(routes) < 60 {
		t.Fatalf("only %d routes: is a feature missing?", len(routes))
	}
	known := map[string]bool{}
	for _, r := range routes {
		known[nameOf(r)] = true
		if public := r.Access == httpx.Public; public != isPublic(r) {
			t.Errorf("%s: public is %v; a public route needs a reason in this test's list", nameOf(r), public)
			continue
		}
		if isPublic(r) {
			continue
		}
		for what, token := range map[string]string{"no credentials": "", "a token of nobody": "not-a-token", "a token without signature": unsigned} {
			if status, body := h.fetch(t, r.Method, example(r), token, ""); status != http.StatusUnauthorized || errorName(body) != "AuthenticationError" {
				t.Errorf("%s with %s: %d %s, want 401", nameOf(r), what, status, body)
			}
		}
	}
	for name := range publicRoutes {
		if !known[name] {
			t.Errorf("%s is in the list of public routes, but there is no such route", name)
		}
	}
	for _, id := range h.server().Features() {
		if openAsAWhole(id) {
			continue
		}
		for _, path := range []string{"/api/" + id, "/api/" + id + "/no/such/path", "/API/" + strings.ToUpper(id) + "/x"} {
			if status, body := h.fetch(t, http.MethodGet, path, "", ""); status != http.StatusUnauthorized {
				t.Errorf("GET %s without credentials: %d %s, want 401 also where nothing is", path, status, body)
			}
		}
	}
}

// openAsAWhole are features without a common barrier: each of their routes asks by itself.
func openAsAWhole(feature string) bool { return feature == "auth" || feature == "signals" }

// unsigned claims to be the guest, with the algorithm "none".
const unsigned = "eyJhbGciOiJub25lIiwidHlwIjoidm5kLmJhY2tzdGFnZS51c2VyIn0.eyJzdWIiOiJ1c2VyOmRlZmF1bHQvZ3Vlc3QiLCJhdWQiOiJiYWNrc3RhZ2UiLCJleHAiOjQxMDI0NDQ4MDB9."

// validBodies are bodies that pass the OpenAPI check of routes that are for users only, because that check comes first.
var validBodies = map[string]string{
	"POST /api/notifications":                      `{"recipients":{"type":"broadcast"},"payload":{"title":"a"}}`,
	"POST /api/notifications/notifications":        `{"recipients":{"type":"broadcast"},"payload":{"title":"a"}}`,
	"POST /api/notifications/update":               `{"ids":[]}`,
	"POST /api/notifications/notifications/update": `{"ids":[]}`,
	"POST /api/notifications/settings":             `{"channels":[]}`,
}

func TestRoutesOfUsersRefuseServicesAndTheReverse(t *testing.T) {
	h := launch(t, write(t, map[string]string{"catalog/a.yaml": named("a")}), everything)
	guest, checked := h.guestToken(t), 0
	for _, r := range h.server().Routes() {
		token, kind := serviceToken, "service"
		switch r.Access {
		case httpx.ServiceOnly:
			token, kind = guest, "user"
		case httpx.UserOnly:
		default:
			continue
		}
		checked++
		status, body := h.fetch(t, r.Method, example(r), token, validBodies[nameOf(r)])
		if status != http.StatusForbidden || !strings.Contains(body, "This endpoint does not allow '"+kind+"' credentials") {
			t.Errorf("%s with %s credentials: %d %s, want 403", nameOf(r), kind, status, body)
		}
	}
	if checked < 10 {
		t.Errorf("only %d routes are for one kind of caller", checked)
	}
}

// everyFeature are the routes that each feature has and no specification names.
func everyFeature(path string) bool {
	return path == "/openapi.json" || strings.HasPrefix(path, "/.backstage/") || strings.HasPrefix(path, "/.well-known/")
}

func TestSpecificationsAndRoutesAgree(t *testing.T) {
	h := launch(t, t.TempDir(), everything)
	byFeature := map[string][]string{}
	for _, r := range h.server().Routes() {
		if !everyFeature(r.Path) {
			byFeature[r.Feature] = append(byFeature[r.Feature], r.Method+" "+shape(mounted(r)))
		}
	}
	specified := 0
	for _, id := range h.server().Features() {
		status, body := h.fetch(t, http.MethodGet, "/api/"+id+"/openapi.json", serviceToken, "")
		if status != http.StatusOK {
			continue
		}
		specified++
		operations := operationsOf(t, body)
		for _, route := range byFeature[id] {
			if !slices.Contains(operations, route) {
				t.Errorf("%s is a route but not in openapi.yaml", route)
			}
		}
		for _, operation := range operations {
			if !slices.Contains(byFeature[id], operation) {
				t.Errorf("%s is in openapi.yaml but nobody answers it", operation)
			}
		}
	}
	if specified < 4 {
		t.Errorf("only %d features serve a specification", specified)
	}
}

func operationsOf(t *testing.T, document string) []string {
	t.Helper()
	var spec struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(document), &spec); err != nil {
		t.Fatal(err)
	}
	var all []string
	for path, item := range spec.Paths {
		for method := range item {
			if method = strings.ToUpper(method); method != "PARAMETERS" && !strings.HasPrefix(method, "X-") {
				all = append(all, method+" "+shape(strings.TrimSuffix(path, "/")))
			}
		}
	}
	return all
}

// shape is a path with all parameters named alike.
func shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") || strings.HasPrefix(s, "*") || strings.HasPrefix(s, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

func TestReadingRoutesAnswerHEADAndOPTIONS(t *testing.T) {
	h := launch(t, write(t, map[string]string{"catalog/a.yaml": named("a")}), everything)
	guest := h.guestToken(t)
	for _, r := range h.server().Routes() {
		path := example(r)
		if status, allow := h.options(t, path, guest); !unlisted(r) && (status != http.StatusOK || !slices.Contains(strings.Split(allow, ","), r.Method)) {
			t.Errorf("OPTIONS %s: %d Allow: %s, want %s in it", path, status, allow, r.Method)
		}
		if !isPublic(r) && !slices.Contains(openFeatures, r.Feature) {
			if status, _ := h.options(t, path, ""); status != http.StatusUnauthorized {
				t.Errorf("OPTIONS %s without credentials: %d, want 401", path, status)
			}
		}
		if r.Method != http.MethodGet || path == "/api/signals" {
			continue
		}
		get, _, err := do(h.request(t, http.MethodGet, path, guest, ""))
		if err != nil {
			t.Errorf("GET %s: %v", path, err)
			continue
		}
		head, body, err := do(h.request(t, http.MethodHead, path, guest, ""))
		if err != nil || body != "" {
			t.Errorf("HEAD %s: %v, body %q", path, err, body)
			continue
		}
		if head.StatusCode != get.StatusCode || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %s, GET: %d %s", path, head.StatusCode, head.Header.Get("Content-Type"), get.StatusCode, get.Header.Get("Content-Type"))
		}
	}
}

// unlisted is what the reference serves by middleware, of which OPTIONS does not tell.
func unlisted(r httpx.Route) bool {
	switch {
	case r.Path == "/.well-known/backstage/permissions/apply-conditions":
		return r.Method != http.MethodPost
	case r.Feature == "signals":
		return r.Path == "/"
	case r.Feature == "proxy":
		return r.Path == "/*path"
	case r.Feature == "techdocs":
		return r.Path == "/static/docs/*file"
	}
	return unknownProvider(r)
}

func (h *host) options(t *testing.T, path, token string) (status int, allow string) {
	t.Helper()
	res, _, err := do(h.request(t, http.MethodOptions, path, token, ""))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Allow")
}
