package forwardauth

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func itoa(n int) string { return strconv.Itoa(n) }

func flushes(t *testing.T, d *Driver) {
	t.Helper()
	if err := d.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLimits_EndWithTheirWindow(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze") // 5 a day
	want(t, d, k.Secret, 200, 200, 200, 200, 200, 429, 429)
	w.Clock.Advance(time.Hour)
	follows(t, d)
	got := request(d, "/authz/edge/orders", "X-Api-Key", k.Secret.Reveal())
	if got.Header().Get("Retry-After") != "82800" || got.Header().Get("X-RateLimit-Remaining") != "0" || got.Header().Get("X-RateLimit-Limit") != "5" {
		t.Errorf("the refusal says %s", text(got.Header()))
	}
	w.Clock.Advance(23 * time.Hour)
	follows(t, d)
	want(t, d, k.Secret, 200, 200, 200, 200, 200, 429)
}

func TestLimits_CountApplicationsAndKeys(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	one := w.issue(d, "shop", "each") // 2 a minute for each key, 3 an hour for all
	two := w.issue(d, "shop", "each", func(r *driver.KeyRequest) { r.Operation = "second" })
	want(t, d, one.Secret, 200, 200, 429)
	want(t, d, two.Secret, 200, 429)
	w.Clock.Advance(time.Minute)
	follows(t, d)
	want(t, d, two.Secret, 429) // the hour's
	w.Clock.Advance(time.Hour)
	follows(t, d)
	want(t, d, two.Secret, 200, 200, 429)
}

func TestLimits_OfAnotherPlanCountWhatWasUsed(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze")
	want(t, d, k.Secret, 200, 200, 200, 200, 200, 429)
	if err := d.SetPlan(t.Context(), "shop", "orders", "gold"); err != nil {
		t.Fatal(err)
	}
	want(t, d, k.Secret, 200)
	q, err := d.Quota(t.Context(), "shop", "orders")
	if err != nil || q.Used != 6 || q.Remaining != 994 || !q.Resets.Equal(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("quota %+v, %v", q, err)
	}
}

func TestQuota_TellsWhatHasNone(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	w.issue(d, "shop", "free")
	for _, c := range [][2]string{{"shop", "orders"}, {"shop", "billing"}, {"nobody", "orders"}} {
		if _, err := d.Quota(t.Context(), driver.AppID(c[0]), driver.APIID(c[1])); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("quota of %v: %v", c, err)
		}
	}
}

func TestCounts_SurviveARestart(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze")
	want(t, d, k.Secret, 200, 200, 200)
	flushes(t, d)
	want(t, d, k.Secret, 200) // not kept: this host is killed
	d = w.host()
	want(t, d, k.Secret, 200, 200, 429)
}

func TestCounts_OfAllHostsTogetherMakeTheQuota(t *testing.T) {
	w := newWorld(t)
	one, two := w.host(), w.host()
	k := w.issue(one, "shop", "bronze")
	follows(t, two)
	want(t, one, k.Secret, 200, 200)
	want(t, two, k.Secret, 200, 200)
	flushes(t, one)
	flushes(t, two)
	q, err := one.Quota(t.Context(), "shop", "orders")
	if err != nil || q.Used != 4 {
		t.Errorf("one host knows of %+v, %v", q, err)
	}
	want(t, one, k.Secret, 200, 429)
	flushes(t, one)
	want(t, two, k.Secret, 200) // it has not heard yet: as far as hosts may exceed a limit
	flushes(t, two)
	want(t, two, k.Secret, 429)
}

func TestCounts_AreAddedOnceWhenHostsWriteAtOnce(t *testing.T) {
	w := newWorld(t)
	one, two := w.host(), w.host()
	k := w.issue(one, "shop", "gold")
	follows(t, two)
	want(t, one, k.Secret, 200, 200, 200)
	want(t, two, k.Secret, 200, 200)
	w.store.puts = func(string) error {
		w.store.puts = nil
		flushes(t, two) // between the reading and the writing of the other
		return nil
	}
	flushes(t, one)
	for _, d := range []*Driver{one, two, w.host()} {
		flushes(t, d) // nothing is left to add
		if q, err := d.Quota(t.Context(), "shop", "orders"); err != nil || q.Used != 5 {
			t.Errorf("quota %+v, %v; want 5 used", q, err)
		}
	}
}

func TestCounts_StayWhenTheStoreIsDown(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze")
	want(t, d, k.Secret, 200, 200)
	w.store.down.Store(true)
	if err := d.flush(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Errorf("flush: %v", err)
	}
	want(t, d, k.Secret, 200)
	w.store.down.Store(false)
	flushes(t, d)
	want(t, w.host(), k.Secret, 200, 200, 429)
}

func TestCounts_ThatAreDamagedAreBegunAgain(t *testing.T) {
	for _, damage := range []string{
		`{`, `[]`, `{"shop orders  day":{"s":"x"}}`, `{"shop orders  day":{"s":1767225600,"n":-7},"shop":{},"shop orders  day x":{"n":9}}`,
		`{"shop orders  day":{"s":1767225601,"n":9}}`, `{"shop orders  second":{"s":1767225600,"n":9}}`,
	} {
		w := newWorld(t)
		k := w.issue(w.host(), "shop", "bronze")
		d := w.host()
		w.KV.Put(d.shardKey(shardOf("shop")), []byte(damage))
		want(t, d, k.Secret, 200, 200, 200, 200, 200, 429)
		flushes(t, d)
		want(t, w.host(), k.Secret, 429)
	}
}

func TestSheet_FitsIntoTheStore(t *testing.T) {
	s := sheet{}
	for n := range 1500 {
		for w := Minute; w <= Month; w++ {
			s[sheetKey(meterID{driver.AppID("application-" + itoa(n)), "orders", ""}, w)] = count{1767225600, 1}
		}
	}
	data, err := s.encode()
	if err != nil || len(data) > maxShard {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if kept := string(data); strings.Contains(kept, "minute") || !strings.Contains(kept, "month") {
		t.Error("long windows went before short ones")
	}
}

func TestMeters_AreForgottenWhenNothingCountsWithThem(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "each")
	want(t, d, k.Secret, 200)
	if err := d.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	has := func() bool { return d.meters.all[meterID{"shop", "orders", k.ID}] != nil }
	if err := d.reload(t.Context()); err != nil || !has() {
		t.Fatalf("the meter of a key that was used this minute is gone (%v)", err)
	}
	w.Clock.Advance(time.Hour)
	if err := d.reload(t.Context()); err != nil || has() {
		t.Errorf("the meter of a key that is gone is still there (%v)", err)
	}
}

func FuzzSheet_TakesAnything(f *testing.F) {
	f.Add(`{"shop orders  day":{"s":1767225600,"n":3}}`)
	f.Add(`{"a b c month":{"s":-9223372036854775808,"n":9223372036854775807}}`)
	d := &Driver{now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }}
	f.Fuzz(func(t *testing.T, key string) {
		id, w, ok := parseSheetKey(key)
		if ok && sheetKey(id, w) != key {
			t.Errorf("%q is read as %+v per %s", key, id, w)
		}
		d.takeSheet(sheet{key: {1767225600, 5}})
		s := sheet{key: {1767225600, 5}}
		s.prune(d.now())
		if _, kept := s[key]; kept != ok {
			t.Errorf("%q: kept=%t, readable=%t", key, kept, ok)
		}
	})
}

// The windows are tried in an order that the test does not choose: the longest wait is told whichever comes first.
func TestAdmit_TellsTheLongestWait(t *testing.T) {
	limits := []Limit{{1, Minute, false}, {1, Day, false}, {1, Hour, false}}
	for range 3 {
		limits = append(limits[1:], limits[0])
		m := &meter{}
		now := time.Date(2026, 1, 1, 12, 30, 30, 0, time.UTC)
		p := &Plan{Limits: slices.Clone(limits)}
		if s := admit(p, m, nil, now); s.broken || s.remaining != 0 {
			t.Errorf("the first request: %+v", s)
		}
		if s := admit(p, m, nil, now); !s.broken || s.resets.Sub(now) != 11*time.Hour+29*time.Minute+30*time.Second {
			t.Errorf("the second request: %+v", s)
		}
		if s := admit(p, m, nil, now.Add(-time.Hour)); !s.broken {
			t.Error("a clock that goes back begins the window again")
		}
	}
}
