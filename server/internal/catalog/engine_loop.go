package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/server/internal/store"
)

// Run loads the index, connects the providers and processes until ctx ends. It owns every goroutine of the engine and
// returns when all of them have ended; the error is nil after an orderly end. It may be called once.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.start(ctx); err != nil {
		e.stopExtensions()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer e.stopExtensions()
	wg.Go(func() { e.follow(ctx) })
	if !e.enabled {
		e.becomeReady()
		<-ctx.Done()
		return nil
	}
	wg.Go(func() { e.clean(ctx) })
	newLoop(e).run(ctx, false)
	return nil
}

// start brings the database and the index to where processing can begin.
func (e *Engine) start(ctx context.Context) error {
	now := e.now().UnixMilli()
	if e.db.db.Dialect() == store.SQLite {
		if err := e.db.takeOver(ctx, now); err != nil {
			return err
		}
	}
	switch before, err := e.db.meta(ctx, "fingerprint"); {
	case err != nil:
		return err
	case before != e.fingerprint():
		if err := e.db.refreshAll(ctx, now, e.fingerprint()); err != nil {
			return err
		}
	}
	if err := e.follower.load(ctx); err != nil {
		return err
	}
	if e.index.Snapshot().Len() > 0 {
		e.becomeReady()
	}
	if err := e.connectProviders(ctx); err != nil {
		return err
	}
	if err := e.startExtensions(ctx); err != nil {
		return err
	}
	return e.follower.catchUp(ctx)
}

func (e *Engine) becomeReady() { e.idle.Do(func() { close(e.ready) }) }

// follow keeps the index fed from what others write. Own writes are followed by the loop; on SQLite there are no others.
func (e *Engine) follow(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.stitched:
		case <-tick.C:
			if e.db.db.Dialect() == store.SQLite {
				continue
			}
		}
		if err := e.follower.catchUp(ctx); err != nil && ctx.Err() == nil {
			e.trouble("index", err)
			continue
		}
		e.trouble("index", nil)
	}
}

const (
	pollInterval   = time.Second
	orphanInterval = 30 * time.Second
)

// clean removes orphans and old changes from time to time.
func (e *Engine) clean(ctx context.Context) {
	tick := time.NewTicker(orphanInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := e.cleanOnce(ctx); err != nil && ctx.Err() == nil {
				e.log.Warn("cleaning the catalog failed", "error", err)
			}
		}
	}
}

func (e *Engine) cleanOnce(ctx context.Context) error {
	if err := e.db.pruneLog(ctx, changesKept); err != nil || !e.deleteOrphans {
		return err
	}
	n, err := e.db.deleteOrphans(ctx, e.now().UnixMilli())
	if n > 0 {
		e.log.Info("deleted orphaned entities", "count", n)
		e.wake()
		if err == nil {
			err = e.follower.catchUp(ctx)
		}
	}
	return err
}

// loop is the one goroutine that claims, collects and writes; workers do the processing in between. What waits for the
// network has workers of its own, and so has what waits for processors of extensions, so that neither holds up the rest.
type loop struct {
	*Engine
	lanes       [3]chan item
	in          [3]int // items that are being worked on, by lane
	results     chan processed
	pending     []*result
	since       time.Time // when the oldest pending result came
	stitchedAt  time.Time
	stitchDelay time.Duration // the time from one stitch to the next while processing goes on
	startedAt   time.Time
}

type processed struct {
	result *result // nil = nothing has changed
	lane   lane
}

// lane is a set of workers.
type lane int

const (
	local   lane = iota // as many workers as cores
	network             // waits for URLs
	foreign             // waits for processors of extensions
)

const (
	claimLimit = 1000
	lowWater   = 250                    // claim more when fewer items than this are being worked on
	writeBatch = 1000                   // write when this many results wait,
	writeDelay = 100 * time.Millisecond // or the first of them has waited this long
	// An entity is stitched again whenever another one relates to it. While much is processed the stitches come at growing
	// distances, so that each entity is stitched a few times only, however many relations a hub receives.
	minStitchDelay = 500 * time.Millisecond
	maxStitchDelay = 8 * time.Second
	networkWorkers = 16
	foreignWorkers = 256 // processors that ask a plugin collect what waits here into batches
	remoteLimit    = 2000
	// processTimeout ends the processing of one entity, whatever its processors do.
	processTimeout = 2 * time.Minute
)

func newLoop(e *Engine) *loop {
	l := &loop{Engine: e, stitchDelay: minStitchDelay, results: make(chan processed, 3*claimLimit+lowWater+2*remoteLimit)}
	for lane, limit := range map[lane]int{local: lowWater, network: remoteLimit, foreign: remoteLimit} {
		l.lanes[lane] = make(chan item, claimLimit+limit)
	}
	return l
}

// run works until ctx ends or, with untilIdle, until there is nothing left to do.
func (l *loop) run(ctx context.Context, untilIdle bool) {
	l.startedAt = time.Now()
	var wg sync.WaitGroup
	for lane, workers := range map[lane]int{local: l.cores, network: networkWorkers, foreign: foreignWorkers} {
		for range workers {
			wg.Go(func() { l.worker(ctx, lane) })
		}
	}
	defer wg.Wait()
	defer func() {
		for _, items := range l.lanes {
			close(items)
		}
	}()
	backoff := pollInterval
	for ctx.Err() == nil {
		progress, err := l.step(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				l.trouble("database", err)
			}
			l.wait(ctx, backoff, false)
			backoff = min(2*backoff, 30*time.Second)
			continue
		case progress:
		case l.settled(ctx, untilIdle):
			return
		default:
			l.wait(ctx, pollInterval, true)
		}
		backoff = pollInterval
		l.trouble("database", nil)
	}
}

// settled is called when there is nothing to do but to wait for the network or for time.
func (l *loop) settled(ctx context.Context, untilIdle bool) bool {
	if l.in[network] > 0 && (untilIdle || time.Since(l.startedAt) < l.patience) || l.in[foreign] > 0 && untilIdle {
		return false
	}
	if err := l.follower.catchUp(ctx); err != nil {
		return false
	}
	l.becomeReady()
	return untilIdle
}

func (l *loop) worker(ctx context.Context, lane lane) {
	for it := range l.lanes[lane] {
		l.results <- processed{l.process(ctx, it), lane}
	}
}

// step does one round of everything that can be done now.
func (l *loop) step(ctx context.Context) (progress bool, err error) {
	claimed, err := l.claim(ctx)
	if err != nil {
		return false, err
	}
	l.collect(ctx)
	wrote := len(l.pending) > 0 && (len(l.pending) >= writeBatch || l.in[local] == 0 || time.Since(l.since) >= writeDelay)
	if wrote {
		if err := l.flush(ctx); err != nil {
			return false, err
		}
	}
	progress = claimed > 0 || wrote || l.in[local] > 0 || len(l.pending) > 0
	if progress && time.Since(l.stitchedAt) < l.stitchDelay {
		return true, nil
	}
	n, err := l.stitchQueued(ctx)
	if err != nil {
		return false, err
	}
	if n > 0 {
		l.announce()
	}
	switch {
	case !progress && n == 0:
		l.stitchDelay = minStitchDelay
	case n < stitchBatch:
		l.stitchedAt, l.stitchDelay = time.Now(), min(2*l.stitchDelay, maxStitchDelay)
	}
	return progress || n > 0, nil
}

// announce wakes the goroutine that follows the change log.
func (e *Engine) announce() {
	select {
	case e.stitched <- struct{}{}:
	default:
	}
}

func (l *loop) claim(ctx context.Context) (int, error) {
	if l.in[local] >= lowWater || l.in[network] >= remoteLimit || l.in[foreign] >= remoteLimit {
		return 0, nil
	}
	now := l.now()
	if due, err := l.db.hasDue(ctx, now); err != nil || !due {
		return 0, err
	}
	items, err := l.db.claim(ctx, now, claimLimit, l.pace())
	if err != nil {
		return 0, err
	}
	if err := l.db.placeItems(ctx, items); err != nil {
		return 0, err
	}
	pipeline := l.pipeline.Load()
	for _, it := range items {
		lane := local
		switch {
		case readsNetwork(it):
			lane = network
		case pipeline.foreign(kindOf(it.ref)):
			lane = foreign
		}
		l.in[lane]++
		l.lanes[lane] <- it
	}
	return len(items), nil
}

// readsNetwork guesses from the text whether processing an entity waits for somebody else; a wrong guess costs time only.
func readsNetwork(it item) bool {
	if isLocationRef(it.ref) {
		return strings.Contains(it.unprocessed, `"url`)
	}
	return strings.Contains(it.unprocessed, `{"$`)
}

// collect takes results until there are enough for a write, or nothing more can be expected soon.
func (l *loop) collect(ctx context.Context) {
	if l.in[local] == 0 {
		for {
			select {
			case p := <-l.results:
				l.take(p)
			default:
				return
			}
		}
	}
	timer := time.NewTimer(writeDelay)
	defer timer.Stop()
	for len(l.pending) < writeBatch && l.in[local] > 0 {
		select {
		case p := <-l.results:
			l.take(p)
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *loop) take(p processed) {
	l.in[p.lane]--
	if p.result == nil {
		return
	}
	if len(l.pending) == 0 {
		l.since = time.Now()
	}
	l.pending = append(l.pending, p.result)
}

// flush writes what is pending. When the database takes writes but not these, they are tried one by one and what cannot
// be stored is dropped, so that one entity never holds up the others; it is processed again in its time.
func (l *loop) flush(ctx context.Context) error {
	batch := l.pending
	// Who comes first owns what two of them emit: that should be the order in which they are configured.
	slices.SortStableFunc(batch, func(a, b *result) int { return a.turn - b.turn })
	err := l.store(ctx, batch)
	if err == nil {
		l.pending = nil
		return nil
	}
	if ctx.Err() != nil || l.db.probe(ctx) != nil {
		return err
	}
	for _, r := range batch {
		err := l.store(ctx, []*result{r})
		if err != nil {
			l.trouble(entityTrouble(r), err)
		}
	}
	l.pending = nil
	return nil
}

func (l *loop) store(ctx context.Context, batch []*result) error {
	w, err := l.db.writeResults(ctx, l.now().UnixMilli(), batch)
	if err != nil {
		return err
	}
	l.report(ctx, w.conflicts, w.problems)
	l.endTroubles(batch)
	return nil
}

// wait sleeps until there may be something to do.
func (l *loop) wait(ctx context.Context, d time.Duration, interruptible bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	work, results := l.work, l.results
	if !interruptible {
		work, results = nil, nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-work:
	case p := <-results:
		l.take(p)
	}
}
