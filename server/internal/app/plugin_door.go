package app

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// pluginDoor is what plugins reach of the host at callboard.internal: features and other plugins under /api, with a token
// or with what is public. People's sign-in is closed to them, since a guest's or another session would be a user's token
// that nobody granted; what verifies tokens is open.
func pluginDoor(edge http.Handler) http.Handler {
	const api, auth = "/api/", "/api/auth/"
	open := []string{auth + ".well-known/", auth + ".backstage/auth/v1/jwks.json", auth + "v1/userinfo"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.ToLower(r.URL.EscapedPath()) // the edge takes ids in any case, and an escaped letter for none
		under := func(prefix string) bool { return strings.HasPrefix(path, prefix) }
		if !under(api) || path+"/" == auth || under(auth) && !slices.ContainsFunc(open, under) {
			refused := apierror.NotAllowedf("Plugins reach the routes under /api, and those of sign-in are not for them")
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"name": refused.Name, "message": refused.Message}})
			return
		}
		edge.ServeHTTP(w, r)
	})
}
