package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// engine is the plugin under one version of its settings.
type engine struct {
	instances []*instance
	timeout   time.Duration
	now       func() time.Time
	running   *work

	metrics   *cache[map[string]metric]
	snapshots *cache[*snapshot]
	gates     *cache[gate]
	histories *cache[[]point]
}

const (
	metricsLife  = 6 * time.Hour
	negativeLife = 30 * time.Second
	staleLife    = 24 * time.Hour
	maxEntries   = 5000
)

func (q *plugin) newEngine(s settings) *engine {
	e := &engine{timeout: s.Timeout.Std(), now: q.now, running: &q.running}
	client := q.upstream()
	for _, one := range s.all() {
		i := newInstance(one)
		i.http, i.calls, i.now = client, q.calls, q.now
		e.instances = append(e.instances, i)
	}
	e.metrics = newCache[map[string]metric](e, metricsLife)
	e.snapshots = newCache[*snapshot](e, s.CacheFor.Std())
	e.gates = newCache[gate](e, s.CacheFor.Std())
	e.histories = newCache[[]point](e, s.CacheFor.Std())
	return e
}

func newCache[T any](e *engine, life time.Duration) *cache[T] {
	return &cache[T]{
		life: life, negative: negativeLife, keep: max(staleLife, life), most: maxEntries, timeout: e.timeout, now: e.now, running: e.running,
	}
}

// instance finds one by the name in an annotation.
func (e *engine) instance(name string) (*instance, error) {
	at := slices.IndexFunc(e.instances, func(i *instance) bool { return i.name == name })
	switch {
	case at >= 0:
		return e.instances[at], nil
	case name == defaultInstance:
		return nil, apierror.Inputf("Couldn't find a default sonarqube instance in the config. "+
			"Either configure an instance with name %s or add a prefix to your annotation value.", defaultInstance)
	}
	var names []string
	for _, i := range e.instances {
		names = append(names, i.name)
	}
	return nil, apierror.Inputf("Couldn't find a sonarqube instance in the config with name %s; there are: %s", name, strings.Join(names, ", "))
}

// snapshot is a project at its last analysis.
func (e *engine) snapshot(ctx context.Context, p project) (reading[*snapshot], error) {
	i, err := e.instance(p.instance)
	if err != nil {
		return reading[*snapshot]{}, err
	}
	return e.snapshots.get(ctx, p.id()+p.branch, func(ctx context.Context) (*snapshot, error) {
		known, err := e.knownMetrics(ctx, i)
		if err != nil {
			return nil, err
		}
		found, err := i.snapshot(ctx, p, known)
		if !aboutMetrics(err) {
			return found, err
		}
		e.metrics.outdate(i.name + "\x00") // the server was upgraded
		if known, err = e.knownMetrics(ctx, i); err != nil {
			return nil, err
		}
		return i.snapshot(ctx, p, known)
	})
}

// knownMetrics change with the server's version only.
func (e *engine) knownMetrics(ctx context.Context, i *instance) (map[string]metric, error) {
	r, err := e.metrics.get(ctx, i.name+"\x00", i.metrics)
	return r.value, err
}

// gate is the verdict on the last analysis.
func (e *engine) gate(ctx context.Context, p project) (reading[gate], error) {
	i, err := e.instance(p.instance)
	if err != nil {
		return reading[gate]{}, err
	}
	return e.gates.get(ctx, p.id()+p.branch, func(ctx context.Context) (gate, error) { return i.gate(ctx, p) })
}

// history is a metric's values in a range of time, whose ends are rounded to the hour so that viewers share what was read.
func (e *engine) history(ctx context.Context, p project, key string, from, to time.Time) (reading[[]point], error) {
	i, err := e.instance(p.instance)
	if err != nil {
		return reading[[]point]{}, err
	}
	from, to = from.Truncate(time.Hour), to.Add(time.Hour-1).Truncate(time.Hour)
	at := fmt.Sprintf("%s%s\x00%s\x00%d\x00%d", p.id(), p.branch, key, from.Unix(), to.Unix())
	return e.histories.get(ctx, at, func(ctx context.Context) ([]point, error) { return i.history(ctx, p, key, from, to) })
}

// outdate has everything about a project read again.
func (e *engine) outdate(p project) {
	e.snapshots.outdate(p.id())
	e.gates.outdate(p.id())
	e.histories.outdate(p.id())
}
