package hostsvc

import (
	"context"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type authService struct {
	pluginv1.UnimplementedHostAuthServiceServer
	*host
}

func (s authService) GetPluginToken(ctx context.Context, r *pluginv1.GetPluginTokenRequest) (*pluginv1.GetPluginTokenResponse, error) {
	if s.backend.Auth == nil {
		return nil, absent("identity to plugins")
	}
	token, err := s.backend.Auth.PluginToken(ctx, s.plugin, r.GetTargetPlugin(), r.GetOnBehalfOf())
	if err != nil {
		return nil, err
	}
	return &pluginv1.GetPluginTokenResponse{Token: token.Text, ExpiresAt: timestamppb.New(token.Expires)}, nil
}

func (s authService) VerifyToken(ctx context.Context, r *pluginv1.VerifyTokenRequest) (*pluginv1.VerifyTokenResponse, error) {
	if s.backend.Auth == nil {
		return nil, absent("identity to plugins")
	}
	if r.GetToken() == "" {
		return nil, apierror.Inputf("token is empty")
	}
	id, err := s.backend.Auth.Verify(ctx, s.plugin, r.GetToken())
	if err != nil {
		return nil, err
	}
	return &pluginv1.VerifyTokenResponse{Principal: &pluginv1.Principal{
		Type: id.Type, Subject: id.Subject, Actor: id.Actor, OwnershipRefs: id.Ownership,
	}}, nil
}

type permissionService struct {
	pluginv1.UnimplementedHostPermissionServiceServer
	*host
}

// maxQuestions is how many permissions one call may ask about.
const maxQuestions = 500

func (s permissionService) Authorize(ctx context.Context, r *pluginv1.AuthorizeRequest) (*pluginv1.AuthorizeResponse, error) {
	if s.backend.Permission == nil {
		return nil, absent("permissions to plugins")
	}
	if len(r.GetItems()) > maxQuestions {
		return nil, apierror.Inputf("at most %d items may be asked about at a time, these are %d", maxQuestions, len(r.GetItems()))
	}
	questions := make([]Question, len(r.GetItems()))
	for i, item := range r.GetItems() {
		if err := checkKey("the name of a permission", item.GetPermission(), maxName); err != nil {
			return nil, err
		}
		if item.GetResourceType() != "" && item.GetResourceRef() == "" {
			return nil, apierror.Inputf("item %d: permissions of a resource type need a resource_ref", i)
		}
		questions[i] = Question{item.GetPermission(), item.GetAction(), item.GetResourceType(), item.GetResourceRef()}
	}
	allowed, err := s.backend.Permission.Authorize(ctx, s.plugin, r.GetUserToken(), questions)
	if err != nil {
		return nil, err
	}
	decisions := make([]pluginv1.AuthorizeResponse_Decision, len(questions))
	for i := range decisions {
		decisions[i] = pluginv1.AuthorizeResponse_DECISION_DENY
		if i < len(allowed) && allowed[i] {
			decisions[i] = pluginv1.AuthorizeResponse_DECISION_ALLOW
		}
	}
	return &pluginv1.AuthorizeResponse{Decisions: decisions}, nil
}

type secretsService struct {
	pluginv1.UnimplementedHostSecretsServiceServer
	*host
}

func (s secretsService) GetSecret(ctx context.Context, r *pluginv1.GetSecretRequest) (*pluginv1.GetSecretResponse, error) {
	if s.backend.Secrets == nil {
		return nil, absent("secrets to plugins")
	}
	value, err := s.backend.Secrets.Secret(ctx, s.plugin, r.GetName())
	if err != nil {
		return nil, err
	}
	s.redact.learn(value)
	return &pluginv1.GetSecretResponse{Value: value}, nil
}

type discoveryService struct {
	pluginv1.UnimplementedHostDiscoveryServiceServer
	*host
}

func (s discoveryService) GetBaseUrl(ctx context.Context, r *pluginv1.GetBaseUrlRequest) (*pluginv1.GetBaseUrlResponse, error) { //nolint:revive // the generated interface's spelling
	if s.backend.Discovery == nil {
		return nil, absent("discovery to plugins")
	}
	target := r.GetPlugin()
	if !plainWord.MatchString(target) || strings.ContainsAny(target, "/:@.") {
		return nil, apierror.Inputf("%s is not the id of a plugin", plain(target))
	}
	external, internal, err := s.backend.Discovery.BaseURL(ctx, target)
	if err != nil {
		return nil, err
	}
	return &pluginv1.GetBaseUrlResponse{External: external, Internal: internal}, nil
}
