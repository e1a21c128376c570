package caps

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// inMemory serves without sockets, so that a story about hours can be told in no time.
func inMemory(t *testing.T, services ...service) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	for _, s := range services {
		s(server)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithIdleTimeout(0),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); server.Stop(); <-done; _ = l.Close() })
	return conn
}

// diary is a provider service that writes down when it was asked, and with which cursor.
type diary struct {
	providerService

	begin time.Time
	mu    sync.Mutex
	asked []string
	fail  bool
	hang  chan struct{} // nil = it does not
}

func newDiary(interval int64) *diary {
	d := &diary{providerService: providerService{interval: interval}, begin: time.Now()}
	d.refresh = func(r *pluginv1.RefreshProviderRequest, send func(*pluginv1.RefreshProviderResponse) error) error {
		d.mu.Lock()
		hang := d.hang
		d.mu.Unlock()
		if hang != nil {
			<-hang
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, r.GetCursor())
		if d.fail {
			return errors.New("upstream is down")
		}
		if r.GetCursor() == "" {
			return send(&pluginv1.RefreshProviderResponse{Full: true, Upserts: []*pluginv1.EntityDocument{document(thing("a"))}, NextCursor: "c1"})
		}
		return send(&pluginv1.RefreshProviderResponse{Removals: []string{"component:default/a"}, NextCursor: "c" + strconv.Itoa(len(d.asked))})
	}
	return d
}

func (d *diary) cursors() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.asked, ",")
}

func (d *diary) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

func (d *diary) breakDown(fail bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// story runs a provider in a bubble of time. Everything has ended when it returns.
func story(t *testing.T, interval int64, o ProviderOptions, tell func(t *testing.T, p *EntityProvider, plugin *switchboard, d *diary, l *ledger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(interval)
		plugin := one(NewClient(inMemory(t, d.register), options("1")))
		o.Logger = silent()
		p, l := Provider("hello", "things", plugin, o), &ledger{}
		if err := p.Connect(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); p.Run(ctx) }()
		tell(t, p, plugin, d, l)
		cancel()
		<-ended
	})
}

func TestProvider_RefreshesAtItsIntervalWithTheCursorOfTheLastStream(t *testing.T) {
	story(t, 600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, _ *switchboard, d *diary, l *ledger) {
		time.Sleep(time.Second)
		if got := d.cursors(); got != "" || d.count() != 1 {
			t.Errorf("at first it asked with %q", got)
		}
		time.Sleep(9 * time.Minute)
		if d.count() != 1 {
			t.Error("it asked before its interval was over")
		}
		time.Sleep(2 * time.Minute)
		if got := d.cursors(); got != ",c1" {
			t.Errorf("after an interval it asked with %q", got)
		}
		time.Sleep(22 * time.Minute)
		if got := d.cursors(); got != ",c1,c2,c3" {
			t.Errorf("after three intervals it asked with %q", got)
		}
		m := l.all()
		if len(m) != 4 || !m[0].Full || len(m[0].Added) != 1 || m[1].Full || m[1].Removed[0] != "component:default/a" {
			t.Errorf("applied: %+v", m)
		}
		if s := p.Status(); s.Interval != 10*time.Minute || s.Error != "" || s.Last.IsZero() {
			t.Errorf("its status is %+v", s)
		}
	})
}

func TestProvider_AnIntervalIsTenSecondsAtLeast(t *testing.T) {
	story(t, 0, ProviderOptions{}, func(t *testing.T, _ *EntityProvider, _ *switchboard, d *diary, _ *ledger) {
		time.Sleep(9 * time.Second)
		if d.count() != 1 {
			t.Errorf("it asked %d times in nine seconds", d.count())
		}
		time.Sleep(91 * time.Second)
		if n := d.count(); n < 9 || n > 11 {
			t.Errorf("it asked %d times in 100 seconds", n)
		}
	})
}

func TestProvider_AfterFailuresItTriesSoonerThanItsIntervalAndKeepsTheCursor(t *testing.T) {
	story(t, 3600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, _ *switchboard, d *diary, l *ledger) {
		time.Sleep(time.Second)
		d.breakDown(true)
		if err := p.Trigger(t.Context()); err == nil || !strings.Contains(err.Error(), "upstream is down") {
			t.Errorf("got %v", err)
		}
		time.Sleep(12 * time.Second)
		if d.count() != 3 {
			t.Errorf("it tried %d times", d.count())
		}
		time.Sleep(24 * time.Hour)
		if n := d.count(); n < 24 || n > 40 {
			t.Errorf("it tried %d times in a day", n)
		}
		d.breakDown(false)
		if err := p.Trigger(t.Context()); err != nil {
			t.Error(err)
		}
		if m := l.all(); len(m) != 2 || m[1].Full || p.Status().Error != "" {
			t.Errorf("applied: %+v, status %+v", m, p.Status())
		}
	})
}

func TestProvider_WhatTheCatalogRefusesKeepsTheCursor(t *testing.T) {
	story(t, 3600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, _ *switchboard, d *diary, l *ledger) {
		time.Sleep(time.Second)
		l.mu.Lock()
		l.fail = errors.New("the database is away")
		l.mu.Unlock()
		for range 2 {
			if err := p.Trigger(t.Context()); err == nil || !strings.Contains(err.Error(), "the database is away") {
				t.Errorf("got %v", err)
			}
		}
		if got := d.cursors(); got != ",c1,c1" {
			t.Errorf("it asked with %q", got)
		}
	})
}

func TestProvider_WaitsForThePluginAndFollowsItsVersions(t *testing.T) {
	story(t, 3600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, plugin *switchboard, d *diary, _ *ledger) {
		time.Sleep(time.Second)
		plugin.set(true)
		if err := p.Trigger(t.Context()); !apierror.Has(err, apierror.ServiceUnavailable) {
			t.Errorf("got %v", err)
		}
		time.Sleep(10 * time.Hour)
		if d.count() != 1 {
			t.Error("it asked a plugin that is away")
		}
		plugin.set(false)
		time.Sleep(2 * time.Hour)
		asked := d.count()
		if asked < 2 {
			t.Error("it did not ask after the plugin came back")
		}
		plugin.replace(NewClient(plugin.client.conn, options("1")))
		time.Sleep(2 * time.Second)
		if d.count() != asked {
			t.Error("a restart of the same version was worth a refresh")
		}
		plugin.replace(NewClient(plugin.client.conn, options("2")))
		time.Sleep(2 * time.Second)
		if d.count() != asked+1 || !strings.HasSuffix(d.cursors(), ",") {
			t.Errorf("a new version was asked with %q", d.cursors())
		}
	})
}

func TestProvider_TriggersThatComeDuringARefreshAreServedByTheNext(t *testing.T) {
	story(t, 3600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, _ *switchboard, d *diary, _ *ledger) {
		time.Sleep(time.Second)
		hang := make(chan struct{})
		d.mu.Lock()
		d.hang = hang
		d.mu.Unlock()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := p.Trigger(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		d.mu.Lock()
		d.hang = nil
		d.mu.Unlock()
		close(hang)
		all.Wait()
		if n := d.count(); n > 4 {
			t.Errorf("10 triggers made %d refreshes", n-1)
		}
	})
}

func TestProvider_IsStoppedWhileItWaits(t *testing.T) {
	p := Provider("hello", "things", one(NewClient(nil, options("1"))), ProviderOptions{Logger: silent()})
	if err := p.Trigger(t.Context()); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("one that was never connected answered %v", err)
	}
	story(t, 3600, ProviderOptions{}, func(t *testing.T, p *EntityProvider, _ *switchboard, _ *diary, _ *ledger) {
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Trigger(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// locks is a Lock among hosts in one process.
type locks struct {
	mu     sync.Mutex
	holder string
	until  time.Time
	n      int
}

func (l *locks) Acquire(_ context.Context, plugin manifest.ID, name, lease string, ttl time.Duration) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if plugin != "hello" || name != "callboard/provider/things" {
		return "", errors.New("another lock")
	}
	if l.holder != "" && l.holder != lease && time.Now().Before(l.until) {
		return "", nil
	}
	if l.holder != lease || lease == "" {
		l.n++
		l.holder = strconv.Itoa(l.n)
	}
	l.until = time.Now().Add(ttl)
	return l.holder, nil
}

func (l *locks) Release(_ context.Context, _ manifest.ID, _, lease string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == lease {
		l.holder = ""
	}
	return nil
}

func TestProvider_OneHostOfSeveralRefreshesAndAnotherTakesOver(t *testing.T) {
	lock := &locks{}
	story(t, 600, ProviderOptions{Lock: lock}, func(t *testing.T, _ *EntityProvider, plugin *switchboard, d *diary, _ *ledger) {
		time.Sleep(time.Second)
		other, l := Provider("hello", "things", plugin, ProviderOptions{Lock: lock, Logger: silent()}), &ledger{}
		if err := other.Connect(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); other.Run(ctx) }()
		time.Sleep(time.Hour)
		if len(l.all()) != 0 || d.count() < 5 {
			t.Errorf("the other host applied %d, the plugin was asked %d times", len(l.all()), d.count())
		}
		lock.mu.Lock()
		lock.holder, lock.until = "somebody", time.Now().Add(time.Minute) // the first host loses it, and that one dies
		lock.mu.Unlock()
		time.Sleep(3 * time.Minute)
		before := d.count()
		time.Sleep(time.Hour)
		if d.count() == before {
			t.Error("nobody took over")
		}
		cancel()
		<-ended
	})
}

func TestProvider_ALostLeaseEndsTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := &locks{}
		service := &providerService{interval: 600}
		started := make(chan struct{}, 1)
		conn := inMemory(t, service.register)
		service.refresh = func(_ *pluginv1.RefreshProviderRequest, send func(*pluginv1.RefreshProviderResponse) error) error {
			started <- struct{}{}
			for { // slow, but alive
				if err := send(&pluginv1.RefreshProviderResponse{}); err != nil {
					return err
				}
				time.Sleep(10 * time.Second)
			}
		}
		p, l := Provider("hello", "things", one(NewClient(conn, options("1"))), ProviderOptions{Lock: lock, Logger: silent()}), &ledger{}
		if err := p.Connect(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); p.Run(ctx) }()
		<-started
		lock.mu.Lock()
		lock.holder, lock.until = "another", time.Now().Add(time.Hour)
		lock.mu.Unlock()
		time.Sleep(time.Minute)
		if s := p.Status(); !strings.Contains(s.Error, "another host has taken over") || len(l.all()) > 0 {
			t.Errorf("status %+v", s)
		}
		cancel()
		<-ended
	})
}
