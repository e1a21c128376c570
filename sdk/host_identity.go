package sdk

import (
	"context"
	"time"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Auth is identity: tokens for calls to other plugins, and who a token is.
type Auth struct {
	c pluginv1.HostAuthServiceClient
}

// Token is a bearer token for one other plugin.
type Token struct {
	Value     Secret
	ExpiresAt time.Time
}

// Token issues a token with which this plugin calls another, for the header "Authorization: Bearer …". Needs plugins:
// [target]. With onBehalfOf, a [Caller.UserToken], the other plugin sees the user; that needs onBehalfOf as well.
func (a Auth) Token(ctx context.Context, target, onBehalfOf string) (Token, error) {
	res, err := a.c.GetPluginToken(ctx, &pluginv1.GetPluginTokenRequest{TargetPlugin: target, OnBehalfOf: onBehalfOf})
	if err != nil {
		return Token{}, err
	}
	return Token{Secret(res.GetToken()), res.GetExpiresAt().AsTime()}, nil
}

// Verify says who a token is, as if it came with a request to this plugin; [ErrAuthentication] when it is none. Requests
// that the host passes on are verified already: see [Principal].
func (a Auth) Verify(ctx context.Context, token string) (Caller, error) {
	res, err := a.c.VerifyToken(ctx, &pluginv1.VerifyTokenRequest{Token: token})
	if err != nil {
		return Caller{Type: "none"}, err
	}
	p := res.GetPrincipal()
	return Caller{Type: p.GetType(), Subject: p.GetSubject(), Actor: p.GetActor(), OwnershipRefs: p.GetOwnershipRefs()}, nil
}

// Secrets answers secrets that are fetched late, by name.
type Secrets struct {
	c pluginv1.HostSecretsServiceClient
}

// Get answers the present value. Needs secrets: [name]. It may change between calls: do not keep it.
func (s Secrets) Get(ctx context.Context, name string) (Secret, error) {
	res, err := s.c.GetSecret(ctx, &pluginv1.GetSecretRequest{Name: name})
	return Secret(res.GetValue()), err
}

// Permissions asks the permission policy.
type Permissions struct {
	c pluginv1.HostPermissionServiceClient
}

// PermissionRequest is one question: may it be done, to this resource.
type PermissionRequest struct {
	Permission Permission
	// ResourceRef names the resource, for a permission with a ResourceType.
	ResourceRef string
}

// Authorize decides each request, in the order asked: for the user of a [Caller.UserToken], or for the plugin itself with
// "". Needs permission.
func (p Permissions) Authorize(ctx context.Context, userToken string, requests ...PermissionRequest) ([]bool, error) {
	req := &pluginv1.AuthorizeRequest{UserToken: userToken}
	for _, r := range requests {
		req.Items = append(req.Items, &pluginv1.AuthorizeItem{
			Permission: r.Permission.Name, Action: r.Permission.Action, ResourceType: r.Permission.ResourceType, ResourceRef: r.ResourceRef,
		})
	}
	res, err := p.c.Authorize(ctx, req)
	if err != nil {
		return nil, err
	}
	allowed := make([]bool, len(requests)) // whatever the host does not answer is denied
	for i, d := range res.GetDecisions() {
		if i < len(allowed) {
			allowed[i] = d == pluginv1.AuthorizeResponse_DECISION_ALLOW
		}
	}
	return allowed, nil
}
