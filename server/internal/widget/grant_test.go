package widget

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"
)

func page(widgets, entities, args string, features ...string) *principal.Principal {
	e := &principal.Embed{App: "portal", Widgets: strings.Fields(widgets), Entities: strings.Fields(entities), Features: features}
	if args != "" {
		if err := json.Unmarshal([]byte(args), &e.Args); err != nil {
			panic(err)
		}
	}
	return &principal.Principal{Kind: principal.Service, Subject: "portal", Embed: e}
}

func TestEmbeddingPages_SeeWhatTheirTokenNames(t *testing.T) {
	const shop, vault = "component:default/shop", "component:default/vault"
	for name, c := range map[string]struct {
		page         *principal.Principal
		entity, args string
		want         apierror.Name // "" = data
	}{
		"all of it":                                {page("*", "*", ""), shop, "", ""},
		"this widget and entity":                   {page("cost/spend", shop, ""), "component:shop", "", ""},
		"a ref in another case":                    {page("cost/*", shop, ""), "Component:Default/SHOP", "", ""},
		"another widget":                           {page("cost/trend sentry/*", "*", ""), shop, "", apierror.NotAllowed},
		"no widget":                                {page("", "*", ""), shop, "", apierror.NotAllowed},
		"another entity":                           {page("*", shop, ""), vault, "", apierror.NotAllowed},
		"another entity that does not exist":       {page("*", shop, ""), "component:default/nope", "", apierror.NotAllowed},
		"an entity that the service may not read":  {page("*", "*", ""), "component:default/nope", "", apierror.NotFound},
		"no ref":                                   {page("*", "*", ""), "", "", apierror.Input},
		"a locked argument":                        {page("*", "*", `{"top":5}`), shop, "", ""},
		"a locked argument, repeated":              {page("*", "*", `{"top":5}`), shop, `{"top": 5}`, ""},
		"a locked argument, changed":               {page("*", "*", `{"top":5}`), shop, `{"top":6}`, apierror.NotAllowed},
		"a locked argument, changed at the end":    {page("*", "*", `{"top":5}`), shop, `{"top":5,"top":6}`, apierror.NotAllowed},
		"a locked argument, null":                  {page("*", "*", `{"top":5}`), shop, `{"top":null}`, apierror.NotAllowed},
		"a locked argument, and none at all":       {page("*", "*", `{"top":5}`), shop, `null`, apierror.Input},
		"a locked argument, and a list":            {page("*", "*", `{"top":5}`), shop, `[]`, apierror.Input},
		"a locked argument that it does not take":  {page("*", "*", `{"tenant":"a"}`), shop, "", apierror.Input},
		"an argument of its own, wrong":            {page("*", "*", ""), shop, `{"top":0}`, apierror.Input},
		"a locked argument beside one of the page": {page("*", "*", `{"top":5}`), shop, `{"tenant":1}`, apierror.Input},
	} {
		r := start(t, nil)
		r.widget.answer = questioned
		q := Request{ID: "cost/spend", Entity: c.entity}
		if c.args != "" {
			q.Args = json.RawMessage(c.args)
		}
		a, err := r.engine.Data(t.Context(), c.page, q)
		if c.want != "" {
			if !apierror.Has(err, c.want) {
				t.Errorf("%s: %v, want a %s", name, err, c.want)
			}
			if r.widget.asked.Load() > 0 {
				t.Errorf("%s: the widget was asked", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := a.Frames[0].Columns[0].Values[0]; len(c.page.Embed.Args) > 0 && got != `{"top":5}` {
			t.Errorf("%s: the widget got %v", name, got)
		}
	}
}

func TestEmbeddingPages_ListWhatTheyMaySee(t *testing.T) {
	r := start(t, nil)
	found, err := r.engine.For(t.Context(), page("other/*", "*", ""), "component:default/shop")
	if err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	if found, err = r.engine.For(t.Context(), page("cost/*", "*", ""), "component:default/shop"); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err = r.engine.For(t.Context(), page("*", "api:*", ""), "component:default/shop"); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("another entity: %v", err)
	}
	for _, path := range []string{"/catalog", "/entities/component/default/shop", spend, spendHTML} {
		if res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+path, "", "Authorization", "Bearer embed:portal"); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestEmbeddingPages_ExportOnlyWithThatFeature(t *testing.T) {
	r := start(t, nil)
	csv := strings.Replace(spendHTML, ".html", ".csv", 1)
	if res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+csv, "", "Authorization", "Bearer embed:portal"); res.StatusCode != http.StatusForbidden {
		t.Errorf("without the feature: %d", res.StatusCode)
	}
	if status, _ := r.get(csv); status != http.StatusOK {
		t.Errorf("a user: %d", status)
	}
	if err := mayExport(page("*", "*", "", "export"), CSV); err != nil {
		t.Error(err)
	}
}

// questioned answers what the widget was asked with.
func questioned(_ context.Context, q Query) ([]*frame.Frame, error) {
	return []*frame.Frame{frame.New("args", frame.Strings("args", string(q.Args)))}, nil
}
