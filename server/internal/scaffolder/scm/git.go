package scm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

// firstPush is the workspace as the first commit of a repository.
type firstPush struct {
	remote, username, password  string
	identity, knownHosts        string
	branch, sourcePath, message string
	authorName, authorEmail     string
}

// commit reads the workspace. A run that repeats the step makes the same commit, so that a push which was interrupted
// after the remote had taken it succeeds.
func (s *service) commit(t *step, p firstPush) (git.Commit, error) {
	files, err := t.files(p.sourcePath)
	if err != nil {
		return git.Commit{}, err
	}
	when, err := t.startedAt(s.Now)
	return git.Commit{
		Branch: p.branch, Message: cmp.Or(p.message, s.message, "initial commit"), When: when, Files: files,
		Author: git.Person{Name: cmp.Or(p.authorName, s.author.Name, "Scaffolder"), Email: cmp.Or(p.authorEmail, s.author.Email, "scaffolder@backstage.io")},
	}, err
}

// push answers the commit's hash.
func (s *service) push(t *step, p firstPush) (string, error) {
	commit, err := s.commit(t, p)
	if err != nil {
		return "", err
	}
	return s.pushCommit(t, p, commit)
}

func (s *service) pushCommit(t *step, p firstPush, commit git.Commit) (string, error) {
	program, err := s.gitProgram()
	if err != nil {
		return "", err
	}
	t.Infof("Pushing %d files to %s, branch %s", len(commit.Files), p.remote, p.branch)
	to := git.Remote{URL: p.remote, Username: p.username, Password: p.password, Identity: p.identity, KnownHosts: p.knownHosts}
	return program.Push(t.Context, commit, to, func(text string) error {
		t.Logf("debug", "git: %s", text)
		return context.Cause(t.Context)
	})
}

// remotes is callboard.scaffolder.git: where publish:git may push to.
type remotes struct {
	offered              bool
	allow                []string
	credentials          []remoteCredential
	identity, knownHosts string
}

// remoteCredential is sent to remotes that begin with prefix, and to no others.
type remoteCredential struct{ prefix, username, token string }

func readRemotes(c *config.Config) remotes {
	parent := c.Section("callboard.scaffolder")
	if !parent.Has("git") {
		return remotes{}
	}
	section := parent.Section("git")
	r := remotes{
		offered: true, allow: section.Strings("allow"),
		identity: section.String("ssh.identityFile", ""), knownHosts: section.String("ssh.knownHostsFile", ""),
	}
	const rule = `must begin as URLs with a whole host do, such as "https://git.example.com/" or "file:///srv/git/"`
	for _, prefix := range r.allow {
		if !wholeHost(prefix) {
			section.Problem("allow", rule)
		}
	}
	for _, entry := range section.Sections("credentials") {
		c := remoteCredential{entry.String("remote", ""), entry.String("username", "git"), entry.String("token", "")}
		if !wholeHost(c.prefix) {
			entry.Problem("remote", rule)
			continue
		}
		r.credentials = append(r.credentials, c)
	}
	return r
}

func wholeHost(prefix string) bool {
	scheme, rest, ok := strings.Cut(prefix, "://")
	return ok && scheme != "" && strings.Contains(rest, "/")
}

// allows reports whether a remote is below one of the prefixes.
func (r remotes) allows(remote string) bool {
	return slices.ContainsFunc(r.allow, func(prefix string) bool { return isBelow(remote, prefix) })
}

// credential is the one with the longest prefix of the remote.
func (r remotes) credential(remote string) (best remoteCredential) {
	for _, c := range r.credentials {
		if isBelow(remote, c.prefix) && len(c.prefix) > len(best.prefix) {
			best = c
		}
	}
	return best
}

// isBelow reports whether prefix is remote or ends at a slash of it.
func isBelow(remote, prefix string) bool {
	below, ok := strings.CutPrefix(remote, prefix)
	return ok && (below == "" || strings.HasSuffix(prefix, "/") || below[0] == '/') && !climbs(below)
}

// climbs reports whether a path has a part that servers may resolve to its parent.
func climbs(path string) bool {
	lower := strings.ReplaceAll(strings.ToLower(path), "%2e", ".")
	for part := range strings.FieldsFuncSeq(lower, func(c rune) bool { return c == '/' || c == '\\' }) {
		if part == ".." || part == "." {
			return true
		}
	}
	return strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c")
}

var publishGit = kind{id: "publish:git", repeatable: true, run: func(s *service, t *step) error {
	var in struct {
		RemoteURL, SourcePath, GitCommitMessage, GitAuthorName, GitAuthorEmail, Username, Token string
		DefaultBranch                                                                           *string
	}
	if err := t.ReadInput(&in); err != nil {
		return err
	}
	if !s.remotes.allows(in.RemoteURL) {
		return apierror.NotAllowedf("publish:git may not push to %q: callboard.scaffolder.git.allow lists the beginnings of the remotes it may push to", withoutUser(in.RemoteURL))
	}
	p := firstPush{
		remote: in.RemoteURL, branch: or(in.DefaultBranch, "main"), sourcePath: in.SourcePath, message: in.GitCommitMessage,
		authorName: in.GitAuthorName, authorEmail: in.GitAuthorEmail,
	}
	if strings.HasPrefix(in.RemoteURL, "ssh:") {
		p.identity, p.knownHosts = s.remotes.identity, s.remotes.knownHosts
	} else {
		own := s.remotes.credential(in.RemoteURL)
		p.username, p.password = cmp.Or(in.Username, own.username, "git"), cmp.Or(in.Token, own.token)
	}
	if s.hosts.needsToken && in.Token == "" && !strings.HasPrefix(in.RemoteURL, "file:") {
		return apierror.Inputf("No user credentials provided for %s, but scaffolder.requireScmUserCredentials is enabled", in.RemoteURL)
	}
	hash, err := s.push(t, p)
	if err != nil {
		return err
	}
	t.Output("remoteUrl", in.RemoteURL)
	t.Output("commitHash", hash)
	return nil
}}

// withoutUser takes a user and password out of an address that may not be a URL.
func withoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, found := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if found {
		path = "/" + path
	}
	return scheme + "://" + host + path
}
