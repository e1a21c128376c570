package scm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

type mergeRequestInput struct {
	Title, BranchName, TargetBranchName, CommitAction string
	Description                                       *string
	SourcePath, TargetPath                            string
	RemoveSourceBranch                                bool
	Assignee                                          *string
	Reviewers                                         []string
	AssignReviewersFromApprovalRules                  bool
	Labels                                            json.RawMessage // a string, or a list of them
	AutoMerge                                         bool
}

// labels are GitLab's: one text with commas.
func (in mergeRequestInput) labels() string {
	var list []string
	if json.Unmarshal(in.Labels, &list) == nil {
		return strings.Join(list, ",")
	}
	var one string
	_ = json.Unmarshal(in.Labels, &one) // the schema knows no third type
	return one
}

type mergeRequest struct {
	IID    int64  `json:"iid"`
	WebURL string `json:"web_url"`
	Status string `json:"detailed_merge_status"`
}

func createMergeRequest(l *lab, in mergeRequestInput) error {
	// A missing sourcePath is the targetPath for templates that are older than it.
	files, err := l.files(cmp.Or(in.SourcePath, in.TargetPath))
	if err != nil {
		return err
	}
	if in.TargetBranchName == "" {
		if in.TargetBranchName, err = l.defaultBranch(); err != nil || in.TargetBranchName == "" {
			return apierror.Inputf("The branch creation failed. Target branch was not provided, and could not find default branch from project settings. Project: %s", l.project())
		}
	}
	people, reviewers := l.people(in)
	if err := l.commitOnBranch(in, files); err != nil {
		return err
	}
	made, err := l.openMergeRequest(in, people)
	if err != nil {
		return err
	}
	if in.AssignReviewersFromApprovalRules {
		l.addApprovers(made.IID, reviewers)
	}
	if in.AutoMerge {
		if err := l.mergeWhenReady(in, made.IID); err != nil {
			return err
		}
	}
	l.Output("projectid", l.project())
	l.Output("targetBranchName", in.TargetBranchName)
	l.Output("projectPath", l.project())
	l.Output("mergeRequestUrl", made.WebURL)
	return nil
}

// people are the members of the request that name users; those that are not found are left out with a line in the log.
func (l *lab) people(in mergeRequestInput) (members map[string]any, reviewers []int64) {
	members = map[string]any{}
	if in.Assignee != nil {
		id, err := findUser(l.Context, l.api, *in.Assignee)
		if id != 0 {
			members["assignee_id"] = id
		} else {
			l.Warnf("Failed to find gitlab user id for %s: %s. Proceeding with MR creation without an assignee.", *in.Assignee, unknown(err))
		}
	}
	for _, name := range in.Reviewers {
		id, err := findUser(l.Context, l.api, name)
		if id == 0 {
			l.Warnf("Failed to find gitlab user id for %s: %s. Proceeding with MR creation without reviewer.", name, unknown(err))
			continue
		}
		reviewers = append(reviewers, id)
	}
	if len(reviewers) > 0 {
		members["reviewer_ids"] = reviewers
	}
	return members, reviewers
}

func unknown(err error) string {
	if err == nil {
		return "there is none of that name"
	}
	return err.Error()
}

// commitOnBranch makes the source branch and its commit. A run that repeats the step compares with the branch that the
// earlier one may have committed to.
func (l *lab) commitOnBranch(in mergeRequestInput, files []git.File) error {
	key := fmt.Sprintf("commit.to.%s.%s", l.project(), in.BranchName)
	return l.do(key, func() error {
		again, err := l.begin(key)
		if err != nil {
			return err
		}
		there, err := l.branch(in.BranchName)
		if err != nil {
			return err
		}
		own := again && there != nil
		compareWith := in.TargetBranchName
		if own {
			compareWith = in.BranchName
		}
		actions, err := l.fileActions(files, in.TargetPath, in.CommitAction, compareWith)
		if err != nil {
			return err
		}
		if err := l.prepareBranch(in, there, own, len(actions) > 0); err != nil || len(actions) == 0 {
			return err
		}
		if _, err := l.commit(in.BranchName, in.Title, actions, nil); err != nil {
			return apierror.Inputf("Committing the changes to %s failed. Please check that none of the files created by the template already exists. %s", in.BranchName, err)
		}
		return nil
	})
}

func (l *lab) prepareBranch(in mergeRequestInput, there *gitlabBranch, own, changes bool) error {
	switch {
	case there != nil && changes && !own:
		return l.refuseBranch(in.BranchName, there.Page)
	case there != nil:
		l.Infof("Using existing branch %s without modification.", in.BranchName)
		return nil
	}
	if err := l.makeBranch(in.BranchName, in.TargetBranchName); err != nil {
		return apierror.Inputf("The branch creation failed. Please check that your repo does not already contain a branch named '%s'. %s", in.BranchName, err)
	}
	return nil
}

func (l *lab) refuseBranch(name, page string) error {
	var open []mergeRequest
	_, err := l.api.Do(l.Context, rest.Request{Method: http.MethodGet, Path: l.at("merge_requests"), Query: url.Values{"source_branch": {name}}}, &open)
	if err == nil && len(open) > 0 {
		return apierror.Inputf("The branch creation failed because the branch already exists at: %s. Additionally, there is a Merge Request for this branch: %s", page, open[0].WebURL)
	}
	return apierror.Inputf("The branch creation failed because the branch already exists at: %s.", page)
}

func (l *lab) openMergeRequest(in mergeRequestInput, people map[string]any) (mergeRequest, error) {
	body := map[string]any{
		"source_branch": in.BranchName, "target_branch": in.TargetBranchName, "title": in.Title, "remove_source_branch": in.RemoveSourceBranch,
	}
	set(body, "description", in.Description)
	if labels := in.labels(); labels != "" {
		body["labels"] = labels
	}
	maps.Copy(body, people)
	key := fmt.Sprintf("create.mr.%s.%s", l.project(), in.BranchName)
	return once(l.step, key, func() (mergeRequest, error) {
		again, err := l.begin(key)
		if err != nil {
			return mergeRequest{}, err
		}
		var made mergeRequest
		err = l.api.Post(l.Context, l.at("merge_requests"), body, &made)
		if again && has(err, http.StatusConflict) {
			var open []mergeRequest
			query := url.Values{"source_branch": {in.BranchName}, "target_branch": {in.TargetBranchName}, "state": {"opened"}}
			if _, e := l.api.Do(l.Context, rest.Request{Method: http.MethodGet, Path: l.at("merge_requests"), Query: query}, &open); e == nil && len(open) > 0 {
				return open[0], nil
			}
		}
		if err != nil {
			return made, apierror.Inputf("Merge request creation failed. %s", err)
		}
		return made, nil
	})
}

const (
	approvalPause = time.Second
	approvalTries = 30
)

// addApprovers adds who the project's rules name, code owners among them, as soon as GitLab knows them. The merge request
// is there when that fails.
func (l *lab) addApprovers(number int64, reviewers []int64) {
	all, err := l.approvers(number)
	if err != nil {
		l.Warnf("Failed to retrieve approval rules for MR %d: %s. Proceeding with MR creation without reviewers from approval rules.", number, err)
		return
	}
	if len(all) == 0 {
		return
	}
	all = slices.Compact(slices.Sorted(slices.Values(append(all, reviewers...))))
	if err := l.api.Put(l.Context, l.at("merge_requests", strconv.FormatInt(number, 10)), map[string]any{"reviewer_ids": all}, nil); err != nil {
		l.Warnf("Failed to assign reviewers from approval rules: %s.", err)
	}
}

func (l *lab) approvers(number int64) ([]int64, error) {
	iid := strconv.FormatInt(number, 10)
	for try := 0; ; try++ {
		var m mergeRequest
		if err := l.api.Get(l.Context, l.at("merge_requests", iid), &m); err != nil {
			return nil, err
		}
		if !slices.Contains([]string{"preparing", "approvals_syncing", "checking"}, m.Status) || try == approvalTries {
			break
		}
		l.Infof("%s", m.Status)
		if err := l.service.Wait(l.Context, approvalPause); err != nil {
			return nil, err
		}
	}
	var rules []struct {
		Eligible []struct{ ID int64 } `json:"eligible_approvers"`
	}
	err := l.api.Get(l.Context, l.at("merge_requests", iid, "approval_rules"), &rules)
	var ids []int64
	for _, rule := range rules {
		for _, user := range rule.Eligible {
			ids = append(ids, user.ID)
		}
	}
	return ids, err
}

func (l *lab) mergeWhenReady(in mergeRequestInput, number int64) error {
	return l.do(fmt.Sprintf("auto.merge.mr.%s.%s", l.project(), in.BranchName), func() error {
		err := l.api.Put(l.Context, l.at("merge_requests", strconv.FormatInt(number, 10), "merge"), map[string]bool{"auto_merge": true}, nil)
		if err != nil {
			return apierror.Inputf("Enabling auto-merge for merge request %d failed. %s", number, err)
		}
		return nil
	})
}
