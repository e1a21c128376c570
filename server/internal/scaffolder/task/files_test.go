package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// tree is a folder as text: names, permissions, targets of links, contents.
func tree(t testing.TB, folder string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		content := []byte("-")
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			target, _ := os.Readlink(path)
			content = []byte(target)
		case 0:
			content, err = os.ReadFile(path)
		}
		all = append(all, fmt.Sprintf("%s %s %s", info.Mode(), name, content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// furnish fills a folder with one of everything.
func furnish(t testing.TB, folder string) {
	t.Helper()
	if err := errors.Join(
		os.MkdirAll(filepath.Join(folder, "a/empty"), 0o755),
		os.WriteFile(filepath.Join(folder, "a/run.sh"), []byte("#!/bin/sh\n"), 0o755),
		os.WriteFile(filepath.Join(folder, "a/öffentlich.txt"), bytes.Repeat([]byte("x"), 10_000), 0o640),
		os.Mkdir(filepath.Join(folder, ".git"), 0o700),
		os.WriteFile(filepath.Join(folder, ".git/HEAD"), []byte("ref: x"), 0o444),
		os.Symlink("run.sh", filepath.Join(folder, "a/link")),
		os.Symlink("/etc/passwd", filepath.Join(folder, "a/outward")),
		os.Chmod(filepath.Join(folder, "a/empty"), 0o500),
	); err != nil {
		t.Fatal(err)
	}
}

func TestASnapshotIsTheWholeWorkspace(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if s, err := takeSnapshot(from, 1<<20); err != nil || s.any || s.archive != nil {
		t.Errorf("of an empty folder: %+v, %v", s, err)
	}
	if s, err := takeSnapshot(filepath.Join(from, "none"), 1<<20); err != nil || s.any {
		t.Errorf("of no folder: %+v, %v", s, err)
	}
	furnish(t, from)
	s, err := takeSnapshot(from, 1<<20)
	if err != nil || !s.any {
		t.Fatal(s, err)
	}
	if err := restore(to, s.archive); err != nil {
		t.Fatal(err)
	}
	if tree(t, from) != tree(t, to) {
		t.Errorf("got\n%s\nwant\n%s", tree(t, to), tree(t, from))
	}
	again, err := takeSnapshot(to, 1<<20)
	if err != nil || again.outline() != s.outline() {
		t.Error("the same files look different")
	}
	large, err := takeSnapshot(from, 10_000)
	if !errors.Is(err, errTooLarge) || !large.any || large.archive != nil {
		t.Errorf("of too much: %+v, %v", large, err)
	}
	for i := 1; i < len(s.archive); i += 7 {
		if err := restore(t.TempDir(), s.archive[:i]); err == nil {
			t.Fatalf("half an archive is restored, %d of %d bytes", i, len(s.archive))
		}
	}
}

// inTwoRuns runs a task whose first step ends well on a host that is lost then, and answers what the next host found.
func inTwoRuns(t *testing.T, r *rig, keep int64, between func(folder string)) (found string, task Task) {
	t.Helper()
	dir := t.TempDir()
	lost := make(chan bool)
	first := New(Options{Store: r.Store, WorkingDirectory: dir, Concurrency: 1, KeepFiles: keep, Run: func(ctx context.Context, run workflow.Run, j workflow.Journal) (json.RawMessage, error) {
		furnish(t, run.Workspace)
		err := j.Step(ctx, "a", workflow.StepState{Status: workflow.Completed})
		err = errors.Join(err, j.Step(ctx, "b", workflow.StepState{Status: workflow.Processing}), os.WriteFile(filepath.Join(run.Workspace, "half"), nil, 0o600))
		close(lost)
		<-ctx.Done()
		return nil, err
	}})
	made := create(t, first, oneStep)
	if err := first.claimAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-lost
	first.mu.Lock()
	held := first.running[made.ID]
	first.mu.Unlock()
	held.interrupt(workflow.ErrLost)
	first.runs.Wait()
	between(filepath.Join(dir, made.ID))
	r.abandon()
	second, stop := r.engine(Options{WorkingDirectory: dir, Run: func(_ context.Context, run workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
		found = tree(t, run.Workspace)
		return nil, nil
	}})
	task = ended(t, second, made.ID)
	stop()
	return found, task
}

func TestTakeover_BeginsWithTheFilesOfTheLastStepThatEnded(t *testing.T) {
	plain := t.TempDir()
	furnish(t, plain)
	want := tree(t, plain)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		here := func(string) {}
		elsewhere := func(folder string) {
			if err := os.Rename(folder, folder+"-moved"); err != nil {
				t.Fatal(err)
			}
		}
		if found, task := inTwoRuns(t, r, 0, here); task.Status != Completed || found != want {
			t.Errorf("on the same disk: %s with\n%s", task.Status, found)
		}
		if found, task := inTwoRuns(t, r, 0, elsewhere); task.Status != Completed || found != want {
			t.Errorf("on another host: %s with\n%s", task.Status, found)
		}
		if found, task := inTwoRuns(t, r, -1, here); task.Status != Completed || found != want+"\n-rw------- half " {
			t.Errorf("not kept, on the same disk: %s with\n%s", task.Status, found)
		}
		_, task := inTwoRuns(t, r, -1, elsewhere)
		last := bodies(eventsOf(t, r.idle(), task.ID))
		if task.Status != Failed || !strings.Contains(last[len(last)-1], "retry the task to run it from its beginning") {
			t.Errorf("not kept, on another host: %s, %v", task.Status, last)
		}
		var n int
		if err := db.Read().NewRaw("SELECT count(*) FROM scaffolder_task_files").Scan(context.Background(), &n); err != nil || n != 0 {
			t.Errorf("files are kept of %d tasks that have ended (%v)", n, err)
		}
	})
}

func TestTakeover_BeforeAStepEndedTheWorkspaceIsEmpty(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	dir := t.TempDir()
	made := create(t, r.idle(), oneStep)
	r.lostClaim()
	r.abandon()
	if err := os.Mkdir(filepath.Join(dir, made.ID), 0o700); err != nil {
		t.Fatal(err)
	}
	furnish(t, filepath.Join(dir, made.ID))
	found := "?"
	e, stop := r.engine(Options{WorkingDirectory: dir, Run: func(_ context.Context, run workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
		found = tree(t, run.Workspace)
		return nil, nil
	}})
	got := ended(t, e, made.ID)
	stop()
	if got.Status != Completed || found != "" {
		t.Errorf("%s with\n%s", got.Status, found)
	}
}

func TestRetry_OfAFailedTaskFindsTheFilesOfTheStepsThatItKeeps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, c := range map[string]struct {
			keep int64
			want []string // the steps that the retry need not run, and a file of theirs
		}{
			"kept files":          {0, []string{"a", "f"}},
			"files that are gone": {-1, nil},
		} {
			var second []string
			runs := 0
			e, stop := newRig(t, db).engine(Options{Recovery: true, KeepFiles: c.keep, Run: func(ctx context.Context, run workflow.Run, j workflow.Journal) (json.RawMessage, error) {
				if runs++; runs == 1 {
					err := os.WriteFile(filepath.Join(run.Workspace, "f"), nil, 0o600)
					return nil, errors.Join(err, j.Step(ctx, "a", workflow.StepState{Status: workflow.Completed}), errors.New("b fails"))
				}
				for step := range run.State.Steps {
					second = append(second, step)
				}
				entries, err := os.ReadDir(run.Workspace)
				for _, entry := range entries {
					second = append(second, entry.Name())
				}
				return nil, err
			}})
			made := create(t, e, oneStep)
			ended(t, e, made.ID)
			if err := e.Retry(context.Background(), made.ID, nil, ann); err != nil {
				t.Fatal(err)
			}
			got := ended(t, e, made.ID)
			stop()
			if got.Status != Completed || !slices.Equal(second, c.want) {
				t.Errorf("%s: %s with %v, want %v", name, got.Status, second, c.want)
			}
		}
	})
}
