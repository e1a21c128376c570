package scm

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

type pullRequestInput struct {
	BranchName, Title, Description string
	TargetBranchName               string
	FilesToDelete                  []string
	Draft                          *bool
	SourcePath, TargetPath         string
	Reviewers, TeamReviewers       []string
	Assignees                      []string
	CommitMessage                  *string
	Update, ForceFork              bool
	GitAuthorName, GitAuthorEmail  *string
	ForceEmptyGitAuthor            bool
	CreateWhenEmpty                *bool
}

// pull is what GitHub says of a pull request.
type pull struct {
	Base    struct{ Ref string } `json:"base"`
	HTMLURL string               `json:"html_url"`
	Number  int                  `json:"number"`
}

func createPullRequest(h *hub, in pullRequestInput) error {
	files, err := h.files(in.SourcePath)
	if err != nil {
		return err
	}
	if h.DryRun {
		h.Infof("Performing dry run of creating pull request")
		h.Output("targetBranchName", in.BranchName)
		h.Output("remoteUrl", h.repoURL)
		h.Output("pullRequestNumber", 43)
		h.Infof("Dry run complete")
		return nil
	}
	made, err := h.pullRequest(in, files)
	if err != nil {
		return apierror.Wrap(apierror.NameOf(err), "Pull request creation failed", named(err))
	}
	if made == nil {
		h.Infof("No changes to commit, pull request was not created")
		return nil
	}
	h.requestReviews(in, made.Number)
	h.assign(in, made.Number)
	h.Output("targetBranchName", made.Base.Ref)
	h.Output("remoteUrl", made.HTMLURL)
	h.Output("pullRequestNumber", made.Number)
	return nil
}

// pullRequest answers nil when there is nothing to change and the input wants none then.
func (h *hub) pullRequest(in pullRequestInput, files []git.File) (*pull, error) {
	if err := git.CheckBranch(in.BranchName); err != nil {
		return nil, err
	}
	key := fmt.Sprintf("create.pr.%s.%s.%s", h.owner, h.repo, in.BranchName)
	return once(h.step, key, func() (*pull, error) {
		again, err := h.begin(key)
		if err != nil {
			return nil, err
		}
		change := change{hub: h, in: in}
		if err := change.findBase(); err != nil {
			return nil, err
		}
		if err := change.commit(files); err != nil {
			return nil, err
		}
		if change.tree == change.baseTree && in.CreateWhenEmpty != nil && !*in.CreateWhenEmpty {
			return nil, nil
		}
		return change.propose(in.Update || again)
	})
}

// change is a pull request on its way: a commit on top of the target branch, made by the Git data API, and a branch.
type change struct {
	*hub
	in               pullRequestInput
	base             string // the target branch
	holder           string // who owns the repository with the new branch: the owner, or whoever has a fork
	parent, baseTree string
	tree, head       string
}

func (c *change) inHolder(segments ...string) rest.Path {
	return append(rest.Path{"repos", c.holder, c.repo}, segments...)
}

func (c *change) findBase() error {
	var r repository
	header, err := c.api.Do(c.Context, rest.Request{Method: http.MethodGet, Path: c.at()}, &r)
	if err != nil {
		return err
	}
	if r.Permissions == nil {
		return apierror.New(apierror.Authentication, "the credential for "+c.forge.host+" was not accepted")
	}
	c.holder, c.base = c.owner, cmp.Or(c.in.TargetBranchName, r.DefaultBranch)
	if c.base == c.in.BranchName {
		return apierror.Inputf(`branchName %q cannot be the same as the target branch`, c.in.BranchName)
	}
	ofUser := len(header.Values("X-Oauth-Scopes")) > 0
	if c.in.ForceFork || ofUser && !r.Permissions.Push {
		if err := c.fork(); err != nil {
			return err
		}
	}
	var latest []struct {
		SHA    string
		Commit struct{ Tree struct{ SHA string } }
	}
	_, err = c.api.Do(c.Context, rest.Request{Method: http.MethodGet, Path: c.at("commits"), Query: url.Values{"sha": {c.base}, "per_page": {"1"}}}, &latest)
	if err != nil {
		return err
	}
	if len(latest) == 0 {
		return apierror.NotFoundf("the branch %s of %s/%s has no commit", c.base, c.owner, c.repo)
	}
	c.parent, c.baseTree = latest[0].SHA, latest[0].Commit.Tree.SHA
	c.tree = c.baseTree
	return nil
}

// fork finds or makes the caller's fork.
func (c *change) fork() error {
	var user struct{ Login string }
	if err := c.api.Get(c.Context, rest.Path{"user"}, &user); err != nil {
		return err
	}
	c.holder = user.Login
	type fork struct{ Owner *struct{ Login string } }
	forks, err := rest.List[fork](c.Context, c.api, c.at("forks"), nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(forks, func(f fork) bool { return f.Owner != nil && strings.EqualFold(f.Owner.Login, user.Login) }) {
		return nil
	}
	return c.api.Post(c.Context, c.at("forks"), nil, nil)
}

func (c *change) commit(files []git.File) error {
	entries, err := c.entries(files)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		var tree struct{ SHA string }
		if err := c.api.Post(c.Context, c.inHolder("git", "trees"), map[string]any{"base_tree": c.baseTree, "tree": entries}, &tree); err != nil {
			return err
		}
		c.tree = tree.SHA
	}
	body := map[string]any{"message": c.message(), "tree": c.tree, "parents": []string{c.parent}}
	if author := c.author(); author != nil {
		body["author"] = author
	}
	var made struct{ SHA string }
	err = c.api.Post(c.Context, c.inHolder("git", "commits"), body, &made)
	c.head = made.SHA
	return err
}

func (c *change) message() string {
	if c.in.CommitMessage != nil {
		return *c.in.CommitMessage
	}
	return cmp.Or(c.service.message, c.in.Title)
}

// author is nil when GitHub shall put in whose credential it is.
func (c *change) author() map[string]string {
	name, email := or(c.in.GitAuthorName, c.service.author.Name), or(c.in.GitAuthorEmail, c.service.author.Email)
	if c.in.ForceEmptyGitAuthor || name == "" && email == "" {
		return nil
	}
	return map[string]string{"name": cmp.Or(name, "Scaffolder"), "email": cmp.Or(email, "scaffolder@backstage.io")}
}

// entries are the lines that change the base's tree. What is to be deleted counts more than what is to be written.
func (c *change) entries(files []git.File) ([]any, error) {
	var all []any
	deleted := map[string]bool{}
	for _, name := range c.in.FilesToDelete {
		at, err := inFolder(c.in.TargetPath, name)
		if err != nil {
			return nil, err
		}
		deleted[at] = true
		there, err := c.exists(at)
		if err != nil {
			return nil, err
		}
		if there { // GitHub refuses to take away what is not there
			all = append(all, removal{at, string(git.Regular), "blob", nil})
		}
	}
	inline := maxInline
	for _, f := range files {
		at, err := inFolder(c.in.TargetPath, f.Path)
		if err != nil {
			return nil, err
		}
		if deleted[at] {
			continue
		}
		e, err := c.treeEntry(c.inHolder("git", "blobs"), at, f, &inline)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// inFolder joins a path of the repository, and refuses one that leads out of it.
func inFolder(folder, name string) (string, error) {
	at := strings.TrimPrefix(path.Join(folder, name), "/")
	if at == "" || at == "." || at == ".." || strings.HasPrefix(at, "../") {
		return "", apierror.NotAllowedf("the path %q in %q leads out of the repository", name, folder)
	}
	return at, nil
}

func (c *change) exists(at string) (bool, error) {
	_, err := c.api.Do(c.Context, rest.Request{
		Method: http.MethodHead, Path: append(c.inHolder("contents"), strings.Split(at, "/")...), Query: url.Values{"ref": {c.parent}},
	}, nil)
	if has(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, err
}

// propose points the branch at the commit and asks for the pull request, or, with update, changes the one that is open.
func (c *change) propose(update bool) (*pull, error) {
	existing, err := c.open()
	if err != nil {
		return nil, err
	}
	if existing != nil && !update {
		return nil, apierror.Conflictf("Pull request already exists: %s. Set update=true to enable updating", existing.HTMLURL)
	}
	if err := c.point(); err != nil {
		return nil, err
	}
	body := map[string]any{"head": c.holder + ":" + c.in.BranchName, "base": c.base, "title": c.in.Title, "body": c.in.Description, "draft": or(c.in.Draft, false)}
	var made pull
	if existing != nil {
		err = c.api.Patch(c.Context, c.at("pulls", strconv.Itoa(existing.Number)), body, &made)
	} else {
		err = c.api.Post(c.Context, c.at("pulls"), body, &made)
	}
	return &made, err
}

// open finds the pull request of the branch.
func (c *change) open() (*pull, error) {
	list, err := rest.List[pull](c.Context, c.api, c.at("pulls"), url.Values{"head": {c.holder + ":" + c.in.BranchName}, "state": {"open"}})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (c *change) point() error {
	ref := append([]string{"heads"}, strings.Split(c.in.BranchName, "/")...)
	err := c.api.Get(c.Context, c.inHolder(append([]string{"git", "ref"}, ref...)...), nil)
	switch {
	case err == nil:
		return c.api.Patch(c.Context, c.inHolder(append([]string{"git", "refs"}, ref...)...), map[string]any{"sha": c.head, "force": true}, nil)
	case has(err, http.StatusNotFound):
		return c.api.Post(c.Context, c.inHolder("git", "refs"), map[string]string{"ref": "refs/heads/" + c.in.BranchName, "sha": c.head}, nil)
	}
	return err
}

// requestReviews and assign say in the log when they fail: the pull request is there.
func (h *hub) requestReviews(in pullRequestInput, number int) {
	if in.Reviewers == nil && in.TeamReviewers == nil {
		return
	}
	body := map[string][]string{}
	if in.Reviewers != nil {
		body["reviewers"] = in.Reviewers
	}
	if in.TeamReviewers != nil {
		body["team_reviewers"] = slices.Compact(slices.Sorted(slices.Values(in.TeamReviewers)))
	}
	var answer struct {
		Users []struct{ Login string } `json:"requested_reviewers"`
		Teams []struct{ Slug string }  `json:"requested_teams"`
	}
	err := h.do(fmt.Sprintf("request.reviewers.%s.%s.%d", h.owner, h.repo, number), func() error {
		return h.api.Post(h.Context, h.at("pulls", strconv.Itoa(number), "requested_reviewers"), body, &answer)
	})
	if err != nil {
		h.Logf("error", "Failure when adding reviewers to Pull request %d: %s", number, err)
		return
	}
	var users, teams []string
	for _, u := range answer.Users {
		users = append(users, u.Login)
	}
	for _, t := range answer.Teams {
		teams = append(teams, t.Slug)
	}
	h.Infof("Added users [%s] and teams [%s] as reviewers to Pull request %d", strings.Join(users, ", "), strings.Join(teams, ", "), number)
}

func (h *hub) assign(in pullRequestInput, number int) {
	if in.Assignees == nil {
		return
	}
	if len(in.Assignees) > 10 {
		h.Warnf("Assignees list is too long, only the first 10 will be used.")
	}
	var answer struct{ Assignees []struct{ Login string } }
	err := h.do(fmt.Sprintf("add.assignees.%s.%s.%d", h.owner, h.repo, number), func() error {
		return h.api.Post(h.Context, h.at("issues", strconv.Itoa(number), "assignees"), map[string]any{"assignees": in.Assignees}, &answer)
	})
	if err != nil {
		h.Logf("error", "Failure when adding assignees to Pull request %d: %s", number, err)
		return
	}
	var logins []string
	for _, a := range answer.Assignees {
		logins = append(logins, a.Login)
	}
	h.Infof("Added assignees [%s] to Pull request %d", strings.Join(logins, ", "), number)
}
