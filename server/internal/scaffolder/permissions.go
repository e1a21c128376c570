package scaffolder

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// The resource types of the scaffolder in permissions: pages and steps of templates, runs of actions, and tasks.
const (
	TemplateResource = "scaffolder-template"
	ActionResource   = "scaffolder-action"
	TaskResource     = "scaffolder-task"
)

// The scaffolder's permissions.
var (
	PermissionDryRun        = basicPermission("scaffolder.template.dry-run", "")
	PermissionManage        = basicPermission("scaffolder.template.management", "") // asked by the frontend alone
	PermissionParameterRead = resourcePermission(TemplateResource, "scaffolder.template.parameter.read", "read")
	PermissionStepRead      = resourcePermission(TemplateResource, "scaffolder.template.step.read", "read")
	PermissionActionExecute = resourcePermission(ActionResource, "scaffolder.action.execute", "")
	PermissionTaskCancel    = resourcePermission(TaskResource, "scaffolder.task.cancel", "")
	PermissionTaskCreate    = basicPermission("scaffolder.task.create", "create")
	PermissionTaskRead      = resourcePermission(TaskResource, "scaffolder.task.read", "read")
)

func basicPermission(name, action string) permission.Permission {
	return permission.Permission{Type: permission.Basic, Name: name, Attributes: permission.Attributes{Action: action}}
}

func resourcePermission(resourceType, name, action string) permission.Permission {
	p := basicPermission(name, action)
	p.Type, p.ResourceType = permission.Resource, resourceType
	return p
}

// integrations is what the permission feature learns about the scaffolder. load finds the owners of tasks by id. The
// order of permissions is the reference's, which clients see.
func integrations(load func(ctx context.Context, ids []string) ([]any, error)) []permission.Integration {
	return []permission.Integration{
		{
			ResourceType: TemplateResource, Rules: templateRules(),
			Permissions: []permission.Permission{PermissionDryRun, PermissionParameterRead, PermissionStepRead},
		},
		{ResourceType: ActionResource, Rules: actionRules(), Permissions: []permission.Permission{PermissionActionExecute}},
		{
			ResourceType: TaskResource, Rules: taskRules(), Load: load,
			Permissions: []permission.Permission{PermissionTaskCancel, PermissionTaskCreate, PermissionTaskRead, PermissionManage},
		},
	}
}

var errNotAllowed = apierror.New(apierror.NotAllowed, "")

// judge is a decision about resources of one type, asked for once and applied to many.
type judge struct {
	decision permission.Decision
	about    permission.Integration
}

func (s *Service) judge(ctx context.Context, p *principal.Principal, perm permission.Permission) (judge, error) {
	d, err := s.Authorizer.Authorize(ctx, p, perm)
	return judge{d, s.rules[perm.ResourceType]}, err
}

// allows reports whether the decision holds for one resource, which has the type that the rules of its resource type
// take: [tagged], [call] or [ownedTask].
func (j judge) allows(resource any) (bool, error) {
	if j.decision.Result != permission.Conditional {
		return j.decision.Result == permission.Allow, nil
	}
	return j.about.Evaluate(j.decision.Conditions, resource)
}

// requireTask is a NotAllowedError unless p has all of those permissions on a task of that creator.
func (s *Service) requireTask(ctx context.Context, p *principal.Principal, createdBy string, perms ...permission.Permission) error {
	for _, perm := range perms {
		j, err := s.judge(ctx, p, perm)
		if err != nil {
			return err
		}
		ok, err := j.allows(ownedTask{createdBy})
		if err != nil {
			return err
		}
		if !ok {
			return errNotAllowed
		}
	}
	return nil
}

// withTags is the pages or steps of a template that the decision lets through, in their order. Those that it does not
// are gone without a word: a caller is not told what is kept from them.
func (j judge) withTags(list []json.RawMessage) ([]json.RawMessage, error) {
	var kept []json.RawMessage
	for _, item := range list {
		ok, err := j.allows(readTags(item))
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

// tagged is a page of parameters, or a step, as far as rules look at it.
type tagged struct{ tags []string }

func (t tagged) has(tag string) bool { return slices.Contains(t.tags, tag) }

// readTags finds the tags that authors gave. What has a wrong form has none.
func readTags(item json.RawMessage) tagged {
	var parts struct {
		Permissions json.RawMessage `json:"backstage:permissions"`
	}
	var permissions struct {
		Tags []any `json:"tags"`
	}
	if json.Unmarshal(item, &parts) != nil || json.Unmarshal(parts.Permissions, &permissions) != nil {
		return tagged{}
	}
	var t tagged
	for _, tag := range permissions.Tags {
		if text, ok := tag.(string); ok {
			t.tags = append(t.tags, text)
		}
	}
	return t
}

// Gate says which runs of actions a caller is allowed: one decision, applied to each iteration of each step.
type Gate struct{ judge }

// Allows is a NotAllowedError when the action must not run with that input.
func (g Gate) Allows(actionID string, input json.RawMessage) error {
	ok, err := g.allows(call{actionID, input})
	if err != nil {
		return err
	}
	if !ok {
		return apierror.NotAllowedf("Unauthorized action: %s. The action is not allowed.", actionID)
	}
	return nil
}
