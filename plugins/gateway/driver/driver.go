// Package driver is the one interface between the life of a key, which is the same everywhere, and the API gateways, which
// are not. A gateway is a package beside this one; package drivertest holds the suite that each of them passes.
package driver

import (
	"context"
	"iter"
	"time"

	"github.com/callboard/callboard/sdk"
)

// Driver is one instance of a gateway. It keeps no state of its own that matters: the gateway is the truth about what it
// lets in, and the caller's store about why. All methods are safe for concurrent use and end with their context.
//
// Laws:
//   - Every write is idempotent by what identifies it (App.ID, Key.Operation, an id): done twice it is done once.
//   - Taking away what is not there succeeds; changing it fails with [sdk.ErrNotFound].
//   - What the gateway cannot do fails with [sdk.ErrNotImplemented], and Capabilities says so before.
//   - A gateway that is not reached, or that is not itself, fails with [sdk.ErrServiceUnavailable]; one that refuses the
//     plugin's own credentials with a text that says which credential lacks which right. Neither is [sdk.ErrNotFound].
//   - No error, label or name holds a secret.
type Driver interface {
	// Capabilities asks the gateway where the answer depends on how it runs, such as Kong without a database.
	Capabilities(ctx context.Context) (Capabilities, error)
	// Health says whether the gateway can be managed, with a diagnosis.
	Health(ctx context.Context) error

	// APIs and Plans stream what consumers can be given; an error ends them.
	APIs(ctx context.Context) iter.Seq2[API, error]
	Plans(ctx context.Context) iter.Seq2[Plan, error]
	// Publish puts an API behind the gateway, or changes it, by its ID.
	Publish(ctx context.Context, p Publication) (API, error)

	// EnsureConsumer makes the gateway know an application; it changes nothing when it does.
	EnsureConsumer(ctx context.Context, app App) error
	// SetPlan gives an application access to an API under a plan; "" takes the access away.
	SetPlan(ctx context.Context, app AppID, api APIID, plan PlanID) error

	// IssueKey makes a key for an application that the gateway knows. Where [Capabilities.OwnSecret] holds, the key's secret
	// is the request's. When a key of the same operation is there already, it is that one, with its secret if the gateway
	// still tells it, else with an empty one.
	IssueKey(ctx context.Context, r KeyRequest) (IssuedKey, error)
	// RevokeKey ends a key for good.
	RevokeKey(ctx context.Context, app AppID, key KeyID) error
	// SuspendKey makes a key be refused until it is resumed.
	SuspendKey(ctx context.Context, app AppID, key KeyID, suspended bool) error
	// Keys streams the keys of an application, or of all that this plugin made with "", without secrets. Keys that others
	// made for the application are among them, with an empty Operation: drift is told from that.
	Keys(ctx context.Context, app AppID) iter.Seq2[Key, error]

	// Quota answers what an application has used of an API's plan.
	Quota(ctx context.Context, app AppID, api APIID) (Quota, error)
	// Credential says how a request to an API carries a key, and where the gateway listens, for try-outs and for probes.
	Credential(ctx context.Context, api APIID) (Presentation, error)
}

// SlotRotator is implemented where a key has a fixed number of slots rather than any number of keys beside each other, such
// as the primary and secondary key of Azure API Management.
type SlotRotator interface {
	// RotateKey renews the slot that is not the key's, so that both work. The old one ends with [SlotRotator.RetireSlot].
	RotateKey(ctx context.Context, app AppID, key KeyID, operation string) (IssuedKey, error)
	// RetireSlot makes the old slot of a rotation be refused; the rotated key goes on.
	RetireSlot(ctx context.Context, app AppID, key KeyID) error
	// CancelRotation takes back the rotation of an operation whose old slot was not retired: the renewed slot is refused, and
	// the old one is the key's own again. It does nothing when the last rotation was another operation's.
	CancelRotation(ctx context.Context, app AppID, key KeyID, operation string) error
}

// PlanReader is implemented where the gateway can be asked what [Driver.SetPlan] has set, so that drift of plans is seen.
type PlanReader interface {
	// PlanOf answers the plan under which an application has access to an API; "" = it has none.
	PlanOf(ctx context.Context, app AppID, api APIID) (PlanID, error)
}

// Metered is implemented where metrics call an application otherwise than by its id, at least for some APIs.
type Metered interface {
	// Metered is what the label of consumers says of an application's requests to an API.
	Metered(app AppID, api APIID) string
}

// Identifiers are the plugin's own, except APIID, PlanID and KeyID, which are the gateway's.
type (
	// AppID is at most 40 characters of a-z, 0-9 and hyphens, and begins with a letter.
	AppID string
	// APIID is how the gateway calls an API: its service, product or stage.
	APIID string
	// PlanID is how the gateway calls a plan: a group, policy, product or usage plan.
	PlanID string
	// KeyID is how the gateway calls a key. It is no secret.
	KeyID string
)

// App is an application that consumes APIs.
type App struct {
	ID    AppID
	Name  string
	Owner string // entity ref, "group:default/payments"
}

// API is one that a gateway serves.
type API struct {
	ID      APIID
	Name    string
	BaseURL string // where callers reach it; "" = not known
	Tags    []string
	Plans   []PlanID // it can be had with; empty = any plan of the gateway
}

// Publication is an API to be put behind the gateway.
type Publication struct {
	ID       APIID
	Name     string
	Upstream string   // address of what serves it
	Paths    []string // prefixes at the gateway, each begins with /
	Tags     []string
}

// Plan is what an application is given of an API.
type Plan struct {
	ID          PlanID
	Name        string
	Description string
	Limits      []Limit
	Approval    bool // the gateway itself waits for somebody's approval
}

// Limit is a number of requests in a window; a Window of 30 days stands for a calendar month where the gateway counts so.
type Limit struct {
	Requests int64
	Window   time.Duration
}

// KeyRequest asks for a key.
type KeyRequest struct {
	App       AppID
	API       APIID  // "" = all that the application has access to
	Plan      PlanID // that of SetPlan; for gateways where a key belongs to one
	Operation string // UUID of the operation that asks: what makes IssueKey idempotent
	Label     string // for people
	// Secret to use, of at least 32 characters of [A-Za-z0-9]; see [Capabilities.OwnSecret].
	Secret sdk.Secret
	// Expires is when the gateway should refuse the key by itself, if it can; zero = never.
	Expires time.Time
}

// Key is what may be told of a key.
type Key struct {
	ID        KeyID
	App       AppID
	Operation string // that made it; "" = not made by this plugin
	Label     string
	Prefix    string // the first characters of the secret, at most 8; "" = not told
	Created   time.Time
	Expires   time.Time // zero = never, or the gateway does not know
	Suspended bool
}

// IssuedKey is a key together with its secret, which nothing keeps.
type IssuedKey struct {
	Key

	// Secret is what callers present; for two-part credentials both parts as they are presented. Empty when it was told before.
	Secret sdk.Secret
}

// Quota is what is left of a limit.
type Quota struct {
	Limit     Limit
	Used      int64
	Remaining int64
	Resets    time.Time // zero = not known
}

// Presentation is how a key travels.
type Presentation struct {
	URL    string // of the API at the gateway; "" = not known
	Header string // "" = not in a header
	Scheme string // that precedes the key in the header, such as "apikey"; "" = none
	Query  string // name of the query parameter, where it may travel there
}

// Capabilities are what a gateway can do by its API.
type Capabilities struct {
	APIs         bool `json:"apis"`
	Publish      bool `json:"publish"`
	Plans        bool `json:"plans"`
	Approval     bool `json:"approval"`
	Keys         bool `json:"keys"`
	KeyTTL       bool `json:"keyTTL"`     // it refuses expired keys by itself
	OwnSecret    bool `json:"ownSecret"`  // it takes secrets that were made elsewhere
	RotateDual   bool `json:"rotateDual"` // old and new key work beside each other
	Suspend      bool `json:"suspend"`
	OAuthClients bool `json:"oauthClients"`
	QuotaRead    bool `json:"quotaRead"`
	Usage        bool `json:"usage"` // it has metrics that package usage has a profile for
	Declarative  bool `json:"declarative"`
	// Why says of what is false and might be expected, by its JSON name: "keys": "runs without a database".
	Why map[string]string `json:"why,omitempty"`
}
