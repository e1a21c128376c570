package hostsvc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/clocktest"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
)

func TestCallWithoutTheTokenOfThisStart_IsUnauthenticated(t *testing.T) {
	f := &fake{}
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()})
	client := pluginv1.NewHostCatalogServiceClient(s)
	for reason, ctx := range map[string]context.Context{
		"no token":         t.Context(),
		"not that of this": metadata.AppendToOutgoingContext(t.Context(), hostsvc.TokenKey, "token-of-the-last-start"),
		"several tokens":   metadata.AppendToOutgoingContext(called(t), hostsvc.TokenKey, token),
	} {
		_, err := client.GetEntity(ctx, &pluginv1.GetEntityRequest{Ref: "component:default/shop"})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: status %s", reason, status.Code(err))
		}
		if text := refused(t, err, apierror.Authentication); !strings.Contains(text, reason) || strings.Contains(text, "last-start") {
			t.Errorf("the refusal says %q, want %q", text, reason)
		}
	}
	stream, err := client.QueryEntities(t.Context(), &pluginv1.QueryEntitiesRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	refused(t, err, apierror.Authentication)
	if n := len(f.audited()); n != 4 {
		t.Errorf("%d audit records of 4 refusals", n)
	}
	if strings.Contains(s.log.String(), token) || strings.Contains(s.log.String(), "last-start") {
		t.Error("a token is in the log")
	}
}

func TestProcessThatMayNotConnect_IsTurnedAway(t *testing.T) {
	var seen atomic.Int64
	f := &fake{}
	s := serve(t, hostsvc.Options{Backend: f.backend(), Peer: func(pid int, uid uint32) bool {
		seen.Store(int64(pid))
		return uid == uint32(os.Getuid()) && pid == -1
	}})
	_, err := pluginv1.NewHostDiscoveryServiceClient(s).GetBaseUrl(called(t), &pluginv1.GetBaseUrlRequest{Plugin: "catalog"})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	if seen.Load() != int64(os.Getpid()) {
		t.Errorf("the kernel says process %d connects, this is %d", seen.Load(), os.Getpid())
	}
	records := f.audited()
	if len(records) == 0 || records[0].Meta["pid"] != os.Getpid() || records[0].Severity != "high" {
		t.Errorf("audit records %+v", records)
	}
}

func TestProcessThatMayConnect_IsServed(t *testing.T) {
	s := serve(t, hostsvc.Options{Backend: (&fake{}).backend(), Peer: func(pid int, _ uint32) bool { return pid == os.Getpid() }})
	r, err := pluginv1.NewHostDiscoveryServiceClient(s).GetBaseUrl(called(t), &pluginv1.GetBaseUrlRequest{Plugin: "catalog"})
	if err != nil || r.GetInternal() != "http://callboard.internal/api/catalog" {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestPanicAndErrorsOfTheHost_ReachThePluginAsAnID(t *testing.T) {
	for name, entity := range map[string]func(context.Context, string) ([]byte, error){
		"panic": func(context.Context, string) ([]byte, error) { panic("postgres://root:hunter2@db") },
		"error": func(context.Context, string) ([]byte, error) { return nil, errors.New("postgres://root:hunter2@db") },
		"type error": func(context.Context, string) ([]byte, error) {
			return nil, apierror.TypeErrorf("postgres://root:hunter2@db")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{entity: entity}).backend()})
			_, err := pluginv1.NewHostCatalogServiceClient(s).GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "component:default/shop"})
			text := rpcerror.Decode(err).Error()
			if status.Code(err) != codes.Internal || strings.Contains(text, "hunter2") {
				t.Errorf("the plugin sees %v", err)
			}
			id := text[strings.LastIndexByte(text, ' ')+1:]
			if log := s.log.String(); !strings.Contains(log, "hunter2") || !strings.Contains(log, id) {
				t.Errorf("the log has not the text under %s: %s", id, log)
			}
		})
	}
}

func TestWhatTheHostWrapsAroundAnError_IsNotForPlugins(t *testing.T) {
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{entity: func(context.Context, string) ([]byte, error) {
		return nil, fmt.Errorf("query db7: %w", apierror.NotFoundf("No such entity"))
	}}).backend()})
	_, err := pluginv1.NewHostCatalogServiceClient(s).GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "component:default/shop"})
	if text := refused(t, err, apierror.NotFound); strings.Contains(text, "db7") {
		t.Errorf("the plugin sees %q", text)
	}
}

func TestRefusalOfTheBackend_IsAudited(t *testing.T) {
	f := &fake{entity: func(context.Context, string) ([]byte, error) { return nil, apierror.NotAllowedf("not for you") }}
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()})
	_, err := pluginv1.NewHostCatalogServiceClient(s).GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "component:default/shop"})
	refused(t, err, apierror.NotAllowed)
	if r := f.audited(); len(r) != 1 || r[0].Meta["reason"] != "not for you" {
		t.Errorf("audit records %+v", r)
	}
}

func TestCallWithoutADeadline_GetsOne(t *testing.T) {
	var left time.Duration
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{entity: func(ctx context.Context, _ string) ([]byte, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil, nil
	}}).backend()})
	client := pluginv1.NewHostCatalogServiceClient(s)
	if _, err := client.GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "a"}); err != nil || left <= 0 || left > 10*time.Second {
		t.Errorf("%s left, %v", left, err)
	}
	ctx, cancel := context.WithTimeout(called(t), time.Hour)
	defer cancel()
	if _, err := client.GetEntity(ctx, &pluginv1.GetEntityRequest{Ref: "a"}); err != nil || left > 30*time.Second {
		t.Errorf("%s left of an hour, %v", left, err)
	}
}

func TestCallsBeyondTheRate_AreTurnedAwayUntilTimePasses(t *testing.T) {
	c := clocktest.At(epoch)
	s := serve(t, hostsvc.Options{Backend: (&fake{}).backend(), Now: c.Now})
	client := pluginv1.NewHostCacheServiceClient(s)
	served := func() (n int) {
		for ; n < 10_000; n++ {
			if _, err := client.GetCached(called(t), &pluginv1.GetCachedRequest{Key: "k"}); err != nil {
				if text := refused(t, err, apierror.ServiceUnavailable); !strings.Contains(text, "plugin hello makes more than 1000 calls a second") {
					t.Errorf("the refusal says %q", text)
				}
				return n
			}
		}
		return n
	}
	if n := served(); n != 2000 {
		t.Errorf("%d calls of a burst were served", n)
	}
	c.Advance(time.Second)
	if n := served(); n != 1000 {
		t.Errorf("%d calls of a second were served", n)
	}
}

func TestCallsAtOnce_AreBoundedOverAllConnections(t *testing.T) {
	var inside, most atomic.Int64
	release := make(chan struct{})
	f := &fake{entity: func(ctx context.Context, _ string) ([]byte, error) {
		n := inside.Add(1)
		defer inside.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); {
			m = most.Load()
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, nil
	}}
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()})
	client := pluginv1.NewHostCatalogServiceClient(s)
	var callers sync.WaitGroup
	for range 200 {
		callers.Go(func() {
			if _, err := client.GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "a"}); err != nil {
				t.Error(err)
			}
		})
	}
	for inside.Load() < 64 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	callers.Wait()
	if most.Load() > 64 {
		t.Errorf("%d calls ran at once", most.Load())
	}
}

func TestClose_EndsCallsInProgress(t *testing.T) {
	begun := make(chan struct{})
	f := &fake{entity: func(ctx context.Context, _ string) ([]byte, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()})
	done := make(chan error)
	go func() {
		_, err := pluginv1.NewHostCatalogServiceClient(s).GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "a"})
		done <- err
	}()
	<-begun
	s.stop()
	if err := <-done; err == nil {
		t.Error("the call ended well")
	}
}

func TestMessageAboveTheLimit_IsRefused(t *testing.T) {
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{}).backend()})
	_, err := pluginv1.NewHostCacheServiceClient(s).PutCached(called(t), &pluginv1.PutCachedRequest{Key: "k", Value: make([]byte, 2<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
}

func TestDenialsWithoutEnd_AreCountedRatherThanWritten(t *testing.T) {
	f := &fake{}
	c := clocktest.At(epoch)
	s := serve(t, hostsvc.Options{Backend: f.backend(), Now: c.Now})
	client := pluginv1.NewHostCatalogServiceClient(s)
	refuse := func() {
		_, err := client.GetEntity(called(t), &pluginv1.GetEntityRequest{Ref: "a"})
		refused(t, err, apierror.NotAllowed)
	}
	for range 500 {
		refuse()
	}
	if n := len(f.audited()); n != 100 {
		t.Errorf("%d audit records of 500 refusals", n)
	}
	c.Advance(time.Second)
	refuse()
	if r := f.audited(); r[len(r)-1].Meta["alsoRefused"] != int64(400) {
		t.Errorf("the next record says %v", r[len(r)-1].Meta)
	}
}

func TestServe_SaysWhatIsMissing(t *testing.T) {
	for want, o := range map[string]hostsvc.Options{
		"must be given": {Plugin: "hello"},
		"longer than":   {Plugin: "hello", Token: "t", Logger: nopLogger(), Socket: "/tmp/" + strings.Repeat("x", 100)},
		"open host":     {Plugin: "hello", Token: "t", Logger: nopLogger(), Socket: "/nowhere/at/all.sock"},
	} {
		if _, err := hostsvc.Serve(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "hello") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSocket_IsForItsOwnerAloneAndGoesWithTheServer(t *testing.T) {
	s := serve(t, hostsvc.Options{})
	path := strings.TrimPrefix(s.Target(), "unix:")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info, err)
	}
	s.stop()
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestSilentConnections_DoNotHoldUpTheEnd(t *testing.T) {
	s := serve(t, hostsvc.Options{Backend: (&fake{}).backend()})
	path := strings.TrimPrefix(s.Target(), "unix:")
	silent, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := pluginv1.NewHostDiscoveryServiceClient(s).GetBaseUrl(called(t), &pluginv1.GetBaseUrlRequest{Plugin: "catalog"}); err != nil {
		t.Fatal(err) // accepted after the silent one, which is inside therefore
	}
	s.stop() // gRPC alone would wait for two minutes
	if n, err := silent.Read(make([]byte, 64)); err == nil && n == 0 {
		t.Error("the silent connection is still open")
	}
}

func TestConnectionsWithoutEnd_AreTurnedAwayAndMakeRoomAgain(t *testing.T) {
	f := &fake{}
	s := serve(t, hostsvc.Options{Backend: f.backend()})
	path := strings.TrimPrefix(s.Target(), "unix:")
	var open []net.Conn
	for len(f.audited()) == 0 && len(open) < 100 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		time.Sleep(time.Millisecond)
	}
	if r := f.audited(); len(r) == 0 || !strings.Contains(fmt.Sprint(r[0].Meta["reason"]), "connections already") {
		t.Fatalf("%d connections were let in, audit %+v", len(open), r)
	}
	for _, conn := range open {
		_ = conn.Close()
	}
	ctx, cancel := context.WithTimeout(called(t), 10*time.Second)
	defer cancel()
	if _, err := pluginv1.NewHostDiscoveryServiceClient(s).GetBaseUrl(ctx, &pluginv1.GetBaseUrlRequest{Plugin: "catalog"}, grpc.WaitForReady(true)); err != nil {
		t.Errorf("there is no room after all were closed: %v", err)
	}
}
