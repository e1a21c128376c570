package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
)

func (r *rig) upload(query string, body io.Reader, headers ...string) (*httptest.ResponseRecorder, Job) {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/v1/imports/focus?"+query, body)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.Upload(w, req)
	var j Job
	if w.Code == http.StatusCreated {
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil {
			r.t.Error(err)
		}
	}
	return w, j
}

func TestUpload_ReplacesThePeriodsOfTheFile(t *testing.T) {
	r := newRig(t)
	_, j := r.upload("source=aws&run=first", bytes.NewReader(bill("2026-10-31 1", "2026-11-01 2", "2026-11-02 4")))
	if j.State != Done || j.Rows != 3 || j.Run != "first" || j.Format != "csv" || j.FocusVersion != "1.0" || j.BytesRead == 0 || j.BytesRead != j.BytesTotal || len(j.Changes) != 2 || j.Ended == nil {
		t.Errorf("job is %+v", j)
	}
	_, j = r.upload("source=aws&period=2026-11", bytes.NewReader(bill("2026-11-02 8")))
	if len(j.Changes) != 1 || j.Changes[0].Period != "2026-11" || j.Changes[0].Unchanged || j.Run == "" || r.total("") != "9" {
		t.Errorf("job is %+v, total %s", j, r.total(""))
	}
	if _, j = r.upload("source=aws", bytes.NewReader(bill("2026-11-02 8"))); !j.Changes[0].Unchanged {
		t.Errorf("the same again: %+v", j)
	}
	kept, err := r.Job(t.Context(), j.ID)
	if err != nil || kept.State != Done || kept.Source != "aws" {
		t.Errorf("kept is %+v, %v", kept, err)
	}
	if _, err := r.Job(t.Context(), "none"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("an unknown job: %v", err)
	}
}

func TestUpload_TakesEachFormat(t *testing.T) {
	o := sample.Options{Rows: 300, From: ledger.Date(2026, 10, 1).Time(), Days: 40, Seed: 1}
	var plain, zipped, parquet, parquetZipped bytes.Buffer
	if err := errors.Join(sample.WriteCSV(&plain, o), sample.WriteGzip(&zipped, o), sample.WriteParquet(&parquet, o)); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&parquetZipped)
	_, _ = z.Write(parquet.Bytes())
	_ = z.Close()
	r := newRig(t)
	want := ""
	for _, c := range []struct {
		format, encoding string
		body             *bytes.Buffer
	}{{"csv", "", &plain}, {"csv.gz", "", &zipped}, {"parquet", "", &parquet}, {"csv.gz", "gzip", &zipped}, {"parquet", "gzip", &parquetZipped}} {
		_, j := r.upload("source=all", bytes.NewReader(c.body.Bytes()), "Content-Encoding", c.encoding)
		if j.State != Done || j.Rows != 300 || j.Format != c.format || j.Rejects != 0 {
			t.Errorf("%s: %+v", c.format, j)
		}
		if total := r.total(""); want != "" && total != want {
			t.Errorf("%s: total is %s, want %s", c.format, total, want)
		} else {
			want = total
		}
	}
}

func TestUpload_NamesWhatIsWrong(t *testing.T) {
	r := newRig(t)
	r.upload("source=aws", bytes.NewReader(bill("2026-11-01 5")))
	long := strings.Repeat("x", 300)
	for want, c := range map[string]struct {
		query   string
		body    string
		headers []string
	}{
		"source:":            {"", "", nil},
		"control characters": {"source=a%0Ab", "", nil},
		"period:":            {"source=aws&period=november", "", nil},
		"run:":               {"source=aws&run=" + long, "", nil},
		"query:":             {"source=%zz", "", nil},
		"Content-Encoding":   {"source=aws", "", []string{"Content-Encoding", "br"}},
		"not a form":         {"source=aws", "", []string{"Content-Type", "multipart/form-data; boundary=x"}},
		"is empty":           {"source=aws", "", nil},
		"HTML page":          {"source=aws", "<html>", nil},
		"2026-10":            {"source=aws&period=2026-11", string(bill("2026-10-01 1")), nil},
		"1 of 1 rows":        {"source=aws", string(bill("2026-11-01 NaN")), nil},
		"11 of 20 rows":      {"source=aws", string(bill(slices.Concat(slices.Repeat([]string{"2026-11-01 NaN"}, 11), slices.Repeat([]string{"2026-11-01 1"}, 9))...)), nil},
	} {
		w, _ := r.upload(c.query, strings.NewReader(c.body), c.headers...)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d %s, want an error about %q", w.Code, w.Body, want)
		}
	}
	if r.total("") != "5" {
		t.Errorf("total is %s", r.total(""))
	}
}

func TestUpload_KeepsTheFirstRejects(t *testing.T) {
	r := newRig(t)
	rows := slices.Concat(slices.Repeat([]string{"2026-11-01 1"}, 14_000), slices.Repeat([]string{"2026-11-01 x"}, 1200))
	_, j := r.upload("source=aws", bytes.NewReader(bill(rows...)))
	if j.State != Done || j.Rejects != 1200 || j.Rows != 15_200 {
		t.Fatalf("job is %+v", j)
	}
	list, err := r.Rejects(t.Context(), j.ID, 990, 100)
	if err != nil || len(list) != 10 || list[0].Line != 14_992 || list[0].Column != "BilledCost" || list[0].Value != "x" {
		t.Errorf("rejects are %v, %v", list, err)
	}
	if _, err := r.Rejects(t.Context(), "none", 0, 10); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("of no job: %v", err)
	}
}

func TestUpload_WarnsOfSeveralCurrencies(t *testing.T) {
	r := newRig(t)
	_, j := r.upload("source=aws", bytes.NewReader(bill("2026-11-01 1", "2026-11-01 1 USD")))
	if j.State != Done || len(j.Warnings) != 1 || !strings.Contains(j.Warnings[0], "EUR and USD") {
		t.Errorf("job is %+v", j)
	}
	_, j = r.upload("source=azure", bytes.NewReader(bill()))
	if j.State != Done || len(j.Changes) != 0 || !strings.Contains(strings.Join(j.Warnings, " "), "no charges") {
		t.Errorf("job is %+v", j)
	}
}

func TestUpload_IsBounded(t *testing.T) {
	r := newRig(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(Options{MaxBytes: 500})
	large := bill(slices.Repeat([]string{"2026-11-01 1"}, 100)...)
	for name, body := range map[string]io.Reader{"told": bytes.NewReader(large), "not told": io.MultiReader(bytes.NewReader(large))} {
		if w, _ := r.upload("source=aws", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "more than 500") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if r.total("") != "0" {
		t.Errorf("total is %s", r.total(""))
	}
}

func TestUpload_CanBeWatched(t *testing.T) {
	r := newRig(t)
	body, write := io.Pipe()
	done := make(chan Job)
	go func() {
		_, j := r.upload("source=aws", body)
		done <- j
	}()
	content := bill(slices.Repeat([]string{"2026-11-01 1"}, 20_000)...)
	half := bytes.LastIndexByte(content[:len(content)/2], '\n') + 1
	_, _ = write.Write(content[:half])
	id := r.last().ID
	var seen []Job
	for j, err := range r.Watch(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, j)
		if j.State == Running && j.Rows > 0 && body != nil {
			body = nil
			go func() {
				_, _ = write.Write(content[half:])
				_ = write.Close()
			}()
		}
	}
	first, last := seen[0], seen[len(seen)-1]
	if first.State != Running || last.State != Done || last.Rows != 20_000 || len(seen) < 3 || last.ID != (<-done).ID {
		t.Errorf("%d states, from %+v to %+v", len(seen), first, last)
	}
	for j, err := range r.Watch(t.Context(), id) {
		if err != nil || j.State != Done {
			t.Errorf("afterwards it is %+v, %v", j, err)
		}
	}
}

func TestUpload_ThatBreaksOffChangesNothing(t *testing.T) {
	r := newRig(t)
	r.upload("source=aws", bytes.NewReader(bill("2026-11-01 5")))
	body, write := io.Pipe()
	go func() {
		_, _ = write.Write(bill(slices.Repeat([]string{"2026-11-01 1"}, 5000)...))
		_ = write.CloseWithError(io.ErrUnexpectedEOF)
	}()
	w, _ := r.upload("source=aws", body)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "broke off") || r.total("") != "5" {
		t.Errorf("%d %s, total %s", w.Code, w.Body, r.total(""))
	}
	if j := r.last(); j.State != Failed || !strings.Contains(j.Error, "broke off") || j.Ended == nil {
		t.Errorf("job is %+v", j)
	}
}

// stuck is a ledger that takes a charge and waits.
type stuck struct{ reached, release chan struct{} }

func (s stuck) Replace(_ context.Context, _ ledger.Batch, charges iter.Seq2[ledger.Charge, error]) (ledger.Import, error) {
	for _, err := range charges {
		if err != nil {
			return ledger.Import{}, err
		}
		s.reached <- struct{}{}
		<-s.release
	}
	return ledger.Import{}, nil
}

func TestIntake_BoundsImportsAndFailsThoseOfAFormerProcess(t *testing.T) {
	r := newRig(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s := stuck{make(chan struct{}), make(chan struct{})}
	r.open(Options{Ledger: s})
	for range slots {
		go r.upload("source=aws", bytes.NewReader(bill("2026-11-01 5")))
		<-s.reached
	}
	if w, _ := r.upload("source=aws", bytes.NewReader(bill("2026-11-01 5"))); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	former := r.Intake
	r.open(Options{}) // as another process would, after this one was killed
	jobs, err := r.Jobs(t.Context(), 10)
	if err != nil || len(jobs) != slots || jobs[0].State != Failed || !strings.Contains(jobs[0].Error, "was stopped") {
		t.Errorf("jobs are %+v, %v", jobs, err)
	}
	close(s.release)
	for range slots {
		former.slot <- struct{}{}
	}
	if err := former.Close(); err != nil {
		t.Error(err)
	}
}
