package forwardauth

import (
	"context"
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// index is what requests are looked up in. It is never changed, only replaced: readers need no lock.
type index struct {
	apps map[driver.AppID]*application
	// keys has the first half of a hash; the second is compared in constant time. How long a lookup takes tells of hashes,
	// which a caller cannot choose, and at most of half of one.
	keys map[[16]byte]*credential
}

// application is a record made ready for requests.
type application struct {
	id      driver.AppID
	version int64
	name    string // as a header carries it
	owner   string
	access  map[driver.APIID]*grant
	keys    []*credential
}

// grant is access to an API.
type grant struct {
	plan  *Plan
	meter *meter // of the application
}

type credential struct {
	app       *application
	id        driver.KeyID
	hash      [32]byte
	api       driver.APIID // "" = all that the application has access to
	expires   time.Time
	suspended bool
	meters    map[driver.APIID]*meter // of the key, where the plan counts it
}

func (x *index) find(hash [32]byte) *credential {
	c := x.keys[[16]byte(hash[:16])]
	if c == nil || subtle.ConstantTimeCompare(c.hash[:], hash[:]) != 1 {
		return nil
	}
	return c
}

// without is a copy that lacks an application.
func (x *index) without(app driver.AppID) *index {
	next := &index{maps.Clone(x.apps), maps.Clone(x.keys)}
	if old := next.apps[app]; old != nil {
		delete(next.apps, app)
		for _, c := range old.keys {
			delete(next.keys, [16]byte(c.hash[:16]))
		}
	}
	return next
}

func (x *index) add(a *application) {
	x.apps[a.id] = a
	for _, c := range a.keys {
		x.keys[[16]byte(c.hash[:16])] = c
	}
}

// prepare makes an application of its record. APIs and plans that the settings no longer have let nobody in.
func (d *Driver) prepare(r *record) *application {
	a := &application{id: r.ID, version: r.version, name: printable(r.Name), owner: printable(r.Owner), access: map[driver.APIID]*grant{}}
	for api, plan := range r.Access {
		if p := d.plans[plan]; p != nil && d.apis[api] != nil {
			a.access[api] = &grant{p, d.meters.of(meterID{app: r.ID, api: api})}
		}
	}
	for _, k := range r.Keys {
		if len(k.Hash) != 32 {
			continue // not a hash of ours: nobody could present it
		}
		c := &credential{app: a, id: k.ID, hash: [32]byte(k.Hash), api: k.API, expires: k.Expires, suspended: k.Suspended, meters: map[driver.APIID]*meter{}}
		for api, g := range a.access {
			if (c.api == "" || c.api == api) && slices.ContainsFunc(g.plan.Limits, func(l Limit) bool { return l.PerKey }) {
				c.meters[api] = d.meters.of(meterID{r.ID, api, k.ID})
			}
		}
		a.keys = append(a.keys, c)
	}
	return a
}

// take puts a record into the index, unless a newer one is there. Versions of the store only grow.
func (d *Driver) take(r *record) {
	d.taking.Lock()
	defer d.taking.Unlock()
	current := d.index.Load()
	if there := current.apps[r.ID]; there != nil && there.version >= r.version {
		return
	}
	next := current.without(r.ID)
	next.add(d.prepare(r))
	d.index.Store(next)
}

// loadAgain is how long after a failure nobody tries to load: requests that come in the meantime are answered at once.
const loadAgain = time.Second

// load reads everything, once. Until it succeeds, calls try again.
func (d *Driver) load(ctx context.Context) error {
	if d.index.Load() != nil {
		return nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	if d.index.Load() != nil {
		return nil
	}
	if d.trouble != nil && d.now().Sub(d.tried) < loadAgain {
		return d.trouble
	}
	err := d.loadAll(ctx)
	if ctx.Err() != nil {
		return err // the caller's trouble, and not the store's
	}
	d.trouble, d.tried = err, d.now()
	return err
}

func (d *Driver) loadAll(ctx context.Context) error {
	// Notes first: what changes while the records are read is in a note that comes later.
	if err := d.notes.begin(ctx, d); err != nil {
		return err
	}
	for shard := range shards {
		if err := d.learn(ctx, shard); err != nil {
			return err
		}
	}
	return d.reload(ctx)
}

// reload replaces the index by what is stored, and keeps what changed on this host in the meantime.
func (d *Driver) reload(ctx context.Context) error {
	began := d.now()
	read := &index{map[driver.AppID]*application{}, map[[16]byte]*credential{}}
	for r, err := range d.records(ctx) {
		if err != nil {
			return err
		}
		read.add(d.prepare(r))
	}
	d.taking.Lock()
	defer d.taking.Unlock()
	if current := d.index.Load(); current != nil {
		for id, a := range current.apps {
			if there := read.apps[id]; there == nil || there.version < a.version {
				read = read.without(id)
				read.add(a)
			}
		}
	}
	d.index.Store(read)
	d.meters.prune(read.meters(), d.now())
	d.seen.Store(began.UnixNano())
	return nil
}

// meters are all that the index counts with.
func (x *index) meters() map[*meter]bool {
	used := map[*meter]bool{}
	for _, a := range x.apps {
		for _, g := range a.access {
			used[g.meter] = true
		}
		for _, c := range a.keys {
			for _, m := range c.meters {
				used[m] = true
			}
		}
	}
	return used
}

// age is how long ago the store was followed.
func (d *Driver) age() time.Duration { return d.now().Sub(time.Unix(0, d.seen.Load())) }

// printable is a text as a header may carry it: what is not visible ASCII, and the percent sign, is percent-encoded.
func printable(text string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for n := range len(text) {
		if c := text[n]; c >= ' ' && c <= '~' && c != '%' {
			out.WriteByte(c)
		} else {
			out.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return out.String()
}
