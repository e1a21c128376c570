package git

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
)

// Program is the git program and where it may work.
type Program struct {
	// Path is absolute. TempDir holds a repository during a push, "" = the system's.
	Path, TempDir string
	// Wait waits between attempts; nil = by the clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Remote is where to push to.
type Remote struct {
	// URL is http(s), ssh or file, without user and password but for the user of ssh.
	URL string
	// Username and Password are sent to that URL alone, in a header. They are neither arguments nor in a file.
	Username, Password string
	// Identity and KnownHosts are files of the host for ssh; a host that is not known is refused.
	Identity, KnownHosts string
}

const (
	pushTimeout  = 10 * time.Minute
	pushAttempts = 4
)

// Push makes a repository of one commit and pushes its branch, without force. What git says of its progress goes to log.
// It answers the commit's hash, also when the remote already has it. A remote that cannot be reached is a
// ServiceUnavailableError, after some attempts.
func (p Program) Push(ctx context.Context, c Commit, to Remote, log func(text string) error) (hash string, err error) {
	if err := CheckBranch(c.Branch); err != nil {
		return "", err
	}
	environment, err := to.environment()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(p.TempDir, "callboard-git-")
	if err != nil {
		return "", fmt.Errorf("push to %s: %w", to.URL, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	run := session{p, dir, environment, to}
	if hash, err = run.commit(ctx, c); err != nil {
		return "", fmt.Errorf("make a commit of the workspace: %w", err)
	}
	return hash, run.push(ctx, c.Branch, log)
}

// session is one repository while it is pushed.
type session struct {
	Program
	dir         string
	environment []string
	to          Remote
}

// commit makes the repository. Templates of git's installation, which may hold hooks, are left out.
func (s session) commit(ctx context.Context, c Commit) (string, error) {
	if _, err := s.git(ctx, nil, nil, "init", "--quiet", "--bare", "--template=", s.dir); err != nil {
		return "", err
	}
	if _, err := s.git(ctx, c.stream(), nil, "--git-dir="+s.dir, "fast-import", "--quiet", "--done", "--date-format=raw"); err != nil {
		return "", err
	}
	out, err := s.git(ctx, nil, nil, "--git-dir="+s.dir, "rev-parse", "--verify", "refs/heads/"+c.Branch)
	return strings.TrimSpace(string(out.Stdout)), err
}

// push tries again when the failure may pass: a host that has just made a repository may not know it everywhere yet.
func (s session) push(ctx context.Context, branch string, log func(string) error) error {
	ref := "refs/heads/" + branch
	for attempt, pause := 1, time.Second; ; attempt, pause = attempt+1, 2*pause {
		out, err := s.git(ctx, nil, log, "--git-dir="+s.dir, "push", "--porcelain", "--no-progress", "--", s.to.URL, ref+":"+ref)
		if err == nil || ctx.Err() != nil {
			return err
		}
		said := s.to.hide(refusals(out))
		if attempt == pushAttempts || !passing(said) {
			return apierror.Newf(failureName(said), "git push to %s failed: %s", s.to.URL, orElse(said, err.Error()))
		}
		if err := s.wait(ctx, pause); err != nil {
			return err
		}
	}
}

func (s session) wait(ctx context.Context, d time.Duration) error {
	if s.Wait != nil {
		return s.Wait(ctx, d)
	}
	return action.Sleep(ctx, d)
}

func (s session) git(ctx context.Context, stdin []byte, log func(string) error, args ...string) (program.Result, error) {
	c := program.Command{Program: s.Path, Args: args, Dir: s.dir, Env: s.environment, Stdin: stdin, Timeout: pushTimeout}
	if log != nil {
		c.Line = func(_ program.Stream, text string) error { return log(s.to.hide(text)) }
	}
	out, err := program.Run(ctx, c)
	var exit *program.ExitError
	if errors.As(err, &exit) && log == nil {
		err = fmt.Errorf("%w: %s", err, s.to.hide(strings.TrimSpace(exit.Stderr)))
	}
	return out, err
}

// refusals are the lines in which git says why it did not push.
func refusals(out program.Result) string {
	var lines []string
	for line := range strings.Lines(string(out.Stdout) + "\n" + out.Stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"!", "fatal:", "error:", "remote:"} {
			if strings.HasPrefix(line, prefix) && !strings.HasPrefix(line, "error: failed to push some refs") {
				lines = append(lines, strings.ReplaceAll(line, "\t", " "))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// passing reports whether a failure may be gone in a moment.
func passing(said string) bool {
	return unreachable(said) || strings.Contains(said, "not found")
}

func unreachable(said string) bool {
	for _, sign := range []string{"error: 5", "Connection reset", "onnection refused", "Could not connect", "Failed to connect", "Could not resolve host", "timed out", "early EOF", "hung up", "Empty reply"} {
		if strings.Contains(said, sign) {
			return true
		}
	}
	return false
}

func failureName(said string) apierror.Name {
	switch {
	case strings.Contains(said, "Authentication failed"), strings.Contains(said, "could not read Username"), strings.Contains(said, "Permission denied"):
		return apierror.Authentication
	case strings.Contains(said, "error: 403"):
		return apierror.NotAllowed
	case strings.Contains(said, "not found"):
		return apierror.NotFound
	case strings.Contains(said, "[rejected]"):
		return apierror.Conflict
	case unreachable(said):
		return apierror.ServiceUnavailable
	}
	return apierror.Generic
}

// hide takes credentials out of what git and the remote say.
func (r Remote) hide(text string) string {
	if r.Password == "" {
		return text
	}
	return strings.NewReplacer(r.Password, "***", r.basic(), "***", url.QueryEscape(r.Password), "***").Replace(text)
}

func (r Remote) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(r.Username + ":" + r.Password))
}

// environment is all that git knows beside its arguments. Configuration of the machine and of its users is not read; what
// is set here wins over the repository's.
func (r Remote) environment() ([]string, error) {
	scheme, err := r.check()
	if err != nil {
		return nil, err
	}
	settings := [][2]string{
		{"core.hooksPath", os.DevNull}, {"core.fsmonitor", "false"}, {"core.protectHFS", "true"}, {"core.protectNTFS", "true"},
		{"core.attributesFile", os.DevNull}, {"core.askPass", ""}, {"credential.helper", ""}, {"credential.interactive", "false"},
		{"http.followRedirects", "false"}, {"http.cookieFile", ""}, {"protocol.allow", "never"}, {"submodule.recurse", "false"},
		{"push.recurseSubmodules", "no"}, {"push.gpgSign", "false"}, {"commit.gpgSign", "false"}, {"gc.auto", "0"},
		{"maintenance.auto", "false"}, {"advice.pushUpdateRejected", "false"}, {"color.ui", "false"},
	}
	if r.Password != "" {
		settings = append(settings, [2]string{"http." + r.URL + ".extraHeader", "Authorization: Basic " + r.basic()})
	}
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL=" + scheme,
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings)),
	}
	for i, setting := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, setting[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, setting[1]))
	}
	if scheme == "ssh" {
		env = append(env, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+r.ssh())
	}
	return append(env, network()...), nil
}

// ssh is the command for git, which hands it to a shell: the files are the operator's, quoted all the same.
func (r Remote) ssh() string {
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	known := orElse(r.KnownHosts, os.DevNull)
	command := "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none -o UserKnownHostsFile=" + quote(known)
	if r.Identity != "" {
		command += " -o IdentitiesOnly=yes -i " + quote(r.Identity)
	}
	return command
}

// network is the machine's way out, which Go's clients take too.
func network() []string {
	var env []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		env = append(env, "GIT_SSL_CAINFO="+file)
	}
	return env
}

// check refuses addresses that git would read as something else than one of the plain kinds.
func (r Remote) check() (scheme string, err error) {
	u, err := url.Parse(r.URL)
	refuse := func(why string) (string, error) {
		return "", apierror.Inputf("a remote of git %s", why)
	}
	if err != nil || strings.ContainsFunc(r.URL, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return refuse("must be a URL without blanks and control characters")
	}
	_, hasPassword := u.User.Password()
	switch u.Scheme {
	case "https", "http":
		if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return refuse("must have a host, and neither a user nor a query nor a fragment; give the credential as the token")
		}
	case "ssh":
		if u.Host == "" || hasPassword || strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-") {
			return refuse("must have a host, no password, and no name that begins with a dash")
		}
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) || filepath.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") {
			return refuse("must name a clean absolute path: file:///srv/git/shop.git")
		}
	default:
		return refuse("must be an https, http, ssh or file URL")
	}
	return u.Scheme, nil
}

func orElse(text, def string) string {
	if text == "" {
		return def
	}
	return text
}
