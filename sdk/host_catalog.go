package sdk

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Catalog reads the catalog with this plugin's own rights; [Catalog.As] reads it with a caller's. Needs catalog: [read],
// and more where a method says so.
type Catalog struct {
	c    pluginv1.HostCatalogServiceClient
	host *Host
}

// Entity answers one entity by ref, "component:default/shop"; [ErrNotFound] when there is none.
func (c Catalog) Entity(ctx context.Context, ref string) (Entity, error) {
	res, err := c.c.GetEntity(ctx, &pluginv1.GetEntityRequest{Ref: ref})
	if err != nil {
		return nil, err
	}
	return decodeEntity(res.GetJson())
}

// Query selects entities.
type Query struct {
	// Filters as the catalog's API has them, "kind=component,spec.type=service": what is joined by commas must all hold, of
	// several filters one. None = everything.
	Filters []string
	// Fields to answer, "metadata.name"; none = whole entities.
	Fields []string
	// Limit is the most entities to answer; 0 = all.
	Limit int
}

// Query streams entities; breaking out of the loop ends the call.
func (c Catalog) Query(ctx context.Context, q Query) iter.Seq2[Entity, error] {
	return func(yield func(Entity, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.c.QueryEntities(ctx, &pluginv1.QueryEntitiesRequest{Filters: q.Filters, Fields: q.Fields, Limit: int32(q.Limit)})
		for res, err := range received(stream, err) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, doc := range res.GetEntities() {
				if e, err := decodeEntity(doc.GetJson()); !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// Refresh has an entity processed now. Needs catalog: [refresh].
func (c Catalog) Refresh(ctx context.Context, ref string) error {
	_, err := c.c.RefreshEntity(ctx, &pluginv1.RefreshEntityRequest{Ref: ref})
	return err
}

// TriggerProvider has one of this plugin's providers called early. Needs catalog: [write-own].
func (c Catalog) TriggerProvider(ctx context.Context, name string) error {
	_, err := c.c.TriggerProvider(ctx, &pluginv1.TriggerProviderRequest{Name: name})
	return err
}

// received turns a client stream into a sequence that ends without an error where the stream does.
func received[T any](stream grpc.ServerStreamingClient[T], err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for err == nil {
			var m *T
			if m, err = stream.Recv(); err == nil && !yield(m, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, rpcerror.Decode(err))
		}
	}
}
