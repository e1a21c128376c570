package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
)

// attack is a configuration of git that runs a program at every opportunity there is. CANARY is replaced.
const attack = "[core]\n\tfsmonitor = touch CANARY\n\tsshCommand = touch CANARY\n\thooksPath = hooks\n\tpager = touch CANARY\n\teditor = touch CANARY\n\taskPass = touch CANARY\n" +
	"[credential]\n\thelper = !touch CANARY\n[filter \"evil\"]\n\tclean = touch CANARY\n\tsmudge = touch CANARY\n\tprocess = touch CANARY\n\trequired = true\n" +
	"[diff \"evil\"]\n\ttextconv = touch CANARY\n[gpg]\n\tprogram = touch CANARY\n[commit]\n\tgpgSign = true\n[url \"ext::touch CANARY \"]\n\tinsteadOf = file://\n[alias]\n\tpush = !touch CANARY\n"

const hook = "#!/bin/sh\ntouch CANARY\n"

// tricks are workspaces of hostile templates. published are the files that a clone has, nil = nothing was pushed.
var tricks = map[string]struct {
	files     map[string]string
	published []string
	says      string
}{
	"a .git folder with a configuration":           {files: map[string]string{".git/config": attack, ".git/HEAD": "ref: refs/heads/main\n", "a": "1"}, published: []string{"a"}},
	"a .git folder with hooks":                     {files: map[string]string{".git/hooks/pre-push": hook, ".git/hooks/pre-commit": hook, ".git/hooks/post-commit": hook, ".git/hooks/reference-transaction": hook, "a": "1"}, published: []string{"a"}},
	"a .git file that leads elsewhere":             {files: map[string]string{".git": "gitdir: /tmp/evil\n", "a": "1"}, published: []string{"a"}},
	"a .git link that leads elsewhere":             {files: map[string]string{".git": "-> /tmp", "a": "1"}, published: []string{"a"}},
	"a nested repository":                          {files: map[string]string{"sub/.git/config": attack, "sub/.git/HEAD": "ref: refs/heads/main\n", "sub/b": "1"}, published: []string{"sub/b"}},
	"a bare repository among the files":            {files: map[string]string{"lib/HEAD": "ref: refs/heads/main\n", "lib/config": attack, "lib/objects/x": "", "lib/refs/x": ""}, published: []string{"lib/HEAD", "lib/config", "lib/objects/x", "lib/refs/x"}},
	"the workspace looks like a bare repository":   {files: map[string]string{"HEAD": "ref: refs/heads/main\n", "config": attack, "objects/x": "", "refs/x": "", "hooks/pre-push": hook}, published: []string{"HEAD", "config", "hooks/pre-push", "objects/x", "refs/x"}},
	"a .GIT folder, for file systems without case": {files: map[string]string{".GIT/config": attack}, says: "git's own folder"},
	"a .git folder with a trailing dot":            {files: map[string]string{".git./config": attack}, says: "git's own folder"},
	"a .git folder with a trailing blank":          {files: map[string]string{".git /config": attack}, says: "git's own folder"},
	"a short name of .git":                         {files: map[string]string{"GIT~1/config": attack}, says: "git's own folder"},
	"a .git folder with an invisible letter":       {files: map[string]string{".g\u200cit/config": attack}, says: "git's own folder"},
	"a .git folder as a stream":                    {files: map[string]string{".git::$INDEX_ALLOCATION/config": attack}, says: "git's own folder"},
	"a .git folder behind a backslash":             {files: map[string]string{`a\.git\config`: attack}, says: "git's own folder"},
	"filters in .gitattributes":                    {files: map[string]string{".gitattributes": "* filter=evil diff=evil\n", ".git/config": attack, "a": "1"}, published: []string{".gitattributes", "a"}},
	"keywords in .gitattributes":                   {files: map[string]string{".gitattributes": "* ident export-subst text eol=crlf\n", "a": "$Id$\n"}, published: []string{".gitattributes", "a"}},
	"an encoding in .gitattributes":                {files: map[string]string{".gitattributes": "* working-tree-encoding=UTF-16\n", "a": "1"}, published: []string{".gitattributes", "a"}},
	"a submodule that would run a program":         {files: map[string]string{".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = ext::touch CANARY\n\tupdate = !touch CANARY\n", "a": "1"}, published: []string{".gitmodules", "a"}},
	"an option as a submodule's address":           {files: map[string]string{".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=touch CANARY\n", "a": "1"}, published: []string{".gitmodules", "a"}},
	"a link called .gitmodules":                    {files: map[string]string{".gitmodules": "-> a", "a": "1"}, says: "must be a file and not a link"},
	"a link called .gitattributes":                 {files: map[string]string{".gitattributes": "-> a", "a": "1"}, says: "must be a file and not a link"},
	"a link called .gitignore":                     {files: map[string]string{".gitignore": "-> a", "a": "1"}, says: "must be a file and not a link"},
	"a link to a file of the host":                 {files: map[string]string{"passwd": "-> /etc/passwd"}, says: "outside its parent"},
	"a link that climbs":                           {files: map[string]string{"x": "-> ../../../../etc/passwd"}, says: "outside its parent"},
	"a chain of links that climbs":                 {files: map[string]string{"a": "-> b", "b": "-> c", "c": "-> .."}, says: "outside its parent"},
	"links in a circle":                            {files: map[string]string{"a": "-> b", "b": "-> a"}, says: "circle"},
	"a dangling link stays a link":                 {files: map[string]string{"a": "-> missing"}, published: []string{"a"}},
	"a name with a line end":                       {files: map[string]string{"a\nM 100644 inline b": "1"}, says: "line end"},
	"a name that speaks to fast-import":            {files: map[string]string{`"a" inline`: "1", "deleteall": "1", "D a": "1"}, published: []string{`"a" inline`, "D a", "deleteall"}},
	"contents that speak to fast-import":           {files: map[string]string{"a": "\ncommit refs/heads/evil\ndata 1\nx\nreset refs/heads/main\ndone\n"}, published: []string{"a"}},
	"a name of another encoding":                   {files: map[string]string{"a\xff": "1"}, says: "not UTF-8"},
	"settings of git's extensions":                 {files: map[string]string{".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1\n", ".gitconfig": attack, ".mailmap": "x"}, published: []string{".gitconfig", ".lfsconfig", ".mailmap"}},
}

func TestTricks_NothingThatATemplateBringsIsRun(t *testing.T) {
	p := findGit(t)
	home := t.TempDir()
	canary := filepath.Join(t.TempDir(), "ran")
	// What the host's own environment and its user's configuration say must not count either.
	for name, text := range map[string]string{".gitconfig": attack, ".netrc": "default login ann password hush\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(strings.ReplaceAll(text, "CANARY", canary)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"), "GIT_SSH_COMMAND": "touch " + canary, "GIT_ASKPASS": canary, "GIT_DIR": home,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "touch " + canary, "GIT_TRACE": canary, "GIT_EXEC_PATH": home,
	} {
		t.Setenv(name, value)
	}
	for name, trick := range tricks {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for path, text := range trick.files {
				files[path] = strings.ReplaceAll(text, "CANARY", canary)
			}
			target := filepath.Join(t.TempDir(), "shop.git")
			makeBare(t, target)
			read, err := git.ReadTree(t.Context(), write(t, files), true)
			if err == nil {
				_, err = push(t, p, "file://"+target, read)
			}
			if trick.published == nil {
				if err == nil || !strings.Contains(err.Error(), trick.says) {
					t.Errorf("got %v, want one that says %q", err, trick.says)
				}
			} else if got := published(t, target); err != nil || !cmp.Equal(trick.published, got) {
				t.Errorf("%v: %s", err, cmp.Diff(trick.published, got))
			}
			if _, err := os.Stat(canary); err == nil {
				t.Fatal("a program of the template was run")
			}
		})
	}
}

// makeBare makes the target without git, which would heed the test's environment.
func makeBare(t *testing.T, target string) {
	t.Helper()
	for path, text := range map[string]string{"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[transfer]\n\tunpackLimit = 100000\n"} {
		if err := os.MkdirAll(filepath.Join(target, "refs"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(target, "objects"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(target, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func published(t *testing.T, target string) []string {
	t.Helper()
	for _, name := range []string{"GIT_DIR", "GIT_CONFIG_COUNT", "GIT_TRACE", "GIT_EXEC_PATH", "GIT_SSH_COMMAND"} {
		if value, ok := os.LookupEnv(name); ok {
			t.Setenv(name, value) // restores it
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return strings.Split(strings.TrimSuffix(run(t, target, "ls-tree", "-r", "-z", "--name-only", "main"), "\x00"), "\x00")
}

func TestReadTree_APipeIsRefusedAndNotWaitedFor(t *testing.T) {
	dir := write(t, map[string]string{"a": "1"})
	if err := syscall.Mkfifo(filepath.Join(dir.Name(), "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := git.ReadTree(t.Context(), dir, false); err == nil || !strings.Contains(err.Error(), "pipe cannot be published") {
		t.Errorf("got %v", err)
	}
}

func TestPush_RefusesBranchesAndRemotesThatMeanSomethingElse(t *testing.T) {
	p := findGit(t)
	target := bare(t)
	for _, branch := range []string{"", "-x", "--upload-pack=x", "a..b", "main:other", "+main:x", "a b", "@", "HEAD", "a/.b", "a.lock", "/a", "a//b", "a\nb", "a~1", "a^", "x@{1}", `a\b`, "a.", "refs/../x"} {
		_, err := p.Push(t.Context(), git.Commit{Branch: branch}, git.Remote{URL: target}, func(string) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "cannot be the name of a branch") {
			t.Errorf("branch %q: %v", branch, err)
		}
	}
	for _, remote := range []string{
		"", "ext::sh -c 'touch x'", "ext::touch%20x", "fd::17", "git://h/x", "ftp://h/x", "-oProxyCommand=touch x", "--upload-pack=touch x", "h:x", "user@h:x", "/srv/git/x", "../x", "file://../x",
		"file:///srv/../etc", "file://h/srv/x", "ssh://-oProxyCommand=touch%20x/x", "ssh://-l@h/x", "ssh://ann:hush@h/x", "https://ann:hush@h/x", "https://ann@h/x", "https:///x", "https://h/x?y", "https://h/x#y",
		"https://h/x\n", "https://h/ x", "transport::https://h/x", "file:relative",
	} {
		if _, err := push(t, p, remote, nil); err == nil || !strings.Contains(err.Error(), "a remote of git must") || strings.Contains(err.Error(), "hush") {
			t.Errorf("remote %q: %v", remote, err)
		}
	}
}

func TestPush_AuthorAndMessageStayWhatTheyAre(t *testing.T) {
	p, remote := findGit(t), bare(t)
	_, err := p.Push(t.Context(), git.Commit{
		Branch: "feature/über", Message: "one\n\ndata 3\nM 100644 inline evil\n\x00", When: noon,
		Author: git.Person{Name: "Eve <x>\ncommitter Mallory", Email: "eve@example.com> 0 +0000\nparent 0"},
		Files:  []git.File{{Path: "a", Mode: git.Regular, Content: []byte("1")}},
	}, git.Remote{URL: remote}, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimPrefix(remote, "file://")
	if got := run(t, dir, "log", "--format=%an|%ae|%B", "feature/über"); got != "Eve xcommitter Mallory|eve@example.com 0 +0000parent 0|one\n\ndata 3\nM 100644 inline evil\n\n" {
		t.Errorf("got %q", got)
	}
	if got := run(t, dir, "ls-tree", "-r", "--name-only", "feature/über"); got != "a\n" {
		t.Errorf("files: %q", got)
	}
}
