package scm

import (
	"crypto/sha1" // git's names of contents
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

// fileAction is one file of a commit by the API.
type fileAction struct {
	Action   string `json:"action"`
	FilePath string `json:"file_path"`
	Encoding string `json:"encoding,omitempty"`
	Content  string `json:"content,omitempty"`
	// GitLab takes a missing one for false.
	ExecuteFilemode bool `json:"execute_filemode,omitempty"`
}

// fileActions say what a commit does with the files. The action auto compares with what the branch ref has: files that are
// there are updated when they differ, others are created. A ref that cannot be read counts as empty.
func (l *lab) fileActions(files []git.File, folder, wanted, ref string) ([]fileAction, error) {
	if wanted == "skip" {
		return nil, nil
	}
	var there map[string]string
	if wanted == "" || wanted == "auto" {
		wanted, there = "auto", l.remoteFiles(folder, ref)
	}
	var actions []fileAction
	for _, f := range files {
		at, err := inFolder(folder, f.Path)
		if err != nil {
			return nil, err
		}
		if f.Mode == git.Link {
			l.Warnf("%s is left out: GitLab's API makes no links", f.Path)
			continue
		}
		a := fileAction{Action: wanted, FilePath: at, ExecuteFilemode: f.Mode == git.Executable}
		if wanted == "auto" {
			a.Action = "create"
			if id, ok := there[at]; ok {
				a.Action = "update"
				if id == blobID(f.Content, len(id)) {
					continue
				}
			}
		}
		if a.Action != "delete" {
			a.Encoding, a.Content = "base64", base64.StdEncoding.EncodeToString(f.Content)
		}
		actions = append(actions, a)
	}
	return actions, nil
}

func (l *lab) remoteFiles(folder, ref string) map[string]string {
	query := url.Values{"ref": {ref}, "recursive": {"true"}}
	if folder != "" {
		query.Set("path", folder)
	}
	type item struct{ ID, Path, Type string }
	list, err := rest.List[item](l.Context, l.api, l.at("repository", "tree"), query)
	if err != nil {
		l.Warnf("Could not retrieve the list of files for %s (branch: %s) : %s", l.project(), ref, err)
		return nil
	}
	there := map[string]string{}
	for _, i := range list {
		if i.Type != "tree" {
			there[i.Path] = i.ID
		}
	}
	return there
}

// blobID is git's name for a content, in the algorithm whose names have that many digits.
func blobID(content []byte, digits int) string {
	h := sha1.New() //nolint:gosec // as git does
	if digits == sha256.Size*2 {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// commit makes one commit on a branch, and answers its hash.
func (l *lab) commit(branch, message string, actions []fileAction, allowEmpty *bool) (string, error) {
	if actions == nil {
		actions = []fileAction{}
	}
	body := map[string]any{"branch": branch, "commit_message": message, "actions": actions}
	set(body, "allow_empty", allowEmpty)
	var made struct{ ID string }
	err := l.api.Post(l.Context, l.at("repository", "commits"), body, &made)
	return made.ID, err
}

// gitlabBranch is what GitLab says of one.
type gitlabBranch struct {
	Name   string
	Page   string `json:"web_url"`
	Commit struct{ ID, Message string }
}

// branch finds a branch, nil = there is none.
func (l *lab) branch(name string) (*gitlabBranch, error) {
	var b gitlabBranch
	err := l.api.Get(l.Context, l.at("repository", "branches", name), &b)
	if has(err, http.StatusNotFound) {
		return nil, nil
	}
	return &b, err
}

func (l *lab) makeBranch(name, from string) error {
	return l.createOnce("create.branch."+name, func() error {
		return l.api.Post(l.Context, l.at("repository", "branches"), map[string]string{"branch": name, "ref": from}, nil)
	})
}

func (l *lab) defaultBranch() (string, error) {
	var p gitlabProject
	err := l.api.Get(l.Context, l.at(), &p)
	return p.DefaultBranch, err
}

type pushGitLabInput struct {
	BranchName, CommitMessage, SourcePath, TargetPath, CommitAction string
	AllowEmpty                                                      *bool
}

func pushGitLab(l *lab, in pushGitLabInput) error {
	files, err := l.files(in.SourcePath)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("commit.create.%s.%s", l.project(), in.BranchName)
	hash, err := once(l.step, key, func() (string, error) {
		again, err := l.begin(key)
		if err != nil {
			return "", err
		}
		return l.pushFiles(in, files, again)
	})
	if err != nil {
		return err
	}
	l.Output("projectid", l.project())
	l.Output("projectPath", l.project())
	if hash != "" {
		l.Output("commitHash", hash)
	}
	return nil
}

// pushFiles answers the commit's hash, "" when there was nothing to commit. again: what there is nothing to commit of may
// be what an earlier run of the step has committed.
func (l *lab) pushFiles(in pushGitLabInput, files []git.File, again bool) (string, error) {
	actions, err := l.fileActions(files, in.TargetPath, in.CommitAction, in.BranchName)
	if err != nil {
		return "", err
	}
	head, err := l.ensureBranch(in.BranchName)
	if err != nil {
		return "", err
	}
	if again && head != nil && head.Commit.Message == in.CommitMessage && len(actions) == 0 {
		return head.Commit.ID, nil
	}
	if len(actions) == 0 && !or(in.AllowEmpty, false) {
		l.Warnf("No file changes to commit to %s on branch '%s'; skipping commit. Set 'allowEmpty: true' to create an empty commit.", l.project(), in.BranchName)
		return "", nil
	}
	hash, err := l.commit(in.BranchName, in.CommitMessage, actions, in.AllowEmpty)
	if err != nil {
		hint := "verify that all files you're trying to modify exist in the repository"
		if in.CommitAction == "create" {
			hint = "check that none of the files created by the template already exists"
		}
		return "", apierror.Inputf("Committing the changes to %s failed. Please %s. %s", in.BranchName, hint, err)
	}
	return hash, nil
}

// ensureBranch makes the branch where there is none, of which it answers nil.
func (l *lab) ensureBranch(name string) (*gitlabBranch, error) {
	head, err := l.branch(name)
	if err != nil {
		return nil, apierror.Inputf("Failed to check status of branch '%s'. Please make sure that branch already exists or Backstage has permissions to create one. %s", name, err)
	}
	if head != nil {
		return head, nil
	}
	from, err := l.defaultBranch()
	if err == nil {
		err = l.makeBranch(name, from)
	}
	if err != nil {
		return nil, apierror.Inputf("The branch '%s' was not found and creation failed with error. Please make sure that branch already exists or Backstage has permissions to create one. %s", name, err)
	}
	return nil, nil
}
