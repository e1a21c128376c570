package intake

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(watcherVariable); dir != "" {
		watchAlone(dir)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond) // so that jobs have an order
	return c.at
}

type rig struct {
	*Intake

	t      *testing.T
	dir    string
	ledger *ledger.Ledger
	clock  *clock
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}}
	l, err := ledger.Open(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.ledger = l
	r.open(Options{})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// open opens the intake, again after a restart.
func (r *rig) open(o Options) {
	r.t.Helper()
	o.Dir, o.Now = r.dir, r.clock.now
	if o.Ledger == nil {
		o.Ledger = r.ledger
	}
	i, err := Open(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Intake = i
}

// total is what the ledger has of a source, all of them with "".
func (r *rig) total(source string) string {
	r.t.Helper()
	q := ledger.Query{From: ledger.Date(2026, 1, 1), To: ledger.Date(2027, 1, 1)}
	if source != "" {
		q.Filter = ledger.Where(ledger.Is(ledger.Source, source))
	}
	found, err := r.ledger.Query(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return found.Total.String()
}

// bill is a FOCUS file of charges, each "2026-11-20 1.50" or with a currency at its end.
func bill(charges ...string) []byte {
	var b bytes.Buffer
	b.WriteString("BilledCost,EffectiveCost,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ChargeCategory,ProviderName,BillingAccountId,ServiceName\n")
	for _, c := range charges {
		f := append(strings.Fields(c), "EUR")
		fmt.Fprintf(&b, "%s,%s,%s,%s-01T00:00:00Z,%sT00:00:00Z,Usage,AWS,100,EC2\n", f[1], f[1], f[2], f[0][:7], f[0])
	}
	return b.Bytes()
}

// put writes a file below a folder, changed at a time after all before.
func (r *rig) put(folder, name string, content []byte) {
	r.t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
	at := r.clock.now()
	if err := os.Chtimes(path, at, at); err != nil {
		r.t.Fatal(err)
	}
}

// look looks so often that files have settled, and says how many deliveries were imported.
func (r *rig) look(w *Watcher) int {
	r.t.Helper()
	n := 0
	for range 2 {
		if err := w.Look(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		n += w.Status().Imported
	}
	return n
}

func (r *rig) last() Job {
	r.t.Helper()
	jobs, err := r.Jobs(r.t.Context(), 1)
	if err != nil || len(jobs) == 0 {
		r.t.Fatalf("no job: %v", err)
	}
	return jobs[0]
}
