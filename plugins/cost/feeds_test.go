package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/opencost/opencostfake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestInbox_BringsInWhatIsPutThere(t *testing.T) {
	r := start(t, settings{})
	folder := filepath.Join(r.c.p.DataDir(), inbox, "ferries")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "bill.csv"), ferries(t, 300, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	r.look(t, 2) // a file must be seen twice alike
	var list struct{ Partitions []partition }
	if r.get(t, "/v1/partitions", &list, ann); len(list.Partitions) != 1 || list.Partitions[0].Source != "ferries" {
		t.Errorf("%+v", list)
	}
	if written := r.Audit.Written(); len(written) != 1 || written[0].Event != "import.folder" || written[0].Actor != "" || written[0].Meta["source"] != "ferries" {
		t.Errorf("%+v", written)
	}
	if err := os.WriteFile(filepath.Join(folder, "login.csv"), []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.look(t, 2)
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "1 files that cannot be imported: ferries/login.csv") {
		t.Errorf("%v", err)
	}
	var feeds struct{ Feeds []intake.Status }
	if r.get(t, "/v1/feeds", &feeds, ann); len(feeds.Feeds) != 1 || feeds.Feeds[0].Place != "inbox" || feeds.Feeds[0].Files != 2 || len(feeds.Feeds[0].Refused) != 1 {
		t.Errorf("%+v", feeds)
	}
}

// look looks at every feed some times.
func (r *rig) look(t *testing.T, times int) {
	t.Helper()
	for range times {
		for _, f := range r.c.engine.Load().feeds.list {
			if err := f.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBucket_ThatCannotBeReachedIsNamed(t *testing.T) {
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
	}))
	defer storage.Close()
	r := start(t, settings{Buckets: []bucketSettings{{Endpoint: storage.URL, Bucket: "bills", Every: sdk.Duration(time.Hour), AccessKey: "AK", SecretKey: "s3cret-key"}}})
	_ = r.c.engine.Load().feeds.list[1].look(t.Context())
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "s3://bills/ cannot be looked at") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	for text, s := range map[string]bucketSettings{
		"buckets[0].endpoint: it must have no user": {Endpoint: "https://u@s3.example.com", Bucket: "b", Every: sdk.Duration(time.Hour)},
		"buckets[0]: accessKey and secretKey":       {Endpoint: "https://s3.example.com", Bucket: "b", Every: sdk.Duration(time.Hour), AccessKey: "x"},
		"buckets[0].every: 1s must be at least":     {Endpoint: "https://s3.example.com", Bucket: "b", Every: sdk.Duration(time.Second)},
	} {
		if err := r.Configure(settings{Buckets: []bucketSettings{s}}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

func TestOpenCost_IsCollectedByDayAndAnswersItsFrontend(t *testing.T) {
	k := plugintest.NewClock(morning)
	cluster := opencostfake.New(k.Now)
	server := httptest.NewServer(cluster)
	defer server.Close()
	r := start(t, settings{OpenCost: []opencostSettings{{URL: server.URL, Source: "cluster", Currency: "EUR", Every: sdk.Duration(time.Hour)}}})
	r.look(t, 1)
	var list struct{ Partitions []partition }
	if r.get(t, "/v1/partitions", &list, ann); len(list.Partitions) != 1 || list.Partitions[0].Source != "cluster" || list.Partitions[0].Currencies[0] != "EUR" || list.Partitions[0].Last != today-1 {
		t.Fatalf("%+v", list)
	}
	if res := r.Get("/facades/opencost/allocation/compute?window=yesterday&aggregate=namespace&accumulate=true", ann); res.Status != http.StatusOK || !strings.Contains(res.Text(), `"cpuCost"`) {
		t.Errorf("%d %.300s", res.Status, res.Text())
	}
	cluster.Fail(http.StatusInternalServerError, "boom")
	r.clock.Advance(24 * time.Hour)
	k.Advance(24 * time.Hour)
	if err := r.c.engine.Load().feeds.list[1].look(t.Context()); err == nil {
		t.Error("the failure is not told")
	}
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), server.URL+" cannot be looked at") || !strings.Contains(err.Error(), "boom") {
		t.Errorf("%v", err)
	}
	for text, s := range map[string][]opencostSettings{
		"openCost[0].url: it must be an address": {{URL: "ftp://opencost", Source: "a", Currency: "USD", Every: sdk.Duration(time.Hour)}},
		`openCost[1].source: "a" is there twice`: {{URL: "http://a", Source: "a", Currency: "USD", Every: sdk.Duration(time.Hour)}, {URL: "http://b", Source: "a", Currency: "USD", Every: sdk.Duration(time.Hour)}},
		"/openCost/0/currency":                   {{URL: "http://a", Source: "a", Currency: "dollars", Every: sdk.Duration(time.Hour)}},
	} {
		if err := r.Configure(settings{OpenCost: s}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}
