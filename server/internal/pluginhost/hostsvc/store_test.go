package hostsvc_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/clocktest"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// epoch is when tests begin.
var epoch = time.Date(2023, time.November, 14, 22, 13, 20, 0, time.UTC)

// suite runs a test on a store over each database.
func suite(t *testing.T, tell func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := clocktest.At(epoch)
		s, err := hostsvc.NewStore(t.Context(), db, c.Now)
		if err != nil {
			t.Fatal(err)
		}
		tell(t, s, c)
	})
}

const big = manifest.Size(1 << 20)

func put(t *testing.T, s *hostsvc.Store, key, value string) int64 {
	t.Helper()
	version, err := s.Put(t.Context(), "hello", key, hostsvc.Put{Data: []byte(value), Quota: big})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func keys(t *testing.T, s *hostsvc.Store, plugin manifest.ID, prefix string) (all []string) {
	t.Helper()
	for key, err := range s.Keys(t.Context(), plugin, prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	return all
}

func TestValue_IsReadAsItWasWritten(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for key, value := range map[string][]byte{"plain": []byte("v"), "bytes": every, "empty": {}, "it's \"?\" \\ é ?0": []byte("'?'"), "large": bytes.Repeat([]byte("x"), 255<<10)} {
			version, err := s.Put(t.Context(), "hello", key, hostsvc.Put{Data: value, Quota: big})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), "hello", key)
			if err != nil || !bytes.Equal(got.Data, value) || got.Version != version {
				t.Errorf("%s: %d bytes of version %d, %v", key, len(got.Data), got.Version, err)
			}
		}
		if _, err := s.Get(t.Context(), "hello", "other"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("a key that is not there: %v", err)
		}
	})
}

func TestPut_OverAVersionNeedsThatVersion(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		over := func(version int64) (int64, error) {
			return s.Put(t.Context(), "hello", "k", hostsvc.Put{Data: []byte("x"), IfVersion: &version, Quota: big})
		}
		if _, err := over(7); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("over a version of nothing: %v", err)
		}
		first, err := over(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := over(0); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("only where there is nothing: %v", err)
		}
		second, err := over(first)
		if err != nil || second <= first {
			t.Fatalf("version %d after %d, %v", second, first, err)
		}
		if err := s.Delete(t.Context(), "hello", "k", &first); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("delete of an old version: %v", err)
		}
		if err := s.Delete(t.Context(), "hello", "k", &second); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "hello", "k", nil); err != nil {
			t.Errorf("delete of nothing: %v", err)
		}
		if third, err := over(0); err != nil || third <= second { // or somebody who read the first would not see the change
			t.Errorf("version %d of a value that was made anew, the last was %d, %v", third, second, err)
		}
	})
}

func TestCompareAndSet_LosesNothingWithManyWriters(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		put(t, s, "counter", "")
		const writers, each = 4, 10
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for done := 0; done < each; {
					v, err := s.Get(t.Context(), "hello", "counter")
					if err == nil {
						_, err = s.Put(t.Context(), "hello", "counter", hostsvc.Put{Data: append(v.Data, 'x'), IfVersion: &v.Version, Quota: big})
					}
					switch {
					case err == nil:
						done++
					case !apierror.Has(err, apierror.Conflict):
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if v, err := s.Get(t.Context(), "hello", "counter"); err != nil || len(v.Data) != writers*each {
			t.Errorf("%d of %d writes are there, %v", len(v.Data), writers*each, err)
		}
	})
}

func TestValueWhoseTimeIsOver_IsGone(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock) {
		put(t, s, "stays", "x")
		if _, err := s.Put(t.Context(), "hello", "goes", hostsvc.Put{Data: []byte("x"), TTL: time.Minute, Quota: big}); err != nil {
			t.Fatal(err)
		}
		c.Advance(59 * time.Second)
		if _, err := s.Get(t.Context(), "hello", "goes"); err != nil {
			t.Errorf("before its time: %v", err)
		}
		c.Advance(time.Second)
		if _, err := s.Get(t.Context(), "hello", "goes"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("after its time: %v", err)
		}
		if got := keys(t, s, "hello", ""); !slices.Equal(got, []string{"stays"}) {
			t.Errorf("keys %v", got)
		}
		none := int64(0)
		if _, err := s.Put(t.Context(), "hello", "goes", hostsvc.Put{IfVersion: &none, Quota: big}); err != nil {
			t.Errorf("a key whose time is over is still taken: %v", err)
		}
	})
}

func TestQuota_CountsKeysAndValuesAndFreesWhatGoes(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock) {
		write := func(key string, size int, ttl time.Duration) error {
			_, err := s.Put(t.Context(), "hello", key, hostsvc.Put{Data: make([]byte, size), TTL: ttl, Quota: 1000})
			return err
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		full := func(err error) {
			t.Helper()
			if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), "plugin hello") {
				t.Errorf("got %v", err)
			}
		}
		must(write("a", 499, 0))
		must(write("b", 499, 0)) // 1000 with the keys
		full(write("c", 0, 0))
		must(write("b", 399, 0)) // smaller than before
		must(write("c", 99, time.Minute))
		full(write("d", 0, 0))
		c.Advance(time.Minute)
		must(write("d", 99, 0)) // in the place of c
		full(write("e", 0, 0))
		must(s.Delete(t.Context(), "hello", "a", nil))
		must(write("e", 499, 0))
		_, err := s.Put(t.Context(), "other", "a", hostsvc.Put{Data: make([]byte, 999), Quota: 1000})
		must(err) // has a share of its own
	})
}

func TestKeys_ComeInTheOrderOfBytesWithTheirPrefix(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		all := []string{"A", "Z", "a", "a%", "a_b", "ab", "b", "z", "ä", "日本"}
		for i := range 1100 {
			all = append(all, fmt.Sprintf("p/%04d", i))
		}
		for _, key := range all {
			put(t, s, key, "")
		}
		slices.Sort(all)
		if got := keys(t, s, "hello", ""); !slices.Equal(got, all) {
			t.Errorf("%d of %d keys, or in another order: %.10q", len(got), len(all), got)
		}
		for prefix, want := range map[string]int{"p/": 1100, "p/00": 100, "a": 4, "a%": 1, "a_": 1, "Z": 1, "ä": 1, "x": 0} {
			if got := keys(t, s, "hello", prefix); len(got) != want {
				t.Errorf("%d keys with %q, want %d", len(got), prefix, want)
			}
		}
		for _, err := range s.Keys(t.Context(), "hello", "") {
			if err != nil {
				t.Error(err)
			}
			break // a reader may stop
		}
	})
}

func TestPlugins_DoNotSeeEachOther(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		put(t, s, "k", "mine")
		if _, err := s.Get(t.Context(), "hell", "k"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("another plugin reads it: %v", err)
		}
		if got := keys(t, s, "hell", ""); len(got) != 0 {
			t.Errorf("another plugin lists %v", got)
		}
		mine, err1 := s.Acquire(t.Context(), "hello", "lock", "", time.Minute)
		its, err2 := s.Acquire(t.Context(), "hell", "lock", "", time.Minute)
		if mine == "" || its == "" || err1 != nil || err2 != nil {
			t.Errorf("locks of one name: %q %v, %q %v", mine, err1, its, err2)
		}
		if err := s.Release(t.Context(), "hell", "lock", mine); err != nil {
			t.Fatal(err)
		}
		if again, _ := s.Acquire(t.Context(), "hello", "lock", "", time.Minute); again != "" {
			t.Error("another plugin released it")
		}
	})
}

func TestLock_IsHeldByOneUntilReleasedOrLost(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock) {
		acquire := func(lease string) string {
			t.Helper()
			held, err := s.Acquire(t.Context(), "hello", "lock", lease, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return held
		}
		first := acquire("")
		if first == "" || acquire("") != "" || acquire("guess") != "" {
			t.Error("it is held by more than one, or by none")
		}
		c.Advance(50 * time.Second)
		if acquire(first) != first {
			t.Error("it cannot be renewed")
		}
		c.Advance(50 * time.Second)
		if acquire("") != "" {
			t.Error("renewing did not last")
		}
		c.Advance(10 * time.Second)
		if acquire(first) != "" {
			t.Error("a lease that was over was renewed")
		}
		second := acquire("")
		if second == "" || second == first {
			t.Errorf("lease %q after %q", second, first)
		}
		if err := s.Release(t.Context(), "hello", "lock", first); err != nil || acquire("") != "" {
			t.Errorf("an old lease released the lock: %v", err)
		}
		if err := s.Release(t.Context(), "hello", "lock", second); err != nil || acquire("") == "" {
			t.Errorf("a released lock is not free: %v", err)
		}
	})
}

func TestLock_IsExclusiveAmongMany(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, _ *clocktest.Clock) {
		var holders atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				held, err := s.Acquire(t.Context(), "hello", "lock", "", time.Minute)
				if err != nil {
					t.Error(err)
				}
				if held != "" {
					holders.Add(1)
				}
			})
		}
		all.Wait()
		if n := holders.Load(); n != 1 {
			t.Errorf("%d hold it", n)
		}
	})
}

func TestLocks_AreBounded(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock) {
		var err error
		for i := 0; err == nil && i < 1500; i++ {
			_, err = s.Acquire(t.Context(), "hello", fmt.Sprint(i), "", time.Minute)
		}
		if !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("got %v", err)
		}
		c.Advance(time.Minute)
		if held, err := s.Acquire(t.Context(), "hello", "more", "", time.Minute); held == "" || err != nil {
			t.Errorf("after all were over: %v", err)
		}
	})
}

func TestAudit_KeepsTheNewestOfEachPlugin(t *testing.T) {
	suite(t, func(t *testing.T, s *hostsvc.Store, c *clocktest.Clock) {
		s.KeepAudit(50)
		record := func(plugin manifest.ID, n int) {
			t.Helper()
			r := hostsvc.AuditRecord{At: c.Now(), Plugin: plugin, Event: fmt.Sprintf("e%d", n), Severity: "low", Failed: n%2 == 1, Meta: map[string]any{"n": n}}
			if err := s.Record(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		record("quiet", 1)
		for n := range 301 {
			record("loud", n)
		}
		loud, err := s.Audited(t.Context(), "loud", 1000)
		if err != nil || len(loud) != 50 || loud[0].Event != "e300" || loud[0].Meta["n"] != 300.0 || loud[0].Failed || !loud[1].Failed {
			t.Errorf("%d records, the newest %+v, %v", len(loud), loud[0], err)
		}
		if !loud[0].At.Equal(c.Now()) {
			t.Errorf("written at %s", loud[0].At)
		}
		if quiet, err := s.Audited(t.Context(), "quiet", 1000); err != nil || len(quiet) != 1 {
			t.Errorf("%d records of the quiet one, %v", len(quiet), err)
		}
	})
}

func TestCache_ForgetsByTimeAndByRoom(t *testing.T) {
	c := clocktest.At(epoch)
	cache := hostsvc.NewCache(c.Now)
	value := []byte("v")
	cache.Put("hello", "k", value, time.Minute)
	value[0] = 'x'
	if got, found := cache.Get("hello", "k"); !found || string(got) != "v" {
		t.Errorf("got %q, %v", got, found)
	}
	c.Advance(time.Minute)
	if _, found := cache.Get("hello", "k"); found {
		t.Error("it is there after its time")
	}
	cache.Put("other", "k", []byte("v"), 0)
	for i := range 200 {
		cache.Put("hello", fmt.Sprint(i), make([]byte, 200<<10), 0)
	}
	held := 0
	for i := range 200 {
		if _, found := cache.Get("hello", fmt.Sprint(i)); found {
			held += 200 << 10
		}
	}
	if held == 0 || held > 8<<20 {
		t.Errorf("%d bytes are held", held)
	}
	if _, found := cache.Get("other", "k"); !found {
		t.Error("one plugin pushed out another's value")
	}
	cache.Delete("other", "k")
	if _, found := cache.Get("other", "k"); found {
		t.Error("a deleted value is there")
	}
}
