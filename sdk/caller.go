package sdk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Caller is who sent a request, as the host found out.
type Caller struct {
	// Type is "user", "service" or "none".
	Type string `json:"type"`
	// Subject is "user:default/ann", "plugin:scaffolder" or "external:ci".
	Subject string `json:"subject"`
	// Actor is the service that acts for a user, "" = the user directly.
	Actor string `json:"actor,omitempty"`
	// OwnershipRefs are what a user owns things through: the user's own ref and those of groups.
	OwnershipRefs []string `json:"ownershipRefs,omitempty"`

	userToken string
}

// IsUser reports whether a person calls, directly or through a service.
func (c Caller) IsUser() bool { return c.Type == "user" }

// IsService reports whether a service or a plugin calls for itself.
func (c Caller) IsService() bool { return c.Type == "service" }

// UserToken is a limited token of the calling user, with which [Auth.Token] and [Permissions.Authorize] act for that
// user. "" unless the manifest needs onBehalfOf and a user calls.
func (c Caller) UserToken() string { return c.userToken }

// Principal is who sent the request that a handler answers, or the form that a widget takes. Outside of these, or on an
// unauthenticated route, the caller's Type is "none".
func Principal(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return Caller{Type: "none"}
}

type callerKey struct{}

const (
	principalHeader = "X-Callboard-Principal"
	userTokenHeader = "X-Callboard-User-Token" //nolint:gosec // the name of a header
)

// callerOf reads the host's headers. The host removes them from what it receives, so they can be trusted; what cannot be
// read counts as nobody.
func callerOf(h http.Header) Caller {
	c := Caller{Type: "none"}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(h.Get(principalHeader), "="))
	if err != nil || json.Unmarshal(data, &c) != nil || c.Type == "" {
		return Caller{Type: "none"}
	}
	c.userToken = h.Get(userTokenHeader)
	return c
}
