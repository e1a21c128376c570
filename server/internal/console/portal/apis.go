package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

type apisView struct {
	Notices []string
	Items   []apiItem
	Term    string
	Type    string
	Types   []choice
	Total   int
	// Managed tells that there is a plugin that knows who has access.
	Managed bool
}

// apiItem is an API, and how the viewer stands to it.
type apiItem struct {
	item

	State string // "granted", "pending", "open" = may be asked for, "" = nobody manages it here
	Apps  []string
}

// maxAPIs bounds the list; the catalog pages through more.
const maxAPIs = 500

// apis lists all APIs with their types, owners and what the viewer may do with them.
func (p *Portal) apis(v *visit) {
	q := v.URL.Query()
	view := apisView{Term: strings.TrimSpace(q.Get("q")), Type: q.Get("type")}
	var found page
	var failed error
	var states map[string]apiItem
	together(
		func() { found, failed = v.allAPIs(view.Term) },
		func() {
			var err error
			states, err = v.accessStates()
			view.Managed = err == nil
			v.missed("Who has access", err)
		},
	)
	if failed != nil {
		v.fail(failed)
		return
	}
	types := map[string]int{}
	for _, e := range found.Items {
		i := itemOf(e)
		types[i.Type]++
		if view.Type != "" && view.Type != i.Type {
			continue
		}
		known := states[i.Ref]
		view.Items = append(view.Items, apiItem{item: i, State: known.State, Apps: known.Apps})
	}
	for t, n := range types {
		view.Types = append(view.Types, choice{Value: t, Text: t, Count: n, Chosen: t == view.Type})
	}
	slices.SortFunc(view.Types, func(x, y choice) int { return strings.Compare(x.Text, y.Text) })
	view.Total, view.Notices = found.Total, v.noticed()
	v.render(http.StatusOK, "apis", shell.Page{Title: "APIs", Active: "/console/apis", Data: view})
}

func (v *visit) allAPIs(term string) (page, error) {
	body := map[string]any{"limit": maxAPIs, "fields": strings.Split(itemFields, ","), "query": map[string]any{"kind": "api"},
		"orderBy": []map[string]string{{"field": "metadata.name", "order": "asc"}}}
	if term != "" {
		body["fullTextFilter"] = map[string]any{"term": term, "fields": []string{"metadata.name", "metadata.title", "metadata.description"}}
	}
	var found page
	err := v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entities/by-query", body: body}, &found)
	return found, err
}

// accessStates is how the viewer stands to APIs, by the refs of their entities.
func (v *visit) accessStates() (map[string]apiItem, error) {
	var entries []gatewayEntry
	var apps []gatewayApp
	var first, second error
	together(
		func() { entries, first = list[gatewayEntry](v, "/apis", nil) },
		func() { apps, second = v.apps() },
	)
	if first != nil {
		return nil, first
	}
	v.missed("Your access", second)
	states := map[string]apiItem{}
	for _, e := range entries {
		s := states[e.Entity]
		s.State = "open"
		states[e.Entity] = s
	}
	requested := v.requestedBy(apps)
	for _, a := range apps {
		for _, g := range a.Grants {
			if s, ok := states[g.Entity]; ok && !g.Withdrawn {
				s.State, s.Apps = "granted", append(s.Apps, a.Name)
				states[g.Entity] = s
			}
		}
		for _, r := range requested[a.ID] {
			if s, ok := states[r.Entity]; ok && r.Status == "pending" && s.State == "open" {
				s.State, s.Apps = "pending", append(s.Apps, a.Name)
				states[r.Entity] = s
			}
		}
	}
	return states, nil
}

// maxApps bounds for how many applications a page asks one by one.
const maxApps = 40

// requestedBy are the requests of applications by their ids.
func (v *visit) requestedBy(apps []gatewayApp) map[string][]gatewayRequest {
	apps = apps[:min(len(apps), maxApps)]
	lists := make([][]gatewayRequest, len(apps))
	var parts []func()
	for i, a := range apps {
		parts = append(parts, func() {
			var err error
			lists[i], err = list[gatewayRequest](v, "/requests", url.Values{"app": {a.ID}})
			v.missed("Requests of "+a.Name, err)
		})
	}
	together(parts...)
	out := map[string][]gatewayRequest{}
	for i, a := range apps {
		out[a.ID] = lists[i]
	}
	return out
}
