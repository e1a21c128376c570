package caps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Importer brings one capability of all plugins into its engine. For each plugin whose manifest announces something it
// watches the plugin's [Source], has each new instance list what it offers, and hands the result to the engine: again
// after a swap, and not before it was found good, so that what an earlier version listed stays until then. While a plugin
// is away its things stay listed, and answer that it is away.
//
// A plugin may list less than its manifest, never more. It implements the plugin host's Extension.
type Importer struct {
	capability string
	announced  func(manifest.Provides) []string
	// meet lists what an instance offers and hands it to the engine.
	meet func(ctx context.Context, c *Client, s Source, promised []string) error
	// away is called when a plugin that was met has gone; nil = nothing happens then.
	away func(plugin manifest.ID)
	// remove takes everything of a plugin out of the engine.
	remove  func(plugin manifest.ID)
	options ImporterOptions

	mu        sync.Mutex
	following map[manifest.ID]*following
	delegated map[manifest.ID]bool // may act for users
}

// ImporterOptions are an importer's own.
type ImporterOptions struct {
	Logger *slog.Logger // nil = slog.Default()
	// Poll is how often it is looked whether a plugin has come up or was replaced; 0 = 1 s.
	Poll time.Duration
}

type following struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newImporter(capability string, o ImporterOptions) *Importer {
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return &Importer{capability: capability, options: o, following: map[manifest.ID]*following{}, delegated: map[manifest.ID]bool{}}
}

// Announce follows a plugin from now on, in place of what was announced of it before. ctx is that of the call alone.
func (i *Importer) Announce(ctx context.Context, m *manifest.Manifest, s Source) error {
	i.stop(m.ID)
	promised := i.announced(m.Provides)
	if len(promised) == 0 {
		i.remove(m.ID)
		return nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &following{cancel: cancel, done: make(chan struct{})}
	i.mu.Lock()
	i.following[m.ID], i.delegated[m.ID] = f, m.Needs.OnBehalfOf
	i.mu.Unlock()
	go func() {
		defer close(f.done)
		i.follow(ctx, m.ID, s, promised)
	}()
	return nil
}

// onBehalfOf reports whether a plugin that is announced may act for users.
func (i *Importer) onBehalfOf(id manifest.ID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.delegated[id]
}

// Withdraw stops following a plugin and takes out what it brought, whether it comes back or not.
func (i *Importer) Withdraw(_ context.Context, id manifest.ID, _ bool) error {
	i.stop(id)
	i.remove(id)
	return nil
}

// Close stops following all plugins, and waits.
func (i *Importer) Close() {
	i.mu.Lock()
	var ids []manifest.ID
	for id := range i.following {
		ids = append(ids, id)
	}
	i.mu.Unlock()
	for _, id := range ids {
		i.stop(id)
	}
}

func (i *Importer) stop(id manifest.ID) {
	i.mu.Lock()
	f := i.following[id]
	delete(i.following, id)
	delete(i.delegated, id)
	i.mu.Unlock()
	if f != nil {
		f.cancel()
		<-f.done
	}
}

func (i *Importer) follow(ctx context.Context, id manifest.ID, s Source, promised []string) {
	log := i.options.Logger.With("plugin", string(id), "capability", i.capability)
	tick := time.NewTicker(i.options.Poll)
	defer tick.Stop()
	var met *Client
	trouble := ""
	for {
		c, err := s.Client(ctx)
		if err != nil && met != nil && i.away != nil {
			i.away(id)
			met = nil
		}
		if err == nil && c != met {
			if err = i.meet(ctx, c, s, promised); err == nil {
				met, trouble = c, ""
			}
		}
		if err != nil && ctx.Err() == nil && err.Error() != trouble && !apierror.Has(err, apierror.ServiceUnavailable) {
			trouble = err.Error()
			log.Warn("what the plugin offers cannot be used", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// listed holds the ids that a plugin lists to its manifest and to the limits.
func (c *Client) listed(call string, ids, promised []string) error {
	if len(ids) > c.limits.Listed {
		return c.tooMuch(call, "%d are listed, at most %d are allowed", len(ids), c.limits.Listed)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		switch {
		case !slices.Contains(promised, id):
			return c.wrong(call, "%q is not in the manifest", excerpt.Short(id))
		case seen[id]:
			return c.wrong(call, "%q is listed twice", excerpt.Short(id))
		}
		seen[id] = true
	}
	return nil
}

// maxSchema bounds a JSON Schema that a plugin lists.
const maxSchema = 256 << 10

// readObject checks that a text is a JSON object of bounded size; "" is nil.
func readObject(what string, text []byte, most int) (json.RawMessage, error) {
	if len(text) == 0 {
		return nil, nil
	}
	if len(text) > most {
		return nil, fmt.Errorf("%s of %d bytes, at most %d are allowed", what, len(text), most)
	}
	var m map[string]json.RawMessage
	if depth(text) > 64 || json.Unmarshal(text, &m) != nil || m == nil {
		return nil, fmt.Errorf("%s that is no JSON object", what)
	}
	return json.RawMessage(text), nil
}

// readValue checks that a text is a JSON value of bounded size.
func readValue(what string, text []byte, most int) (json.RawMessage, error) {
	if len(text) > most {
		return nil, fmt.Errorf("%s of %d bytes, at most %d are allowed", what, len(text), most)
	}
	if depth(text) > 64 || !json.Valid(text) {
		return nil, fmt.Errorf("%s that is no JSON", what)
	}
	return json.RawMessage(text), nil
}
