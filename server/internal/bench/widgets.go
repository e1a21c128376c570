package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	bridge "github.com/callboard/callboard/frontend-bridge"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

func widgetParts() []part {
	return []part{{"widgets/draw", drawings}, {"widgets/batch", batches}, {"widgets/files", browserFiles}}
}

// widgets measures what is drawn, asked and sent, in this process: all but the plugin, whose way is measured with plugins.
func widgets(ctx context.Context, o options, w io.Writer) error {
	wanted := slices.DeleteFunc(widgetParts(), func(p part) bool { return !o.wants(p.name) })
	return measureAll(ctx, o, nil, wanted, w)
}

// days is a frame of so many days and series.
func days(points, series int) *frame.Frame {
	columns := []*frame.Column{frame.Times("day")}
	for i := range series {
		columns = append(columns, frame.Numbers[float64](fmt.Sprintf("service %d", i)).In("USD").Round(2))
	}
	f := frame.New("cost", columns...)
	random := rand.New(rand.NewPCG(1, 2)) // the same in every run
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := range points {
		row := []any{first.AddDate(0, 0, d)}
		for range series {
			row = append(row, 100*random.Float64())
		}
		f.Append(row...)
	}
	return f
}

// drawn is one thing that is made many times.
type drawn struct {
	name string
	make func() (string, error)
}

func answer(f *frame.Frame) *widget.Answer {
	return &widget.Answer{Frames: []*frame.Frame{f}, At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
}

func rendered(view widget.View, f *frame.Frame, format widget.Format) func() (string, error) {
	d, a := widget.Description{ID: "bench/cost", Title: "Cost", View: view}, answer(f)
	return func() (string, error) { return widget.Render(d, a, format, draw.Options{}) }
}

// drawings measures each view and format beside formatting and copying alone: numbers with Fprintf, and the bytes of the
// result with copy.
func drawings(_ context.Context, o options, _ *workshop, w io.Writer) error {
	month, long := days(30, 3), days(2000, 3)
	texts := frame.New("parts", frame.Strings("part", "a", "b", "c"), frame.Numbers("v", 5, 3, 1))
	one := frame.New("disk", frame.Numbers("used", 83).In("%").From(80, frame.Warn))
	list := []drawn{
		{"line, 3 × 30 points, SVG", rendered(widget.Line, month, widget.SVG)}, {"stacked, 3 × 30 points, SVG", rendered(widget.Stacked, month, widget.SVG)},
		{"line, 3 × 2000 points, SVG", rendered(widget.Line, long, widget.SVG)}, {"heat, 3 × 30 points, SVG", rendered(widget.Heat, month, widget.SVG)},
		{"donut, 3 parts, SVG", rendered(widget.Donut, texts, widget.SVG)}, {"stat, SVG", rendered(widget.Stat, one, widget.SVG)}, {"gauge, SVG", rendered(widget.Gauge, one, widget.SVG)},
		{"stacked, fragment with its table", rendered(widget.Stacked, month, widget.HTML)}, {"table, 30 × 4, fragment", rendered(widget.Table, month, widget.HTML)},
		{"stacked, 640 × 240, PNG", rendered(widget.Stacked, month, widget.PNG)},
	}
	fmt.Fprintf(w, "%-36s %10s %12s %12s %12s\n", "widgets: time of one", "bytes", "host", "Fprintf", "copy")
	for _, d := range list {
		text, err := d.make()
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		host, formatted, copied := inTurns(o, d.make, text)
		fmt.Fprintf(w, "%-36s %10d %12s %12s %12s\n", d.name, len(text), host, formatted, copied)
	}
	fmt.Fprintln(w)
	return nil
}

// inTurns measures a drawing, the Fprintf of 90 pairs of numbers, and the copy of its text; medians of the rounds.
func inTurns(o options, draw func() (string, error), text string) (host, formatted, copied time.Duration) {
	var all [3][]time.Duration
	var numbers bytes.Buffer
	to := make([]byte, len(text))
	for range o.rounds {
		for i, f := range []func(){
			func() { _, _ = draw() }, // it was made without an error before
			func() {
				numbers.Reset()
				for k := range 90 {
					fmt.Fprintf(&numbers, "L%.1f %.1f", float64(k)*6.3, float64(k)*1.7)
				}
			},
			func() { copy(to, text) },
		} {
			all[i] = append(all[i], timeOf(f))
		}
	}
	return median(all[0]), median(all[1]), median(all[2])
}

// timeOf is the time of one call, of so many that a clock can tell.
func timeOf(f func()) time.Duration {
	const turn = 100 * time.Millisecond
	f()
	n := 0
	began := time.Now()
	for time.Since(began) < turn {
		f()
		n++
	}
	return time.Since(began) / time.Duration(n)
}

// everybody lets all read everything: what is measured is the way, not the rules.
type everybody struct{}

func (everybody) Read(_ context.Context, _ *principal.Principal, ref entity.Canonical) (widget.Entity, bool, error) {
	return widget.Entity{Entity: entity.Entity{"kind": "Component", "metadata": map[string]any{"name": string(ref)}}, Version: string(ref)}, true, nil
}

func (everybody) Authorize(context.Context, *principal.Principal, permission.Permission) (permission.Decision, error) {
	return permission.Decision{Result: permission.Allow}, nil
}

func (everybody) Authenticate(*http.Request, string, httpx.Allowance) (*principal.Principal, error) {
	return &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}, nil
}

// fixed is a widget that has its frame ready, as one of a plugin that answers at once.
type fixed struct {
	d widget.Description
	f *frame.Frame
}

func (f fixed) Description() widget.Description { return f.d }

func (f fixed) Query(context.Context, widget.Query) ([]*frame.Frame, error) {
	return []*frame.Frame{f.f}, nil
}

// batches measures a page of 20 widgets in one request over HTTP, asked anew and remembered, beside a handler that writes the same bytes.
func batches(ctx context.Context, o options, _ *workshop, w io.Writer) error {
	handler, body, err := batchOfTwenty()
	if err != nil {
		return err
	}
	host := httptest.NewServer(handler)
	defer host.Close()
	same, err := postOnce(ctx, host.URL, body(0))
	if err != nil {
		return err
	}
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(same) }))
	defer bare.Close()
	fmt.Fprintf(w, "%-36s %10s %12s %12s\n", "20 widgets in one request", "bytes", "p50", "p99")
	for _, x := range []struct {
		name, url string
		body      func(i int) string
	}{
		{"asked anew", host.URL, body}, {"remembered", host.URL, func(int) string { return body(0) }}, {"bare handler, the same bytes", bare.URL, func(int) string { return body(0) }},
	} {
		took, err := posts(ctx, o, x.url, x.body)
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		fmt.Fprintf(w, "%-36s %10d %12s %12s\n", x.name, len(same), took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
	}
	fmt.Fprintln(w)
	return nil
}

// batchOfTwenty is a host with widgets of several views, and the i-th question for all of them.
func batchOfTwenty() (http.Handler, func(i int) string, error) {
	registry := widget.NewRegistry()
	applies, err := widget.ParseAppliesTo("*")
	if err != nil {
		return nil, nil, err
	}
	var list []widget.Widget
	views := []widget.View{widget.Line, widget.Stacked, widget.Stat, widget.Table, widget.Bar}
	for i := range 20 {
		f := days(30, 3)
		if views[i%len(views)] == widget.Stat {
			f = frame.New("disk", frame.Numbers("used", 83).In("%"))
		}
		list = append(list, fixed{widget.Description{ID: widget.ID(fmt.Sprintf("bench/w%d", i)), Title: "Cost", View: views[i%len(views)], AppliesTo: applies}, f})
	}
	if err := registry.Set("bench", list); err != nil {
		return nil, nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	server, err := httpx.New(httpx.Options{Auth: everybody{}, Logger: quiet})
	if err != nil {
		return nil, nil, err
	}
	widget.Routes(server.Feature(widget.Feature()), widget.NewEngine(widget.Options{Registry: registry, Entities: everybody{}, Authorizer: everybody{}, Logger: quiet,
		Permission: func(string, string) (permission.Permission, bool) { return permission.Permission{}, false }}))
	server.Started()
	return server, func(i int) string {
		var b strings.Builder
		b.WriteString(`{"requests":[`)
		for n := range list {
			if n > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"id":"bench/w%d","entityRef":"component:default/shop","maxPoints":%d}`, n, i%90_000+1)
		}
		b.WriteString(`]}`)
		return b.String()
	}, nil
}

func postOnce(ctx context.Context, base, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/widgets/v1/batch", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %.300s", res.StatusCode, text)
	}
	return text, err
}

// posts asks one after the other, and answers how long each took, sorted.
func posts(ctx context.Context, o options, base string, body func(i int) string) ([]time.Duration, error) {
	var took []time.Duration
	for began := time.Now(); time.Since(began) < o.seconds || len(took) < 100; {
		at := time.Now()
		text, err := postOnce(ctx, base, body(len(took)))
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(at))
		if n := bytes.Count(text, []byte(`"status":200`)); n != 20 {
			return nil, fmt.Errorf("%d of 20 widgets are answered", n)
		}
	}
	slices.Sort(took)
	return took, nil
}

// browserFiles are the sizes of what pages load, compressed.
func browserFiles(_ context.Context, _ options, _ *workshop, w io.Writer) error {
	names, err := fs.Glob(bridge.Files(), "widgets/*.js")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintln(w, "browser files: none are built; run make build")
		return nil
	}
	fmt.Fprintf(w, "%-36s %10s %12s\n", "browser files", "bytes", "gzip")
	for _, name := range names {
		text, err := fs.ReadFile(bridge.Files(), name)
		if err != nil {
			return err
		}
		var small bytes.Buffer
		z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(text)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-36s %10d %12d\n", name, len(text), small.Len())
	}
	fmt.Fprintln(w)
	return nil
}
