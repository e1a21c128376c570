package plugintest

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// UserToken is the limited token that the fake host gives with requests of a user. [sdk.Auth.Verify] knows it again.
func UserToken(user string) string { return "user-token/" + user }

// PluginToken is the token that the fake host issues for calls to another plugin.
func PluginToken(target, onBehalfOf string) string {
	return "plugin-token/" + target + "/" + strings.TrimPrefix(onBehalfOf, "user-token/")
}

type authService struct {
	pluginv1.UnimplementedHostAuthServiceServer

	h *Harness
}

func (s authService) GetPluginToken(_ context.Context, req *pluginv1.GetPluginTokenRequest) (*pluginv1.GetPluginTokenResponse, error) {
	if obo := req.GetOnBehalfOf(); obo != "" && !strings.HasPrefix(obo, UserToken("")) {
		return nil, apierror.New(apierror.Authentication, "the token of the user is none")
	}
	return &pluginv1.GetPluginTokenResponse{
		Token: PluginToken(req.GetTargetPlugin(), req.GetOnBehalfOf()), ExpiresAt: timestamppb.New(s.h.Clock.Now().Add(time.Hour)),
	}, nil
}

func (s authService) VerifyToken(_ context.Context, req *pluginv1.VerifyTokenRequest) (*pluginv1.VerifyTokenResponse, error) {
	user, ok := strings.CutPrefix(req.GetToken(), UserToken(""))
	if !ok {
		return nil, apierror.New(apierror.Authentication, "not a token of this host")
	}
	return &pluginv1.VerifyTokenResponse{Principal: &pluginv1.Principal{Type: "user", Subject: user, OwnershipRefs: []string{user}}}, nil
}

// Secrets are what the plugin can ask for by name.
type Secrets struct {
	mu sync.Mutex
	by map[string]string
}

// Put sets a secret.
func (s *Secrets) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]string{}
	}
	s.by[name] = value
}

type secretsService struct {
	pluginv1.UnimplementedHostSecretsServiceServer

	s *Secrets
}

func (s secretsService) GetSecret(_ context.Context, req *pluginv1.GetSecretRequest) (*pluginv1.GetSecretResponse, error) {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	value, ok := s.s.by[req.GetName()]
	if !ok {
		return nil, apierror.NotFoundf("no secret %q", req.GetName())
	}
	return &pluginv1.GetSecretResponse{Value: value}, nil
}

// Permissions is the permission policy: everything is allowed but what the test denies.
type Permissions struct {
	mu     sync.Mutex
	denied map[string]bool
}

// Deny denies a permission to everybody.
func (p *Permissions) Deny(permission string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.denied == nil {
		p.denied = map[string]bool{}
	}
	p.denied[permission] = true
}

type permissionService struct {
	pluginv1.UnimplementedHostPermissionServiceServer

	p *Permissions
}

func (s permissionService) Authorize(_ context.Context, req *pluginv1.AuthorizeRequest) (*pluginv1.AuthorizeResponse, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	out := &pluginv1.AuthorizeResponse{}
	for _, item := range req.GetItems() {
		decision := pluginv1.AuthorizeResponse_DECISION_ALLOW
		if s.p.denied[item.GetPermission()] {
			decision = pluginv1.AuthorizeResponse_DECISION_DENY
		}
		out.Decisions = append(out.Decisions, decision)
	}
	return out, nil
}

type discoveryService struct {
	pluginv1.UnimplementedHostDiscoveryServiceServer
}

func (discoveryService) GetBaseUrl(_ context.Context, req *pluginv1.GetBaseUrlRequest) (*pluginv1.GetBaseUrlResponse, error) { //nolint:revive // the name of the generated method
	return &pluginv1.GetBaseUrlResponse{
		External: "https://portal.example.com/api/" + req.GetPlugin(), Internal: internalOrigin + "/api/" + req.GetPlugin(),
	}, nil
}
