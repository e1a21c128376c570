package intake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// watcherVariable makes this test's program watch a folder until it is killed, or until there is nothing new.
const watcherVariable = "CALLBOARD_TEST_WATCH"

// watchAlone watches the folder bills in a directory, for the ledger in it.
func watchAlone(dir string) {
	ctx := context.Background()
	l, err := ledger.Open(ctx, dir)
	if err != nil {
		fail(err)
	}
	i, err := Open(ctx, Options{Dir: dir, Ledger: l})
	if err != nil {
		fail(err)
	}
	w := i.Watcher(&Folder{filepath.Join(dir, "bills")}, "aws")
	fmt.Fprintln(os.Stdout, "watching")
	for range 2 {
		if err := w.Look(ctx); err != nil {
			fail(err)
		}
	}
	os.Exit(0)
}

func fail(err error) {
	fmt.Fprintln(os.Stdout, err)
	os.Exit(1)
}

const (
	months      = 2
	rowsOfMonth = 500
)

// TestWatcher_CountsNothingTwiceThoughItIsKilled changes all bills of a folder and kills the process that imports them, again
// and again. Each month has the charges of one version at any time, and in the end those of the last.
func TestWatcher_CountsNothingTwiceThoughItIsKilled(t *testing.T) {
	t.Parallel()
	cycles := 4
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		cycles = 200
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	deliver(t, dir, 0)
	_, usual := kill(t, dir, time.Minute)
	version, killed := 0, 0
	for version < cycles || killed == 0 { // without a kill nothing is proved
		version++
		deliver(t, dir, version)
		if cut, took := kill(t, dir, time.Duration(random.Int64N(int64(usual)))); cut {
			killed++
		} else { // the machine has become quicker
			usual = min(usual, took)
		}
		for month, found := range versions(t, dir) {
			if found < 0 || found > version {
				t.Fatalf("cycle %d: month %d has version %d", version, month, found)
			}
		}
	}
	kill(t, dir, time.Minute)
	for month, found := range versions(t, dir) {
		if found != version {
			t.Errorf("month %d has version %d of %d", month, found, version)
		}
	}
	t.Logf("killed in %d of %d cycles", killed, version)
}

// deliver puts a version of each month's bill into the folder at once, as a download that is renamed does.
func deliver(t *testing.T, dir string, version int) {
	t.Helper()
	folder := filepath.Join(dir, "bills")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	for month := range months {
		day := fmt.Sprintf("2026-%02d-05 %d", month+1, version)
		name := filepath.Join(folder, strconv.Itoa(month)+".csv")
		if err := os.WriteFile(name+".part", bill(slices.Repeat([]string{day}, rowsOfMonth)...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".part", name); err != nil {
			t.Fatal(err)
		}
	}
}

// kill runs a watcher, and kills it a while after it has begun, unless it has ended. took is how long it lived after that.
func kill(t *testing.T, dir string, after time.Duration) (killed bool, took time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), watcherVariable+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var word string
	if _, err := fmt.Fscanln(out, &word); err != nil || word != "watching" {
		t.Errorf("the watcher says %q, %v", word, err)
	}
	began := time.Now()
	killer := time.AfterFunc(after, func() { _ = child.Process.Kill() })
	defer killer.Stop()
	err = child.Wait()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		t.Errorf("the watcher ended: %v", err)
	}
	return err != nil, time.Since(began)
}

// versions tells which version each month has, -1 for a mixture, and that no job is thought to run.
func versions(t *testing.T, dir string) []int {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	i, err := Open(t.Context(), Options{Dir: dir, Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	jobs, err := i.Jobs(t.Context(), keptJobs)
	if err != nil || slices.ContainsFunc(jobs, func(j Job) bool { return j.State == Running }) {
		t.Fatalf("a job is thought to run, %v", err)
	}
	found := make([]int, months)
	for month := range found {
		first := ledger.Date(2026, time.Month(month+1), 1)
		r, err := l.Query(t.Context(), ledger.Query{From: first, To: first + 28})
		if err != nil {
			t.Fatal(err)
		}
		total := int(r.Total.Float64())
		if found[month] = total / rowsOfMonth; total%rowsOfMonth != 0 {
			found[month] = -1
		}
	}
	return found
}
