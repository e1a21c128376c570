package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/intake"
)

// ferries are bills of the sample's company, for the days until the last.
func ferries(t *testing.T, rows, days int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sample.WriteCSV(&b, sample.Options{Rows: rows, From: (last + 1).Time().AddDate(0, 0, -days), Days: days, Seed: 4}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// effective is the sum of a column by another arithmetic than the product's.
func effective(t *testing.T, days, rows int) *big.Rat {
	t.Helper()
	sum := new(big.Rat)
	at := -1
	for i, name := range sample.Columns {
		if name == "EffectiveCost" {
			at = i
		}
	}
	for row := range sample.Rows(sample.Options{Rows: rows, From: (last + 1).Time().AddDate(0, 0, -days), Days: days, Seed: 4}) {
		amount, ok := new(big.Rat).SetString(row[at])
		if !ok {
			t.Fatalf("%q is no number", row[at])
		}
		sum.Add(sum, amount)
	}
	return sum
}

func TestUpload_IsTakenOnceAndAddsUp(t *testing.T) {
	r := start(t, settings{})
	bill := ferries(t, 900, 40)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(bill); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for n, body := range [][]byte{bill, packed.Bytes()} {
		res := r.Do("POST", "/v1/imports/focus?source=all&run=r1", body, ci)
		var job intake.Job
		if res.JSON(t, &job); res.Status != http.StatusCreated || job.State != intake.Done || job.Rows < 800 || job.Rejects != 0 {
			t.Fatalf("%d %s", res.Status, res.Text())
		}
		if unchanged := job.Changes[0].Unchanged; unchanged != (n == 1) {
			t.Errorf("upload %d: %+v", n, job.Changes)
		}
	}
	var got sums
	r.get(t, "/v1/query?granularity=total&from=2026-09&to=2026-12", &got, ann)
	total, ok := new(big.Rat).SetString(got.Total.String())
	if want := effective(t, 40, 900); !ok || total.Cmp(want) != 0 || got.Currency != "EUR" {
		t.Errorf("%s %s, want %s", got.Total, got.Currency, want.FloatString(18))
	}
	if triggered := r.Scheduler.Triggered(); len(triggered) == 0 || triggered[0] != budgetsTask {
		t.Errorf("budgets are looked at after an import: %v", triggered)
	}
	written := r.Audit.Written()
	if len(written) != 2 || written[0].Event != "import.upload" || written[0].Failed || written[0].Meta["source"] != "all" {
		t.Errorf("%+v", written)
	}
	if got := r.Metrics(); !strings.Contains(got, `cost_imports_total{origin="upload",state="done"} 2`) {
		t.Error(got)
	}
}

func TestUpload_NeedsThePermission(t *testing.T) {
	r := start(t, settings{})
	r.Permissions.Deny(importCharges.Name)
	if res := r.Do("POST", "/v1/imports/focus?source=all", []byte("x"), ann); res.Status != http.StatusForbidden || !strings.Contains(refusal(t, res), "cost.import") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	if res := r.Do("DELETE", "/v1/partitions/all/2026-11", nil, ann); res.Status != http.StatusForbidden {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	r.Permissions.Deny(readAll.Name)
	for _, path := range []string{"/v1/imports", "/v1/imports/x", "/v1/imports/x/events", "/v1/partitions"} {
		if res := r.Get(path, ann); res.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
	}
}

func TestImport_TellsRejectedRowsWithLineAndRule(t *testing.T) {
	r := start(t, settings{})
	lines := strings.Split(string(ferries(t, 500, 10)), "\n")
	fields := strings.Split(lines[7], ",")
	for i, name := range strings.Split(lines[0], ",") {
		if name == "EffectiveCost" {
			fields[i] = "NaN"
		}
	}
	lines[7] = strings.Join(fields, ",")
	var job intake.Job
	res := r.Do("POST", "/v1/imports/focus?source=all", strings.Join(lines, "\n"), ann)
	if res.JSON(t, &job); res.Status != http.StatusCreated || job.Rejects != 1 {
		t.Fatalf("%d %s", res.Status, res.Text())
	}
	var got imported
	r.get(t, "/v1/imports/"+job.ID, &got, ann)
	if len(got.RejectedRows) != 1 || got.RejectedRows[0].Line != 8 || got.RejectedRows[0].Column != "EffectiveCost" || got.RejectedRows[0].Value != "NaN" {
		t.Errorf("%+v", got.RejectedRows)
	}
	for body, want := range map[string]string{"": "the file is empty", "<html>": "this is an HTML page", "a,b\n1,2\n": "this is no FOCUS export: it lacks the columns BilledCost"} {
		r.clock.Advance(time.Minute)
		res := r.Do("POST", "/v1/imports/focus?source=all", body, ann)
		if res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), want) {
			t.Errorf("%.20q: %d %s", body, res.Status, res.Text())
		}
	}
	var list struct{ Imports []intake.Job }
	if r.get(t, "/v1/imports?limit=2", &list, ann); len(list.Imports) != 2 {
		t.Errorf("%+v", list)
	}
	r.Do("POST", "/v1/imports/focus?source=mistyped", "<html>", ann)
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "the last import of source all failed") || strings.Contains(err.Error(), "mistyped") {
		t.Errorf("%v", err)
	}
	if res := r.Get("/v1/imports/none", ann); res.Status != http.StatusNotFound {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestPartitions_AreListedAndTakenAway(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "misspelt/source", months(30)...)
	var list struct{ Partitions []partition }
	if r.get(t, "/v1/partitions", &list, ann); len(list.Partitions) != 2 || list.Partitions[1].Period != "2026-11" {
		t.Fatalf("%+v", list)
	}
	for _, period := range []string{"2026-10", "2026-11"} {
		if res := r.Do("DELETE", "/v1/partitions/misspelt%2Fsource/"+period, nil, ann); res.Status != http.StatusNoContent {
			t.Errorf("%d %s", res.Status, res.Text())
		}
	}
	for path, want := range map[string]int{"none/2026-11": http.StatusNotFound, "none/november": http.StatusBadRequest} {
		if res := r.Do("DELETE", "/v1/partitions/"+path, nil, ann); res.Status != want {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
	}
	if r.get(t, "/v1/partitions", &list, ann); len(list.Partitions) != 0 {
		t.Errorf("%+v", list)
	}
	if n := len(r.Audit.Written()); n != 3 {
		t.Errorf("%d events", n)
	}
}

// slowly is a body whose second half comes when release is closed.
type slowly struct {
	first, second io.Reader
	release       chan struct{}
}

func (s *slowly) Read(p []byte) (int, error) {
	if n, err := s.first.Read(p); n > 0 || err == nil {
		return n, nil
	}
	<-s.release
	return s.second.Read(p)
}

func TestEvents_FollowAnImportToItsEnd(t *testing.T) {
	r := start(t, settings{})
	bill := ferries(t, 1000, 10)
	res := r.Do("POST", "/v1/imports/focus?source=all", bill, ann)
	var job intake.Job
	res.JSON(t, &job)
	ended := r.Get("/v1/imports/"+job.ID+"/events", ann)
	if ended.Header.Get("Content-Type") != "text/event-stream" || !strings.HasPrefix(ended.Text(), "event: end\ndata: {") || strings.Count(ended.Text(), "event:") != 1 {
		t.Errorf("of one that has ended: %s", ended.Text())
	}
	body := &slowly{bytes.NewReader(bill[:len(bill)/2]), bytes.NewReader(bill[len(bill)/2:]), make(chan struct{})}
	running := make(chan intake.Job, 1)
	go func() {
		done, _ := r.c.intake.Import(t.Context(), intake.Delivery{Source: "all", Run: "2", Origin: intake.FromFolder, Files: []intake.File{one(body)}})
		running <- done
	}()
	id := r.runningImport(t)
	stream := r.Open("GET", "/v1/imports/"+id+"/events", nil, ann)
	defer stream.Body.Close()
	first := make([]byte, len("event: progress\n"))
	if _, err := io.ReadFull(stream.Body, first); err != nil || string(first) != "event: progress\n" {
		t.Fatalf("%s %v", first, err)
	}
	close(body.release)
	rest, err := io.ReadAll(stream.Body)
	end := string(rest[strings.LastIndex(string(rest), "event:"):])
	if err != nil || !strings.HasPrefix(end, "event: end\n") || !strings.Contains(end, `"state":"done"`) {
		t.Errorf("%s %v", end, err)
	}
	if done := <-running; done.State != intake.Done {
		t.Errorf("%+v", done)
	}
}

// runningImport waits for an import to begin, and answers its id.
func (r *rig) runningImport(t *testing.T) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		jobs, err := r.c.intake.Jobs(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range jobs {
			if job.State == intake.Running {
				return job.ID
			}
		}
	}
	t.Fatal("no import began")
	return ""
}

// one is a file of a body.
func one(body io.Reader) intake.File {
	return intake.File{Name: "bill.csv", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(body), nil }}
}
