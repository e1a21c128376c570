package caps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/widget"
)

// shelf serves many widgets; each behaves by its name until mended says otherwise.
type shelf struct {
	pluginv1.UnimplementedWidgetsServiceServer

	mended atomic.Bool
	asked  atomic.Int32 // for those that are bad
	ended  chan struct{}
}

// client asks it. What hangs does so until the test ends, past the deadline: an answer that comes at the deadline is an answer.
func (s *shelf) client(t testing.TB, change ...func(*ClientOptions)) *Client {
	t.Helper()
	s.ended = make(chan struct{})
	conn := serve(t, func(server *grpc.Server) { pluginv1.RegisterWidgetsServiceServer(server, s) })
	t.Cleanup(func() { close(s.ended) })
	return NewClient(conn, options("1", change...))
}

func (s *shelf) QueryWidget(r *pluginv1.QueryWidgetRequest, stream grpc.ServerStreamingServer[pluginv1.QueryWidgetResponse]) error {
	if !s.mended.Load() && r.GetWidget() != "good" {
		s.asked.Add(1)
		switch r.GetWidget() {
		case "nonsense":
			return stream.Send(&pluginv1.QueryWidgetResponse{FrameJson: []byte(`{"name":"x","columns":[{"name":"y","type":"colour"}]}`)})
		case "hangs":
			<-s.ended
			return nil
		case "stops": // without a name, as a library of another language does
			return status.Error(codes.Unavailable, "upstream is down")
		default:
			return errors.New("boom")
		}
	}
	text, err := json.Marshal(frame.New("x", frame.Strings("y", "z")))
	if err != nil {
		return err
	}
	return stream.Send(&pluginv1.QueryWidgetResponse{FrameJson: text})
}

func ask(t testing.TB, c *Client, name string) error {
	t.Helper()
	_, err := (&remoteWidget{source: one(c), name: name}).Query(t.Context(), widget.Query{})
	return err
}

// insist asks for a widget until it is refused without being asked.
func insist(t testing.TB, c *Client, name string) (refusal error) {
	t.Helper()
	for range 30 {
		err := ask(t, c, name)
		if err == nil {
			t.Fatalf("%s was answered", name)
		}
		if strings.Contains(err.Error(), "failed too often") {
			return err
		}
	}
	t.Fatalf("%s is asked for for ever", name)
	return nil
}

func TestBreaker_OneBadWidgetIsLeftAloneAndTheOthersGoOn(t *testing.T) {
	for _, name := range []string{"nonsense", "breaks", "stops"} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{}
			c := s.client(t)
			refusal := insist(t, c, name)
			if !apierror.Has(refusal, apierror.ServiceUnavailable) || !strings.Contains(refusal.Error(), "failed too often at QueryWidget "+name) {
				t.Errorf("the refusal says %v", refusal)
			}
			if n := s.asked.Load(); n != 10 {
				t.Errorf("it was refused after %d failures", n)
			}
			if err := ask(t, c, "good"); err != nil || c.Tripped() {
				t.Errorf("another widget of the plugin: %v, tripped: %v", err, c.Tripped())
			}
			if got := c.TrippedCalls(); !slices.Equal(got, []string{"QueryWidget " + name}) {
				t.Errorf("left alone are %q", got)
			}
			s.mended.Store(true)
			eventually(t, "it is asked for again", func() bool { return ask(t, c, name) == nil && len(c.TrippedCalls()) == 0 })
		})
	}
}

func TestBreaker_OneWidgetThatHangsWhileOthersAnswerIsLeftAloneByItself(t *testing.T) {
	s := &shelf{}
	c := s.client(t, limited(Limits{Query: 3 * time.Second}))
	hanging := make(chan error, 12)
	for range cap(hanging) {
		go func() { hanging <- ask(t, c, "hangs") }()
	}
	eventually(t, "all of them hang", func() bool { return s.asked.Load() == 12 })
	if err := ask(t, c, "good"); err != nil {
		t.Fatal(err)
	}
	for range cap(hanging) {
		if err := <-hanging; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
	}
	if err := ask(t, c, "good"); err != nil || c.Tripped() || !slices.Equal(c.TrippedCalls(), []string{"QueryWidget hangs"}) {
		t.Errorf("another widget: %v, tripped: %v, left alone: %q", err, c.Tripped(), c.TrippedCalls())
	}
}

func TestBreaker_AProcessThatAnswersNothingIsAskedForNothing(t *testing.T) {
	t.Run("it is gone", func(t *testing.T) {
		conn := serve(t)
		c := NewClient(conn, options("1", func(o *ClientOptions) { o.Retry = time.Hour }))
		conn.Close()
		insist(t, c, "one")
		if refusal := ask(t, c, "another"); !c.Tripped() || !strings.Contains(refusal.Error(), "Plugin hello failed too often and is left alone") {
			t.Errorf("tripped: %v, another widget: %v", c.Tripped(), refusal)
		}
	})
	t.Run("it hangs", func(t *testing.T) {
		s := &shelf{}
		c := s.client(t, limited(Limits{Query: 300 * time.Millisecond}), func(o *ClientOptions) { o.Retry = time.Hour })
		insist(t, c, "hangs")
		asked := s.asked.Load()
		if refusal := ask(t, c, "another"); !c.Tripped() || refusal == nil || s.asked.Load() != asked {
			t.Errorf("tripped: %v, another widget: %v", c.Tripped(), refusal)
		}
	})
}

func TestBreaker_APluginOfWhichOneThingHangsIsTriedWithAnother(t *testing.T) {
	s := &shelf{}
	c := s.client(t, limited(Limits{Query: 300 * time.Millisecond}))
	insist(t, c, "hangs")
	eventually(t, "another widget is answered", func() bool { return ask(t, c, "good") == nil && !c.Tripped() })
}

func TestBreaker_SoManyBadCallsThatThereIsNoRoomForThemAreTheFaultOfThePlugin(t *testing.T) {
	b := newBreakers(time.Hour)
	fail := func(call string) {
		if b.let(call) == "" {
			b.record(call, callFault, b.now())
		}
	}
	for n := range mostBlamed {
		for range 10 {
			fail(fmt.Sprint("bad ", n))
		}
	}
	if !b.plugin.IsClosed() || len(b.tripped()) != mostBlamed {
		t.Fatalf("the plugin is tripped by %d of its calls", len(b.tripped()))
	}
	for range 10 {
		fail("one more")
	}
	if b.plugin.IsClosed() || len(b.byCall) > mostBlamed {
		t.Errorf("%d breakers, the plugin's is closed: %v", len(b.byCall), b.plugin.IsClosed())
	}
}

func TestBreaker_CallsThatFailedOnceMakeRoomForOthers(t *testing.T) {
	b := newBreakers(time.Hour)
	for n := range 10 * mostBlamed {
		b.record(fmt.Sprint("rare ", n), callFault, b.now())
	}
	if !b.plugin.IsClosed() || len(b.byCall) > mostBlamed {
		t.Errorf("%d breakers, the plugin's is closed: %v", len(b.byCall), b.plugin.IsClosed())
	}
}
