package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Document is one thing that people can find.
type Document struct {
	Title, Text string
	// Location is where a click leads: a path of the frontend or an https address.
	Location string
	// EntityRef is the entity whose readers may see the document, "" = all.
	EntityRef string
	// Extra members of the result, for views that know them.
	Extra map[string]any
}

// CollatorOptions say more about a collator.
type CollatorOptions struct {
	// Every is how long after one collection the next begins; 0 = 10 minutes.
	Every time.Duration
	// Permission that readers of the results need, "" = none beyond being signed in.
	Permission string
}

// Collator registers a source of search documents of one type ("sentry-issue"). Each collection yields every document;
// when it yields an error, the index stays as it was.
func (p *Plugin) Collator(docType string, collect func(context.Context) iter.Seq2[Document, error], options ...CollatorOptions) {
	if collect == nil {
		misusef("Collator %q: the function is nil", docType)
	}
	o := only(fmt.Sprintf("Collator %q", docType), options)
	if o.Every <= 0 {
		o.Every = 10 * time.Minute
	}
	p.collators.add(p, "collator", docType, collator{o, collect})
}

type collator struct {
	CollatorOptions

	collect func(context.Context) iter.Seq2[Document, error]
}

type collatorServer struct {
	pluginv1.UnimplementedSearchCollatorServiceServer

	p *Plugin
}

func (s collatorServer) ListCollators(context.Context, *pluginv1.ListCollatorsRequest) (*pluginv1.ListCollatorsResponse, error) {
	out := &pluginv1.ListCollatorsResponse{}
	for _, name := range s.p.collators.names {
		c := s.p.collators.byName[name]
		out.Collators = append(out.Collators, &pluginv1.SearchCollator{Type: name, IntervalSeconds: seconds(c.Every), Permission: c.Permission})
	}
	return out, nil
}

func (s collatorServer) CollectDocuments(req *pluginv1.CollectDocumentsRequest, stream grpc.ServerStreamingServer[pluginv1.CollectDocumentsResponse]) error {
	c, err := s.p.collators.get("collator", req.GetType())
	if err != nil {
		return err
	}
	out := batch[*pluginv1.SearchDocument]{send: func(docs []*pluginv1.SearchDocument) error {
		return stream.Send(&pluginv1.CollectDocumentsResponse{Documents: docs})
	}}
	for d, err := range c.collect(stream.Context()) {
		if err == nil {
			err = stream.Context().Err()
		}
		if err == nil {
			err = d.into(&out)
		}
		if err != nil {
			return fmt.Errorf("collator %s: %w", req.GetType(), err)
		}
	}
	return out.flush()
}

func (d Document) into(out *batch[*pluginv1.SearchDocument]) error {
	wire := &pluginv1.SearchDocument{Title: d.Title, Text: d.Text, Location: d.Location, EntityRef: d.EntityRef}
	if len(d.Extra) > 0 {
		extra, err := json.Marshal(d.Extra)
		if err != nil {
			return fmt.Errorf("document %q: %w", d.Title, err)
		}
		wire.ExtraJson = extra
	}
	size := len(d.Title) + len(d.Text) + len(d.Location) + len(d.EntityRef) + len(wire.GetExtraJson()) + 40
	return out.add(wire, size)
}

var _ pluginv1.SearchCollatorServiceServer = collatorServer{}
