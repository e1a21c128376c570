package catalog

import (
	"context"

	"github.com/callboard/callboard/sdk/entity"
)

// EntityProvider is a source of root entities: configured locations, registered locations, an organisation, a plugin.
//
// Laws: Name is stable over restarts and unique, since it owns the provider's entities. Connect is called once, before
// any processing, and must return soon: a provider with work of its own starts it there and ends it when ctx ends, and
// the mutations it applies later may come from any goroutine. An error from Connect is logged and kept as a problem; the
// other providers go on. Package catalogtest holds these laws as a suite.
type EntityProvider interface {
	Name() string
	Connect(ctx context.Context, conn ProviderConnection) error
}

// RunningProvider is a provider of an [Extension] with work of its own. After Connect the engine calls Run on a goroutine
// that it owns, and waits for it after ctx has ended.
type RunningProvider interface {
	EntityProvider
	Run(ctx context.Context)
}

// ProviderConnection is a provider's way to change what it provides. Safe for concurrent use.
type ProviderConnection interface {
	// ApplyMutation changes the provider's set of entities, all of it or nothing: one malformed envelope rejects the
	// whole mutation with a TypeError. It returns when the change is stored; processing follows.
	ApplyMutation(ctx context.Context, m Mutation) error
	// Refresh schedules every entity that recorded one of the keys ("url:https://…", "file:/a/b.yaml") for processing now.
	Refresh(ctx context.Context, keys []string) error
}

// Mutation is a change of a provider's entities. Full replaces the whole set by Added and ignores Removed; otherwise
// Removed goes first, by entity ref, and Added after it.
type Mutation struct {
	Full    bool
	Added   []DeferredEntity
	Removed []entity.Canonical
}

// DeferredEntity is an entity that waits for processing. LocationKey names its source: another source with another key
// may not take the entity over; "" can be claimed by anyone.
type DeferredEntity struct {
	Entity      entity.Entity
	LocationKey string
}
