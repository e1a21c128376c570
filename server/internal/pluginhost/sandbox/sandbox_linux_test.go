package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin-exec" {
		os.Exit(Exec(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func TestReport_NamesWhatRequiredLacks(t *testing.T) {
	full := Report{Rlimits: true, Landlock: 7, Seccomp: true, Network: true, PIDs: true, User: true}
	if missing := full.Missing(Policy{}); len(missing) != 0 || full.Reached() != "full" {
		t.Errorf("%v", missing)
	}
	if missing := (Report{}).Missing(Policy{Network: true}); !slices.Equal(missing, []string{"Landlock", "a user of its own", "its own process namespace", "limits of resources", "seccomp"}) {
		t.Errorf("%q", missing)
	}
	if r := (Report{Seccomp: true}); r.Reached() != "partial" || (Report{Rlimits: true}).Reached() != "none" {
		t.Error("reached is told wrongly")
	}
}

func TestOwner_IsTheSameForAPluginAndFitsTheUsersThatThereAre(t *testing.T) {
	everybody := func(uint32, uint32) bool { return true }
	a, _ := ownerOf("sentry", everybody)
	again, _ := ownerOf("sentry", everybody)
	b, _ := ownerOf("cost", everybody)
	if a != again || a == b || a.UID < wideUsers || a.UID-wideUsers >= wideCount {
		t.Errorf("%+v, %+v, %+v", a, again, b)
	}
	few, ok := ownerOf("sentry", func(first, _ uint32) bool { return first == narrowUsers })
	if !ok || few.UID < narrowUsers || few.UID >= narrowUsers+narrowCount {
		t.Errorf("%+v", few)
	}
	if _, ok := ownerOf("sentry", func(uint32, uint32) bool { return false }); ok {
		t.Error("a number that is not mapped")
	}
	for table, want := range map[string]bool{"0 0 4294967295\n": true, "0 100000 65536\n": false, "": false, "x y z\n0 0 4294967295": true} {
		if covers(table, wideUsers, wideCount) != want {
			t.Errorf("%q: want %v", table, want)
		}
	}
	if !covers("0 100000 65536\n", narrowUsers, narrowCount) {
		t.Error("a container's users do not cover the narrow range")
	}
}

func TestOwner_SeesWhatStandsInItsWay(t *testing.T) {
	dir, err := os.MkdirTemp("", "cbs") // t.TempDir is too long for sockets, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "sub", "file")
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "sub"), 0o711), os.WriteFile(file, nil, 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	other := Owner{UID: 4242, GID: 4242, Own: true}
	check := func(path string, read bool, want string) {
		t.Helper()
		if obstacle, ok := other.Reaches(path, read); obstacle != want || ok != (want == "") {
			t.Errorf("%s: %q, want %q", path, obstacle, want)
		}
	}
	check(file, true, "")
	check(filepath.Dir(file), false, "")
	check(filepath.Dir(file), true, filepath.Dir(file))
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	check(file, true, dir)
	check(filepath.Join(dir, "none"), true, filepath.Join(dir, "none"))
	if obstacle, ok := (Owner{}).Reaches(file, true); !ok {
		t.Errorf("the host itself is held up by %s", obstacle)
	}
}

func TestOwner_TakesAFolderAndNothingThatALinkInItLeadsTo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("files are given away by root alone")
	}
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	for _, err := range []error{os.WriteFile(outside, nil, 0o600), os.Mkdir(filepath.Join(dir, "sub"), 0o700), os.WriteFile(filepath.Join(dir, "sub", "file"), nil, 0o600), os.Symlink(outside, filepath.Join(dir, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	o := Owner{UID: 4242, GID: 4243, Own: true}
	for range 2 {
		if err := o.Take(dir); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]uint32{dir: 4242, filepath.Join(dir, "sub"): 4242, filepath.Join(dir, "sub", "file"): 4242, filepath.Join(dir, "link"): 4242, outside: 0} {
		if got := uidOf(t, path); got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
}

func TestLauncher_StartedByHandSaysThatItIsNotForThat(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	order, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer order.Close()
	cmd := exec.Command(self, "plugin-exec")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{order}
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 126 || !strings.Contains(stderr.String(), "plugin-exec is started by the host alone") {
		t.Errorf("%v: %s", err, stderr.String())
	}
}

func FuzzReadOrder_RefusesWhatTheHostDoesNotWrite(f *testing.F) {
	f.Add([]byte(`{"policy":{"level":"auto","limits":{"Memory":"256MiB"}},"argv":["x"],"path":"/x"}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = readOrder(bytes.NewReader(data))
	})
}
