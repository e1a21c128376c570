// Package widgettest holds the laws of widget.Widget as a suite that each implementation runs, in this process or behind a
// plugin's socket.
package widgettest

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget"
)

// Answer is what a widget under test does.
type Answer func(ctx context.Context, q widget.Query) ([]*frame.Frame, error)

// Widgets runs the laws of Widget. start makes a widget with that description, whose id is "hello/test", that answers so.
func Widgets(t *testing.T, start func(t *testing.T, d widget.Description, answer Answer) widget.Widget) {
	t.Helper()
	applies, err := widget.ParseAppliesTo("kind:component")
	if err != nil {
		t.Fatal(err)
	}
	d := widget.Description{ID: "hello/test", Title: "Test", View: widget.Table, AppliesTo: applies}
	t.Run("ItsDescriptionIsComplete", func(t *testing.T) {
		full := d
		full.Description, full.Refresh, full.Permission = "What it shows", time.Minute, "hello.read"
		got := start(t, full, nil).Description()
		if got.AppliesTo.String() != full.AppliesTo.String() {
			t.Errorf("it applies to %s", got.AppliesTo)
		}
		got.AppliesTo, full.AppliesTo = widget.AppliesTo{}, widget.AppliesTo{}
		if diff := cmp.Diff(full, got, cmp.AllowUnexported(widget.AppliesTo{})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ItsArgumentsHaveASchema", func(t *testing.T) {
		with := d
		with.ArgsSchema = json.RawMessage(`{"type":"object"}`)
		if got := start(t, with, nil).Description().ArgsSchema; string(got) != string(with.ArgsSchema) {
			t.Errorf("got %s", got)
		}
	})
	t.Run("ItsFramesArrive", func(t *testing.T) {
		issues := frame.New("issues", frame.Strings("title", "a", "b").Link("https://a.test/1", "https://a.test/2"), frame.Numbers("events", 1, 2.5).In("1"))
		total := frame.New("total", frame.Numbers("n", 2))
		w := start(t, d, func(context.Context, widget.Query) ([]*frame.Frame, error) { return []*frame.Frame{issues, total}, nil })
		got, err := w.Query(t.Context(), widget.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*frame.Frame{issues, total}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ALongFrameArrivesWhole", func(t *testing.T) {
		texts := make([]string, 20_000)
		for i := range texts {
			texts[i] = strings.Repeat("x", 50) + strconv.Itoa(i)
		}
		w := start(t, d, func(context.Context, widget.Query) ([]*frame.Frame, error) {
			return []*frame.Frame{frame.New("long", frame.Strings("text", texts...))}, nil
		})
		got, err := w.Query(t.Context(), widget.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Rows() != len(texts) || got[0].Columns[0].Values[19_999] != texts[19_999] {
			t.Errorf("%d frames came", len(got))
		}
	})
	t.Run("ItGetsTheWholeQuery", func(t *testing.T) {
		want := widget.Query{
			Entity: entity.Entity{"kind": "Component", "metadata": map[string]any{"name": "shop"}, "spec": map[string]any{"big": json.Number("9007199254740993")}},
			From:   time.UnixMilli(1_700_000_000_000), To: time.UnixMilli(1_700_000_060_000), MaxPoints: 30,
			Args: json.RawMessage(`{"top":3}`), Locale: "de-CH", TimeZone: "Europe/Zurich", User: "user:default/ann",
		}
		received := make(chan widget.Query, 1)
		w := start(t, d, func(_ context.Context, q widget.Query) ([]*frame.Frame, error) {
			received <- q
			return nil, nil
		})
		if _, err := w.Query(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, <-received); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("AnErrorKeepsItsName", func(t *testing.T) {
		w := start(t, d, func(context.Context, widget.Query) ([]*frame.Frame, error) {
			return nil, apierror.NotFoundf("the project shop is not in Sentry")
		})
		if _, err := w.Query(t.Context(), widget.Query{}); !apierror.Has(err, apierror.NotFound) || !strings.Contains(err.Error(), "project shop") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ItStopsWithItsContext", func(t *testing.T) {
		running, stopped := make(chan struct{}), make(chan struct{})
		w := start(t, d, func(ctx context.Context, _ widget.Query) ([]*frame.Frame, error) {
			close(running)
			<-ctx.Done()
			close(stopped)
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-running; cancel() }()
		if _, err := w.Query(ctx, widget.Query{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		<-stopped
	})
}
