package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/console/shell"
)

// maxOwned is how many entities of the viewer the first page lists.
const maxOwned = 12

type homeView struct {
	Notices   []string
	Health    Health
	Owned     []item
	MoreOwned int
	// OwnedQuery is the address of all that the viewer owns.
	OwnedQuery string
	Starred    []item
	Decisions  int
}

// home begins with a search, what is the viewer's, and what waits for the viewer.
func (p *Portal) home(v *visit) {
	view := homeView{Health: p.o.Health(v.Request)}
	together(
		func() { v.missed("What you own", v.owned(&view)) },
		func() { v.missed("What you have starred", v.starred(&view)) },
		func() {
			waiting, err := v.decisions()
			v.missed("What waits for your decision", err)
			view.Decisions = len(waiting)
		},
	)
	view.Notices = v.noticed()
	v.render(http.StatusOK, "home", shell.Page{Active: shell.Home, NoSearch: true, Data: view})
}

// ownership are the refs that the viewer owns things by.
func (v *visit) ownership() ([]string, error) {
	if !v.viewer.Person {
		return nil, nil
	}
	var info struct {
		Claims struct {
			Sub string
			Ent []string
		}
	}
	if err := v.api.get(v.Context(), "/auth/v1/userinfo", nil, &info); err != nil {
		return nil, err
	}
	refs := slices.Clone(info.Claims.Ent)
	if !slices.Contains(refs, info.Claims.Sub) && info.Claims.Sub != "" {
		refs = append([]string{info.Claims.Sub}, refs...)
	}
	return refs, nil
}

// page is a page of entities.
type page struct {
	Items    []entity.Entity
	Total    int `json:"totalItems"`
	PageInfo struct {
		Next string `json:"nextCursor"`
		Prev string `json:"prevCursor"`
	}
}

func (v *visit) owned(view *homeView) error {
	refs, err := v.ownership()
	if err != nil || len(refs) == 0 {
		return err
	}
	body := map[string]any{"limit": maxOwned, "fields": strings.Split(itemFields, ","), "orderBy": []map[string]string{{"field": "metadata.name", "order": "asc"}},
		"query": map[string]any{"$all": []any{
			map[string]any{"kind": map[string]any{"$in": []string{"component", "api", "resource", "system", "domain", "template"}}},
			map[string]any{"relations.ownedBy": map[string]any{"$in": refs}},
		}}}
	var found page
	if err := v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entities/by-query", body: body}, &found); err != nil {
		return err
	}
	for _, e := range found.Items {
		view.Owned = append(view.Owned, itemOf(e))
	}
	view.MoreOwned = found.Total - len(found.Items)
	view.OwnedQuery = catalogPath + "?" + url.Values{"owner": refs}.Encode()
	return nil
}

// starred are entities that the viewer has starred in the frontend.
func (v *visit) starred(view *homeView) error {
	if !v.viewer.Person {
		return nil
	}
	var setting struct{ Value []string }
	if err := v.api.get(v.Context(), "/user-settings/buckets/starredEntities/keys/entityRefs", nil, &setting); err != nil {
		return err
	}
	if len(setting.Value) == 0 {
		return nil
	}
	found, err := v.byRefs(setting.Value[:min(len(setting.Value), maxOwned)])
	for _, e := range found {
		if e != nil {
			view.Starred = append(view.Starred, itemOf(e))
		}
	}
	return err
}

// byRefs are entities in the order asked for; nil = the viewer may not see it, or there is none.
func (v *visit) byRefs(refs []string) ([]entity.Entity, error) {
	var found struct{ Items []entity.Entity }
	err := v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entities/by-refs",
		body: map[string]any{"entityRefs": refs, "fields": []string{"kind", "metadata.name", "metadata.namespace", "metadata.title", "metadata.description", "spec.type", "spec.profile.displayName"}}}, &found)
	return found.Items, err
}
