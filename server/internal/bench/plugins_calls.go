package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
	"github.com/callboard/callboard/server/internal/widget"
)

// call is one kind of question to a plugin.
type call struct {
	name string
	ask  func(context.Context) error
}

// batch is the most that the host puts into one call.
const batch = 100

// calls shows what a capability call costs: bare on the connection, and through the client that guards it.
func calls(ctx context.Context, o options, s *workshop, w io.Writer) error {
	d, err := s.run(ctx, o, helloGo, sandbox.Auto, 0)
	if err != nil {
		return err
	}
	defer d.stop()
	all, end, err := d.calls(ctx)
	if err != nil {
		return err
	}
	defer end()
	both := func() time.Duration { return ownCPU() + cpuOf(d.process.PID()) }
	fmt.Fprintf(w, "capability calls of %s, sandbox %s\n", helloGo, d.process.Report().Reached())
	fmt.Fprintf(w, "%-50s %9s %9s   %9s %9s %9s %9s\n", "", "p50 alone", "p99", "p50 of 16", "p99", "per s", "CPU each")
	for _, c := range all {
		load := worker(both, func() func(context.Context, request) (int, error) {
			return func(ctx context.Context, _ request) (int, error) { return 0, c.ask(ctx) }
		})
		if _, err := load(ctx, request{}, 1, o.seconds/10); err != nil { // once, so that everything is loaded
			return fmt.Errorf("%s: %w", c.name, err)
		}
		one, err := load(ctx, request{}, 1, o.seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		many, err := load(ctx, request{}, connections, o.seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(w, "%-50s %9s %9s   %9s %9s %9.0f %9s\n", c.name, micros(one.p50), micros(one.p99), micros(many.p50), micros(many.p99), many.perSecond(), micros(many.cost()))
	}
	fmt.Fprintln(w)
	return nil
}

// calls are made ready; end ends what stands behind them.
func (d *direct) calls(ctx context.Context) (all []call, end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	widgets := widget.NewRegistry()
	quiet := slog.New(slog.DiscardHandler)
	importer := caps.Widgets(widgets, caps.WidgetOptions{ImporterOptions: caps.ImporterOptions{Logger: quiet}})
	processor := caps.Processor(d.manifest.ID, "greeted", d, caps.ProcessorOptions{Logger: quiet})
	end = func() { importer.Close(); cancel(); running.Wait() }
	defer func() {
		if err != nil {
			end()
		}
	}()
	running.Go(func() { processor.Run(ctx, engine{}) })
	if err := importer.Announce(ctx, d.manifest, d); err != nil {
		return nil, nil, err
	}
	var sample entity.Entity
	if err := json.Unmarshal([]byte(sampleJSON), &sample); err != nil {
		return nil, nil, err
	}
	var hello widget.Widget
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		if hello, err = widgets.Find(widget.ID(helloGo + "/hello")); err == nil && !processor.Declare().Unknown {
			return d.callsTo(processor, hello, sample), end, nil
		}
	}
	return nil, nil, errors.New("the plugin's processor and widget are not known in time")
}

func (d *direct) callsTo(processor *caps.EntityProcessor, hello widget.Widget, sample entity.Entity) []call {
	conn := d.process.Conn()
	processors := pluginv1.NewCatalogProcessorServiceClient(conn)
	process := func(n int) func(context.Context) error {
		items := make([]*pluginv1.ProcessItem, n)
		for i := range items {
			items[i] = &pluginv1.ProcessItem{EntityJson: []byte(sampleJSON), Location: sampleLocation.String(), OriginLocation: sampleLocation.String()}
		}
		rq := &pluginv1.ProcessEntitiesRequest{Processor: "greeted", Stage: pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS, Items: items}
		return func(ctx context.Context) error {
			answer, err := processors.ProcessEntities(ctx, rq)
			if err == nil && len(answer.GetResults()) != n {
				err = errors.New("other results than asked for")
			}
			return err
		}
	}
	return []call{
		{"bare gRPC: health check", func(ctx context.Context) error {
			_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: launch.HealthService})
			return err
		}},
		{"bare gRPC: ProcessEntities, 1 entity", process(1)},
		{"caps: 1 entity (waits up to 2 ms for a batch)", func(ctx context.Context) error { return preProcess(ctx, processor, sample) }},
		{"bare gRPC: ProcessEntities, 100 entities", process(batch)},
		{"caps: 100 entities at the same time", func(ctx context.Context) error { return preProcessMany(ctx, processor, sample, batch) }},
		{"bare gRPC: QueryWidget", func(ctx context.Context) error {
			stream, err := pluginv1.NewWidgetsServiceClient(conn).QueryWidget(ctx, &pluginv1.QueryWidgetRequest{Widget: "hello", EntityJson: []byte(sampleJSON)})
			for err == nil {
				_, err = stream.Recv()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}},
		{"caps: QueryWidget", func(ctx context.Context) error {
			frames, err := hello.Query(ctx, widget.Query{Entity: sample})
			if err == nil && len(frames) != 1 {
				err = errors.New("other frames than expected")
			}
			return err
		}},
	}
}

// sampleJSON is an entity of usual size.
const sampleJSON = `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"payment-gateway-com-1","namespace":"default",` +
	`"title":"Payment gateway 1","description":"it checks what stores and routes of the team can happen between requests and somebody",` +
	`"tags":["go","payments","tier-1"],"labels":{"tier":"one"},"annotations":{"backstage.io/managed-by-location":"file:/bench.yaml",` +
	`"backstage.io/managed-by-origin-location":"file:/bench.yaml","hello.callboard.dev/greet":"bench","github.com/project-slug":"acme/payment-gateway"},` +
	`"links":[{"url":"https://dashboards.example.com/d/payment","title":"Dashboard","icon":"dashboard"}]},` +
	`"spec":{"type":"service","lifecycle":"production","owner":"group:default/payments","system":"payments","providesApis":["payment-api"],"dependsOn":["resource:default/ledger"]}}`

var sampleLocation = entity.Location{Type: "file", Target: "/bench.yaml"}

func preProcess(ctx context.Context, p *caps.EntityProcessor, e entity.Entity) error {
	after, err := p.PreProcess(ctx, &catalog.Processing{Ref: e.Ref().Canonical(), Location: sampleLocation, Origin: sampleLocation}, e)
	if err == nil && after.Annotation("hello.callboard.dev/greeted") == "" {
		err = errors.New("the entity came back without its greeting")
	}
	return err
}

func preProcessMany(ctx context.Context, p *caps.EntityProcessor, e entity.Entity, n int) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = preProcess(ctx, p, e) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// engine is a catalog that a processor may tell what it likes.
type engine struct{}

// Changed implements [catalog.ProcessorConnection].
func (engine) Changed(context.Context) error { return nil }

// Reprocess implements [catalog.ProcessorConnection].
func (engine) Reprocess(context.Context, []entity.Canonical) error { return nil }
