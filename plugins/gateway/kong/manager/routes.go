package manager

import (
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk"
)

// route is one line of the table.
type route struct {
	method, path string // "/{instance}/services/{service}"
	permission   sdk.Permission
	status       int
	writes       string // the event that is recorded, "" = nothing is changed
	answer       func(*call) (any, error)
}

// table is searched from the top: patterns overlap, such as those of an instance whose name is that of a kind.
var table = []route{
	{http.MethodGet, "/{instance}/plugins", readAvailable, http.StatusOK, "", (*call).available},
	{http.MethodGet, "/{instance}/services/plugins/{plugin}/fields", readAvailable, http.StatusOK, "", (*call).fields},
	{http.MethodGet, "/{instance}/services/{service}", readService, http.StatusOK, "", (*call).service},
	{http.MethodGet, "/{instance}/services/{service}/plugins/associated", readAssociated, http.StatusOK, "", (*call).associated},
	{http.MethodPost, "/{instance}/services/{service}/plugins", applyToService, http.StatusCreated, "kong.plugin.create", (*call).addPlugin},
	{http.MethodPatch, "/{instance}/services/{service}/plugins/{plugin}", updateOnService, http.StatusOK, "kong.plugin.update", (*call).editPlugin},
	{http.MethodDelete, "/{instance}/services/{service}/plugins/{plugin}", disableFromService, http.StatusNoContent, "kong.plugin.delete", (*call).removePlugin},
	{http.MethodGet, "/{instance}/services/{service}/routes", readRoutes, http.StatusOK, "", (*call).routes},
	{http.MethodGet, "/{instance}/services/{service}/routes/{route}", readRoutes, http.StatusOK, "", (*call).route},
	{http.MethodPost, "/{instance}/services/{service}/routes", createRoute, http.StatusCreated, "kong.route.create", (*call).addRoute},
	{http.MethodPatch, "/{instance}/services/{service}/routes/{route}", updateRoute, http.StatusOK, "kong.route.update", (*call).editRoute},
	{http.MethodDelete, "/{instance}/services/{service}/routes/{route}", deleteRoute, http.StatusOK, "kong.route.delete", (*call).removeRoute},
	{http.MethodGet, "/{instance}/routes/{route}/plugins", readAssociatedRoute, http.StatusOK, "", (*call).associated},
	{http.MethodGet, "/{instance}/routes/{route}/plugins/associated", readAssociatedRoute, http.StatusOK, "", (*call).associated},
	{http.MethodPost, "/{instance}/routes/{route}/plugins", applyToRoute, http.StatusCreated, "kong.plugin.create", (*call).addPlugin},
	{http.MethodPatch, "/{instance}/routes/{route}/plugins/{plugin}", updateOnRoute, http.StatusOK, "kong.plugin.update", (*call).editPlugin},
	{http.MethodDelete, "/{instance}/routes/{route}/plugins/{plugin}", disableFromRoute, http.StatusNoContent, "kong.plugin.delete", (*call).removePlugin},
	{http.MethodGet, "/health", sdk.Permission{}, http.StatusOK, "", func(*call) (any, error) { return map[string]string{"status": "ok"}, nil }},
	{http.MethodGet, "/spec/{entity}/plugins", readSpecs, http.StatusOK, "", (*call).specPlugins},
	{http.MethodGet, "/{kind}/{entity}/specs", readSpecs, http.StatusOK, "", (*call).specs},
}

// find is the first route that matches, and what its path names; where none has the method, the methods of those that match
// otherwise.
func find(method string, segments []string) (*route, map[string]string, []string) {
	var allow []string
	for i := range table {
		values, ok := match(table[i].path, segments)
		if ok && table[i].method == method {
			return &table[i], values, nil
		}
		if ok && !slices.Contains(allow, table[i].method) {
			allow = append(allow, table[i].method)
		}
	}
	return nil, nil, allow
}

func match(pattern string, segments []string) (map[string]string, bool) {
	parts := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, part := range parts {
		if name, variable := strings.CutPrefix(part, "{"); variable {
			values[strings.TrimSuffix(name, "}")] = segments[i]
		} else if part != segments[i] {
			return nil, false
		}
	}
	return values, true
}
