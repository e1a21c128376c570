package conformance

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/pluginv1"
)

const (
	streamTime     = 20 * time.Second
	streamMessages = 20_000
	streamBytes    = 64 << 20
)

// collect reads a stream to its end. A stream that has none is a finding; any other error is the plugin's answer.
func collect[T any](ctx context.Context, what string, open func(context.Context) (grpc.ServerStreamingClient[T], error)) ([]*T, error) {
	ctx, cancel := context.WithTimeout(ctx, streamTime)
	defer cancel()
	stream, err := open(ctx)
	if err != nil {
		return nil, err
	}
	const advice = "End a stream when everything is sent; what is longer goes into the next call."
	var all []*T
	for total := 0; ; {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case status.Code(err) == codes.DeadlineExceeded && ctx.Err() != nil:
			return all, found(advice, "The stream of %s does not end within %s", what, streamTime)
		case err != nil:
			return all, err
		}
		if p, ok := any(m).(proto.Message); ok {
			total += proto.Size(p)
		}
		if all = append(all, m); len(all) > streamMessages || total > streamBytes {
			return all, found(advice, "The stream of %s does not end within %d messages and %s", what, streamMessages, size(streamBytes))
		}
	}
}

func (p *instance) refresh(ctx context.Context, name string) ([]*pluginv1.RefreshProviderResponse, error) {
	return collect(ctx, "the entity provider "+name, func(ctx context.Context) (grpc.ServerStreamingClient[pluginv1.RefreshProviderResponse], error) {
		return pluginv1.NewCatalogProviderServiceClient(p.conn).RefreshProvider(ctx, &pluginv1.RefreshProviderRequest{Name: name})
	})
}

func (p *instance) execute(ctx context.Context, r *pluginv1.ExecuteActionRequest) ([]*pluginv1.ExecuteActionResponse, error) {
	r.TaskId, r.StepId, r.UserRef = "conformance", "step", "user:default/ann"
	return collect(ctx, "the action "+r.GetAction(), func(ctx context.Context) (grpc.ServerStreamingClient[pluginv1.ExecuteActionResponse], error) {
		return pluginv1.NewScaffolderActionsServiceClient(p.conn).ExecuteAction(ctx, r)
	})
}

func (p *instance) query(ctx context.Context, r *pluginv1.QueryWidgetRequest) ([]*pluginv1.QueryWidgetResponse, error) {
	return collect(ctx, "the widget "+r.GetWidget(), func(ctx context.Context) (grpc.ServerStreamingClient[pluginv1.QueryWidgetResponse], error) {
		return pluginv1.NewWidgetsServiceClient(p.conn).QueryWidget(ctx, r)
	})
}

func (p *instance) documents(ctx context.Context, name string) ([]*pluginv1.CollectDocumentsResponse, error) {
	return collect(ctx, "the document type "+name, func(ctx context.Context) (grpc.ServerStreamingClient[pluginv1.CollectDocumentsResponse], error) {
		return pluginv1.NewSearchCollatorServiceClient(p.conn).CollectDocuments(ctx, &pluginv1.CollectDocumentsRequest{Type: name})
	})
}

func (p *instance) processEntities(ctx context.Context, processor string, stage pluginv1.ProcessorStage, entities ...[]byte) ([]*pluginv1.ProcessResult, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r := &pluginv1.ProcessEntitiesRequest{Processor: processor, Stage: stage}
	for _, e := range entities {
		r.Items = append(r.Items, &pluginv1.ProcessItem{EntityJson: e, Location: "url:https://example.com/catalog-info.yaml", OriginLocation: "url:https://example.com/catalog-info.yaml"})
	}
	answer, err := pluginv1.NewCatalogProcessorServiceClient(p.conn).ProcessEntities(ctx, r)
	return answer.GetResults(), err
}

// upstreamMissing says whether a call failed because the kit lets nothing out: then there is nothing to judge.
func (p *instance) upstreamMissing(err error, before int) bool {
	var f *finding
	return err != nil && !errors.As(err, &f) && !p.ended() && len(p.egress.since(before)) > 0 && !refusesInput(err)
}

// unexpected is a finding about a call that failed and should not have.
func (p *instance) unexpected(what, advice string, err error) error {
	var f *finding
	switch {
	case p.gone(err):
		return p.whyEnded("It ended during " + what)
	case errors.As(err, &f):
		return err
	}
	return found(advice, "%s fails with %s", what, describeError(err))
}

// exercise calls everything once with good input, so that rules that look at logs, files and memory have something to see.
// What fails here is told by the rules about it.
func (b *bench) exercise(ctx context.Context) error {
	if b.exercised {
		return nil
	}
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	says := b.described.GetProvides()
	for _, name := range says.GetCatalogProviders() {
		_, _ = p.refresh(ctx, name)
	}
	for _, s := range b.stages(ctx, p) {
		_, _ = p.processEntities(ctx, s.processor, s.stage, b.samples(ctx, p, s.kind)...)
	}
	for _, a := range p.actions(ctx) {
		if input, _, err := actionInput(a); err == nil {
			_, _ = p.execute(ctx, &pluginv1.ExecuteActionRequest{Action: a.GetId(), InputJson: input, DryRun: a.GetSupportsDryRun()})
		}
	}
	for _, w := range p.widgets(ctx) {
		_, _ = p.query(ctx, widgetQuery(w))
	}
	for _, name := range says.GetSearchTypes() {
		_, _ = p.documents(ctx, name)
	}
	for _, path := range says.GetHttpUnauthenticated() {
		_, _ = p.request(ctx, Route{Path: path}, nil)
	}
	for _, r := range b.target.Routes {
		_, _ = p.request(ctx, r, nil)
	}
	_, _ = p.plugin.CheckHealth(ctx, &pluginv1.CheckHealthRequest{})
	_, _ = p.plugin.CollectMetrics(ctx, &pluginv1.CollectMetricsRequest{})
	if cases, err := b.cases(); err == nil { // errors about settings like to repeat them
		for i, bad := range cases.bad {
			if p.ended() || i > 20 {
				break
			}
			_, _ = p.validate(ctx, bad.json)
			_, _ = p.plugin.Configure(ctx, p.configuration(bad.json))
		}
	}
	b.exercised = !p.ended()
	return nil
}
