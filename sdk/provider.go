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

// EntityProvider registers a source of catalog entities. The host calls list every interval (at least 10 s), one call at a
// time, and replaces everything that the provider had before by what list yields. When list yields an error, or the
// plugin stops on the way, everything stays as it was.
//
// The host adds the location annotations when an entity has none.
func (p *Plugin) EntityProvider(name string, interval time.Duration, list func(context.Context) iter.Seq2[Entity, error]) {
	if list == nil {
		misusef("EntityProvider %q: the function is nil", name)
	}
	p.addProvider(name, interval, func(ctx context.Context, _ string) iter.Seq2[Change, error] {
		return func(yield func(Change, error) bool) {
			if !yield(Change{Full: true}, nil) {
				return
			}
			for e, err := range list(ctx) {
				if !yield(Change{Upsert: e}, err) {
					return
				}
			}
		}
	})
}

// Change is one step of an incremental provider. Set one of Upsert and Remove, or neither to set the other members only.
type Change struct {
	// Upsert is an entity to add or replace.
	Upsert Entity
	// LocationKey names the source of Upsert inside the provider: an entity with a key cannot be taken over by another
	// source. "" = the provider itself.
	LocationKey string
	// Remove is the ref of an entity to remove, "component:default/shop".
	Remove string
	// Full, in any change, says that the whole stream is the whole set: what is not in it goes.
	Full bool
	// Cursor is what the next call gets, when this stream has been applied. The last one that is not empty counts.
	Cursor string
}

// IncrementalProvider registers a source of catalog entities that knows what changed. The host passes the cursor of the
// last stream that was applied; "" asks for everything, and Full is implied.
func (p *Plugin) IncrementalProvider(name string, interval time.Duration, changes func(ctx context.Context, cursor string) iter.Seq2[Change, error]) {
	if changes == nil {
		misusef("IncrementalProvider %q: the function is nil", name)
	}
	p.addProvider(name, interval, changes)
}

type provider struct {
	interval time.Duration
	changes  func(ctx context.Context, cursor string) iter.Seq2[Change, error]
}

func (p *Plugin) addProvider(name string, interval time.Duration, changes func(context.Context, string) iter.Seq2[Change, error]) {
	if interval <= 0 {
		misusef("provider %q: the interval must be more than 0", name)
	}
	p.providers.add(p, "provider", name, provider{interval, changes})
}

// maxEntity is the catalog's limit for one entity.
const maxEntity = 1 << 20

type providerServer struct {
	pluginv1.UnimplementedCatalogProviderServiceServer

	p *Plugin
}

func (s providerServer) ListProviders(context.Context, *pluginv1.ListProvidersRequest) (*pluginv1.ListProvidersResponse, error) {
	out := &pluginv1.ListProvidersResponse{}
	for _, name := range s.p.providers.names {
		out.Providers = append(out.Providers, &pluginv1.CatalogProvider{
			Name: name, IntervalSeconds: seconds(s.p.providers.byName[name].interval),
		})
	}
	return out, nil
}

func (s providerServer) RefreshProvider(req *pluginv1.RefreshProviderRequest, stream grpc.ServerStreamingServer[pluginv1.RefreshProviderResponse]) error {
	pr, err := s.p.providers.get("provider", req.GetName())
	if err != nil {
		return err
	}
	last := &pluginv1.RefreshProviderResponse{Full: req.GetCursor() == ""}
	upserts := batch[*pluginv1.EntityDocument]{send: func(es []*pluginv1.EntityDocument) error {
		return stream.Send(&pluginv1.RefreshProviderResponse{Upserts: es})
	}}
	removals := batch[string]{send: func(refs []string) error {
		return stream.Send(&pluginv1.RefreshProviderResponse{Removals: refs})
	}}
	for c, err := range pr.changes(stream.Context(), req.GetCursor()) {
		if err == nil {
			err = stream.Context().Err()
		}
		if err == nil {
			err = c.into(&upserts, &removals)
		}
		if err != nil {
			return fmt.Errorf("provider %s: %w", req.GetName(), err)
		}
		if c.Full {
			last.Full = true
		}
		if c.Cursor != "" {
			last.NextCursor = c.Cursor
		}
	}
	if err := upserts.flush(); err != nil {
		return err
	}
	if err := removals.flush(); err != nil {
		return err
	}
	return stream.Send(last)
}

func (c Change) into(upserts *batch[*pluginv1.EntityDocument], removals *batch[string]) error {
	if c.Remove != "" {
		if err := removals.add(c.Remove, len(c.Remove)+8); err != nil {
			return err
		}
	}
	if c.Upsert == nil {
		return nil
	}
	data, err := encodeEntity(c.Upsert)
	if err != nil {
		return err
	}
	return upserts.add(&pluginv1.EntityDocument{Json: data, LocationKey: c.LocationKey}, len(data)+len(c.LocationKey)+16)
}

func encodeEntity(e Entity) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("entity %s: %w", e.Ref(), err)
	}
	if len(data) > maxEntity {
		return nil, fmt.Errorf("entity %s has %d bytes, the catalog takes at most %d", e.Ref(), len(data), maxEntity)
	}
	return data, nil
}

var _ pluginv1.CatalogProviderServiceServer = providerServer{}
