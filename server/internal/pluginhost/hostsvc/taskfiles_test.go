package hostsvc_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
)

// lent is the files of a task in a folder that has a neighbour which nothing may touch.
type lent struct {
	*hostsvc.TaskFiles

	handle, dir, outside string
	end                  func()
}

func lend(t *testing.T) lent {
	t.Helper()
	parent := t.TempDir()
	l := lent{TaskFiles: hostsvc.NewTaskFiles(), dir: filepath.Join(parent, "task"), outside: filepath.Join(parent, "outside")}
	if err := errors.Join(os.Mkdir(l.dir, 0o755), os.Mkdir(l.outside, 0o755), os.WriteFile(filepath.Join(l.outside, "secret"), []byte("hush"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.handle, l.end, err = l.Lend("hello", l.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.end)
	return l
}

func (l lent) write(path, text string) error {
	return l.Write("hello", l.handle, hostsvc.FileWrite{Path: path, Data: []byte(text)})
}

func TestTaskFiles_AreReadAndWrittenInParts(t *testing.T) {
	l := lend(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // 640 KiB
	half := len(content) / 2
	if err := errors.Join(
		l.Write("hello", l.handle, hostsvc.FileWrite{Path: "a/b/c.bin", Data: content[:half], Executable: true}),
		l.Write("hello", l.handle, hostsvc.FileWrite{Path: "a/b/c.bin", Data: content[half:], Append: true}),
		l.write("a/d.txt", "d"), l.write("z", ""),
	); err != nil {
		t.Fatal(err)
	}
	var back []byte
	for {
		part, err := l.Read("hello", l.handle, "a/b/c.bin", int64(len(back)))
		if err != nil || part.Size != int64(len(content)) || !part.Executable {
			t.Fatalf("%d of %d, %v", len(part.Data), part.Size, err)
		}
		if len(part.Data) == 0 {
			break
		}
		back = append(back, part.Data...)
	}
	if !bytes.Equal(back, content) {
		t.Error("another content came back")
	}
	files, _, err := l.List("hello", l.handle, "", "")
	if want := "[{a/b/c.bin 655360 true} {a/d.txt 1 false} {z 0 false}]"; err != nil || fmt.Sprint(files) != want {
		t.Errorf("%v, %v", files, err)
	}
	if files, _, err = l.List("hello", l.handle, "a/b", ""); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if err := errors.Join(l.write("a/b/c.bin", "x"), l.Remove("hello", l.handle, "a/d.txt"), l.Remove("hello", l.handle, "never")); err != nil {
		t.Error(err)
	}
	if part, err := l.Read("hello", l.handle, "a/b/c.bin", 0); err != nil || string(part.Data) != "x" || part.Executable {
		t.Errorf("a file that was replaced: %q %v, %v", part.Data, part.Executable, err)
	}
}

func TestTaskFiles_NothingLeadsOut(t *testing.T) {
	l := lend(t)
	for name, target := range map[string]string{"out": "../outside", "abs": l.outside, "file": "../outside/secret", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(l.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{
		"../outside/secret", "a/../../outside/secret", l.outside + "/secret", "/etc/passwd", "out/secret", "abs/secret", "file", "out/new", "abs/../../x", "..", "../task2/x",
	} {
		if part, err := l.Read("hello", l.handle, path, 0); err == nil {
			t.Errorf("read %s: %q", path, part.Data)
		}
		if err := l.write(path, "changed"); err == nil {
			t.Errorf("wrote %s", path)
		}
		if err := l.Write("hello", l.handle, hostsvc.FileWrite{Path: path, Data: []byte("x"), Append: true}); err == nil {
			t.Errorf("added to %s", path)
		}
	}
	for _, path := range []string{"../outside", "out/secret", "abs/secret", "", ".", "/"} {
		if err := l.Remove("hello", l.handle, path); err == nil {
			t.Errorf("removed %q", path)
		}
	}
	for _, folder := range []string{"..", "/", "out", "abs"} {
		if files, _, err := l.List("hello", l.handle, folder, ""); err == nil && len(files) > 0 {
			t.Errorf("listed %s: %v", folder, files)
		}
	}
	if files, _, err := l.List("hello", l.handle, "", ""); err != nil || len(files) != 0 {
		t.Errorf("links are listed as files: %v, %v", files, err)
	}
	secret, err := os.ReadFile(filepath.Join(l.outside, "secret"))
	entries, _ := os.ReadDir(l.outside)
	if err != nil || string(secret) != "hush" || len(entries) != 1 {
		t.Errorf("the neighbour was changed: %q, %v, %v", secret, entries, err)
	}
}

func TestTaskFiles_ErrorsAreThePluginsToRead(t *testing.T) {
	l := lend(t)
	if err := l.write("a", "text"); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		err  error
		name apierror.Name
	}{
		"a missing file":          {second(l.Read("hello", l.handle, "b", 0)), apierror.NotFound},
		"a missing folder":        {third(l.List("hello", l.handle, "b", "")), apierror.NotFound},
		"a folder as a file":      {second(l.Read("hello", l.handle, ".", 0)), apierror.Input},
		"a file as a folder":      {l.write("a/b", ""), apierror.Input},
		"a part of what is not":   {l.Write("hello", l.handle, hostsvc.FileWrite{Path: "b", Append: true}), apierror.NotFound},
		"a long name":             {l.write(strings.Repeat("x", 300), ""), apierror.Input},
		"outside":                 {l.write("../b", ""), apierror.NotAllowed},
		"another plugin's handle": {second(l.Read("other", l.handle, "a", 0)), apierror.NotFound},
		"no handle":               {second(l.Read("hello", "", "a", 0)), apierror.NotFound},
	} {
		if !apierror.Has(c.err, c.name) || strings.Contains(c.err.Error(), l.dir) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	l.end()
	if err := l.write("a", "late"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("after the step: %v", err)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

func second[T any](_ T, err error) error { return err }

func TestTaskFiles_AStepWritesNoMoreThanItsShare(t *testing.T) {
	l := lend(t)
	part := make([]byte, 512<<10)
	for i := range 128 {
		if err := l.Write("hello", l.handle, hostsvc.FileWrite{Path: "big", Data: part, Append: i > 0}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := l.write("more", "x"); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("got %v", err)
	}
	other, end, err := l.Lend("hello", l.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if err := l.Write("hello", other, hostsvc.FileWrite{Path: "more"}); err != nil {
		t.Errorf("another step: %v", err)
	}
}

func TestTaskFiles_ManyAreListedPageByPage(t *testing.T) {
	l := lend(t)
	var want []string
	for i := range 1500 {
		name := fmt.Sprintf("%0200d-%d", i%7, i)
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(l.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	var got []string
	pages := 0
	for after, more := "", true; more; pages++ {
		var files []hostsvc.TaskFile
		var err error
		if files, more, err = l.List("hello", l.handle, "", after); err != nil || len(files) == 0 {
			t.Fatal(len(files), err)
		}
		for _, f := range files {
			got = append(got, f.Path)
		}
		after = got[len(got)-1]
	}
	if pages < 2 || !slices.Equal(got, want) {
		t.Errorf("%d pages, %d of %d files", pages, len(got), len(want))
	}
}

func TestTaskFiles_EndWaitsForCallsThatRun(t *testing.T) {
	l := lend(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 100 {
				if err := l.write(fmt.Sprint(i), fmt.Sprint(n)); err != nil && !apierror.Has(err, apierror.NotFound) {
					t.Error(err)
				}
			}
		})
	}
	l.end()
	l.end()
	all.Wait()
}
