package git

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// patterns and names are combined at random: few letters, so that they often meet.
var (
	patterns = []string{
		"a", "/a", "a/", "b/a", "*", "!*", "*.x", "!a.x", "/*", "**/a", "a/**", "**", "a/**/b", "!b", "!b/", "[ab]", "[!a]", "?", "a*", "*/b", "\\!a", "#a", "\\#a", "a ", "a\\ ", "{a,b}", "a/*", "!a/b",
		"b/", "!/b/a", "a**b", "/a/b/", " a", "", "/", "//a", "***", "a.x/", "\\a", "[a-b].x", "**/b/", "/**/a",
	}
	names = []string{"a", "b", "a.x", "b.x", "ab", "!a", "#a", "a ", "{a,b}", " a"}
)

func TestIgnore_LeavesOutWhatGitLeavesOut(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 15 {
		root := t.TempDir()
		write := func(name, text string) {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err == nil { // a name may be a file already
				_ = os.WriteFile(path, []byte(text), 0o600)
			}
		}
		for range 25 {
			var parts []string
			for range 1 + random.IntN(3) {
				parts = append(parts, names[random.IntN(len(names))])
			}
			write(strings.Join(parts, "/"), "x")
		}
		rules := map[string]string{}
		for _, folder := range []string{"", "a/", "b/", "a/b/"}[:1+random.IntN(4)] {
			var lines []string
			for range 1 + random.IntN(4) {
				lines = append(lines, patterns[random.IntN(len(patterns))])
			}
			rules[folder] = strings.Join(lines, "\n")
			write(folder+".gitignore", rules[folder])
		}
		if got, want := readNames(t, root), gitNames(t, root); !slices.Equal(got, want) {
			t.Errorf("rules %q:\n got %q\nwant %q", rules, got, want)
		}
	}
}

func readNames(t *testing.T, root string) []string {
	t.Helper()
	dir, err := workspace.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	files, err := ReadTree(t.Context(), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, f.Path)
	}
	slices.Sort(all)
	return all
}

func gitNames(t *testing.T, root string) []string {
	t.Helper()
	bare := t.TempDir()
	for _, args := range [][]string{{"init", "--quiet", "--bare", bare}, {"--git-dir=" + bare, "--work-tree=" + root, "ls-files", "--others", "--exclude-per-directory=.gitignore", "-z"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		if len(out) > 0 {
			all := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
			slices.Sort(all)
			return all
		}
	}
	return nil
}

func FuzzIgnore(f *testing.F) {
	for _, p := range patterns {
		f.Add(p, "a/b", false)
	}
	f.Fuzz(func(_ *testing.T, text, name string, folder bool) {
		ignoreRules(nil).with(".", text).with("a", text).ignored(name, folder)
	})
}

func TestCheckBranch_AgreesWithGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"a", "b", "/", ".", "..", "@", "{", "-", "~", "^", ":", "*", " ", ".lock", "\\", "ü", "\x01", "HEAD"}
	for range 100 {
		var name strings.Builder
		for range 1 + random.IntN(5) {
			name.WriteString(pieces[random.IntN(len(pieces))])
		}
		git := exec.Command("git", "check-ref-format", "refs/heads/"+name.String()).Run() == nil
		// Beyond git's rules: what could be an option, and the one name that is no branch.
		if strings.HasPrefix(name.String(), "-") || name.String() == "HEAD" || name.String() == "@" {
			git = false
		}
		if ours := CheckBranch(name.String()) == nil; ours != git {
			t.Errorf("%q: %v, git says %v", name.String(), ours, git)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, name := range []string{".git", "a/.GIT/b", "git~1", ".g\u200cit", `a\.git`, ".git::$x", "a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if err := checkPath(name, false); err == nil && slices.Contains(strings.Split(strings.ToLower(name), "/"), ".git") {
			t.Errorf("%q was accepted", name)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add(`a"b\c`)
	f.Fuzz(func(t *testing.T, name string) {
		if quoted := quote(name); strings.ContainsAny(quoted, "\n\x00") {
			t.Errorf("%q ends a line", quoted)
		}
	})
}
