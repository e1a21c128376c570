package plugintest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// internalOrigin is where the fake host reaches itself.
const internalOrigin = "http://callboard.internal"

// HideFrom has the permission policy keep entities from a user: what is read with [sdk.Catalog.As] does not hold them.
func (c *Catalog) HideFrom(user string, refs ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hidden == nil {
		c.hidden = map[string]map[entity.Canonical]bool{}
	}
	if c.hidden[user] == nil {
		c.hidden[user] = map[entity.Canonical]bool{}
	}
	for _, ref := range refs {
		if r, err := entity.ParseRef(ref, entity.Defaults{}); err == nil {
			c.hidden[user][r.Canonical()] = true
		}
	}
}

// internal are the routes of other plugins that the SDK calls.
func (h *Harness) internal() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}", h.Catalog.byName)
	mux.HandleFunc("GET /api/catalog/entities/by-query", h.Catalog.byQuery)
	mux.HandleFunc("POST /api/notifications/notifications", h.Notifications.post)
	return mux
}

func (c *Catalog) byName(w http.ResponseWriter, r *http.Request) {
	user, ok := viewer(w, r)
	if !ok {
		return
	}
	ref := entity.Ref{Kind: r.PathValue("kind"), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	c.mu.Lock()
	e, found := c.entities[ref.Canonical()]
	found = found && !c.hidden[user][ref.Canonical()]
	c.mu.Unlock()
	if !found {
		sdk.WriteError(w, r, apierror.NotFoundf("no entity %s", ref))
		return
	}
	_ = json.NewEncoder(w).Encode(e)
}

// byQuery pages by an offset; like the catalog's, a cursor stands for the filters as well.
func (c *Catalog) byQuery(w http.ResponseWriter, r *http.Request) {
	user, ok := viewer(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	filters, offset := q["filter"], 0
	if cursor := q.Get("cursor"); cursor != "" {
		at, rest, _ := strings.Cut(cursor, "|")
		offset, _ = strconv.Atoi(at)
		filters = strings.Split(rest, "|")
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	all := slices.DeleteFunc(c.selected(slices.DeleteFunc(filters, func(f string) bool { return f == "" }), 0), func(e sdk.Entity) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.hidden[user][e.Ref().Canonical()]
	})
	items := []sdk.Entity{}
	for _, e := range all[min(offset, len(all)):min(offset+limit, len(all))] {
		items = append(items, picked(e, q["fields"]))
	}
	page := map[string]string{}
	if offset+limit < len(all) {
		page["nextCursor"] = strconv.Itoa(offset+limit) + "|" + strings.Join(filters, "|")
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "totalItems": len(all), "pageInfo": page})
}

// viewer is the user that a token of [PluginToken] for the catalog stands for.
func viewer(w http.ResponseWriter, r *http.Request) (string, bool) {
	user, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+PluginToken("catalog", ""))
	if !ok || user == "" {
		sdk.WriteError(w, r, apierror.New(apierror.Authentication, "the token is none of a user for the catalog"))
		return "", false
	}
	return user, true
}
