package scm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// repositoryInput is what github:repo:create and publish:github say of a new repository.
type repositoryInput struct {
	Description, Homepage    *string
	Access                   string
	RepoVisibility           *string
	DeleteBranchOnMerge      *bool
	AllowMergeCommit         *bool
	AllowSquashMerge         *bool
	SquashMergeCommitTitle   *string
	SquashMergeCommitMessage *string
	AllowRebaseMerge         *bool
	AllowAutoMerge           *bool
	AllowUpdateBranch        *bool
	HasProjects              *bool
	HasWiki                  *bool
	HasIssues                *bool
	AutoInit                 *bool
	Collaborators            []struct{ User, Team, Access string }
	Topics                   []string
	RepoVariables            map[string]string
	Secrets                  map[string]string
	OIDCCustomization        *struct {
		UseDefault       bool
		IncludeClaimKeys []string
	}
	CustomProperties map[string]any
	Subscribe        bool
	WorkflowAccess   string
}

// repository is what GitHub says of one.
type repository struct {
	ID            int64     `json:"id"`
	CloneURL      string    `json:"clone_url"`
	HTMLURL       string    `json:"html_url"`
	DefaultBranch string    `json:"default_branch"`
	CreatedAt     time.Time `json:"created_at"`
	Permissions   *struct{ Push bool }
}

// settings is the body that makes the repository; what an input leaves out, GitHub decides.
func (in repositoryInput) settings(name string, organization bool) map[string]any {
	visibility := or(in.RepoVisibility, "private")
	body := map[string]any{
		"name": name, "private": visibility == "private",
		"allow_auto_merge": or(in.AllowAutoMerge, false), "allow_merge_commit": or(in.AllowMergeCommit, true),
		"allow_rebase_merge": or(in.AllowRebaseMerge, true), "allow_squash_merge": or(in.AllowSquashMerge, true),
		"allow_update_branch": or(in.AllowUpdateBranch, false), "delete_branch_on_merge": or(in.DeleteBranchOnMerge, false),
		"squash_merge_commit_message": or(in.SquashMergeCommitMessage, "COMMIT_MESSAGES"),
		"squash_merge_commit_title":   or(in.SquashMergeCommitTitle, "COMMIT_OR_PR_TITLE"),
	}
	for key, value := range map[string]*bool{"auto_init": in.AutoInit, "has_issues": in.HasIssues, "has_projects": in.HasProjects, "has_wiki": in.HasWiki} {
		if value != nil {
			body[key] = *value
		}
	}
	for key, value := range map[string]*string{"description": in.Description, "homepage": in.Homepage} {
		if value != nil {
			body[key] = *value
		}
	}
	if organization {
		body["visibility"] = visibility
		if in.CustomProperties != nil {
			body["custom_properties"] = in.CustomProperties
		}
	}
	return body
}

// setUpRepository makes the repository and all that belongs to it. Everything after the making may be done again.
func (h *hub) setUpRepository(in repositoryInput) (repository, error) {
	made, err := h.makeRepository(in)
	if err != nil {
		return made, err
	}
	for _, do := range []func(repositoryInput) error{
		h.grantAccess, h.addCollaborators, h.setTopics, h.setVariables, h.setSecrets, h.customizeOIDC, h.subscribe, h.openWorkflows,
	} {
		if err := do(in); err != nil {
			return made, err
		}
	}
	return made, nil
}

func (h *hub) makeRepository(in repositoryInput) (repository, error) {
	var owner struct{ Type string }
	if err := h.api.Get(h.Context, rest.Path{"users", h.owner}, &owner); err != nil {
		return repository{}, err
	}
	if err := h.checkTeam(in.Access); err != nil {
		return repository{}, err
	}
	key := fmt.Sprintf("make.github.repo.%s.%s", h.owner, h.repo)
	return once(h.step, key, func() (repository, error) {
		again, err := h.begin(key)
		if err != nil {
			return repository{}, err
		}
		path, organization := rest.Path{"user", "repos"}, owner.Type == "Organization"
		if organization {
			path = rest.Path{"orgs", h.owner, "repos"}
		}
		var made repository
		err = h.api.Post(h.Context, path, in.settings(h.repo, organization), &made)
		if err != nil && again && has(err, http.StatusUnprocessableEntity) && h.adopt(&made) {
			return made, nil
		}
		return made, h.explainMaking(owner.Type, err)
	})
}

// clockSkew is how far the clocks of this host and of a source-code host may be apart.
const clockSkew = 5 * time.Minute

// adopt finds the repository that an earlier run of the step asked for without hearing the answer. One that is older than
// the step is somebody else's.
func (h *hub) adopt(made *repository) bool {
	started, err := h.startedAt(h.service.Now)
	if err != nil || h.api.Get(h.Context, h.at(), made) != nil {
		return false
	}
	return made.CreatedAt.After(started.Add(-clockSkew))
}

func (h *hub) explainMaking(ownerType string, err error) error {
	e, ok := asHostError(err)
	if !ok {
		return err
	}
	if strings.HasPrefix(e.Message, "Resource not accessible by integration") {
		h.Warnf("The GitHub app or token provided may not have the required permissions to create the %s repository %s/%s.", ownerType, h.owner, h.repo)
	}
	return apierror.Newf(apierror.NameOf(e), "Failed to create the %s repository %s/%s, %s", ownerType, h.owner, h.repo, e.Error())
}

func asHostError(err error) (*rest.Error, bool) {
	return errors.AsType[*rest.Error](err)
}

// team is the team of an access of the form "owner/team".
func (h *hub) team(access string) (string, bool) { return strings.CutPrefix(access, h.owner+"/") }

func (h *hub) checkTeam(access string) error {
	team, ok := h.team(access)
	if !ok {
		return nil
	}
	err := h.api.Get(h.Context, rest.Path{"orgs", h.owner, "teams", team}, nil)
	if has(err, http.StatusNotFound) {
		return apierror.NotFoundf("Received 'Not Found' from the API; one of org:\n        %s or team: %s was not found within GitHub.", h.owner, team)
	}
	return err
}

func (h *hub) grantAccess(in repositoryInput) error {
	if team, ok := h.team(in.Access); ok {
		return h.grantTeam(team, "admin")
	}
	if in.Access != "" && in.Access != h.owner {
		return h.grantUser(in.Access, "admin")
	}
	return nil
}

func (h *hub) grantTeam(team, permission string) error {
	return h.api.Put(h.Context, rest.Path{"orgs", h.owner, "teams", team, "repos", h.owner, h.repo}, map[string]string{"permission": permission}, nil)
}

func (h *hub) grantUser(user, permission string) error {
	return h.api.Put(h.Context, h.at("collaborators", user), map[string]string{"permission": permission}, nil)
}

// addCollaborators warns of those that cannot be added, and goes on.
func (h *hub) addCollaborators(in repositoryInput) error {
	for _, c := range in.Collaborators {
		var err error
		name := c.User
		switch {
		case c.User != "":
			err = h.grantUser(refName(c.User), c.Access)
		case c.Team != "":
			name = c.Team
			err = h.grantTeam(refName(c.Team), c.Access)
		}
		if err != nil {
			h.Warnf("Skipping %s access for %s, %s", c.Access, name, err)
		}
	}
	return nil
}

func (h *hub) setTopics(in repositoryInput) error {
	if in.Topics == nil {
		return nil
	}
	names := make([]string, len(in.Topics))
	for i, topic := range in.Topics {
		names[i] = strings.ToLower(topic)
	}
	if err := h.api.Put(h.Context, h.at("topics"), map[string]any{"names": names}, nil); err != nil {
		h.Warnf("Skipping topics %s, %s", strings.Join(in.Topics, " "), err)
	}
	return nil
}

func (h *hub) setVariables(in repositoryInput) error {
	return h.putVariables(h.at("actions", "variables"), in.RepoVariables)
}

func (h *hub) setSecrets(in repositoryInput) error {
	if in.Secrets == nil {
		return nil
	}
	return h.putSecrets(h.at("actions", "secrets"), in.Secrets)
}

func (h *hub) customizeOIDC(in repositoryInput) error {
	if in.OIDCCustomization == nil {
		return nil
	}
	body := map[string]any{"use_default": in.OIDCCustomization.UseDefault}
	if keys := in.OIDCCustomization.IncludeClaimKeys; keys != nil {
		body["include_claim_keys"] = keys
	}
	return h.api.Put(h.Context, h.at("actions", "oidc", "customization", "sub"), body, nil)
}

func (h *hub) subscribe(in repositoryInput) error {
	if !in.Subscribe {
		return nil
	}
	return h.api.Put(h.Context, h.at("subscription"), map[string]bool{"subscribed": true, "ignored": false}, nil)
}

func (h *hub) openWorkflows(in repositoryInput) error {
	if in.WorkflowAccess == "" {
		return nil
	}
	return h.api.Put(h.Context, h.at("actions", "permissions", "access"), map[string]string{"access_level": in.WorkflowAccess}, nil)
}

func createRepository(h *hub, in repositoryInput) error {
	remote, err := once(h.step, fmt.Sprintf("create.repo.and.topics.%s.%s", h.owner, h.repo), func() (string, error) {
		if _, err := h.startedAt(h.service.Now); err != nil {
			return "", err
		}
		made, err := h.setUpRepository(in)
		return made.CloneURL, err
	})
	if err != nil {
		return err
	}
	h.Output("remoteUrl", remote)
	return nil
}
