package actionregistry

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
)

// authActions are the actions of the feature auth.
type authActions struct {
	*client
	identity Identity
}

func (a authActions) all() map[string]run { return map[string]run{"who-am-i": a.whoAmI} }

// userInfo is what a user owns things through.
type userInfo struct {
	User      string   `json:"userEntityRef"`
	Ownership []string `json:"ownershipEntityRefs"`
}

func (a authActions) whoAmI(ctx context.Context, caller *principal.Principal, _ json.RawMessage) (any, error) {
	if caller.Kind != principal.User {
		return nil, apierror.NotAllowedf("This action requires user credentials")
	}
	ref, err := entity.ParseRef(caller.Subject, entity.Defaults{Kind: "user"})
	if err != nil {
		return nil, apierror.Inputf("%v", err)
	}
	path := "/entities/by-name/" + url.PathEscape(ref.Kind) + "/" + url.PathEscape(ref.Namespace) + "/" + url.PathEscape(ref.Name)
	found, err := a.call(ctx, caller, request{target: "catalog", method: http.MethodGet, path: path})
	if missing(err) {
		return nil, apierror.NotFoundf("User entity not found in the catalog for \"%s\"", caller.Subject)
	}
	if err != nil {
		return nil, err
	}
	owned, err := a.identity.Ownership(ctx, caller)
	if err != nil {
		return nil, err
	}
	if owned == nil {
		owned = []string{}
	}
	return map[string]any{"entity": found, "userInfo": userInfo{caller.Subject, owned}}, nil
}
