package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
)

// importerVariable makes this test's program import into the ledger of a directory until it is killed.
const importerVariable = "CALLBOARD_TEST_IMPORT_INTO"

// importForever replaces the same two months by runs of which every charge is the run's number, so that what was imported
// tells of which run it is.
func importForever(dir string) {
	ctx := context.Background()
	l, err := Open(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	l.room = 60_000 // several segments are staged before the end
	start, _ := strconv.Atoi(os.Getenv(importerVariable + "_FROM"))
	for run := start; ; run++ {
		if _, err := l.Replace(ctx, Batch{Source: "aws", Run: strconv.Itoa(run)}, stream(runOf(run)...)); err != nil {
			fmt.Fprintln(os.Stdout, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, "imported", run)
	}
}

const chargesOfRun = 1000

func runOf(run int) []Charge {
	list := make([]Charge, chargesOfRun)
	for i := range list {
		list[i] = usage("2026-10-01", fmt.Sprint("service-", i%50), strconv.Itoa(run))
		list[i].Day += Day(i % 60)
		list[i].Period = list[i].Day.Period()
	}
	return list
}

// TestLedger_SurvivesBeingKilledInTheMiddle kills an importing process at moments chosen by chance, and finds either the
// former run or the next one, whole, each time.
func TestLedger_SurvivesBeingKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	cycles := 20
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		cycles = 200
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	run, midway, cycle := 1, 0, 0
	for ; cycle < cycles || midway == 0; cycle++ { // without a kill in the middle nothing is proved
		within := 40 + 5*cycle // milliseconds: a machine that is busy takes longer to come there
		reported := killImporter(t, dir, run, time.Duration(random.IntN(within))*time.Millisecond)
		found, staged := inspect(t, dir)
		if found < reported || found > reported+1 {
			t.Fatalf("cycle %d: run %d was reported, run %d is there", cycle, reported, found)
		}
		midway += min(staged, 1)
		run = found + 1
	}
	t.Logf("%d cycles, %d runs, killed %d times while segments were staged", cycle, run-1, midway)
}

// killImporter lets a process import from a run on, and kills it some time after its first import has ended.
func killImporter(t *testing.T, dir string, run int, after time.Duration) (reported int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), importerVariable+"="+dir, fmt.Sprintf("%s_FROM=%d", importerVariable, run))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var killer *time.Timer
	var line string
	for {
		if _, err := fmt.Fscanln(out, &line, &reported); err != nil {
			break
		}
		if line != "imported" {
			t.Errorf("the importer says %s", line)
		}
		if killer == nil {
			killer = time.AfterFunc(after, func() { _ = child.Process.Kill() })
		}
	}
	if killer == nil {
		t.Error("the importer has ended by itself")
	}
	_ = child.Wait() // it was killed
	return reported
}

// inspect finds the one run whose charges are there, and how many segments were staged.
func inspect(t *testing.T, dir string) (run, staged int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+dir+"/ledger.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	err = db.QueryRow("SELECT count(*) FROM segments WHERE partition_id IS NULL").Scan(&staged)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	parts, err := l.Partitions(t.Context())
	if err != nil || len(parts) != 2 || parts[0].Run != parts[1].Run || parts[0].Charges+parts[1].Charges != chargesOfRun {
		t.Fatalf("partitions are %+v, %v", parts, err)
	}
	run, _ = strconv.Atoi(parts[0].Run)
	r := query(t, l, Query{})
	if want := money.FromUnits(int64(run) * chargesOfRun); r.Total != want {
		t.Fatalf("the total of run %d is %s, want %s", run, r.Total, want)
	}
	var orphans int
	if err := l.count(t.Context(), "partition_id IS NULL", &orphans); err != nil || orphans != 0 {
		t.Fatalf("%d segments are left over, %v", orphans, err)
	}
	return run, staged
}

func (l *Ledger) count(ctx context.Context, where string, n *int) error {
	return l.db.Read(ctx, func(tx *sql.Tx) error {
		var columns int
		query := "SELECT (SELECT count(*) FROM segments WHERE " + where + "), (SELECT count(*) FROM columns WHERE segment_id NOT IN (SELECT id FROM segments))"
		err := tx.QueryRowContext(ctx, query).Scan(n, &columns)
		if err == nil && columns != 0 {
			err = fmt.Errorf("%d columns without a segment", columns)
		}
		return err
	})
}
