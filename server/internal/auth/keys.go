package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// listedLifetimes is for how many lifetimes of its own a public key stays listed: the last token that it signed expires
// after two, the third is for clocks and caches.
const listedLifetimes = 3

// Unknown key ids may cause one read of the key table a second, and a few more at once: a replica that has just started
// signs with a key that the others have not seen.
const (
	reloadsPerSecond = 1
	reloadBurst      = 10
)

// keyOwner says whose tokens a key signs: all users', all embedding pages', or one plugin's.
type keyOwner string

const (
	usersOwner keyOwner = "user"
	// embedOwner is apart from users, so that a token of an embedding page could not pass as a user's whatever it says.
	embedOwner keyOwner = "embed"
)

func pluginOwner(id string) keyOwner { return keyOwner("plugin:" + id) }

// publicKey is a key that others may know.
type publicKey struct {
	jwk     jose.JSONWebKey
	created time.Time
	// expires is when it leaves the list.
	expires time.Time
}

// signingKey is the private half, which exists in this process only.
type signingKey struct {
	id      string
	private *ecdsa.PrivateKey
	// until is when the next key takes over.
	until time.Time
}

// keyStore keeps public keys where all replicas see them. Implementations are safe for concurrent use.
type keyStore interface {
	addKey(ctx context.Context, owner keyOwner, k publicKey) error
	// keys lists the keys of owner that have not expired at now, oldest first.
	keys(ctx context.Context, owner keyOwner, now time.Time) ([]publicKey, error)
	// removeKeys forgets every key of owner; removeExpired those of all owners that expired before now.
	removeKeys(ctx context.Context, owner keyOwner) error
	removeExpired(ctx context.Context, now time.Time) error
}

// keyRing is the keys of one owner: the private one of this process, made when first needed and replaced every
// lifetime, and the public ones of all replicas.
type keyRing struct {
	owner    keyOwner
	lifetime time.Duration
	store    keyStore
	now      func() time.Time
	// epoch is advanced when a key disappears before its time: tokens verified with it must not be trusted any longer.
	epoch *atomic.Uint64

	known atomic.Pointer[knownKeys]

	signing sync.Mutex // guards current
	current *signingKey
	loading sync.Mutex // one load at a time
	reloads *rate.Limiter
}

// knownKeys is a snapshot of the store. It is immutable.
type knownKeys struct{ keys []publicKey }

// signer returns the key to sign with. A new key is stored before it is used, so that every replica can find it.
func (r *keyRing) signer(ctx context.Context) (*signingKey, error) {
	r.signing.Lock()
	defer r.signing.Unlock()
	now := r.now()
	// A current key that is not listed was revoked by another replica.
	if r.current != nil && now.Before(r.current.until) && r.lookup(r.current.id) != nil {
		return r.current, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate signing key of %s: %w", r.owner, err)
	}
	id := uuid.NewString()
	public := publicKey{
		jwk:     jose.JSONWebKey{Key: &private.PublicKey, KeyID: id, Algorithm: string(jose.ES256)},
		created: now,
		expires: now.Add(listedLifetimes * r.lifetime),
	}
	if err := r.store.addKey(ctx, r.owner, public); err != nil {
		return nil, fmt.Errorf("store signing key of %s: %w", r.owner, err)
	}
	r.current = &signingKey{id: id, private: private, until: now.Add(r.lifetime)}
	return r.current, r.load(ctx)
}

// find returns the public key with that id, nil when there is none. How often ids that are not known are looked up in
// the store is limited, so that made-up ones cannot keep the database busy.
func (r *keyRing) find(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	if k := r.lookup(id); k != nil {
		return k, nil
	}
	if !r.reloads.AllowN(r.now(), 1) {
		return nil, nil
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r.lookup(id), nil
}

func (r *keyRing) lookup(id string) *jose.JSONWebKey {
	s := r.known.Load()
	if s == nil || id == "" {
		return nil
	}
	now := r.now()
	for i := range s.keys {
		if s.keys[i].jwk.KeyID == id && now.Before(s.keys[i].expires) {
			return &s.keys[i].jwk
		}
	}
	return nil
}

// list is every public key that tokens in use may be signed with.
func (r *keyRing) list(ctx context.Context) ([]jose.JSONWebKey, error) {
	if r.known.Load() == nil || r.reloads.AllowN(r.now(), 1) {
		if err := r.load(ctx); err != nil {
			return nil, err
		}
	}
	keys := []jose.JSONWebKey{}
	now := r.now()
	for _, k := range r.known.Load().keys {
		if now.Before(k.expires) {
			keys = append(keys, k.jwk)
		}
	}
	return keys, nil
}

// load takes a new snapshot of the store.
func (r *keyRing) load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	now := r.now()
	keys, err := r.store.keys(ctx, r.owner, now)
	if err != nil {
		return fmt.Errorf("load keys of %s: %w", r.owner, err)
	}
	if old := r.known.Load(); old != nil && lost(old.keys, keys, now) {
		r.epoch.Add(1)
	}
	r.known.Store(&knownKeys{keys})
	return nil
}

// lost reports whether a key of before that should still be listed is missing from after.
func lost(before, after []publicKey, now time.Time) bool {
	return slices.ContainsFunc(before, func(b publicKey) bool {
		return now.Before(b.expires) && !slices.ContainsFunc(after, func(a publicKey) bool { return a.jwk.KeyID == b.jwk.KeyID })
	})
}

// revoke forgets every key: all tokens of this owner become worthless, here at once, on other replicas when they next
// load.
func (r *keyRing) revoke(ctx context.Context) error {
	r.signing.Lock()
	defer r.signing.Unlock()
	if err := r.store.removeKeys(ctx, r.owner); err != nil {
		return fmt.Errorf("revoke keys of %s: %w", r.owner, err)
	}
	r.current = nil
	r.epoch.Add(1)
	return r.load(ctx)
}

// memoryKeys is a keyStore for one process: auth.keyStore.provider: memory, and tests.
type memoryKeys struct {
	mu    sync.Mutex
	byWho map[keyOwner][]publicKey
}

func newMemoryKeys() *memoryKeys { return &memoryKeys{byWho: map[keyOwner][]publicKey{}} }

func (m *memoryKeys) addKey(_ context.Context, owner keyOwner, k publicKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byWho[owner] = append(m.byWho[owner], k)
	return nil
}

func (m *memoryKeys) keys(_ context.Context, owner keyOwner, now time.Time) ([]publicKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Clone(m.byWho[owner])
	return slices.DeleteFunc(keys, func(k publicKey) bool { return !now.Before(k.expires) }), nil
}

func (m *memoryKeys) removeKeys(_ context.Context, owner keyOwner) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byWho, owner)
	return nil
}

func (m *memoryKeys) removeExpired(_ context.Context, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for owner, keys := range m.byWho {
		m.byWho[owner] = slices.DeleteFunc(keys, func(k publicKey) bool { return !now.Before(k.expires) })
	}
	return nil
}
