package scm

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// protection is what inputs say of a protected branch.
type protection struct {
	BypassPullRequestAllowances    any
	RequiredApprovingReviewCount   *int
	Restrictions                   any
	RequireCodeOwnerReviews        bool
	DismissStaleReviews            bool
	RequiredStatusCheckContexts    []string
	RequireBranchesToBeUpToDate    *bool
	RequiredConversationResolution bool
	RequireLastPushApproval        bool
	RequiredCommitSigning          bool
	RequiredLinearHistory          bool
	BlockCreations                 bool
}

func (p protection) body(enforceAdmins bool) map[string]any {
	contexts := p.RequiredStatusCheckContexts
	if contexts == nil {
		contexts = []string{}
	}
	reviews := map[string]any{
		"required_approving_review_count": or(p.RequiredApprovingReviewCount, 1), "require_code_owner_reviews": p.RequireCodeOwnerReviews,
		"dismiss_stale_reviews": p.DismissStaleReviews, "require_last_push_approval": p.RequireLastPushApproval,
	}
	if p.BypassPullRequestAllowances != nil {
		reviews["bypass_pull_request_allowances"] = p.BypassPullRequestAllowances
	}
	return map[string]any{
		"required_status_checks":        map[string]any{"strict": or(p.RequireBranchesToBeUpToDate, true), "contexts": contexts},
		"restrictions":                  p.Restrictions,
		"enforce_admins":                enforceAdmins,
		"required_pull_request_reviews": reviews, "required_conversation_resolution": p.RequiredConversationResolution,
		"required_linear_history": p.RequiredLinearHistory, "block_creations": p.BlockCreations,
	}
}

const branchPause = 600 * time.Millisecond // until GitHub knows a branch that was just pushed

// protect protects a branch. Where the plan of the account has no protection it warns.
func (h *hub) protect(branch string, p protection, enforceAdmins bool) error {
	try := func() error {
		err := h.api.Put(h.Context, h.at("branches", branch, "protection"), p.body(enforceAdmins), nil)
		if err == nil && p.RequiredCommitSigning {
			err = h.api.Post(h.Context, h.at("branches", branch, "protection", "required_signatures"), nil, nil)
		}
		if err != nil && strings.Contains(err.Error(), "Upgrade to GitHub Pro or make this repository public to enable this feature") {
			h.Warnf("Branch protection was not enabled as it requires GitHub Pro for private repositories")
			return nil
		}
		return err
	}
	err := try()
	if err == nil || !has(err, http.StatusNotFound) || !strings.Contains(err.Error(), "Branch not found") {
		return err
	}
	if err := h.service.Wait(h.Context, branchPause); err != nil {
		return err
	}
	return try()
}

// pushInput is what github:repo:push and publish:github say of the first push.
type pushInput struct {
	protection
	DefaultBranch        *string
	ProtectDefaultBranch *bool
	ProtectEnforceAdmins *bool
	GitCommitMessage     string
	GitAuthorName        string
	GitAuthorEmail       string
	SourcePath           string
}

func (in pushInput) branch() string { return or(in.DefaultBranch, "main") }

// pushAndProtect pushes the workspace as the first commit, and answers its hash.
func (h *hub) pushAndProtect(remote string, in pushInput) (string, error) {
	if err := h.forge.checkRemote(remote); err != nil {
		return "", err
	}
	hash, err := h.push(firstPush{
		remote: remote, username: "x-access-token", password: h.token, branch: in.branch(), sourcePath: in.SourcePath,
		message: in.GitCommitMessage, authorName: in.GitAuthorName, authorEmail: in.GitAuthorEmail,
	})
	if err != nil || !or(in.ProtectDefaultBranch, true) {
		return hash, err
	}
	if err := h.protect(in.branch(), in.protection, or(in.ProtectEnforceAdmins, true)); err != nil {
		h.Warnf("Skipping: default branch protection on '%s', %s", h.repo, err)
	}
	return hash, nil
}

func pushRepository(h *hub, in pushInput) error {
	var target repository
	if err := h.api.Get(h.Context, h.at(), &target); err != nil {
		return err
	}
	if in.GitCommitMessage == "" {
		in.GitCommitMessage = "initial commit" // this action does not ask scaffolder.defaultCommitMessage
	}
	hash, err := once(h.step, fmt.Sprintf("init.repo.publish.%s.%s", h.owner, h.repo), func() (string, error) {
		return h.pushAndProtect(target.CloneURL, in)
	})
	if err != nil {
		return err
	}
	h.Output("remoteUrl", target.CloneURL)
	h.Output("repoContentsUrl", target.HTMLURL+"/blob/"+in.branch())
	h.Output("commitHash", hash)
	return nil
}

func publishGitHub(h *hub, in struct {
	repositoryInput
	pushInput
}) error {
	type published struct {
		RemoteURL       string `json:"remoteUrl"`
		RepoContentsURL string `json:"repoContentsUrl"`
	}
	made, err := once(h.step, fmt.Sprintf("create.github.repo.%s.%s", h.owner, h.repo), func() (published, error) {
		if _, err := h.startedAt(h.service.Now); err != nil {
			return published{}, err
		}
		in.AutoInit, in.WorkflowAccess = nil, ""
		made, err := h.setUpRepository(in.repositoryInput)
		return published{made.CloneURL, made.HTMLURL + "/blob/" + in.branch()}, err
	})
	if err != nil {
		return err
	}
	hash, err := h.pushAndProtect(made.RemoteURL, in.pushInput)
	if err != nil {
		return err
	}
	h.Output("commitHash", hash)
	h.Output("remoteUrl", made.RemoteURL)
	h.Output("repoContentsUrl", made.RepoContentsURL)
	return nil
}

func protectBranch(h *hub, in struct {
	protection
	Branch        *string
	EnforceAdmins *bool
}) error {
	branch := or(in.Branch, "")
	if in.Branch == nil {
		found, err := once(h.step, fmt.Sprintf("read.default.branch.%s.%s", h.owner, h.repo), func() (string, error) {
			var r repository
			err := h.api.Get(h.Context, h.at(), &r)
			return r.DefaultBranch, err
		})
		if err != nil {
			return err
		}
		branch = found
	}
	return h.do(fmt.Sprintf("enable.branch.protection.%s.%s", h.owner, h.repo), func() error {
		return h.protect(branch, in.protection, or(in.EnforceAdmins, true))
	})
}
