package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// point is a number of events in the interval that begins then.
type point struct {
	Time   time.Time `json:"time"`
	Events float64   `json:"events"`
}

// events counts the events of a project over time.
func (p project) events(ctx context.Context, w window, points int) (reading[[]point], error) {
	step := intervals[w.chosen(points)]
	return cached(ctx, p, fmt.Sprintf("events\x00%+v\x00%s", w, step.name), func(ctx context.Context) ([]point, int, error) {
		var found struct{ Data []bucket }
		a, err := p.ofOrganization(ctx, "events-stats", "org:read", &found, w, "interval", step.name, "yAxis", "count()", "dataset", "errors")
		if err != nil {
			return nil, 0, err
		}
		series := make([]point, len(found.Data))
		for i, b := range found.Data {
			series[i] = point(b)
		}
		slices.SortFunc(series, func(a, b point) int { return a.Time.Compare(b.Time) })
		return series, len(a.body), nil
	})
}

// bucket is [unix seconds, [{"count": n}, …]].
type bucket point

// UnmarshalJSON implements [json.Unmarshaler].
func (b *bucket) UnmarshalJSON(data []byte) error {
	var seconds float64
	var counts []struct{ Count float64 }
	if err := json.Unmarshal(data, &[]any{&seconds, &counts}); err != nil {
		return err
	}
	if seconds < 0 || seconds > 1e11 {
		return fmt.Errorf("%g is no time", seconds)
	}
	*b = bucket{Time: time.Unix(int64(seconds), 0).UTC()}
	for _, c := range counts {
		b.Events += c.Count
	}
	return nil
}

// crashFreeField is the rate of sessions that did not crash, 0 to 1.
const crashFreeField = "crash_free_rate(session)"

// crashFree is that rate in a window, and in the one before; nil = the project reported no sessions.
func (p project) crashFree(ctx context.Context, w window) (now, before *float64, err error) {
	if now, err = p.crashFreeIn(ctx, w); err != nil || now == nil {
		return nil, nil, err
	}
	before, err = p.crashFreeIn(ctx, w.previous())
	return now, before, err
}

func (p project) crashFreeIn(ctx context.Context, w window) (*float64, error) {
	r, err := cached(ctx, p, fmt.Sprintf("crashfree\x00%+v", w), func(ctx context.Context) (*float64, int, error) {
		var found struct {
			Groups []struct{ Totals map[string]*float64 }
		}
		step := "1h"
		if w.length() > 7*24*time.Hour {
			step = "1d"
		}
		a, err := p.ofOrganization(ctx, "sessions", "org:read", &found, w, "field", crashFreeField, "interval", step)
		if err != nil || len(found.Groups) == 0 {
			return nil, len(a.body), err
		}
		rate := found.Groups[0].Totals[crashFreeField]
		if rate != nil && (*rate < 0 || *rate > 1) {
			return nil, 0, p.tenant.unavailable("answers a crash-free rate of %g, which is none", *rate)
		}
		return rate, len(a.body), nil
	})
	return r.value, err
}

// release is a version of a project's software.
type release struct {
	Version      string     `json:"version"`
	ShortVersion string     `json:"shortVersion"`
	URL          string     `json:"url"`
	CreatedAt    *time.Time `json:"createdAt"`
	ReleasedAt   *time.Time `json:"releasedAt"`
	NewIssues    int        `json:"newIssues"`
	Commits      int        `json:"commits"`
	Deploys      int        `json:"deploys"`
}

// upstreamRelease is a release as Sentry has it.
type upstreamRelease struct {
	Version, ShortVersion               string
	URL                                 *string
	DateCreated, DateReleased           *time.Time
	NewGroups, CommitCount, DeployCount int
}

const mostReleases = 50

// releases are the newest releases of a project.
func (p project) releases(ctx context.Context) (reading[[]release], error) {
	return cached(ctx, p, "releases", func(ctx context.Context) ([]release, int, error) {
		var found []upstreamRelease
		a, err := p.ofOrganization(ctx, "releases", "project:read", &found, window{}, "per_page", strconv.Itoa(mostReleases))
		if err != nil {
			return nil, 0, err
		}
		list := make([]release, min(len(found), mostReleases))
		for i := range list {
			list[i] = found[i].release()
		}
		return list, len(a.body), nil
	})
}

func (u upstreamRelease) release() release {
	r := release{
		Version: u.Version, ShortVersion: u.ShortVersion, CreatedAt: u.DateCreated, ReleasedAt: u.DateReleased,
		NewIssues: u.NewGroups, Commits: u.CommitCount, Deploys: u.DeployCount,
	}
	if r.ShortVersion == "" {
		r.ShortVersion = u.Version
	}
	if u.URL != nil {
		r.URL = webLink(*u.URL)
	}
	return r
}

// ofOrganization asks an API of the organization about one project. A window without anything is left out.
func (p project) ofOrganization(ctx context.Context, what, scope string, into any, w window, pairs ...string) (answer, error) {
	id, err := p.id(ctx)
	if err != nil {
		return answer{}, err
	}
	c := call{path: []string{"organizations", p.tenant.Slug, what}, scope: scope}
	c.query = map[string][]string{"project": {id}}
	if w != (window{}) {
		maps.Copy(c.query, w.params())
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.query.Set(pairs[i], pairs[i+1])
	}
	return p.tenant.get(ctx, c, into)
}

func cached[T any](ctx context.Context, p project, key string, load func(context.Context) (T, int, error)) (reading[T], error) {
	return read(ctx, p.tenant.answers, p.String()+"\x00"+key, load)
}
