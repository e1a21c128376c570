package hostsvc

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
)

// Backend is what stands behind the services. A nil member makes its service answer NotImplementedError.
//
// Laws for all members: they are safe for concurrent use by all plugins; the plugin that they are told is proven, its
// grants are checked, and its arguments are within the limits of the protocol; errors with a name (package apierror) are
// told to the plugin as they are, all others stay in the host's log.
type Backend struct {
	Auth       Auth
	Catalog    Catalog
	KV         KeyValue
	Cache      Cacher
	Secrets    Secrets
	Scheduler  Scheduler
	Events     Events
	Permission Permission
	Locks      Locks
	Audit      Audit
	Discovery  Discovery
	Workspaces Workspaces
}

// Auth is identity.
type Auth interface {
	// PluginToken issues a token with which plugin from calls target. user is a token of the user on whose behalf it calls,
	// "" = from itself; the new token never outlives it.
	PluginToken(ctx context.Context, from manifest.ID, target, user string) (Token, error)
	// Verify says who a token is that came to plugin; AuthenticationError when it is no good there.
	Verify(ctx context.Context, plugin manifest.ID, token string) (Identity, error)
}

// Token is a signed token and when it ends. Never logged.
type Token struct {
	Text    string
	Expires time.Time
}

// Identity is who a token is, in the words of the protocol's Principal.
type Identity struct {
	Type, Subject, Actor string
	Ownership            []string
}

// Catalog reads final entities as JSON, which callers must not change. The plugin sees what a service may see.
type Catalog interface {
	// Entity answers one entity; NotFoundError when there is none.
	Entity(ctx context.Context, plugin manifest.ID, ref string) ([]byte, error)
	// Entities yields what passes a selection as of one moment. A document is valid until the next one.
	Entities(ctx context.Context, plugin manifest.ID, s Selection) iter.Seq2[[]byte, error]
	// Refresh schedules an entity for processing now; NotFoundError when there is none.
	Refresh(ctx context.Context, plugin manifest.ID, ref string) error
	// TriggerProvider asks for an early refresh of one of the plugin's own providers and does not wait for it;
	// NotFoundError when the plugin has none of that name.
	TriggerProvider(ctx context.Context, plugin manifest.ID, name string) error
}

// Selection is a question to the catalog. Filters are joined by or, and all entities pass none of them; no Fields means
// whole entities; Limit 0 means all.
type Selection struct {
	Filters, Fields []string
	Limit           int
}

// KeyValue keeps small data. Plugins do not see each other's keys. [Store] implements it.
type KeyValue interface {
	// Get answers NotFoundError for a key that is not there or whose time is over.
	Get(ctx context.Context, plugin manifest.ID, key string) (Value, error)
	// Put answers the new version, which no write of the plugin had before. ConflictError when p.IfVersion does not fit,
	// NotAllowedError when the plugin's data would exceed p.Quota.
	Put(ctx context.Context, plugin manifest.ID, key string, p Put) (version int64, err error)
	// Delete removes a key; one that is not there is no error. ConflictError when ifVersion does not fit.
	Delete(ctx context.Context, plugin manifest.ID, key string, ifVersion *int64) error
	// Keys yields the keys with a prefix in the order of their bytes. Keys written meanwhile may or may not be among them.
	Keys(ctx context.Context, plugin manifest.ID, prefix string) iter.Seq2[string, error]
}

// Value is what is kept under a key.
type Value struct {
	Data    []byte
	Version int64
}

// Put is a write: IfVersion nil writes whatever is there, 0 only where there is nothing. TTL 0 = for ever.
type Put struct {
	Data      []byte
	IfVersion *int64
	TTL       time.Duration
	Quota     manifest.Size
}

// Cacher keeps what may be lost at any time, in this process alone. [Cache] implements it.
type Cacher interface {
	Get(plugin manifest.ID, key string) ([]byte, bool)
	Put(plugin manifest.ID, key string, value []byte, ttl time.Duration)
	Delete(plugin manifest.ID, key string)
}

// Secrets answers the present value of a secret setting; NotFoundError when the operator has set none.
type Secrets interface {
	Secret(ctx context.Context, plugin manifest.ID, name string) (string, error)
}

// Scheduler runs plugins' tasks; see [schedule.Scheduler].
type Scheduler interface {
	// Trigger makes a task due now; NotFoundError for a task that the plugin does not have.
	Trigger(ctx context.Context, plugin manifest.ID, task string) error
	States(ctx context.Context, plugin manifest.ID) ([]schedule.State, error)
}

// Events hands an event to whoever subscribed. It returns when it is queued, and never waits for subscribers.
type Events interface {
	Publish(ctx context.Context, plugin manifest.ID, e Event) error
}

// Event is something that happened. Payload is valid JSON.
type Event struct {
	Topic    string
	Payload  json.RawMessage
	Metadata map[string]string
}

// Permission asks the policy.
type Permission interface {
	// Authorize decides questions for the holder of a user's token, "" = for the plugin itself; one answer each.
	Authorize(ctx context.Context, plugin manifest.ID, user string, questions []Question) (allowed []bool, err error)
}

// Question is about a permission, and about one resource when it has a ResourceType.
type Question struct {
	Permission, Action        string
	ResourceType, ResourceRef string
}

// Locks are leases, exclusive among all hosts on one database. [Store] implements it.
type Locks interface {
	// Acquire takes a lock that is free, or renews the lease that holds it. It answers at once; an empty lease says that
	// somebody else has it, or that the given lease was lost.
	Acquire(ctx context.Context, plugin manifest.ID, name, lease string, ttl time.Duration) (held string, err error)
	// Release gives a lock back; a lease that was lost is no error.
	Release(ctx context.Context, plugin manifest.ID, name, lease string) error
}

// Audit keeps records that should be known later. [Store] implements it.
type Audit interface {
	Record(ctx context.Context, r AuditRecord) error
}

// AuditRecord is one thing that a plugin did, or was refused.
type AuditRecord struct {
	At     time.Time
	Plugin manifest.ID
	// Event is the plugin's own word, or [EventDenied].
	Event    string
	Severity string // low, medium, high or critical
	Failed   bool
	// Actor is the entity ref of the user on whose behalf, "" = the plugin itself.
	Actor string
	Meta  map[string]any
}

// EventDenied is the event of records that the host writes about calls that it refused.
const EventDenied = "host.denied"

// Discovery tells where plugins and features are.
type Discovery interface {
	// BaseURL answers the address for browsers and other processes, and the one that works inside a plugin.
	BaseURL(ctx context.Context, target string) (external, internal string, err error)
}

// Workspaces is the files of scaffolder tasks, as far as they are lent to a plugin. A handle that is not that plugin's, or
// whose step has ended, is a NotFoundError; so is a file that is not there. Paths that lead out of the workspace are
// NotAllowedErrors. [TaskFiles] implements it.
type Workspaces interface {
	// List answers the regular files below a folder that come after a path, in the order of paths, as many as fit into a
	// message; more tells whether there are others. InputError when there are too many to look at.
	List(plugin manifest.ID, handle, folder, after string) (files []TaskFile, more bool, err error)
	// Read answers a part of a file.
	Read(plugin manifest.ID, handle, path string, offset int64) (FilePart, error)
	// Write makes a file and its folders, or goes on with one; NotAllowedError when the step has written too much.
	Write(plugin manifest.ID, handle string, w FileWrite) error
	// Remove removes a file or a folder; one that is not there is no error.
	Remove(plugin manifest.ID, handle, path string) error
}

// TaskFile is a file of a task. Path is relative to the workspace, with slashes.
type TaskFile struct {
	Path       string
	Size       int64
	Executable bool
}

// FilePart is a part of a file; Size is that of the whole.
type FilePart struct {
	Data       []byte
	Size       int64
	Executable bool
}

// FileWrite is a part of a file to write.
type FileWrite struct {
	Path               string
	Data               []byte
	Append, Executable bool
}
