package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
)

// Deps is what an [Engine] works with. DB, Config and URLs are required.
type Deps struct {
	DB     *store.DB
	Config *config.Config // keys below "catalog" and "callboard.catalog"
	Logger *slog.Logger   // nil = slog.Default()
	// URLs and Integrations read url locations and placeholders.
	URLs         URLReader
	Integrations Integrations
	// Dir is the directory that relative file locations start from; "" = the working directory.
	Dir string
	// Providers and Processors are added to the built-in ones, in this order.
	Providers  []EntityProvider
	Processors []Processor
	// Events receives experimental.catalog.errors and experimental.catalog.conflict; nil = nobody listens.
	Events EventPublisher
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// EventPublisher hands an event to whoever subscribed to its topic. It must not block for long: the processing loop calls it.
type EventPublisher interface {
	Publish(ctx context.Context, topic string, payload any)
}

// Engine is the writing side of the catalog as a value. Its methods are safe for concurrent use, also before Run.
type Engine struct {
	settings
	db        database
	log       *slog.Logger
	events    EventPublisher
	now       func() time.Time
	pipeline  atomic.Pointer[pipeline] // replaced as a whole when extensions come and go
	base      *pipeline                // without extensions
	providers []EntityProvider
	extended  *extensions
	index     *index.Index
	follower  *follower
	cores     int
	patience  time.Duration // how long the first pass waits for the network before the engine calls itself ready

	work     chan struct{} // holds one token when there may be something to do
	stitched chan struct{} // holds one token when there may be changes to follow
	ready    chan struct{}
	idle     sync.Once

	mu       sync.Mutex
	troubles map[string]Problem // faults of the engine's surroundings, by what they are about
}

// settings are the engine's part of the configuration.
type settings struct {
	enabled       bool          // false: nothing is processed, only served
	interval      time.Duration // 0 = the default range
	deleteOrphans bool
	keepProviders bool // of providers that are no longer installed
	readonly      bool
	onConflict    OnConflict
	fileLimits    cataloginfo.Limits
	urlLimits     cataloginfo.Limits
}

// New migrates the tables and prepares the engine. It starts nothing. Mistakes in the configuration are kept in it, for
// config.Err to tell.
func New(ctx context.Context, d Deps) (*Engine, error) {
	section := d.Config.Section("catalog")
	if err := d.complete(); err != nil {
		return nil, err
	}
	err := d.DB.Migrate(ctx, "catalog", migrations())
	if err != nil {
		return nil, err
	}
	e := &Engine{
		settings: readSettings(section, d.Config.Section("callboard.catalog")),
		db:       database{d.DB}, log: d.Logger, events: d.Events, now: d.Now,
		index: index.New(), cores: runtime.GOMAXPROCS(0), patience: 3 * time.Second,
		work: make(chan struct{}, 1), stitched: make(chan struct{}, 1), ready: make(chan struct{}), troubles: map[string]Problem{},
	}
	e.follower = &follower{db: e.db, index: e.index, log: e.log}
	e.base = newPipeline(d, section, e.settings)
	builtin := []EntityProvider{storedLocations{e.db}, readConfigLocations(section, d.Dir)}
	e.providers = enabledProviders(section, append(slices.Clone(d.Providers), builtin...))
	if e.extended, err = newExtensions(ctx, e.db, section); err != nil {
		return nil, err
	}
	e.pipeline.Store(e.composed())
	return e, nil
}

// CheckConfig reads everything that [New] reads from cfg; what is wrong with it is told by config.Err.
func CheckConfig(cfg *config.Config, dir string) {
	section := cfg.Section("catalog")
	d := Deps{Config: cfg, Dir: dir}
	newPipeline(d, section, readSettings(section, cfg.Section("callboard.catalog")))
	enabledProviders(section, []EntityProvider{readConfigLocations(section, dir)})
}

func (d *Deps) complete() error {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
		d.Dir = dir
	}
	return nil
}

func readSettings(section, own *config.Section) settings {
	s := settings{
		enabled:       section.Value("processingInterval") != false,
		deleteOrphans: section.String("orphanStrategy", "delete") == "delete",
		keepProviders: section.String("orphanProviderStrategy", "delete") == "keep",
		readonly:      section.Bool("readonly", false),
		onConflict:    OnConflict(section.String("defaultLocationConflictStrategy", string(RejectConflict))),
		fileLimits:    cataloginfo.OperatorLimits(),
		urlLimits:     cataloginfo.DefaultLimits(),
	}
	if s.onConflict != RejectConflict && s.onConflict != RefreshOnConflict {
		section.Problem("defaultLocationConflictStrategy", "must be reject or refresh")
	}
	if s.enabled && section.Has("processingInterval") {
		s.interval = max(section.Duration("processingInterval", 0), time.Second)
	}
	if own.Has("maxFileSize") {
		size := own.Int("maxFileSize", s.urlLimits.FileBytes)
		if size < 1 {
			own.Problem("maxFileSize", "must be a number of bytes above 0")
			size = s.urlLimits.FileBytes
		}
		s.fileLimits.FileBytes, s.urlLimits.FileBytes = size, size
	}
	return s
}

// newPipeline makes the processors in the reference's order and applies catalog.processorOptions.
func newPipeline(d Deps, section *config.Section, s settings) *pipeline {
	processors := []Processor{
		placeholders{urls: d.URLs, integrations: d.Integrations, limits: s.urlLimits},
		newBuiltinKinds(),
	}
	if !section.Bool("disableDefaultProcessors", false) {
		processors = append(processors, fileProcessor{limits: s.fileLimits, now: d.Now}, urlProcessor{urls: d.URLs, limits: s.urlLimits}, annotateLocation{d.Integrations})
	}
	processors = append(processors, newTemplateKinds())
	members := make([]participant, 0, len(processors)+len(d.Processors))
	for _, p := range processors {
		members = append(members, participant{Processor: p})
	}
	for _, p := range d.Processors {
		members = append(members, newParticipant(p, declarationOf(p)))
	}
	return &pipeline{
		processors:   orderProcessors(section, members),
		integrations: d.Integrations,
		rules:        readRules(section, d.Dir),
		allowedTypes: []string{urlLocation},
	}
}

// defaultPriority is that of a processor without one in the configuration; lower goes first.
const defaultPriority = 20

// option is catalog.<list>.<name>; names hold dots, so they are looked up as a whole.
func option(section *config.Section, list, name string) *config.Section {
	return section.Section(list).Section(name)
}

func orderProcessors(section *config.Section, all []participant) []participant {
	var kept []participant
	priority := map[string]int{}
	for _, p := range all {
		o := option(section, "processorOptions", p.Name())
		if o.Bool("disabled", false) {
			continue
		}
		priority[p.Name()] = o.Int("priority", defaultPriority)
		kept = append(kept, p)
	}
	slices.SortStableFunc(kept, func(a, b participant) int { return priority[a.Name()] - priority[b.Name()] })
	return kept
}

func enabledProviders(section *config.Section, all []EntityProvider) []EntityProvider {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(p EntityProvider) bool {
		drop := seen[p.Name()] || option(section, "providerOptions", p.Name()).Bool("disabled", false)
		seen[p.Name()] = true
		return drop
	})
}

// fingerprint changes whenever the same documents could give other results. Extensions are compared on their own: they
// come and go while the engine runs.
func (e *Engine) fingerprint() string {
	names := make([]string, len(e.base.processors))
	for i, p := range e.base.processors {
		names[i] = p.Name()
		if p.declared.Version != "" {
			names[i] += "@" + p.declared.Version
		}
	}
	return fmt.Sprintf("%d %s %s", processingVersion, strings.Join(names, ","), hashOf(fmt.Appendf(nil, "%v %v %v", e.base.rules, e.fileLimits, e.urlLimits)))
}

// pace is when entities that are claimed now are due again: at random within a range, so that they spread out.
func (e *Engine) pace() pace {
	now, low, high := e.now(), 100*time.Second, 150*time.Second
	if e.interval > 0 {
		low, high = e.interval, e.interval*3/2
	}
	spread := func(low, high time.Duration) time.Time {
		return now.Add(low + rand.N(high-low+1)) //nolint:gosec // spreading load
	}
	return pace{polled: spread(low, high), idle: spread(idleInterval, idleInterval*3/2), lease: now.Add(leaseTime)}
}

const (
	// idleInterval is when entities are processed again although nothing that they depend on is known to have changed.
	idleInterval = 24 * time.Hour
	// leaseTime is how long an entity that was never processed belongs to the process that claimed it.
	leaseTime = time.Minute
)

// wake makes the loop look for work at once.
func (e *Engine) wake() {
	select {
	case e.work <- struct{}{}:
	default:
	}
}

// Ready is closed when the index has been loaded from the database and, for an empty database, the first pass over the
// configured locations is done, failed or not. It never waits for url locations longer than their own timeouts.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Index is the read model that the engine feeds. It is the same value for the life of the engine.
func (e *Engine) Index() *index.Index { return e.index }

// DeleteEntity removes the entity with that uid from the catalog; an unknown uid is no error. An entity that a location
// still emits comes back when its parent is processed, which is scheduled at once.
func (e *Engine) DeleteEntity(ctx context.Context, uid string) error {
	if checkStorable(uid) != nil {
		return nil //nolint:nilerr // no entity has it
	}
	deleted, err := e.db.deleteByID(ctx, e.now().UnixMilli(), uid)
	if err != nil || !deleted {
		return err
	}
	if err := e.follower.catchUp(ctx); err != nil {
		return err
	}
	e.wake()
	return nil
}

// ValidateEntity runs the pipeline on one document as if it came from location ("url:https://…") without writing; the
// targets of a Location entity are read. It returns what is wrong with the entity or the location, nil when nothing is;
// err is what is not the caller's fault.
func (e *Engine) ValidateEntity(ctx context.Context, doc entity.Entity, location string) (problems []error, err error) {
	if err := cataloginfo.ValidateEnvelope(doc); err != nil {
		return []error{err}, nil //nolint:nilerr // what the caller did wrong is the answer
	}
	l, err := entity.ParseLocation(location)
	if err != nil {
		return []error{err}, nil //nolint:nilerr // as above
	}
	if l.Type != urlLocation {
		return []error{apierror.TypeErrorf("Invalid location ref %s, only 'url:<target>' is supported, e.g. url:https://host/path", location)}, nil
	}
	out := e.pipeline.Load().run(ctx, claimLocation(doc, l), &processorCache{}, true, nil)
	for _, f := range out.failures {
		problems = append(problems, f.err)
	}
	return problems, ctx.Err()
}

// claimLocation sets where a document under validation comes from. What it says itself counts, but never another type
// than a URL: else a caller could have local files read.
func claimLocation(doc entity.Entity, l entity.Location) entity.Entity {
	annotations := spread(doc.Metadata()["annotations"])
	for _, name := range []string{entity.AnnotationLocation, entity.AnnotationOriginLocation} {
		said, given := annotations[name]
		text, _ := said.(string)
		if claimed, err := entity.ParseLocation(text); !given || err == nil && claimed.Type != urlLocation {
			annotations[name] = l.String()
		}
	}
	return withMetadata(doc.Clone(), "annotations", annotations)
}

// spread copies what JavaScript finds in a value when it merges it into an object: members, items and characters.
func spread(v any) map[string]any {
	members := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		maps.Copy(members, v)
	case []any:
		for i, item := range v {
			members[strconv.Itoa(i)] = item
		}
	case string:
		for i, c := range []rune(v) {
			members[strconv.Itoa(i)] = string(c)
		}
	}
	return members
}

// CountsByKind is the number of visible entities by kind, in the case the entities write it.
func (e *Engine) CountsByKind(context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, f := range e.index.Snapshot().Facets(index.Filter{}, []string{"kind"})[0] {
		counts[f.Value] = f.Count
	}
	return counts, nil
}
