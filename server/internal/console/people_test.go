package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const shopPage = "/console/catalog/default/api/shop"

func TestHome_BeginsWithWhatIsYoursAndWhatWaits(t *testing.T) {
	api := host(t)
	text := pageText(t, people(api), "/console/")
	holds(t, "home", text, "What are you looking for?", "Shop API API · openapi", "Sells things", "30 more", "1 request for access", "Starred", "catalog problems")
	if asked := api.of("POST", "/api/catalog/entities/by-query"); len(asked) != 1 || !strings.Contains(asked[0].Body, `{"relations.ownedBy":{"$in":["user:default/guest","group:default/crew"]}}`) {
		t.Errorf("asked for %+v", asked)
	}
}

func TestCatalog_TurnsItsFormIntoOneQuestionAndPagesByCursor(t *testing.T) {
	api := host(t)
	h := people(api)
	path := "/console/catalog?q=till&kind=API&owner=group:default/crew&owner=user:default/ann&tag=rest&sort=-name"
	text := pageText(t, h, path)
	holds(t, "catalog", text, "Catalog 31", "Shop API", "crew", "sales", "production", "Next", "API (31)", "crew, ann")
	asked := api.of("POST", "/api/catalog/entities/by-query")
	holds(t, "question", asked[0].Body, `"term":"till"`, `{"kind":{"$in":["API"]}}`, `{"relations.ownedBy":{"$in":["group:default/crew","user:default/ann"]}}`, `{"metadata.tags":{"$in":["rest"]}}`, `"order":"desc"`)
	w := do(h, signedIn("GET", path))
	holds(t, "next page", w.Body.String(), `href="/console/catalog?cursor=next&#43;page&amp;kind=API&amp;`)
	pageText(t, h, "/console/catalog?kind=API&cursor=next+page")
	asked = api.of("POST", "/api/catalog/entities/by-query")
	if last := asked[len(asked)-1].Body; !strings.Contains(last, `"cursor":"next page"`) || strings.Contains(last, `"query"`) {
		t.Errorf("the second page asks %s", last)
	}
}

func TestEntity_ShowsWhatItIsWhatItBelongsToAndItsWidgets(t *testing.T) {
	api := host(t)
	h := people(api)
	holds(t, "entity", pageText(t, h, shopPage), "Shop API", "Sells things", "Overview API Docs Access Raw", "Owner crew", "System sales", "rest", "Runbook", "Trap", "Provided by shop-service", "Cost", "api:default/shop")
	body := do(h, signedIn("GET", shopPage)).Body.String()
	holds(t, "entity", body, `<a href="/console/catalog/default/component/shop-service">shop-service</a>`, `href="https://runbook.example.com" rel="noreferrer"`,
		`<link rel="alternate" type="application/json+oembed" href="https://portal.example.com/api/widgets/v1/oembed?format=json&amp;url=https%3A%2F%2Fportal.example.com%2Fembed%2Fv1%2Fframe%2Fcost%2Ftotal%3FentityRef%3Dapi%253Adefault%252Fshop">`)
	api.answers["GET /api/widgets/v1/entities/api/default/shop"] = object{"widgets": array{object{"id": "catalog/about", "title": "About", "view": "list"}}}
	if pageText(t, h, shopPage); len(api.of("GET", "/api/widgets/v1/render/catalog/about.html")) != 0 {
		t.Error("what the page has a part for is there twice")
	}
	if strings.Contains(body, "javascript:") {
		t.Error("a link leads to a script")
	}
	holds(t, "raw", pageText(t, h, shopPage+"/raw"), "apiVersion: backstage.io/v1alpha1 kind: API metadata:", "definition: 'openapi: 3.0.0'")
}

func TestEntity_IsShownWithoutWhatCannotBeHad(t *testing.T) {
	api := host(t)
	api.answers["GET /api/widgets/v1/render/cost/total.html"] = failing{503, "the ledger is busy"}
	h := people(api)
	holds(t, "one widget", pageText(t, h, shopPage), "Sells things", "There is no answer at the moment.", "Load again")
	api.answers["GET /api/widgets/v1/entities/api/default/shop"] = failing{500, "canary: stack"}
	text := pageText(t, h, shopPage)
	holds(t, "no widgets", text, "Sells things", "Widgets cannot be shown at the moment.")
	if strings.Contains(text, "canary") {
		t.Error("an internal message is shown")
	}
	api.answers["GET /api/widgets/v1/entities/api/default/shop"] = host(t).answers["GET /api/widgets/v1/catalog"]
	api.answers["GET /api/widgets/v1/render/cost/total.html"] = fragmentOf(`<figure class="cb-widget" data-widget="cost/total" data-status="empty"></figure>`)
	holds(t, "nothing to show", pageText(t, h, shopPage), "Nothing to show yet: Cost")
}

func TestEntity_IsNotHeldUpByAWidgetThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := host(t)
		api.answers["GET /api/widgets/v1/render/cost/total.html"] = waiting{}
		began := time.Now()
		text := pageText(t, people(api), shopPage)
		holds(t, "entity", text, "Sells things", "There is no answer at the moment.")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the page took %v", took)
		}
		api.answers["GET /api/catalog/entities/by-name/api/default/shop"] = waiting{}
		w := do(people(api), signedIn("GET", shopPage))
		text, _ = visibleText(t, w.Body.String())
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("without the entity: %d", w.Code)
		}
		holds(t, "without the entity", text, "This cannot be shown at the moment.", "Try again")
	})
}

func TestFailures_EachHaveAPage(t *testing.T) {
	for status, want := range map[int]string{401: "Your session has ended", 403: "You may not see this.", 404: "There is nothing at this address.", 500: "This cannot be shown at the moment.", 400: "This could not be understood."} {
		api := host(t)
		api.answers["GET /api/catalog/entities/by-name/api/default/shop"] = failing{status, "told"}
		w := do(people(api), signedIn("GET", shopPage))
		text, _ := visibleText(t, w.Body.String())
		if status == 500 {
			status = 503
		}
		if status == 401 {
			want = "Enter as guest"
		}
		if w.Code != status || !strings.Contains(text, want) {
			t.Errorf("%d: %d %s", status, w.Code, text)
		}
	}
}

func TestReference_KeepsItsLinksInTheConsole(t *testing.T) {
	h := people(host(t))
	holds(t, "index", do(h, signedIn("GET", shopPage+"/api")).Body.String(), `<a href="`+shopPage+`/api/operations/buy">buy</a>`, "/api/api-docs/v1/style.css")
	holds(t, "operation", pageText(t, h, shopPage+"/api/operations/buy"), "POST /things")
	if w := do(h, signedIn("GET", shopPage+"/api/operations/none")); w.Code != 404 {
		t.Errorf("an operation that is not there: %d", w.Code)
	}
	w := do(h, signedIn("GET", shopPage+"/api/document"))
	if w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the document is served as %v", w.Header())
	}
}

func TestDocs_ShowPicturesAndRunNoFile(t *testing.T) {
	h := people(host(t))
	holds(t, "page", do(h, signedIn("GET", shopPage+"/docs")).Body.String(), `<img src="`+shopPage+`/files/a.svg" alt="">`)
	holds(t, "no page", pageText(t, h, shopPage+"/docs/none"), "There is no documentation at this address.")
	for file, want := range map[string]string{"a.svg": "image/svg+xml", "x.html": "application/octet-stream"} {
		header := do(h, signedIn("GET", shopPage+"/files/"+file)).Header()
		if header.Get("Content-Type") != want || !strings.HasSuffix(header.Get("Content-Security-Policy"), "; sandbox") || (want != "image/svg+xml") != (header.Get("Content-Disposition") == "attachment") {
			t.Errorf("%s: %v", file, header)
		}
	}
}

func TestSearch_MarksWhatWasFoundAsText(t *testing.T) {
	api := host(t)
	body := do(people(api), signedIn("GET", "/console/search?term=things&type=software-catalog")).Body.String()
	holds(t, "results", body, `Sells <mark>&lt;b&gt;things&lt;/b&gt;</mark>`, `href="/console/catalog/default/api/shop"`)
	if q, _ := url.ParseQuery(api.of("GET", "/api/search/query")[0].Query); q.Get("term") != "things" || q.Get("types[0]") != "software-catalog" {
		t.Errorf("asked %v", q)
	}
	pageText(t, people(api), "/console/search")
	if len(api.of("GET", "/api/search/query")) != 1 {
		t.Error("an empty form is searched for")
	}
}

func TestAccess_IsAskedForGrantedAndKeptInOrder(t *testing.T) {
	api := host(t)
	h := people(api)
	text := pageText(t, h, "/console/access")
	holds(t, "access", text, "Waiting for your decision 1", "other-9 asks for edge/shop", "“a new till”", "Till of crew", "access edge/shop crew since 1 May 2026", "abc… till 3", "active", "Crew: 60 per minute")
	holds(t, "APIs", pageText(t, h, "/console/apis"), "Shop API", "granted", "Till")
	holds(t, "audit", pageText(t, h, "/console/audit"), "key.issue", "30 min ago", "ann", "edge/shop", "are written to the log of the host")
	holds(t, "tab", pageText(t, h, shopPage+"/access"), "Till", "other-9 asks", "Ask")
	for _, tc := range []struct{ path, form, to, body, location string }{
		{"/console/access/apps", "name=Pier&owner=group:default/crew&once=o1", "/apps", `{"description":"","name":"Pier","owner":"group:default/crew"}`, "/console/access?done=app"},
		{"/console/access/requests", "app=till-1&api=edge/shop&plan=crew&ttlDays=90&reason=why&once=o1&here=" + url.QueryEscape(shopPage+"/access"), "/requests",
			`{"api":"edge/shop","app":"till-1","overrideReason":"","plan":"crew","reason":"why","ttlDays":90}`, shopPage + "/access?done=request"},
		{"/console/access/requests/r1/approve", "comment=fine", "/requests/r1/approve", `{"comment":"fine"}`, "/console/access?done=approve"},
		{"/console/access/requests/r1/reject", "comment=", "/requests/r1/reject", `{"comment":""}`, "/console/access?done=reject"},
		{"/console/access/requests/r1/cancel", "", "/requests/r1/cancel", "", "/console/access?done=cancel"},
		{"/console/access/keys/k1/suspend", "", "/credentials/k1/suspend", `{"reason":""}`, "/console/access?done=suspend"},
		{"/console/access/keys/k1/resume", "", "/credentials/k1/resume", `{"reason":""}`, "/console/access?done=resume"},
		{"/console/access/keys/k1/revoke", "here=https://evil.example/", "/credentials/k1/revoke", `{"reason":""}`, "/console/access?done=revoke"},
	} {
		values, _ := url.ParseQuery(tc.form)
		w := do(h, sent(tc.path, values))
		asked := api.of("POST", "/api/gateway/v1"+tc.to)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != tc.location || len(asked) != 1 || strings.TrimSpace(asked[0].Body) != tc.body || asked[0].Token != "good-token" {
			t.Errorf("%s: %d %s, asked %+v", tc.path, w.Code, w.Header().Get("Location"), asked)
		}
		if once := values.Get("once"); len(asked) == 1 && asked[0].Once != once {
			t.Errorf("%s: sent with the key %q", tc.path, asked[0].Once)
		}
	}
	for _, path := range []string{"/console/access/keys/k1/steal", "/console/access/requests/r1/steal"} {
		if w := do(h, sent(path, nil)); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAccess_ToldWhyAFormWasRefusedWithWhatWasFilledIn(t *testing.T) {
	api := host(t)
	api.answers["POST /api/gateway/v1/requests"] = failing{400, "reason: must say why"}
	for here, want := range map[string]string{"/console/access": "Applications of yours", shopPage + "/access": "Sells things", "//evil.example": "Applications of yours"} {
		w := do(people(api), sent("/console/access/requests", url.Values{"app": {"till-1"}, "api": {"edge/shop"}, "ttlDays": {"7"}, "here": {here}, "once": {"o"}}))
		text, _ := visibleText(t, w.Body.String())
		if w.Code != 400 {
			t.Errorf("%s: %d", here, w.Code)
		}
		holds(t, here, text, want, "reason: must say why")
	}
	w := do(people(api), sent("/console/access/requests", url.Values{"app": {"till-1"}, "api": {"edge/shop"}, "ttlDays": {"7"}}))
	holds(t, "form", w.Body.String(), `name="ttlDays" type="number" min="0" max="36500" value="7"`)
	w = do(people(api), sent("/console/access/requests", url.Values{"ttlDays": {"many"}}))
	holds(t, "days", w.Body.String(), "Days: must be a whole number.")
	api.answers["POST /api/gateway/v1/requests"] = failing{502, "canary"}
	w = do(people(api), sent("/console/access/requests", url.Values{"app": {"till-1"}}))
	if w.Code != 503 || strings.Contains(w.Body.String(), "canary") || !strings.Contains(w.Body.String(), "look before you try again") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestKeys_AreShownOnceByThePageThatAnswersTheForm(t *testing.T) {
	api := host(t)
	h := people(api)
	for path, to := range map[string]string{"/console/access/apps/till-1/keys": "/apps/till-1/credentials", "/console/access/keys/k1/rotate": "/credentials/k1/rotate"} {
		w := do(h, sent(path, url.Values{"api": {"edge/shop"}, "label": {"till 4"}, "once": {"form-1"}}))
		if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Location") != "" || strings.Count(w.Body.String(), "s3cret-canary") != 1 {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
		if asked := api.of("POST", "/api/gateway/v1"+to); len(asked) != 1 || asked[0].Once != "form-1" {
			t.Errorf("%s asked %+v", path, asked)
		}
		if w := do(h, sent(path, url.Values{"api": {"edge/shop"}})); w.Code != 400 || strings.Contains(w.Body.String(), "s3cret") {
			t.Errorf("%s without the key of its form: %d", path, w.Code)
		}
	}
	api.answers["POST /api/gateway/v1/apps/till-1/credentials"] = object{"credential": object{}, "replayed": true}
	w := do(h, sent("/console/access/apps/till-1/keys", url.Values{"once": {"form-1"}}))
	holds(t, "again", w.Body.String(), "This form was sent before")
}

func TestAccess_SaysSoWhereNoPluginManagesIt(t *testing.T) {
	api := host(t)
	for path := range api.answers {
		if strings.Contains(path, "/gateway/v1") {
			delete(api.answers, path)
		}
	}
	h := people(api)
	for _, path := range []string{"/console/access", "/console/audit"} {
		holds(t, path, pageText(t, h, path), "No plugin manages access to APIs on this host")
	}
	if text := pageText(t, h, "/console/apis"); strings.Contains(text, "Your access") {
		t.Error(text)
	}
	if text := pageText(t, h, "/console/"); strings.Contains(text, "cannot be shown") || strings.Contains(text, "request for access") {
		t.Error(text)
	}
}

func TestForms_OfPluginsAreSentInTheNameOfWhoIsSignedIn(t *testing.T) {
	api := host(t)
	h := people(api)
	holds(t, "tab", do(h, signedIn("GET", shopPage+"/access")).Body.String(), `<form method="post" action="/console/forms/gateway/ask">`)
	w := do(h, sent("/console/forms/gateway/ask", url.Values{"entityRef": {"api:default/shop"}, "reason": {"a & b"}}))
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	holds(t, "outcome", w.Body.String(), "It is asked for.", `href="`+shopPage+`"`)
	if asked := api.of("POST", "/api/widgets/v1/forms/gateway/ask"); len(asked) != 1 || asked[0].Body != "entityRef=api%3Adefault%2Fshop&reason=a+%26+b" || asked[0].Token != "good-token" || asked[0].Type != "application/x-www-form-urlencoded" {
		t.Errorf("%+v", asked)
	}
}

func TestGallery_ShowsEachWidgetLiveWithCodeToCopy(t *testing.T) {
	api := host(t)
	h := people(api)
	holds(t, "gallery", pageText(t, h, "/console/gallery"), "Widgets 2", "cost 1", "gateway 1", "Cost", "stat")
	body := do(h, signedIn("GET", "/console/gallery/cost/total?entity=api:default/shop&width=360&theme=dark")).Body.String()
	holds(t, "widget", body, `class="stage w360 dark"`, `data-widget="cost/total"`, `<option value="api:default/shop" selected>`, `href="?entity=api%3Adefault%2Fshop&amp;theme=dark&amp;width=900"`,
		`&lt;script type=&#34;module&#34; src=&#34;https://portal.example.com/embed/v1/embed.js&#34;&gt;`, `&lt;CallboardWidget name=&#34;cost/total&#34; entity=&#34;api:default/shop&#34; height={180} /&gt;`,
		`entity=&#34;api:default/shop&#34; height=&#34;180&#34;&gt;&lt;/callboard-widget&gt;`,
		`- entity-card:callboard/summary: { config: { include: [&#39;cost/total&#39;] } }`,
		`[![Cost](https://portal.example.com/api/widgets/v1/badge/cost/total.svg?entityRef=api%3Adefault%2Fshop)](https://portal.example.com/console/catalog/default/api/shop)`)
	if q, _ := url.ParseQuery(api.of("GET", "/api/widgets/v1/render/cost/total.html")[0].Query); q.Get("w") != "360" || q.Get("entityRef") != "api:default/shop" {
		t.Errorf("asked %v", q)
	}
	holds(t, "default", do(h, signedIn("GET", "/console/gallery/cost/total?width=1&theme=<b>&entity=%3Cb%3E")).Body.String(), `class="stage w560 "`, `<option value="api:default/shop" selected>`)
	if w := do(h, signedIn("GET", "/console/gallery/cost/none")); w.Code != 404 {
		t.Errorf("a widget that is not there: %d", w.Code)
	}
	holds(t, "drawings", pageText(t, h, "/console/gallery/drawings"), "error It cannot be had", "line Values over time", "samples")
	w := do(h, signedIn("GET", "/console/live/render/cost/total.html?entityRef=api:default/shop"))
	if w.Body.String() != figure || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the element gets %v %s", w.Header(), w.Body)
	}
}
