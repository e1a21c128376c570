package permission

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
)

// A resource type of the tests: boats, which have a colour.
const boatType = "boat"

var (
	sail     = Permission{Type: Resource, Name: "boat.sail", Attributes: Attributes{Action: "update"}, ResourceType: boatType}
	register = Permission{Type: Basic, Name: "boat.register", Attributes: Attributes{Action: "create"}}
)

type boat struct{ colour string }

func boats() Integration {
	harbour := map[string]any{"boat:a": boat{"red"}, "boat:b": boat{"blue"}}
	return Integration{
		ResourceType: boatType, Permissions: []Permission{sail, register},
		Rules: []Rule{{
			Name: "HAS_COLOUR", Description: "Allow boats of a colour",
			Params: zod.Object(zod.Field{Name: "colour", Schema: zod.String("The colour")}),
			Apply: func(resource any, params map[string]any) (bool, error) {
				return resource.(boat).colour == params["colour"], nil
			},
		}},
		Load: func(_ context.Context, refs []string) ([]any, error) {
			resources := make([]any, len(refs))
			for i, ref := range refs {
				if slices.Index(refs, ref) != i {
					return nil, errors.New("a ref was asked for twice")
				}
				resources[i] = harbour[ref]
			}
			return resources, nil
		},
	}
}

func colour(c string) Criteria { return When(boatType, "HAS_COLOUR", map[string]any{"colour": c}) }

// policy is a Policy made of a function.
type policy func(perm Permission, u *User) (Decision, error)

func (p policy) Decide(_ context.Context, perm Permission, u *User) (Decision, error) {
	return p(perm, u)
}

func onlyRed(perm Permission, _ *User) (Decision, error) {
	if perm.Name == sail.Name {
		c := colour("red")
		return Decision{Result: Conditional, Conditions: &c}, nil
	}
	return Decision{Result: Deny}, nil
}

var (
	guest   = &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}
	service = &principal.Principal{Kind: principal.Service, Subject: "ci"}
)

func engine(o Options) *Engine {
	o.Enabled, o.Logger = true, slog.New(slog.DiscardHandler)
	return New(o)
}

// actors adds "Bearer acting" to the pretended credentials: a plugin that acts for the guest.
type actors struct{ httpxtest.Credentials }

func (a actors) Authenticate(r *http.Request, feature string, accept httpx.Allowance) (*principal.Principal, error) {
	if r.Header.Get("Authorization") == "Bearer acting" {
		p := *guest
		p.Actor = "plugin:catalog"
		return &p, nil
	}
	return a.Credentials.Authenticate(r, feature, accept)
}

func edge(t *testing.T, e *Engine) http.Handler {
	t.Helper()
	server := httpxtest.NewWith(t, httpx.Options{Auth: actors{}})
	e.Routes(server.Feature(Feature()))
	e.Mount(server.Feature(httpx.Feature{ID: "harbour"}), boats())
	Mount(server.Feature(httpx.Feature{ID: "empty"}))
	Mount(server.Feature(httpx.Feature{ID: "open", Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}}))
	return server
}

func do(t *testing.T, h http.Handler, method, target, body, authorization string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func message(t *testing.T, body string) (name, text string) {
	t.Helper()
	var v struct {
		Error struct{ Name, Message string }
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v.Error.Name, v.Error.Message
}

func TestAuthorize_ServicesAreDecidedByTheirTokenAlone(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		e := New(Options{Enabled: enabled, Policy: policy(func(Permission, *User) (Decision, error) { panic("the policy was asked about a service") }), Logger: slog.New(slog.DiscardHandler)})
		for _, c := range []struct {
			restrictions *principal.Restrictions
			perm         Permission
			want         Result
		}{
			{nil, sail, Allow},
			{&principal.Restrictions{}, sail, Allow},
			{&principal.Restrictions{Actions: []string{"read"}}, sail, Deny},
			{&principal.Restrictions{Actions: []string{"read", "update"}}, sail, Allow},
			{&principal.Restrictions{Actions: []string{"read"}}, Permission{Type: Basic, Name: "no.action"}, Deny},
			{&principal.Restrictions{Permissions: []string{"boat.sail"}}, sail, Allow},
			{&principal.Restrictions{Permissions: []string{"boat.sail"}}, register, Deny},
			{&principal.Restrictions{Permissions: []string{"boat.sail"}, Actions: []string{"create"}}, sail, Deny},
		} {
			p := *service
			p.Restrictions = c.restrictions
			d, err := e.Authorize(t.Context(), &p, c.perm)
			if err != nil || d.Result != c.want {
				t.Errorf("%+v on %s: %v, %v, want %s", c.restrictions, c.perm.Name, d.Result, err, c.want)
			}
			err = Require(t.Context(), e, &p, c.perm)
			if (err == nil) != (c.want == Allow) || err != nil && err.Error() != "NotAllowedError: " {
				t.Errorf("%+v on %s: required: %v", c.restrictions, c.perm.Name, err)
			}
		}
	}
}

func TestAuthorize_UsersAreDecidedByThePolicy(t *testing.T) {
	off := New(Options{Policy: policy(onlyRed), Logger: slog.New(slog.DiscardHandler)})
	if d, err := off.Authorize(t.Context(), guest, register); err != nil || d.Result != Allow {
		t.Errorf("permission.enabled false: %v, %v", d, err)
	}
	e := engine(Options{Policy: policy(onlyRed)})
	if d, err := e.Authorize(t.Context(), guest, sail); err != nil || d.Result != Conditional || d.Conditions.Condition.Rule != "HAS_COLOUR" {
		t.Errorf("%v, %v", d, err)
	}
	if d, err := e.Authorize(t.Context(), guest, register); err != nil || d.Result != Deny {
		t.Errorf("%v, %v", d, err)
	}
	if err := Require(t.Context(), e, guest, sail); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("a conditional decision satisfied Require: %v", err)
	}
	if _, err := e.Authorize(t.Context(), principal.Nobody, register); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("nobody: %v", err)
	}
	anonymous := engine(Options{Anonymous: true, Policy: policy(func(_ Permission, u *User) (Decision, error) {
		if u != nil {
			t.Error("nobody was presented as a user")
		}
		return Decision{Result: Deny}, nil
	})})
	if d, err := anonymous.Authorize(t.Context(), principal.Nobody, register); err != nil || d.Result != Deny {
		t.Errorf("nobody, admitted: %v, %v", d, err)
	}
	owners := engine(Options{
		Ownership: func(context.Context, *principal.Principal) ([]string, error) { return []string{"group:default/x"}, nil },
		Policy: policy(func(_ Permission, u *User) (Decision, error) {
			refs, err := u.Ownership(t.Context())
			if err != nil || len(refs) != 1 || u.Subject != guest.Subject {
				t.Errorf("%v, %v", refs, err)
			}
			return Decision{Result: Allow}, nil
		}),
	})
	if _, err := owners.Authorize(t.Context(), guest, register); err != nil {
		t.Error(err)
	}
}

func TestAuthorize_APolicyThatBreaksItsLawAllowsNothing(t *testing.T) {
	foreign := When("ship", "HAS_COLOUR", nil)
	nested := Criteria{AnyOf: []Criteria{colour("red"), {Not: &foreign}}}
	for name, decision := range map[string]Decision{
		"no result": {}, "odd result": {Result: "MAYBE"}, "no conditions": {Result: Conditional},
		"conditions on another type": {Result: Conditional, Conditions: &nested},
	} {
		e := engine(Options{Policy: policy(func(Permission, *User) (Decision, error) { return decision, nil })})
		if d, err := e.Authorize(t.Context(), guest, sail); err == nil || d.Result != Deny {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	e := engine(Options{Policy: policy(func(Permission, *User) (Decision, error) {
		c := colour("red")
		return Decision{Result: Conditional, Conditions: &c}, nil
	})})
	if d, err := e.Authorize(t.Context(), guest, register); err == nil || d.Result != Deny {
		t.Errorf("conditions on a basic permission: %v, %v", d, err)
	}
}

func TestAll_EveryPolicyMustAgree(t *testing.T) {
	says := func(r Result) Policy {
		return policy(func(Permission, *User) (Decision, error) {
			d := Decision{Result: r}
			if r == Conditional {
				c := colour("red")
				d.Conditions = &c
			}
			return d, nil
		})
	}
	for _, c := range []struct {
		policies []Policy
		want     Result
		criteria string
	}{
		{nil, Allow, ""},
		{[]Policy{says(Allow), says(Allow)}, Allow, ""},
		{[]Policy{says(Allow), says(Deny), says(Conditional)}, Deny, ""},
		{[]Policy{says(Conditional), says(Allow)}, Conditional, colour("red").String()},
		{[]Policy{says(Conditional), says(Conditional)}, Conditional, Criteria{AllOf: []Criteria{colour("red"), colour("red")}}.String()},
	} {
		d, err := All(c.policies...).Decide(t.Context(), sail, nil)
		if err != nil || d.Result != c.want || (d.Conditions != nil) != (c.criteria != "") || (d.Conditions != nil && d.Conditions.String() != c.criteria) {
			t.Errorf("%d policies: %v, %v, want %s", len(c.policies), d, err, c.want)
		}
	}
}

func TestCriteria_KeepTheirWireForm(t *testing.T) {
	for _, text := range []string{
		`{"rule":"R","resourceType":"boat"}`,
		`{"rule":"R","resourceType":"boat","params":{"a":["b"]}}`,
		`{"not":{"allOf":[{"rule":"R","resourceType":"boat"},{"anyOf":[{"rule":"S","resourceType":"boat"}]}]}}`,
	} {
		var c Criteria
		if err := json.Unmarshal([]byte(text), &c); err != nil || c.String() != text {
			t.Errorf("%s became %s, %v", text, c, err)
		}
	}
	for _, text := range []string{`{}`, `null`, `{"allOf":[]}`, `{"rule":"R","not":{"rule":"R"}}`, `{"allOf":[{}]}`, `{"allOf":[{"rule":"R"}],"anyOf":[{"rule":"R"}]}`, `[]`, `{"not":5}`} {
		var c Criteria
		if text == `null` { // encoding/json does not ask
			c = Criteria{}
			if _, err := c.Resolve(nil); err == nil {
				t.Error("empty criteria were resolved")
			}
			continue
		}
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("%s was read as %s", text, c)
		}
	}
}

func TestEvaluate_TruthTable(t *testing.T) {
	in := boats()
	red, blue := colour("red"), colour("blue")
	unknown := When(boatType, "NO_RULE", nil)
	not := func(c Criteria) Criteria { return Criteria{Not: &c} }
	for _, c := range []struct {
		criteria Criteria
		want     bool
		err      string
	}{
		{red, true, ""}, {blue, false, ""}, {not(red), false, ""}, {not(blue), true, ""}, {not(not(red)), true, ""},
		{Criteria{AllOf: []Criteria{red, red}}, true, ""}, {Criteria{AllOf: []Criteria{red, blue}}, false, ""},
		{Criteria{AnyOf: []Criteria{blue, red}}, true, ""}, {Criteria{AnyOf: []Criteria{blue, blue}}, false, ""},
		{Criteria{AllOf: []Criteria{blue, unknown}}, false, ""}, // not reached
		{Criteria{AnyOf: []Criteria{red, unknown}}, true, ""},
		{unknown, false, "Error: Permission rule 'NO_RULE' does not exist for resource type 'boat'"},
		{not(unknown), false, "Error: Permission rule 'NO_RULE' does not exist for resource type 'boat'"},
		{Criteria{AnyOf: []Criteria{blue, unknown}}, false, "Error: Permission rule 'NO_RULE' does not exist for resource type 'boat'"},
		{Criteria{}, false, "InputError: permission criteria must be exactly one of allOf, anyOf, not, or a rule"},
	} {
		got, err := in.Evaluate(&c.criteria, boat{"red"})
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v, %v, want %v, %s", c.criteria, got, err, c.want, c.err)
		}
	}
}

const (
	askRegister = `{"id":"1","permission":{"type":"basic","name":"boat.register","attributes":{"action":"create"}}}`
	askSail     = `{"id":"2","resourceRef":"boat:a","permission":{"type":"resource","name":"boat.sail","attributes":{"action":"update"},"resourceType":"boat"}}`
)

func TestAuthorizeRoute_AllowAll(t *testing.T) {
	h := edge(t, engine(Options{}))
	for _, c := range []struct{ name, body, want string }{
		{"a batch, in order", `{"items":[` + askSail + `,` + askRegister + `,` + askSail + `]}`, `{"items":[{"id":"2","result":"ALLOW"},{"id":"1","result":"ALLOW"},{"id":"2","result":"ALLOW"}]}`},
		{"empty", `{"items":[]}`, `{"items":[]}`},
		{"further members", `{"items":[` + strings.Replace(askRegister, "{", `{"more":1,`, 1) + `],"odd":2}`, `{"items":[{"id":"1","result":"ALLOW"}]}`},
		{"a list of refs", `{"items":[` + strings.Replace(askSail, `"boat:a"`, `["boat:a","boat:none"]`, 1) + `]}`, `{"items":[{"id":"2","result":"ALLOW"}]}`},
	} {
		if status, body := do(t, h, "POST", "/api/permission/authorize", c.body, httpxtest.Guest); status != 200 || body != c.want {
			t.Errorf("%s: %d %s, want %s", c.name, status, body, c.want)
		}
	}
	if status, body := do(t, h, "GET", "/api/permission/health", "", ""); status != 200 || body != `{"status":"ok"}` {
		t.Errorf("health: %d %s", status, body)
	}
}

func TestAuthorizeRoute_ConditionsAreEvaluatedForUsersAndToldToPlugins(t *testing.T) {
	h := edge(t, engine(Options{Policy: policy(onlyRed)}))
	refs := func(r string) string { return strings.Replace(askSail, `"boat:a"`, r, 1) }
	bare := strings.Replace(askSail, `"resourceRef":"boat:a",`, "", 1)
	for _, c := range []struct{ name, item, as, want string }{
		{"one that holds", askSail, httpxtest.Guest, `{"id":"2","result":"ALLOW"}`},
		{"one that does not", refs(`"boat:b"`), httpxtest.Guest, `{"id":"2","result":"DENY"}`},
		{"one that is not there", refs(`"boat:none"`), httpxtest.Guest, `{"id":"2","result":"DENY"}`},
		{"several", refs(`["boat:a","boat:b","boat:none","boat:a"]`), httpxtest.Guest, `{"id":"2","result":["ALLOW","DENY","DENY","ALLOW"]}`},
		{"a basic one", askRegister, httpxtest.Guest, `{"id":"1","result":"DENY"}`},
		{"a plugin without ref", bare, "Bearer acting", `{"id":"2","result":"CONDITIONAL","pluginId":"harbour","resourceType":"boat","conditions":{"rule":"HAS_COLOUR","resourceType":"boat","params":{"colour":"red"}}}`},
		{"a plugin with ref", askSail, "Bearer acting", `{"id":"2","result":"ALLOW"}`},
	} {
		if status, body := do(t, h, "POST", "/api/permission/authorize", `{"items":[`+c.item+`]}`, c.as); status != 200 || body != `{"items":[`+c.want+`]}` {
			t.Errorf("%s: %d %s, want %s", c.name, status, body, c.want)
		}
	}
	status, body := do(t, h, "POST", "/api/permission/authorize", `{"items":[`+askRegister+`,`+bare+`]}`, httpxtest.Guest)
	if name, text := message(t, body); status != 400 || name != "InputError" || text != "Resource permissions require a resourceRef to be set. Direct user requests without a resourceRef are not allowed." {
		t.Errorf("%d %s %s", status, name, text)
	}
}

func TestAuthorizeRoute_Refusals(t *testing.T) {
	h := edge(t, engine(Options{}))
	for _, c := range []struct {
		body, as string
		status   int
		text     string
	}{
		{`{"items":[]}`, "", 401, "Missing credentials"},
		{`{"items":[]}`, "Bearer bad", 401, "Illegal token"},
		{`{"items":[]}`, "Bearer service:ci", 403, "This endpoint does not allow 'service' credentials"},
		{`{}`, httpxtest.Guest, 400, "[\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"array\",\n    \"received\": \"undefined\",\n    \"path\": [\n      \"items\"\n    ],\n    \"message\": \"Required\"\n  }\n]"},
		{`[]`, httpxtest.Guest, 400, "[\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"object\",\n    \"received\": \"array\",\n    \"path\": [],\n    \"message\": \"Expected object, received array\"\n  }\n]"},
	} {
		status, body := do(t, h, "POST", "/api/permission/authorize", c.body, c.as)
		if _, text := message(t, body); status != c.status || text != c.text {
			t.Errorf("%s as %q: %d %s", c.body, c.as, status, text)
		}
	}
}

func TestIntegrationRoutes_ShowMetadataToUsersAndEvaluateForServices(t *testing.T) {
	h := edge(t, engine(Options{}))
	const metadata, applyTo = "/api/harbour/.well-known/backstage/permissions/metadata", "/api/harbour/.well-known/backstage/permissions/apply-conditions"
	want := `{"permissions":[{"type":"resource","name":"boat.sail","attributes":{"action":"update"},"resourceType":"boat"},{"type":"basic","name":"boat.register","attributes":{"action":"create"}}],` +
		`"rules":[{"name":"HAS_COLOUR","description":"Allow boats of a colour","resourceType":"boat","paramsSchema":{"type":"object","properties":{"colour":{"type":"string","description":"The colour"}},"required":["colour"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}}]}`
	for _, as := range []string{httpxtest.Guest, "Bearer service:ci"} {
		if status, body := do(t, h, "GET", metadata, "", as); status != 200 || body != want {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := do(t, h, "GET", strings.Replace(metadata, "harbour", "open", 1), "", ""); status != 200 || body != `{"permissions":[],"rules":[]}` {
		t.Errorf("of an open feature: %d %s", status, body)
	}
	if status, body := do(t, h, "GET", strings.Replace(metadata, "harbour", "empty", 1), "", httpxtest.Guest); status != 200 || body != `{"permissions":[],"rules":[]}` {
		t.Errorf("%d %s", status, body)
	}
	item := func(ref, conditions string) string {
		return `{"items":[{"id":"1","resourceRef":` + ref + `,"resourceType":"boat","conditions":` + conditions + `}]}`
	}
	red, blue := colour("red").String(), colour("blue").String()
	for _, c := range []struct{ ref, conditions, result string }{
		{`"boat:a"`, red, `"ALLOW"`}, {`"boat:a"`, blue, `"DENY"`},
		{`"boat:none"`, `{"not":` + red + `}`, `"DENY"`},
		{`["boat:a","boat:none","boat:b"]`, `{"not":` + blue + `}`, `["ALLOW","DENY","DENY"]`},
	} {
		for _, as := range []string{"Bearer service:ci", "Bearer acting"} {
			if status, body := do(t, h, "POST", applyTo, item(c.ref, c.conditions), as); status != 200 || body != `{"items":[{"id":"1","result":`+c.result+`}]}` {
				t.Errorf("%s %s: %d %s", c.ref, c.conditions, status, body)
			}
		}
	}
	for _, c := range []struct {
		body, as string
		status   int
		name     string
		text     string
	}{
		{item(`"boat:a"`, red), httpxtest.Guest, 403, "NotAllowedError", ""},
		{`{}`, httpxtest.Guest, 403, "NotAllowedError", ""},
		{item(`"boat:a"`, red), "", 401, "AuthenticationError", "Missing credentials"},
		{strings.ReplaceAll(item(`"x"`, red), "boat", "odd"), "Bearer service:ci", 400, "InputError", "Unexpected resource types: odd."},
		{item(`"boat:a"`, When(boatType, "NO_RULE", nil).String()), "Bearer service:ci", 500, "Error", "Permission rule 'NO_RULE' does not exist for resource type 'boat'"},
		{item(`"boat:a"`, `{"anyOf":[]}`), "Bearer service:ci", 400, "InputError", "[\n  {\n    \"code\": \"too_small\",\n    \"minimum\": 1,\n    \"type\": \"array\",\n    \"inclusive\": true,\n    \"exact\": false,\n    \"message\": \"Array must contain at least 1 element(s)\",\n    \"path\": [\n      \"items\",\n      0,\n      \"conditions\",\n      \"anyOf\"\n    ]\n  }\n]"},
		{item(`"boat:a"`, `{"rule":"HAS_COLOUR","resourceType":"boat","params":{"colour":5}}`), "Bearer service:ci", 400, "InputError", "Parameters to rule are invalid; caused by [\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"string\",\n    \"received\": \"number\",\n    \"path\": [\n      \"colour\"\n    ],\n    \"message\": \"Expected string, received number\"\n  }\n]"},
		{item(`"boat:a"`, `{"rule":"HAS_COLOUR","resourceType":"boat"}`), "Bearer service:ci", 400, "InputError", "Parameters to rule are invalid; caused by [\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"object\",\n    \"received\": \"undefined\",\n    \"path\": [],\n    \"message\": \"Required\"\n  }\n]"},
	} {
		status, body := do(t, h, "POST", applyTo, c.body, c.as)
		if c.as == httpxtest.Guest { // whatever the method
			status, body = do(t, h, "PUT", applyTo, c.body, c.as)
		}
		if name, text := message(t, body); status != c.status || name != c.name || text != c.text {
			t.Errorf("%s as %q: %d %s %s", c.body, c.as, status, name, text)
		}
	}
}

func TestHostileBodies_AreAnsweredInProportion(t *testing.T) {
	h := edge(t, engine(Options{}))
	for name, body := range map[string]string{
		"many wrong items": `{"items":[` + strings.Repeat("0,", 40_000) + `0]}`,
		"deep criteria":    `{"items":[{"id":"1","resourceRef":"a","resourceType":"boat","conditions":` + strings.Repeat(`{"not":`, 9_000) + `0` + strings.Repeat(`}`, 9_000) + `}]}`,
		"deep lists":       `{"items":[{"id":"1","resourceRef":"a","resourceType":"boat","conditions":` + strings.Repeat(`{"allOf":[`, 4_000) + `0` + strings.Repeat(`]}`, 4_000) + `}]}`,
	} {
		for _, path := range []string{"/api/permission/authorize", "/api/harbour/.well-known/backstage/permissions/apply-conditions"} {
			as := "Bearer acting"
			status, answer := do(t, h, "POST", path, body, as)
			if status != 400 || len(answer) > 2<<20 {
				t.Errorf("%s to %s: %d, %d bytes", name, path, status, len(answer))
			}
		}
	}
}

func FuzzCriteria(f *testing.F) {
	f.Add(`{"rule":"HAS_COLOUR","resourceType":"boat","params":{"colour":"red"}}`)
	f.Add(`{"not":{"anyOf":[{"rule":"R","resourceType":"boat"}]}}`)
	f.Add(`{"allOf":[{}]}`)
	in := boats()
	f.Fuzz(func(t *testing.T, text string) {
		var c Criteria
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		var again Criteria
		if c.wellFormed() == nil {
			if err := json.Unmarshal([]byte(c.String()), &again); err != nil || again.String() != c.String() {
				t.Fatalf("%s became %s: %v", c, again, err)
			}
		}
		_, _ = in.Evaluate(&c, boat{"red"})
	})
}

func BenchmarkAuthorize_AllowAll(b *testing.B) {
	e := engine(Options{})
	for b.Loop() {
		if d, _ := e.Authorize(b.Context(), guest, register); d.Result != Allow {
			b.Fatal(d)
		}
	}
}
