package intake

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/intake/s3fake"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestFolder_ImportsEachFileOnce(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	r.put(folder, "2026-10.csv", bill("2026-10-05 1"))
	r.put(folder, "2026-11.csv", bill("2026-11-05 2"))
	r.put(folder, "notes.txt", []byte("no bill"))
	r.put(folder, ".hidden.csv", bill("2026-11-05 64"))
	if n := r.look(w); n != 2 || r.total("aws") != "3" {
		t.Errorf("%d imports, total %s", n, r.total("aws"))
	}
	if n := r.look(w); n != 0 {
		t.Errorf("%d imports of the same files", n)
	}
	again := r.Watcher(&Folder{folder}, "aws") // after a restart
	if n := r.look(again); n != 0 {
		t.Errorf("%d imports after a restart", n)
	}
	r.put(folder, "2026-11.csv", bill("2026-11-05 2")) // touched, with the same content
	if n := r.look(w); n != 0 {
		t.Errorf("%d imports of the same content", n)
	}
	r.put(folder, "2026-11.csv", bill("2026-11-05 4"))
	if n := r.look(w); n != 1 || r.total("aws") != "5" {
		t.Errorf("%d imports, total %s", n, r.total("aws"))
	}
	if err := r.Forget(t.Context(), folder, "2026-11.csv"); err != nil {
		t.Fatal(err)
	}
	if n := r.look(w); n != 1 || !r.last().Changes[0].Unchanged {
		t.Errorf("%d imports of what was forgotten", n)
	}
}

func TestFolder_WaitsUntilFilesHaveStoppedGrowing(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	for amount := 1; amount <= 3; amount++ {
		r.put(folder, "bill.csv", bill(slices.Repeat([]string{"2026-11-05 1"}, amount)...))
		if err := w.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := w.Status(); s.Imported != 0 || !slices.Equal(s.Waiting, []string{"bill.csv"}) {
			t.Errorf("status is %+v", s)
		}
	}
	if err := w.Look(t.Context()); err != nil || w.Status().Imported != 1 || r.total("") != "3" {
		t.Errorf("status is %+v, %v, total %s", w.Status(), err, r.total(""))
	}
}

func TestFolder_NamesFilesThatHaveMovedOrGone(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	r.put(folder, "a.csv", bill("2026-10-05 1"))
	r.put(folder, "b.csv", bill("2026-11-05 2"))
	r.look(w)
	if err := os.Rename(filepath.Join(folder, "a.csv"), filepath.Join(folder, "c.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "b.csv")); err != nil {
		t.Fatal(err)
	}
	if n := r.look(w); n != 0 || r.total("") != "3" {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
	list, err := r.Delivered(t.Context(), folder)
	if err != nil || len(list) != 3 || list[0].Gone == nil || list[1].Gone == nil || list[2].Gone != nil || list[2].Job != list[0].Job {
		t.Errorf("delivered are %+v, %v", list, err)
	}
}

func TestFolder_ReadsParquetWhereItLies(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	var content bytes.Buffer
	if err := sample.WriteParquet(&content, sample.Options{Rows: 500, From: ledger.Date(2026, 9, 1).Time(), Days: 30, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	r.put(folder, "bill.parquet", content.Bytes())
	if n := r.look(r.Watcher(&Folder{folder}, "azure")); n != 1 {
		t.Errorf("%d imports", n)
	}
	if j := r.last(); j.State != Done || j.Format != "parquet" || j.Rows != 500 || j.BytesTotal != int64(content.Len()) || j.BytesRead < j.BytesTotal/2 || j.BytesRead > j.BytesTotal {
		t.Errorf("job is %+v", j)
	}
}

func TestFolder_KeepsSourcesOfFoldersApart(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	o := sample.Options{Rows: 800, From: ledger.Date(2026, 9, 1).Time(), Days: 80, Seed: 3}
	if err := sample.WriteFolder(folder, o); err != nil {
		t.Fatal(err)
	}
	r.put(folder, "own.csv", bill("2026-11-05 2"))
	if n := r.look(r.Watcher(&Folder{folder}, "")); n != 10 {
		t.Errorf("%d imports", n)
	}
	parts, err := r.ledger.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	charges, sources := int64(0), map[string]int{}
	for _, p := range parts {
		charges += p.Charges
		sources[p.Source]++
	}
	if charges != 801 || fmt.Sprint(sources) != "map[aws:3 azure:3 default:1 google:3]" {
		t.Errorf("%d charges of %v", charges, sources)
	}
}

func TestFolder_ImportsFilesOfAPartitionTogether(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	r.put(folder, "data/BILLING_PERIOD=2026-11/focus-00001.csv", bill("2026-11-05 1"))
	r.put(folder, "data/BILLING_PERIOD=2026-11/focus-00002.csv", bill("2026-11-06 2"))
	if n := r.look(w); n != 1 || r.total("") != "3" || len(r.last().Files) != 2 {
		t.Errorf("%d imports, total %s, %+v", n, r.total(""), r.last())
	}
	r.put(folder, "data/BILLING_PERIOD=2026-11/focus-00002.csv", bill("2026-11-06 4"))
	if n := r.look(w); n != 1 || r.total("") != "5" || r.last().Rows != 2 {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
}

func TestFolder_FollowsManifests(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "cloud")
	r.put(folder, "export/20261101-20261130/run-1/part_0.csv", bill("2026-11-05 1"))
	r.put(folder, "export/20261101-20261130/run-1/part_1.csv", bill("2026-11-05 2"))
	r.put(folder, "export/20261101-20261130/run-1/manifest.json", []byte(`{"blobs":[{"blobName":"export/20261101-20261130/run-1/part_0.csv"},{"blobName":"export/20261101-20261130/run-1/part_1.csv"}]}`))
	if n := r.look(w); n != 1 || r.total("") != "3" {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
	r.put(folder, "export/20261101-20261130/run-2/manifest.json", []byte(`{"dataFiles":["s3://bucket/elsewhere/export/20261101-20261130/run-2/part_0.csv"]}`))
	if n := r.look(w); n != 0 || len(w.Status().Waiting) != 1 || !strings.Contains(w.Status().Waiting[0], "waits for s3://bucket") {
		t.Errorf("%d imports, status %+v", n, w.Status())
	}
	r.put(folder, "export/20261101-20261130/run-2/part_0.csv", bill("2026-11-05 8"))
	if n := r.look(w); n != 1 || r.total("") != "8" {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
	r.put(folder, "torn-Manifest.json", []byte(`{"dataFiles":`))
	if n := r.look(w); n != 0 || len(w.Status().Waiting) != 1 || !strings.Contains(w.Status().Waiting[0], "no manifest in JSON") {
		t.Errorf("%d imports, status %+v", n, w.Status())
	}
}

func TestFolder_TriesWhatIsRefusedAgainOnceItHasChanged(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	r.put(folder, "a.csv", []byte("<html>Sign in</html>"))
	r.put(folder, "b.csv", bill("2026-11-05 2"))
	for range 2 {
		if r.look(w); len(w.Status().Refused) != 1 || !strings.Contains(w.Status().Refused[0], "a.csv: ") || !strings.Contains(w.Status().Refused[0], "HTML page") || r.total("") != "2" {
			t.Errorf("status is %+v, total %s", w.Status(), r.total(""))
		}
	}
	if jobs, err := r.Jobs(t.Context(), 10); err != nil || len(jobs) != 2 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	r.put(folder, "a.csv", bill("2026-10-05 1"))
	if n := r.look(w); n != 1 || len(w.Status().Refused) != 0 || r.total("") != "3" {
		t.Errorf("%d imports, status %+v", n, w.Status())
	}
}

func TestFolder_WarnsOfFilesThatReplaceEachOther(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	w := r.Watcher(&Folder{folder}, "aws")
	r.put(folder, "account-1.csv", bill("2026-11-05 1"))
	r.put(folder, "account-2.csv", bill("2026-11-05 2"))
	r.look(w)
	if j := r.last(); len(j.Warnings) != 1 || !strings.Contains(j.Warnings[0], "account-1.csv has brought") {
		t.Errorf("job is %+v", j)
	}
}

func TestFolder_ReadsNothingOutside(t *testing.T) {
	r := newRig(t)
	outside, folder := t.TempDir(), t.TempDir()
	r.put(outside, "secret.csv", bill("2026-11-05 1"))
	for name, target := range map[string]string{"link.csv": filepath.Join(outside, "secret.csv"), "folder": outside, "up": ".."} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.look(r.Watcher(&Folder{folder}, "aws")); n != 0 {
		t.Errorf("%d imports", n)
	}
	f := &Folder{folder}
	for _, name := range []string{"link.csv", "folder/secret.csv", "../x.csv", "/etc/passwd"} {
		if file, err := f.Open(t.Context(), Object{Name: name}); err == nil {
			t.Errorf("%s was opened", name)
			file.Close()
		}
	}
	if err := r.Watcher(&Folder{filepath.Join(folder, "none")}, "aws").Look(t.Context()); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// bucket serves a fake bucket.
func bucket(t *testing.T, b *s3fake.Bucket) *S3 {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return &S3{HTTP: server.Client(), Endpoint: server.URL, Bucket: b.Name, Prefix: "exports/", Region: "eu-north-1", AccessKey: b.AccessKey, SecretKey: sdk.Secret("very secret")}
}

func TestS3_ImportsWhatIsNewInABucket(t *testing.T) {
	r := newRig(t)
	b := &s3fake.Bucket{Name: "marram-bills", PageSize: 2, AccessKey: "AKIATEST"}
	for month := 5; month <= 11; month++ {
		b.Put(fmt.Sprintf("exports/aws/data/BILLING_PERIOD=2026-%02d/part 1+ü.csv", month), bill(fmt.Sprintf("2026-%02d-01 1", month)), r.clock.now())
	}
	b.Put("exports/", nil, r.clock.now())
	b.Put("other/bill.csv", bill("2026-11-01 64"), r.clock.now())
	w := r.Watcher(bucket(t, b), "")
	if n := r.look(w); n != 7 || r.total("aws") != "7" || r.last().Origin != FromS3 {
		t.Errorf("%d imports, total %s", n, r.total("aws"))
	}
	_, before := b.Requests()
	b.Put("exports/aws/data/BILLING_PERIOD=2026-11/part 2.csv", bill("2026-11-02 8"), r.clock.now())
	if n := r.look(w); n != 1 || r.total("") != "15" {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
	if _, after := b.Requests(); after-before != 2 {
		t.Errorf("%d objects were read for one delivery of two", after-before)
	}
	b.Put("exports/copy/data/BILLING_PERIOD=2026-11/part 2.csv", bill("2026-11-02 8"), r.clock.now())
	if n := r.look(w); n != 1 || r.total("copy") != "8" {
		t.Errorf("%d imports, total %s", n, r.total("copy"))
	}
}

// TestS3_ReadsWhatAWSDataExportsWrites has each run of an export in a folder of its own, with a manifest beside.
func TestS3_ReadsWhatAWSDataExportsWrites(t *testing.T) {
	r := newRig(t)
	b := &s3fake.Bucket{Name: "marram-bills", AccessKey: "AKIATEST", PageSize: 3}
	o := sample.Options{Rows: 600, From: ledger.Date(2026, 10, 1).Time(), Days: 31, Seed: 2, Provider: "AWS"}
	put := func(run string, files map[string]func(io.Writer, sample.Options) error, o sample.Options) {
		var names []string
		for name, write := range files {
			var content bytes.Buffer
			if err := write(&content, o); err != nil {
				t.Fatal(err)
			}
			key := "exports/focus/data/BILLING_PERIOD=2026-10/" + run + "/" + name
			b.Put(key, content.Bytes(), r.clock.now())
			names = append(names, strconv.Quote("s3://marram-bills/"+key))
			o.Seed++
		}
		manifest := fmt.Sprintf(`{"executionId":%q,"dataFiles":[%s]}`, run, strings.Join(names, ","))
		b.Put("exports/focus/metadata/BILLING_PERIOD=2026-10/"+run+"/focus-Manifest.json", []byte(manifest), r.clock.now())
	}
	w := r.Watcher(bucket(t, b), "aws")
	chunks := map[string]func(io.Writer, sample.Options) error{"focus-00001.csv.gz": sample.WriteGzip, "focus-00002.snappy.parquet": sample.WriteParquet}
	put("2026-11-01T00:00:00.000Z-aaaa", chunks, o)
	if n := r.look(w); n != 1 || r.last().State != Done || len(r.last().Files) != 2 {
		t.Fatalf("%d imports, %+v", n, r.last())
	}
	first, rows := r.total("aws"), r.last().Rows
	o.Rows = 900
	put("2026-11-02T00:00:00.000Z-bbbb", chunks, o)
	if n := r.look(w); n != 1 || r.last().Rows <= rows || r.total("aws") == first {
		t.Errorf("%d imports, total %s after %s", n, r.total("aws"), first)
	}
	parts, err := r.ledger.Partitions(t.Context())
	if err != nil || len(parts) != 1 || parts[0].Charges != r.last().Rows {
		t.Errorf("partitions are %+v, %v", parts, err)
	}
}

func TestS3_SaysWhyABucketCannotBeRead(t *testing.T) {
	r := newRig(t)
	b := &s3fake.Bucket{Name: "marram-bills", AccessKey: "AKIATEST"}
	b.Put("exports/a.csv", bill("2026-11-01 1"), r.clock.now())
	answer := func(status int, body string) func(*http.Request) (int, string) {
		return func(*http.Request) (int, string) { return status, body }
	}
	for want, c := range map[string]struct {
		change func(*S3)
		fail   func(*http.Request) (int, string)
		name   apierror.Name
	}{
		"the access key AKIAOTHER, which needs s3:ListBucket": {change: func(s *S3) { s.AccessKey = "AKIAOTHER" }, name: apierror.NotAllowed},
		"requests without a key":                              {change: func(s *S3) { s.AccessKey = "" }, name: apierror.NotAllowed},
		"NoSuchBucket":                                        {change: func(s *S3) { s.Bucket = "none" }, name: apierror.NotFound},
		"is not reached":                                      {change: func(s *S3) { s.Endpoint = "http://127.0.0.1:1" }, name: apierror.ServiceUnavailable},
		"SlowDown":                                            {fail: answer(503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"), name: apierror.ServiceUnavailable},
		"no listing of a bucket: <html>":                      {fail: answer(200, "<html>Sign in</html>"), name: apierror.ServiceUnavailable},
		"another region":                                      {fail: answer(301, "<Error><Code>PermanentRedirect</Code></Error>"), name: apierror.Input},
		"500 Internal":                                        {fail: answer(500, "oops"), name: apierror.ServiceUnavailable},
	} {
		place := bucket(t, b)
		if c.change != nil {
			c.change(place)
		}
		b.Fail(c.fail)
		w := r.Watcher(place, "aws")
		err := w.Look(t.Context())
		if !apierror.Has(err, c.name) || !strings.Contains(err.Error(), want) || !strings.Contains(w.Status().Problem, want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("error is %v, want one about %q", err, want)
		}
	}
}

func TestS3_TriesAgainWhatBrokeOff(t *testing.T) {
	r := newRig(t)
	b := &s3fake.Bucket{Name: "marram-bills"}
	b.Put("exports/a.csv", bill(slices.Repeat([]string{"2026-11-01 1"}, 2000)...), r.clock.now())
	w := r.Watcher(bucket(t, b), "aws")
	b.Cut("exports/a.csv")
	if err := w.Look(t.Context()); !apierror.Has(err, apierror.ServiceUnavailable) || !strings.Contains(err.Error(), "breaks off") || r.total("") != "0" {
		t.Errorf("error is %v, total %s", err, r.total(""))
	}
	b.Cut("")
	if n := r.look(w); n != 1 || r.total("") != "2000" {
		t.Errorf("%d imports, total %s", n, r.total(""))
	}
	place := bucket(t, b)
	changed := Object{Name: "a.csv", Tag: `"old"`}
	if _, err := place.Open(t.Context(), changed); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("an object that has changed: %v", err)
	}
}

// TestS3_SignsAsAWSDocumentsIt compares with the examples of "Signature Calculations for the Authorization Header".
func TestS3_SignsAsAWSDocumentsIt(t *testing.T) {
	s := &S3{AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Region: "us-east-1",
		Now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }}
	for _, c := range []struct{ address, byteRange, signature string }{
		{"https://examplebucket.s3.amazonaws.com/test.txt", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.byteRange != "" {
			req.Header.Set("Range", c.byteRange)
		}
		s.sign(req)
		if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.signature) {
			t.Errorf("%s: %s", c.address, got)
		}
	}
}
