package sdk_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// lookup is a plugin whose routes answer what its caller may see of the catalog.
func lookup() *sdk.Plugin {
	p := sdk.New("lookup")
	p.HandleFunc("GET /entity", func(w http.ResponseWriter, r *http.Request) {
		e, err := p.Host().Catalog.As(sdk.Principal(r.Context())).Entity(r.Context(), r.URL.Query().Get("ref"))
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		fmt.Fprint(w, e.Name())
	})
	p.HandleFunc("GET /names", func(w http.ResponseWriter, r *http.Request) {
		var names []string
		q := sdk.Query{Filters: []string{"kind=component"}, Fields: []string{"metadata.name"}}
		q.Limit, _ = strconv.Atoi(r.URL.Query().Get("limit")) // 0 = all
		for e, err := range p.Host().Catalog.As(sdk.Principal(r.Context())).Query(r.Context(), q) {
			if err != nil {
				sdk.WriteError(w, r, err)
				return
			}
			names = append(names, e.Name())
		}
		fmt.Fprint(w, strings.Join(names, " "))
	})
	return p
}

func TestCatalogView_ShowsEachCallerWhatItMayRead(t *testing.T) {
	h := plugintest.Start(t, lookup())
	h.Catalog.Put(plugintest.Component("shop"), plugintest.Component("vault"))
	h.Catalog.HideFrom("user:default/eve", "component:default/vault")
	ann, eve, ci := plugintest.As("user:default/ann"), plugintest.As("user:default/eve"), plugintest.As("plugin:ci")
	for _, c := range []struct {
		path   string
		as     plugintest.RequestOption
		status int
		text   string
	}{
		{"/entity?ref=component:default/vault", ann, http.StatusOK, "vault"},
		{"/entity?ref=Component:Vault", ann, http.StatusOK, "vault"},
		{"/entity?ref=component:default/vault", eve, http.StatusNotFound, "may not read it"},
		{"/entity?ref=component:default/vault", ci, http.StatusOK, "vault"},
		{"/entity?ref=component:default/vault", nil, http.StatusUnauthorized, "nobody is signed in"},
		{"/entity?ref=%2F%2E%2E", ann, http.StatusBadRequest, ""},
		{"/names", ann, http.StatusOK, "shop vault"},
		{"/names", eve, http.StatusOK, "shop"},
		{"/names", ci, http.StatusOK, "shop vault"},
	} {
		var as []plugintest.RequestOption
		if c.as != nil {
			as = append(as, c.as)
		}
		if res := h.Get(c.path, as...); res.Status != c.status || !strings.Contains(res.Text(), c.text) {
			t.Errorf("%s: %d %s, want %d %q", c.path, res.Status, res.Text(), c.status, c.text)
		}
	}
}

func TestCatalogView_ReadsAsManyPagesAsThereAre(t *testing.T) {
	h := plugintest.Start(t, lookup())
	for i := range 450 {
		h.Catalog.Put(plugintest.Component(fmt.Sprintf("c%03d", i)))
	}
	for limit, want := range map[string]int{"": 450, "1": 1, "200": 200, "201": 201, "1000": 450} {
		got := strings.Fields(h.Get("/names?limit="+limit, plugintest.As("user:default/ann")).Text())
		if len(got) != want || !slices.IsSorted(got) {
			t.Errorf("limit %q: %d names, want %d", limit, len(got), want)
		}
	}
}

func TestCatalogView_TellsTroubleFromAbsence(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"down":      {http.StatusInternalServerError, "", sdk.ErrServiceUnavailable},
		"forbidden": {http.StatusForbidden, "", sdk.ErrNotAllowed},
		"expired":   {http.StatusUnauthorized, "", sdk.ErrAuthentication},
		"broken":    {http.StatusOK, `{"kind":`, sdk.ErrServiceUnavailable},
		"page":      {http.StatusOK, "<html>", sdk.ErrServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := sdk.New("lookup")
			var got error
			p.HandleFunc("GET /", func(_ http.ResponseWriter, r *http.Request) {
				_, got = p.Host().Catalog.As(sdk.Principal(r.Context())).Entity(r.Context(), "component:shop")
			})
			h := plugintest.Start(t, p)
			h.Outgoing.HandleFunc("http://callboard.internal", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			h.Get("/", plugintest.As("user:default/ann"))
			if !errors.Is(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
