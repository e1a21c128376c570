package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// How keys of others are kept: refetched after remoteMaxAge; an unknown key id refetches them too, but not within
// remoteCooldown of the last fetch unless the budget of forced reloads (ten a minute) allows.
const (
	remoteMaxAge    = 10 * time.Minute
	remoteCooldown  = 30 * time.Second
	remoteTimeout   = 5 * time.Second
	maxRemoteBody   = 256 << 10
	forcedPerMinute = 10
)

var (
	errNoJWKS      = errors.New("there is no JWKS endpoint")
	errNoSuchKey   = errors.New("no applicable key found in the JSON Web Key Set")
	errReloadLimit = errors.New("too many reloads of the JSON Web Key Set")
)

// remoteKeys is the public keys at one configured address. Addresses never come from tokens.
type remoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	forced *rate.Limiter

	flight singleflight.Group
	mu     sync.Mutex
	set    *jose.JSONWebKeySet
	loaded time.Time
}

func newRemoteKeys(url string, client *http.Client, now func() time.Time) *remoteKeys {
	return &remoteKeys{url: url, client: client, now: now, forced: newReloadBudget()}
}

func newReloadBudget() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(forcedPerMinute)/60, forcedPerMinute)
}

// find returns the keys that may have signed a token with that key id; without a key id, every key.
func (k *remoteKeys) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	now := k.now()
	set, loaded := k.snapshot()
	if set == nil || now.Sub(loaded) >= remoteMaxAge {
		var err error
		if set, err = k.load(ctx); err != nil {
			return nil, err
		}
		loaded = now
	}
	if keys := matching(set, id); len(keys) > 0 {
		return keys, nil
	}
	if now.Sub(loaded) < remoteCooldown && !k.forced.AllowN(now, 1) {
		return nil, errReloadLimit
	}
	set, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	if keys := matching(set, id); len(keys) > 0 {
		return keys, nil
	}
	return nil, errNoSuchKey
}

func (k *remoteKeys) snapshot() (*jose.JSONWebKeySet, time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set, k.loaded
}

func matching(set *jose.JSONWebKeySet, id string) []jose.JSONWebKey {
	if id == "" {
		return set.Keys
	}
	return set.Key(id)
}

// load fetches the set; callers at the same time share one fetch, which none of them can cancel for the others.
func (k *remoteKeys) load(ctx context.Context) (*jose.JSONWebKeySet, error) {
	set, err, _ := k.flight.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), remoteTimeout)
		defer cancel()
		set, err := k.fetch(ctx)
		if err != nil {
			return nil, fmt.Errorf("fetch keys from %s: %w", k.url, err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.set, k.loaded = set, k.now()
		return set, nil
	})
	if err != nil {
		return nil, err
	}
	return set.(*jose.JSONWebKeySet), nil //nolint:forcetypeassert // what fetch gave
}

func (k *remoteKeys) fetch(ctx context.Context) (*jose.JSONWebKeySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, errNoJWKS
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxRemoteBody)).Decode(&raw); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	set := &jose.JSONWebKeySet{}
	for _, text := range raw.Keys {
		var key jose.JSONWebKey
		// Keys of kinds we do not know are none of our business; a symmetric key in a public set is a mistake of
		// its owner and must never verify anything.
		if key.UnmarshalJSON(text) == nil && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			set.Keys = append(set.Keys, key)
		}
	}
	return set, nil
}

// keysClient is the client for configured key addresses: no redirects, so that a configured host stays the one asked.
func keysClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: remoteTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// remotePlugin is the keys of a plugin that runs elsewhere. The number of plugins that are remembered is bounded, and so
// is how often ones are tried that only a wildcard names: their ids come from strangers.
func (s *Service) remotePlugin(id string) (*remoteKeys, error) {
	base, ok := s.discovery.Elsewhere(id)
	if !ok {
		return nil, errNoJWKS
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.remote[id]; k != nil {
		return k, nil
	}
	if !s.unknown.AllowN(s.now(), 1) {
		return nil, errReloadLimit
	}
	if len(s.remote) >= maxRemotePlugins {
		for other := range s.remote {
			delete(s.remote, other)
			break
		}
	}
	s.remote[id] = newRemoteKeys(base+"/.backstage/auth/v1/jwks.json", s.client, s.now)
	return s.remote[id], nil
}
