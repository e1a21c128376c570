package shell

import "net/http"

// Access says who may use a route.
type Access int

// The rules of access.
const (
	// Everybody may.
	Everybody Access = iota
	// SignedIn needs a token; what it may see is decided by the API that the page asks with it.
	SignedIn
	// Facts is for who may see the state of the host.
	Facts
	// Operators restart plugins and read their logs.
	Operators
)

// Route is one address of the console. Every route that changes something is a POST, and refuses forms of other sites.
type Route struct {
	Pattern string // "GET /console/catalog", as [http.ServeMux] reads it
	Access  Access
	Serve   http.HandlerFunc
}

// Foreign reports whether a browser sent the request on behalf of another origin.
func Foreign(r *http.Request) bool {
	return http.NewCrossOriginProtection().Check(r) != nil
}
