package hostsvc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type catalogService struct {
	pluginv1.UnimplementedHostCatalogServiceServer
	*host
}

func (s catalogService) GetEntity(ctx context.Context, r *pluginv1.GetEntityRequest) (*pluginv1.GetEntityResponse, error) {
	if err := s.ready("an entity ref", r.GetRef(), maxRef); err != nil {
		return nil, err
	}
	document, err := s.backend.Catalog.Entity(ctx, s.plugin, r.GetRef())
	if err != nil {
		return nil, err
	}
	return &pluginv1.GetEntityResponse{Json: document}, nil
}

func (s catalogService) ready(what, text string, limit int) error {
	if s.backend.Catalog == nil {
		return absent("catalog to plugins")
	}
	return checkKey(what, text, limit)
}

// Limits of a selection; the catalog's own are stricter.
const (
	maxFilters    = 100
	maxFilter     = 8 << 10
	maxFieldNames = 500
)

// batchBytes keeps batches below 256 KiB with their frame. An entity that is larger goes alone.
const batchBytes = 240 << 10

func (s catalogService) QueryEntities(r *pluginv1.QueryEntitiesRequest, out grpc.ServerStreamingServer[pluginv1.QueryEntitiesResponse]) error {
	if s.backend.Catalog == nil {
		return absent("catalog to plugins")
	}
	if len(r.GetFilters()) > maxFilters || len(r.GetFields()) > maxFieldNames || r.GetLimit() < 0 {
		return apierror.Inputf("at most %d filters and %d fields may be given, and a limit of 0 or more", maxFilters, maxFieldNames)
	}
	for _, f := range r.GetFilters() {
		if len(f) > maxFilter {
			return apierror.Inputf("a filter may have at most %d bytes, this one has %d", maxFilter, len(f))
		}
	}
	selection := Selection{Filters: r.GetFilters(), Fields: r.GetFields(), Limit: int(r.GetLimit())}
	var batch []*pluginv1.EntityDocument
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		sent := batch
		batch, size = nil, 0
		return out.Send(&pluginv1.QueryEntitiesResponse{Entities: sent})
	}
	for document, err := range s.backend.Catalog.Entities(out.Context(), s.plugin, selection) {
		if err != nil {
			return err
		}
		if size+len(document) > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		const frame = 16
		batch = append(batch, &pluginv1.EntityDocument{Json: document})
		size += len(document) + frame
	}
	return flush()
}

func (s catalogService) RefreshEntity(ctx context.Context, r *pluginv1.RefreshEntityRequest) (*pluginv1.RefreshEntityResponse, error) {
	if err := s.ready("an entity ref", r.GetRef(), maxRef); err != nil {
		return nil, err
	}
	return &pluginv1.RefreshEntityResponse{}, s.backend.Catalog.Refresh(ctx, s.plugin, r.GetRef())
}

func (s catalogService) TriggerProvider(ctx context.Context, r *pluginv1.TriggerProviderRequest) (*pluginv1.TriggerProviderResponse, error) {
	if err := s.ready("the name of a provider", r.GetName(), maxName); err != nil {
		return nil, err
	}
	return &pluginv1.TriggerProviderResponse{}, s.backend.Catalog.TriggerProvider(ctx, s.plugin, r.GetName())
}
