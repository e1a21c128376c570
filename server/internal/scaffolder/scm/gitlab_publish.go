package scm

import (
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
)

type gitlabVariable struct {
	Key              string  `json:"key"`
	Value            string  `json:"value"`
	Description      *string `json:"description,omitempty"`
	VariableType     string  `json:"variable_type"`
	Protected        bool    `json:"protected"`
	Masked           bool    `json:"masked"`
	MaskedAndHidden  bool    `json:"masked_and_hidden"`
	Raw              bool    `json:"raw"`
	EnvironmentScope string  `json:"environment_scope"`
}

type publishGitLabInput struct {
	RepoVisibility   *string
	DefaultBranch    *string
	GitCommitMessage *string
	GitAuthorName    string
	GitAuthorEmail   string
	SignCommit       bool
	SourcePath       json.RawMessage // a string, or whether to publish at all
	SkipExisting     bool
	SetUserAsOwner   bool
	OwnerUsername    string
	Topics           []string
	Settings         map[string]any
	Branches         []struct {
		Name            string
		Protect, Create bool
		Ref             *string
	}
	ProjectVariables []gitlabVariable
}

func (in publishGitLabInput) branch() string { return or(in.DefaultBranch, "master") }

// source is the folder to publish; publish is false when the repository shall stay empty.
func (in publishGitLabInput) source() (folder string, publish bool) {
	var wanted bool
	if json.Unmarshal(in.SourcePath, &wanted) == nil && len(in.SourcePath) > 0 {
		return "", wanted
	}
	_ = json.Unmarshal(in.SourcePath, &folder) // the schema knows no third type
	return folder, true
}

// gitlabProject is what GitLab says of one; as a checkpoint it also says whether the step made it.
type gitlabProject struct {
	ID            int64     `json:"id"`
	Path          string    `json:"path"`
	Remote        string    `json:"http_url_to_repo"`
	DefaultBranch string    `json:"default_branch"`
	CreatedAt     time.Time `json:"created_at"`
	Made          bool      `json:"made"`
}

func (p gitlabProject) at(segments ...string) rest.Path {
	return atProject(p.id(), segments...)
}
func (p gitlabProject) id() string  { return strconv.FormatInt(p.ID, 10) }
func (p gitlabProject) web() string { return strings.TrimSuffix(p.Remote, ".git") }

func publishGitLab(l *lab, in publishGitLabInput) error {
	if err := l.checkPublish(in); err != nil {
		return err
	}
	if _, err := l.startedAt(l.service.Now); err != nil {
		return err
	}
	p, err := l.makeProject(in)
	if err != nil {
		return err
	}
	branch := p.DefaultBranch
	if p.Made {
		branch = in.branch()
		if err := l.fill(p, in); err != nil {
			return err
		}
	}
	l.Output("remoteUrl", p.web())
	l.Output("repoContentsUrl", p.web()+"/-/blob/"+branch)
	l.Output("projectId", p.ID)
	l.Output("created", p.Made)
	return nil
}

func (l *lab) checkPublish(in publishGitLabInput) error {
	if l.target.Owner == "" || l.target.Repo == "" {
		return apierror.Inputf("No owner provided for host: %s, and repo %s", l.target.Host, l.target.Repo)
	}
	if l.service.hosts.needsToken && (in.SetUserAsOwner || in.OwnerUsername != "") {
		return apierror.Inputf("The setUserAsOwner and ownerUsername inputs cannot be used when scaffolder.requireScmUserCredentials is enabled because they require credentials from the GitLab integration")
	}
	if in.SignCommit {
		return apierror.New(apierror.NotImplemented, "signCommit: commits of this host are not signed; leave it out")
	}
	return nil
}

// makeProject finds the project or makes it. The key has what came of it, so that a second run takes its own for its own.
func (l *lab) makeProject(in publishGitLabInput) (gitlabProject, error) {
	key := fmt.Sprintf("create.gitlab.project.%s.%s", l.target.Owner, l.target.Repo)
	return once(l.step, key, func() (gitlabProject, error) {
		again, err := l.begin(key)
		if err != nil {
			return gitlabProject{}, err
		}
		namespace, existing, err := l.look()
		if err != nil {
			return gitlabProject{}, err
		}
		if existing != nil && again && l.isOwn(*existing) {
			existing.Made = true
			return *existing, nil
		}
		if existing != nil && in.SkipExisting {
			l.Infof("Repo %s already exists in namespace %s.", l.target.Repo, l.target.Owner)
			return *existing, nil
		}
		l.Infof("Creating repo %s in namespace %s.", l.target.Repo, l.target.Owner)
		made := gitlabProject{Made: true}
		return made, l.api.Post(l.Context, rest.Path{"projects"}, in.settings(l.target.Repo, namespace), &made)
	})
}

func (in publishGitLabInput) settings(name string, namespace int64) map[string]any {
	body := map[string]any{"namespace_id": namespace, "name": name, "path": name, "visibility": or(in.RepoVisibility, "private")}
	if len(in.Topics) > 0 {
		body["topics"] = in.Topics
	}
	maps.Copy(body, in.Settings)
	return body
}

// isOwn reports whether a project can be what an earlier run of the step made without hearing the answer.
func (l *lab) isOwn(p gitlabProject) bool {
	started, err := l.startedAt(l.service.Now)
	return err == nil && p.CreatedAt.After(started.Add(-clockSkew))
}

// look finds the namespace, and the project in it if there is one.
func (l *lab) look() (namespace int64, existing *gitlabProject, err error) {
	var n struct {
		ID   int64
		Kind string
	}
	err = l.api.Get(l.Context, rest.Path{"namespaces", l.target.Owner}, &n)
	if has(err, http.StatusNotFound) {
		return 0, nil, apierror.Inputf("The namespace %s is not found or the user doesn't have permissions to access it", l.target.Owner)
	}
	if err != nil {
		return 0, nil, err
	}
	kind := "groups"
	if n.Kind == "user" {
		kind = "users"
	}
	list, err := rest.List[gitlabProject](l.Context, l.api, rest.Path{kind, l.target.Owner, "projects"}, url.Values{"search": {l.target.Repo}})
	if i := slices.IndexFunc(list, func(p gitlabProject) bool { return p.Path == l.target.Repo }); i >= 0 {
		existing = &list[i]
	}
	return n.ID, existing, err
}

// fill gives a new project its owner, files, branches and variables.
func (l *lab) fill(p gitlabProject, in publishGitLabInput) error {
	if err := l.addOwners(p, in); err != nil {
		return err
	}
	if folder, publish := in.source(); publish {
		if err := l.forge.checkRemote(p.Remote); err != nil {
			return err
		}
		hash, err := l.service.push(l.step, firstPush{
			remote: p.Remote, username: "oauth2", password: l.token, branch: in.branch(), sourcePath: folder,
			message: or(in.GitCommitMessage, "initial commit"), authorName: in.GitAuthorName, authorEmail: in.GitAuthorEmail,
		})
		if err != nil {
			return err
		}
		if err := l.makeBranches(p, in); err != nil {
			return err
		}
		l.Output("commitHash", hash)
	}
	for _, v := range in.ProjectVariables {
		if err := l.makeVariable(p.id(), v); err != nil {
			return apierror.Inputf("Environment variable creation failed for %s. %s", v.Key, err)
		}
	}
	return nil
}

const ownerLevel = 50

// addOwners needs the integration's own token, since the caller's may not add members.
func (l *lab) addOwners(p gitlabProject, in publishGitLabInput) error {
	if l.forge.token == "" || !in.SetUserAsOwner && in.OwnerUsername == "" {
		return nil
	}
	admin := l.service.newGitLabAPI(l.forge, "Private-Token", l.forge.token, l.forge.token)
	add := func(user int64) error {
		err := admin.Post(l.Context, p.at("members"), map[string]any{"user_id": user, "access_level": ownerLevel}, nil)
		if has(err, http.StatusConflict) { // is one already
			return nil
		}
		return err
	}
	if in.SetUserAsOwner {
		var caller struct{ ID int64 }
		if err := l.api.Get(l.Context, rest.Path{"user"}, &caller); err != nil {
			return err
		}
		if err := add(caller.ID); err != nil {
			return err
		}
	}
	if in.OwnerUsername == "" {
		return nil
	}
	id, err := findUser(l.Context, admin, in.OwnerUsername)
	switch {
	case err == nil && id == 0:
		l.Warnf("Could not find GitLab user with username '%s'. Skipping owner assignment.", in.OwnerUsername)
		return nil
	case err == nil:
		err = add(id)
	}
	if err != nil {
		l.Warnf("Failed to add user '%s' as owner: %s. Proceeding without owner assignment.", in.OwnerUsername, err)
	}
	return nil
}

func (l *lab) makeBranches(p gitlabProject, in publishGitLabInput) error {
	for _, b := range in.Branches {
		if b.Create {
			ref := or(b.Ref, "master")
			err := l.createOnce("create.branch."+b.Name, func() error {
				return l.api.Post(l.Context, p.at("repository", "branches"), map[string]string{"branch": b.Name, "ref": ref}, nil)
			})
			if err != nil {
				return apierror.Inputf("Branch creation failed for %s. %s", b.Name, err)
			}
			l.Infof("Branch %s created for %d with ref %s", b.Name, p.ID, ref)
		}
		if b.Protect {
			err := l.createOnce("protect.branch."+b.Name, func() error {
				return l.api.Post(l.Context, p.at("protected_branches"), map[string]string{"name": b.Name}, nil)
			})
			if err != nil {
				return apierror.Inputf("Branch protection failed for %s. %s", b.Name, err)
			}
			l.Infof("Branch %s protected for %d", b.Name, p.ID)
		}
	}
	return nil
}
