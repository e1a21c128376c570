package hostsvc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type keyValueService struct {
	pluginv1.UnimplementedHostKeyValueServiceServer
	*host
}

func (s keyValueService) ready(key string) error {
	if s.backend.KV == nil {
		return absent("storage to plugins")
	}
	return checkKey("the key", key, maxKey)
}

func (s keyValueService) GetValue(ctx context.Context, r *pluginv1.GetValueRequest) (*pluginv1.GetValueResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	v, err := s.backend.KV.Get(ctx, s.plugin, r.GetKey())
	if err != nil {
		return nil, err
	}
	return &pluginv1.GetValueResponse{Value: v.Data, Version: v.Version}, nil
}

func (s keyValueService) PutValue(ctx context.Context, r *pluginv1.PutValueRequest) (*pluginv1.PutValueResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	if err := checkValue(r.GetKey(), r.GetValue()); err != nil {
		return nil, err
	}
	ttl, err := lifetime(r.GetTtl())
	if err != nil {
		return nil, err
	}
	if r.IfVersion != nil && r.GetIfVersion() < 0 {
		return nil, apierror.Inputf("if_version must be 0 or a version")
	}
	version, err := s.backend.KV.Put(ctx, s.plugin, r.GetKey(), Put{Data: r.GetValue(), IfVersion: r.IfVersion, TTL: ttl, Quota: s.needs.Storage.KV})
	if err != nil {
		return nil, err
	}
	return &pluginv1.PutValueResponse{Version: version}, nil
}

func (s keyValueService) DeleteValue(ctx context.Context, r *pluginv1.DeleteValueRequest) (*pluginv1.DeleteValueResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	return &pluginv1.DeleteValueResponse{}, s.backend.KV.Delete(ctx, s.plugin, r.GetKey(), r.IfVersion)
}

func (s keyValueService) ListKeys(r *pluginv1.ListKeysRequest, out grpc.ServerStreamingServer[pluginv1.ListKeysResponse]) error {
	if s.backend.KV == nil {
		return absent("storage to plugins")
	}
	if r.GetPrefix() != "" {
		if err := checkKey("the prefix", r.GetPrefix(), maxKey); err != nil {
			return err
		}
	}
	const batchKeys = 400 // of 512 bytes at most: below 256 KiB
	var batch []string
	for key, err := range s.backend.KV.Keys(out.Context(), s.plugin, r.GetPrefix()) {
		if err != nil {
			return err
		}
		if batch = append(batch, key); len(batch) == batchKeys {
			if err := out.Send(&pluginv1.ListKeysResponse{Keys: batch}); err != nil {
				return err
			}
			batch = nil
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return out.Send(&pluginv1.ListKeysResponse{Keys: batch})
}

type cacheService struct {
	pluginv1.UnimplementedHostCacheServiceServer
	*host
}

func (s cacheService) ready(key string) error {
	if s.backend.Cache == nil {
		return absent("cache to plugins")
	}
	return checkKey("the key", key, maxKey)
}

func (s cacheService) GetCached(_ context.Context, r *pluginv1.GetCachedRequest) (*pluginv1.GetCachedResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	value, found := s.backend.Cache.Get(s.plugin, r.GetKey())
	return &pluginv1.GetCachedResponse{Found: found, Value: value}, nil
}

func (s cacheService) PutCached(_ context.Context, r *pluginv1.PutCachedRequest) (*pluginv1.PutCachedResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	if err := checkValue(r.GetKey(), r.GetValue()); err != nil {
		return nil, err
	}
	ttl, err := lifetime(r.GetTtl())
	if err != nil {
		return nil, err
	}
	s.backend.Cache.Put(s.plugin, r.GetKey(), r.GetValue(), ttl)
	return &pluginv1.PutCachedResponse{}, nil
}

func (s cacheService) DeleteCached(_ context.Context, r *pluginv1.DeleteCachedRequest) (*pluginv1.DeleteCachedResponse, error) {
	if err := s.ready(r.GetKey()); err != nil {
		return nil, err
	}
	s.backend.Cache.Delete(s.plugin, r.GetKey())
	return &pluginv1.DeleteCachedResponse{}, nil
}
