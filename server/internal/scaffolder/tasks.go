package scaffolder

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// Task is the task with that id. It is a NotAllowedError unless p has all of those permissions on it.
func (s *Service) Task(ctx context.Context, p *principal.Principal, id string, perms ...permission.Permission) (task.Task, error) {
	t, err := s.tasks.Get(ctx, id)
	if err != nil {
		return task.Task{}, err
	}
	if err := s.requireTask(ctx, p, t.CreatedBy, perms...); err != nil {
		return task.Task{}, err
	}
	return t, nil
}

// List is a page of the tasks that p may read, and how many there are.
func (s *Service) List(ctx context.Context, p *principal.Principal, f task.Filter) ([]task.Task, int, error) {
	d, err := s.Authorizer.Authorize(ctx, p, PermissionTaskRead)
	if err != nil {
		return nil, 0, err
	}
	if d.Result == permission.Deny {
		return nil, 0, errNotAllowed
	}
	f.Visible = d.Conditions
	return s.tasks.List(ctx, f)
}

// Retry runs a task that has ended once more, in the name of p and with the secrets that p enters now. Secrets that do not
// fit are an [InvalidError].
func (s *Service) Retry(ctx context.Context, p *principal.Principal, id string, secrets map[string]string) error {
	t, err := s.tasks.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := permission.Require(ctx, s.Authorizer, p, PermissionTaskCreate); err != nil {
		return err
	}
	if err := s.requireTask(ctx, p, t.CreatedBy, PermissionTaskRead); err != nil {
		return err
	}
	if err := s.checkRetry(ctx, p, t, secrets); err != nil {
		return err
	}
	return s.tasks.Retry(ctx, id, secretsOf(secrets), p)
}

// checkRetry holds the secrets against the template of today, which p must still see.
func (s *Service) checkRetry(ctx context.Context, p *principal.Principal, t task.Task, secrets map[string]string) error {
	var spec workflow.Spec
	if err := json.Unmarshal(t.Spec, &spec); err != nil {
		return fmt.Errorf("read the spec of task %s: %w", t.ID, err)
	}
	if spec.TemplateInfo == nil || spec.TemplateInfo.EntityRef == "" {
		return nil
	}
	ref, err := entity.ParseRef(spec.TemplateInfo.EntityRef, entity.Defaults{Kind: "template"})
	if err != nil {
		return err
	}
	now, err := s.template(ctx, p, ref)
	if err != nil {
		return err
	}
	return s.checkSecrets(ctx, now, secrets)
}

// owners is the tasks with those ids as rules look at them, nil for one that there is not.
func (s *Service) owners(ctx context.Context, ids []string) ([]any, error) {
	found := make([]any, len(ids))
	for i, id := range ids {
		t, err := s.tasks.Get(ctx, id)
		switch {
		case err == nil:
			found[i] = ownedTask{t.CreatedBy}
		case !apierror.Has(err, apierror.NotFound):
			return nil, err
		}
	}
	return found, nil
}
