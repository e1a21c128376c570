package scm

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

// Deps is what the actions need of the host.
type Deps struct {
	Config *config.Config
	// Entities reads catalog entities by ref as p may see them, nil for those that are not there. Reviewers of environments
	// are looked up with it.
	Entities func(ctx context.Context, p *principal.Principal, refs []string) ([]json.RawMessage, error)
	// TempDir holds repositories while they are pushed, "" = the system's.
	TempDir string
	// Now and Wait are time, nil = by the clock.
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
}

// Actions are the actions that the configuration offers: GitHub's always, as the stock app installs that module, GitLab's
// when integrations.gitlab has an entry, publish:git with the section callboard.scaffolder.git. Mistakes of the
// configuration are reported through d.Config.Err.
func Actions(d Deps) ([]action.Action, error) {
	s := newService(d)
	kinds := githubActions
	if len(d.Config.Section("integrations").Sections("gitlab")) > 0 {
		kinds = slices.Concat(kinds, gitlabActions)
	}
	if s.remotes.offered {
		kinds = slices.Concat(kinds, []kind{publishGit})
	}
	list := make([]action.Action, 0, len(kinds))
	for _, k := range kinds {
		description, err := describe(k)
		if err != nil {
			return nil, err
		}
		list = append(list, &installed{s, k, description})
	}
	return list, nil
}

// service is what the actions share.
type service struct {
	Deps
	hosts   hosts
	remotes remotes
	author  git.Person // scaffolder.defaultAuthor
	message string     // scaffolder.defaultCommitMessage
}

func newService(d Deps) *service {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Wait == nil {
		d.Wait = action.Sleep
	}
	scaffolder := d.Config.Section("scaffolder")
	return &service{
		Deps: d, hosts: readHosts(d.Config), remotes: readRemotes(d.Config),
		author:  git.Person{Name: scaffolder.String("defaultAuthor.name", ""), Email: scaffolder.String("defaultAuthor.email", "")},
		message: scaffolder.String("defaultCommitMessage", ""),
	}
}

var errNoGit = errors.New("pushing needs git on this host")

// gitProgram is looked for when it is needed, so that a host without git offers all the rest.
func (s *service) gitProgram() (git.Program, error) {
	path, err := program.Find("git")
	if err != nil {
		return git.Program{}, fmt.Errorf("%w: %w", errNoGit, err)
	}
	return git.Program{Path: path, TempDir: s.TempDir, Wait: s.Wait}, nil
}

// kind is what there is to know of an action beside its schemas.
type kind struct {
	id             string
	supportsDryRun bool
	repeatable     bool
	run            func(s *service, t *step) error
}

// forRepository makes a kind of an action whose input is I beside repoUrl and token, and which works on what open makes of
// these.
func forRepository[I, R any](id string, k kind, open func(s *service, t *step, repoURL, token string) (R, error), run func(on R, in I) error) kind {
	k.id = id
	k.run = func(s *service, t *step) error {
		var target struct{ RepoURL, Token string }
		var in I
		if err := t.ReadInput(&target); err != nil {
			return err
		}
		if err := t.ReadInput(&in); err != nil {
			return err
		}
		on, err := open(s, t, target.RepoURL, target.Token)
		if err != nil {
			return err
		}
		return run(on, in)
	}
	return k
}

//go:embed schemas/*.json
var schemas embed.FS

// describe reads schemas/<id>.json, which has the form of GET /v2/actions.
func describe(k kind) (action.Description, error) {
	text, err := schemas.ReadFile("schemas/" + strings.ReplaceAll(k.id, ":", "-") + ".json")
	if err != nil {
		return action.Description{}, err
	}
	var file struct {
		Description string
		Examples    []action.Example
		Schema      struct{ Input, Output json.RawMessage }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return action.Description{}, fmt.Errorf("schema of %s: %w", k.id, err)
	}
	return action.Description{
		ID: k.id, Description: file.Description, Examples: file.Examples, Input: file.Schema.Input, Output: file.Schema.Output,
		SupportsDryRun: k.supportsDryRun, Repeatable: k.repeatable,
	}, nil
}

// installed is an action of this package.
type installed struct {
	service     *service
	kind        kind
	description action.Description
}

// Description implements [action.Action].
func (a *installed) Description() action.Description { return a.description }

// Execute implements [action.Action].
func (a *installed) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	return action.Run(ctx, run, l, func(s *action.Step) error { return named(a.kind.run(a.service, &step{s})) })
}

var _ action.Action = (*installed)(nil)
