package scm

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

// entry is one line of a tree. A nil SHA without content takes the file away.
type entry struct {
	Path    string  `json:"path"`
	Mode    string  `json:"mode"`
	Type    string  `json:"type"`
	SHA     *string `json:"sha,omitempty"`
	Content *string `json:"content,omitempty"`
}

// removal is an entry that takes a file away: its sha is null, which entry leaves out.
type removal struct {
	Path string  `json:"path"`
	Mode string  `json:"mode"`
	Type string  `json:"type"`
	SHA  *string `json:"sha"`
}

// maxInline is how much text goes into one tree. Every other file is a request of its own.
const maxInline = 4 << 20

// treeEntry is a file at a path. Its content goes into the tree as long as there is room, else to blobs.
func (h *hub) treeEntry(blobs rest.Path, at string, f git.File, inline *int) (entry, error) {
	e := entry{Path: at, Mode: string(f.Mode), Type: "blob"}
	if utf8.Valid(f.Content) && !slices.Contains(f.Content, 0) && len(f.Content) <= *inline {
		*inline -= len(f.Content)
		content := string(f.Content)
		e.Content = &content
		return e, nil
	}
	var blob struct{ SHA string }
	err := h.api.Post(h.Context, blobs, map[string]string{"encoding": "base64", "content": base64.StdEncoding.EncodeToString(f.Content)}, &blob)
	e.SHA = &blob.SHA
	return e, err
}

// push pushes by git, or by the Git data API where this host has no git or something in between lets none of its
// requests through.
func (h *hub) push(p firstPush) (string, error) {
	commit, err := h.service.commit(h.step, p)
	if err != nil {
		return "", err
	}
	hash, err := h.service.pushCommit(h.step, p, commit)
	if !errors.Is(err, errNoGit) && !apierror.Has(err, apierror.ServiceUnavailable) {
		return hash, err
	}
	h.Warnf("%s; pushing by GitHub's API", err)
	if err := git.CheckBranch(commit.Branch); err != nil {
		return "", err
	}
	hash, err = h.pushByAPI(commit.Normal())
	if err == nil {
		h.Infof("Pushed %d files to %s/%s, branch %s, as %s", len(commit.Files), h.owner, h.repo, commit.Branch, hash)
	}
	return hash, err
}

// opening is the message of the commit without which the Git data API refuses an empty repository.
const opening = "initialize repository"

// pushByAPI makes the commit and points the branch at it. Only a branch that is not there, or has nothing but the opening
// commit, is moved.
func (h *hub) pushByAPI(c git.Commit) (string, error) {
	branch := append([]string{"heads"}, strings.Split(c.Branch, "/")...)
	head, err := h.head(branch, c.Branch)
	if err != nil {
		return "", err
	}
	made, err := h.commitByAPI(c)
	switch {
	case err != nil || head == made:
		return made, err
	case head == "":
		return made, h.api.Post(h.Context, h.at("git", "refs"), map[string]string{"ref": "refs/heads/" + c.Branch, "sha": made}, nil)
	}
	var old struct{ Message string }
	if err := h.api.Get(h.Context, h.at("git", "commits", head), &old); err != nil {
		return "", err
	}
	if old.Message != opening {
		return "", apierror.Conflictf("the branch %s of %s/%s has commits already: nothing was pushed", c.Branch, h.owner, h.repo)
	}
	return made, h.api.Patch(h.Context, h.at(append([]string{"git", "refs"}, branch...)...), map[string]any{"sha": made, "force": true}, nil)
}

// head is the branch's commit, "" = there is no such branch. An empty repository gets one.
func (h *hub) head(ref []string, name string) (string, error) {
	var found struct{ Object struct{ SHA string } }
	err := h.api.Get(h.Context, h.at(append([]string{"git", "ref"}, ref...)...), &found)
	switch {
	case has(err, http.StatusNotFound):
		return "", nil
	case has(err, http.StatusConflict):
		var made struct{ Commit struct{ SHA string } }
		err = h.api.Put(h.Context, h.at("contents", ".gitkeep"), map[string]string{"message": opening, "content": "", "branch": name}, &made)
		return made.Commit.SHA, err
	}
	return found.Object.SHA, err
}

func (h *hub) commitByAPI(c git.Commit) (string, error) {
	inline, entries := maxInline, []entry{}
	for _, f := range c.Files {
		e, err := h.treeEntry(h.at("git", "blobs"), f.Path, f, &inline)
		if err != nil {
			return "", err
		}
		entries = append(entries, e)
	}
	var tree, made struct{ SHA string }
	if err := h.api.Post(h.Context, h.at("git", "trees"), map[string]any{"tree": entries}, &tree); err != nil {
		return "", err
	}
	who := map[string]string{"name": c.Author.Name, "email": c.Author.Email, "date": c.When.UTC().Format(time.RFC3339)}
	err := h.api.Post(h.Context, h.at("git", "commits"), map[string]any{"message": c.Message, "tree": tree.SHA, "parents": []string{}, "author": who, "committer": who}, &made)
	return made.SHA, err
}
