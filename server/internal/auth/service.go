package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/callboard/callboard/server/internal/auth/signin"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/weblink"
)

// UserCatalog is what sign-in asks of the catalog.
type UserCatalog = signin.Catalog

// Options is what a [Service] is made of.
type Options struct {
	Config *config.Config // required
	DB     *store.DB      // required
	Logger *slog.Logger   // required
	// Users answers who a signed-in user is; nil = nobody is in the catalog.
	Users UserCatalog
	// Embeds says which tokens of embedding pages hold; nil = none does.
	Embeds Embeds
	// Development is NODE_ENV=development: guests may sign in, and client metadata may come from http://localhost.
	Development bool
	// Now is the clock; nil = time.Now.
	Now func() time.Time
	// Transport carries requests to other parties whose addresses are configured, for their keys and to sign people in;
	// nil = the default one.
	Transport http.RoundTripper
	// ClientTransport carries requests for client metadata documents, whose addresses strangers choose; nil = one that
	// reaches public addresses only. Tests only.
	ClientTransport http.RoundTripper
	// Landed is called when a sign-in by redirect ended well and leads to a page of this host: it may keep the session
	// there. It runs before the redirect is written; nil = nothing.
	Landed func(w http.ResponseWriter, r *http.Request, provider string, to *url.URL, token string)
}

// Service is the auth feature as a value. It is safe for concurrent use.
type Service struct {
	log         *slog.Logger
	now         func() time.Time
	db          *database
	keys        keyStore
	users       UserCatalog
	discovery   *Discovery
	external    []externalAccess
	development bool
	// open is backend.auth.dangerouslyDisableDefaultAuthPolicy.
	open bool

	userTokenLifetime time.Duration
	claimOwnership    bool // ent in user tokens
	guest             *guestProvider
	signIn            *signin.Engine
	oidc              *oidcProvider
	cookie            cookieRules

	// epoch counts revocations: verified tokens of an earlier one are verified again.
	epoch    atomic.Uint64
	verified *otter.Cache[tokenHash, *verified]
	owners   *otter.Cache[string, ownership]

	userKeys  *keyRing
	embedKeys *keyRing
	embeds    Embeds
	origin    string // of the host's own pages
	client    *http.Client
	unknown   *rate.Limiter // fetches for plugins that only a wildcard of discovery.endpoints names

	mu      sync.RWMutex
	plugins map[string]*keyRing    // of the features of this host
	remote  map[string]*remoteKeys // of plugins elsewhere
}

// defaultApp is where the frontend is when the configuration does not say.
const defaultApp = "http://localhost:3000"

const (
	pluginTokenLifetime = time.Hour
	maxVerified         = 16384 // about 10 MB
	maxOwners           = 4096
	maxRemotePlugins    = 100
)

// New reads the configuration (auth, backend.auth, discovery) and prepares the tables. Configuration problems are
// reported through the configuration's own list; see [config.Config.Err].
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		log: o.Logger, now: o.Now, users: o.Users, embeds: o.Embeds, development: o.Development,
		db:      &database{o.DB},
		unknown: newReloadBudget(),
		plugins: map[string]*keyRing{}, remote: map[string]*remoteKeys{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.db.migrate(ctx); err != nil {
		return nil, err
	}
	s.client = keysClient(o.Transport)
	s.readConfig(o)
	if s.embeds == nil {
		s.embeds = noEmbeds{}
	}
	s.origin = weblink.Origin(s.discovery.External("auth"))
	s.userKeys = s.newRing(usersOwner, s.userTokenLifetime)
	s.embedKeys = s.newRing(embedOwner, embedKeyLifetime)
	// otter runs its upkeep on a goroutine of its own unless told otherwise; it is cheap enough for the caller's.
	inline := func(fn func()) { fn() }
	s.verified = otter.Must(&otter.Options[tokenHash, *verified]{MaximumSize: maxVerified, Executor: inline})
	s.owners = otter.Must(&otter.Options[string, ownership]{MaximumSize: maxOwners, Executor: inline})
	return s, nil
}

// CheckConfig reads everything that [New] reads from cfg; what is wrong with it is told by config.Err.
func CheckConfig(cfg *config.Config) {
	s := &Service{now: time.Now, client: keysClient(nil)}
	s.readConfig(Options{Config: cfg})
}

func (s *Service) readConfig(o Options) {
	s.discovery = NewDiscovery(o.Config)
	s.external = readExternalAccess(o.Config, s.client, s.now)
	s.open = o.Config.Section("backend.auth").Bool("dangerouslyDisableDefaultAuthPolicy", false)
	section := o.Config.Section("auth")
	s.userTokenLifetime = min(max(section.Duration("backstageTokenExpiration", time.Hour), 10*time.Minute), 24*time.Hour).Round(time.Second)
	s.claimOwnership = !section.Bool("omitIdentityTokenOwnershipClaim", true)
	if alg := section.String("identityTokenAlgorithm", "ES256"); alg != "ES256" {
		section.Problem("identityTokenAlgorithm", "must be ES256: other algorithms are not supported")
	}
	switch section.String("keyStore.provider", "database") {
	case "memory":
		s.keys = newMemoryKeys()
	case "database":
		s.keys = s.db
	default:
		s.keys = s.db
		section.Problem("keyStore.provider", "must be database or memory")
	}
	s.guest = readGuest(section, o.Development)
	s.signIn = s.readSignIn(o)
	s.oidc = s.readOIDC(o)
	s.cookie = readCookieRules(s.discovery)
}

func (s *Service) newRing(owner keyOwner, lifetime time.Duration) *keyRing {
	return &keyRing{
		owner: owner, lifetime: lifetime, store: s.keys, now: s.now, epoch: &s.epoch,
		reloads: rate.NewLimiter(reloadsPerSecond, reloadBurst),
	}
}

// Discovery tells where plugins are.
func (s *Service) Discovery() *Discovery { return s.discovery }

// pluginRing is the keys of one of this host's features; nil when there is no such feature.
func (s *Service) pluginRing(id string) *keyRing {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.plugins[id]
}

// addPlugin makes id a feature of this host: it may call others, and its keys are in our tables.
func (s *Service) addPlugin(id string) *keyRing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plugins[id] == nil {
		s.plugins[id] = s.newRing(pluginOwner(id), pluginTokenLifetime)
	}
	return s.plugins[id]
}

// DropPlugin takes back what [Service.PluginRoutes] gave: id issues no more tokens, and those that it issued are refused.
// Its keys stay in the tables until they expire, so what comes back under the same id goes on with them. It is meant for
// httpx.Options.Detached.
func (s *Service) DropPlugin(id string) {
	s.mu.Lock()
	delete(s.plugins, id)
	s.mu.Unlock()
	s.epoch.Add(1) // what was verified with its keys is verified again
}

// upkeepInterval is how soon a revocation on one replica is noticed by the others, at the latest.
const upkeepInterval = 30 * time.Second

// Run keeps the keys of all replicas in step and clears what has expired, until ctx ends. One call per service.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(upkeepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.upkeep(ctx)
		}
	}
}

func (s *Service) upkeep(ctx context.Context) {
	s.mu.RLock()
	rings := []*keyRing{s.userKeys}
	if s.embedKeys.known.Load() != nil {
		rings = append(rings, s.embedKeys)
	}
	for _, r := range s.plugins {
		if r.known.Load() != nil {
			rings = append(rings, r)
		}
	}
	s.mu.RUnlock()
	for _, r := range rings {
		if err := r.load(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "could not refresh signing keys", "owner", r.owner, "error", err)
		}
	}
	if err := s.keys.removeExpired(ctx, s.now()); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "could not remove expired signing keys", "error", err)
	}
	if err := s.db.removeExpiredSessions(ctx, s.now()); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "could not remove expired authorization sessions", "error", err)
	}
}

// RevokeUserTokens makes every user token that was issued so far worthless, and those of embedding pages with them, which
// may have been issued for users: here at once, on other replicas within half a minute.
func (s *Service) RevokeUserTokens(ctx context.Context) error {
	return errors.Join(s.userKeys.revoke(ctx), s.embedKeys.revoke(ctx))
}
