package git_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Unix(1_790_000_000, 0)

func findGit(t *testing.T) git.Program {
	t.Helper()
	path, err := program.Find("git")
	if err != nil {
		t.Fatal(err)
	}
	return git.Program{Path: path, TempDir: t.TempDir(), Wait: func(context.Context, time.Duration) error { return nil }}
}

// bare makes a repository to push to, and answers its URL.
func bare(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop.git")
	run(t, "", "init", "--quiet", "--bare", "--initial-branch=main", dir)
	return "file://" + dir
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// write fills a new workspace. A text that begins with "-> " is a link, one that begins with "#!" is executable.
func write(t *testing.T, files map[string]string) *workspace.Dir {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(text, "-> "); {
		case link:
			err = os.Symlink(target, path)
		case strings.HasPrefix(text, "#!"):
			err = os.WriteFile(path, []byte(text), 0o700)
		default:
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := workspace.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func push(t *testing.T, p git.Program, remote string, files []git.File) (string, error) {
	t.Helper()
	return p.Push(t.Context(), git.Commit{Branch: "main", Message: "initial commit", Author: git.Person{Name: "Ann", Email: "ann@example.com"}, When: noon, Files: files},
		git.Remote{URL: remote}, func(string) error { return nil })
}

func TestPush_TheRemoteHasTheFilesAsTheyAreInTheWorkspace(t *testing.T) {
	p, remote := findGit(t), bare(t)
	dir := write(t, map[string]string{
		"README.md": "# shop\n", "bin/run": "#!/bin/sh\n", "docs/über \"x\".md": "ü", "latest": "-> docs", "empty": "", ".gitignore": "/out\n", "out/a": "x", "bytes": "\x00\xff\r\n",
	})
	files, err := git.ReadTree(t.Context(), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := push(t, p, remote, files)
	if err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "clone", "--quiet", remote, clone)
	got := run(t, clone, "-c", "core.quotePath=false", "ls-files", "--format=%(objectmode) %(path)")
	want := "100644 .gitignore\n100644 README.md\n100755 bin/run\n100644 bytes\n100644 \"docs/über \\\"x\\\".md\"\n100644 empty\n120000 latest\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if content, err := os.ReadFile(filepath.Join(clone, "bytes")); err != nil || string(content) != "\x00\xff\r\n" {
		t.Errorf("bytes: %q, %v", content, err)
	}
	if got := run(t, clone, "log", "--format=%H %an <%ae> %ct %s"); got != hash+" Ann <ann@example.com> 1790000000 initial commit\n" {
		t.Errorf("the commit is %s", got)
	}
	if left, err := os.ReadDir(p.TempDir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPush_ASecondTimeIsTheSameCommitAndOtherFilesAreRefused(t *testing.T) {
	p, remote := findGit(t), bare(t)
	files := []git.File{{Path: "a", Mode: git.Regular, Content: []byte("1")}}
	first, err := push(t, p, remote, files)
	if err != nil {
		t.Fatal(err)
	}
	second, err := push(t, p, remote, files)
	if err != nil || first != second {
		t.Errorf("%s, then %s, %v", first, second, err)
	}
	files[0].Content = []byte("2")
	if _, err := push(t, p, remote, files); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("a push over another commit: %v", err)
	}
}

func TestPush_ItsCredentialIsInAHeaderAndNowhereElse(t *testing.T) {
	const password = "canary-password-4711"
	p := findGit(t)
	seen := filepath.Join(t.TempDir(), "arguments")
	wrapper := filepath.Join(t.TempDir(), "git")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" >> " + seen + "\nexec " + p.Path + " \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p.Path = wrapper
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere = append(elsewhere, r.URL.Path) }))
	defer other.Close()
	var user, got string
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, got, _ = r.BasicAuth()
		if strings.HasPrefix(r.URL.Path, "/moved") {
			http.Redirect(w, r, other.URL+r.URL.Path+"?"+r.URL.RawQuery, http.StatusFound) //nolint:gosec // a host that leads elsewhere is what is tested
			return
		}
		http.Error(w, "no entry for "+r.Header.Get("Authorization")+" "+got, http.StatusForbidden)
	}))
	defer host.Close()
	for _, path := range []string{"/shop.git", "/moved.git"} {
		var lines []string
		_, err := p.Push(t.Context(), git.Commit{Branch: "main", Files: []git.File{{Path: "a", Mode: git.Regular}}}, git.Remote{URL: host.URL + path, Username: "x-access-token", Password: password},
			func(text string) error { lines = append(lines, text); return nil })
		if err == nil {
			t.Fatal("it was pushed")
		}
		if user != "x-access-token" || got != password {
			t.Errorf("%s: the host was told %s %s", path, user, got)
		}
		if all := err.Error() + strings.Join(lines, "\n"); strings.Contains(all, password) || strings.Contains(all, "eC1hY2Nlc3MtdG9rZW46") {
			t.Errorf("%s: the credential is seen: %s", path, all)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("a redirect to another host was followed: %v", elsewhere)
	}
	if arguments, err := os.ReadFile(seen); err != nil || len(arguments) == 0 || strings.Contains(string(arguments), password) {
		t.Errorf("arguments: %s, %v", arguments, err)
	}
}

func TestPush_IsTriedAgainWhenTheFailureMayPass(t *testing.T) {
	p := findGit(t)
	var tries int
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer host.Close()
	if _, err := push(t, p, host.URL+"/shop.git", nil); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("got %v", err)
	}
	if tries != 4 {
		t.Errorf("tried %d times", tries)
	}
}

func TestPush_EndsWithItsContext(t *testing.T) {
	p := findGit(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release }))
	defer host.Close()
	defer close(release)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Push(ctx, git.Commit{Branch: "main", When: noon}, git.Remote{URL: host.URL + "/shop.git"}, func(string) error { return nil })
		ended <- err
	}()
	<-arrived
	cancel(apierror.Conflictf("the task was cancelled"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the task was cancelled") {
		t.Errorf("got %v", err)
	}
}

// TestPush_BySSHTrustsWhatItIsGivenAlone has an ssh that writes down how it was called and runs what it was asked to run.
func TestPush_BySSHTrustsWhatItIsGivenAlone(t *testing.T) {
	p, dir := findGit(t), t.TempDir()
	called := filepath.Join(dir, "called")
	for name, script := range map[string]string{
		"ssh": "#!/bin/sh\nprintf '%s\\n' \"$@\" >> " + called + "\nfor last; do :; done\nexec sh -c \"$last\"\n",
		"git": "#!/bin/sh\nPATH=" + dir + ":$PATH\nexec " + p.Path + " \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.Path = filepath.Join(dir, "git")
	target := strings.TrimPrefix(bare(t), "file://")
	_, err := p.Push(t.Context(), git.Commit{Branch: "main", When: noon, Files: []git.File{{Path: "a", Mode: git.Regular}}},
		git.Remote{URL: "ssh://git@git.example.com" + target, Identity: "/keys/it's $(touch x)", KnownHosts: "/keys/known hosts"}, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	arguments, err := os.ReadFile(called)
	want := "-F\nnone\n-o\nBatchMode=yes\n-o\nStrictHostKeyChecking=yes\n-o\nGlobalKnownHostsFile=none\n-o\nUserKnownHostsFile=/keys/known hosts\n-o\nIdentitiesOnly=yes\n-i\n/keys/it's $(touch x)\n"
	if got := string(arguments); err != nil || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "git@git.example.com\ngit-receive-pack '"+target+"'\n") {
		t.Errorf("ssh was called with %s, %v", got, err)
	}
	if files := run(t, target, "ls-tree", "--name-only", "main"); files != "a\n" {
		t.Errorf("files %q", files)
	}
}
