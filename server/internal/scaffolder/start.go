package scaffolder

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// Start asks for a task.
type Start struct {
	TemplateRef string          // "template:default/go-service"; kind and namespace may be left out
	Values      json.RawMessage // an object
	Secrets     map[string]string
	Principal   *principal.Principal // who asks, and in whose name the task runs
	// ID is the task's UUID when asking twice must make one task: then the second time is a ConflictError. "" = a new one.
	ID string
	// CreatedBy is what lists say of a task that no user made; "" = nothing, as in the reference.
	CreatedBy string
}

// Start makes a task and returns its id; a worker runs it. Values that do not fit are an [InvalidError].
func (s *Service) Start(ctx context.Context, start Start) (taskID string, err error) {
	ref, err := entity.ParseRef(start.TemplateRef, entity.Defaults{Kind: "template"})
	if err != nil {
		return "", err
	}
	p := start.Principal
	if err := permission.Require(ctx, s.Authorizer, p, PermissionTaskCreate); err != nil {
		return "", err
	}
	t, err := s.template(ctx, p, ref)
	if err != nil {
		return "", err
	}
	if err := s.checkValues(ctx, p, t, start.Values, start.Secrets); err != nil {
		return "", err
	}
	spec, err := workflow.NewSpec(t.Template, start.Values)
	if err != nil {
		return "", err
	}
	spec.TemplateInfo = t.Info(ref.String())
	if spec.User, err = s.user(ctx, p); err != nil {
		return "", err
	}
	text, err := jsvalue.JSON(spec)
	if err != nil {
		return "", fmt.Errorf("make a task of %s: %w", ref, err)
	}
	made, err := s.tasks.Create(ctx, task.NewTask{ID: start.ID, Spec: text, Initiator: p, CreatedBy: start.CreatedBy, Secrets: secretsOf(start.Secrets)})
	if err != nil {
		return "", err
	}
	s.Logger.InfoContext(ctx, "scaffolder task created", "task", made.ID, "template", ref.String(), "user", spec.User.Ref)
	return made.ID, nil
}

// user is who a task runs for, as templates see it: empty for a service.
func (s *Service) user(ctx context.Context, p *principal.Principal) (*workflow.User, error) {
	if p.Kind != principal.User {
		return &workflow.User{}, nil
	}
	document, err := s.Catalog.Entity(ctx, p, p.Subject)
	if err != nil && !apierror.Has(err, apierror.NotFound) {
		return nil, fmt.Errorf("look up the user %s: %w", p.Subject, err)
	}
	return &workflow.User{Entity: document, Ref: p.Subject}, nil
}

// secretsOf is what a user entered. The name of the initiator's token is the host's.
func secretsOf(entered map[string]string) secret.Set {
	set := make(secret.Set, len(entered)+1)
	for name, text := range entered {
		if name != task.TokenSecret {
			set[name] = secret.New(text)
		}
	}
	return set
}
