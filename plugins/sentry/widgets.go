package main

import (
	"context"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// The host has checked that a viewer may read the entity before a widget is asked.
func (s *plugin) widgets(p *sdk.Plugin) {
	p.Widget(sdk.Widget{
		ID: "open-issues", Title: "Open issues", Description: "The unresolved issues that were seen last, with their events of all time.",
		View: sdk.ViewList, For: "annotation:" + annotation, Args: issuesArgs{}, Refresh: time.Minute, Data: s.openIssues,
	})
	p.Widget(sdk.Widget{
		ID: "events", Title: "Errors over time", Description: "How many errors were reported.",
		View: sdk.ViewLine, For: "annotation:" + annotation, Args: windowArgs{}, Refresh: time.Minute, Data: s.eventsOverTime,
	})
	p.Widget(sdk.Widget{
		ID: "crash-free", Title: "Crash-free sessions", Description: "The share of sessions that did not crash, beside that of the time before.",
		View: sdk.ViewStat, For: "annotation:" + annotation, Args: windowArgs{}, Refresh: 5 * time.Minute, Data: s.crashFree,
	})
}

type issuesArgs struct {
	Top   int    `json:"top" desc:"Most issues to show" default:"10" min:"1" max:"100"`
	Query string `json:"query" desc:"Search, in Sentry's language" default:"is:unresolved" max:"1000"`
}

type windowArgs struct {
	Period string `json:"period" desc:"Length of time that ends now, unless the page has a range of its own" default:"24h" enum:"24h,7d,14d,30d"`
}

func (s *plugin) openIssues(ctx context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
	args, err := sdk.WidgetArgs[issuesArgs](q)
	if err != nil {
		return nil, err
	}
	p, ok, err := s.shown(q)
	if err != nil || !ok {
		return nil, err
	}
	found, err := p.issues(ctx, issueQuery{statsPeriod: "24h", query: args.Query, queried: true, limit: args.Top}, s.directory.Load().settings.MaxIssues)
	if err != nil {
		return nil, err
	}
	return issuesFrame(found), nil
}

func issuesFrame(found reading[issues]) *frame.Frame {
	title, asOf := frame.Strings("issue"), frame.Times("as of")
	f := frame.New("issues", title, frame.Numbers[float64]("events").Round(0), frame.Numbers[float64]("users").Round(0), frame.Times("last seen"))
	for _, i := range found.value.rows {
		f.Append(plain(i.title), i.events, i.users, instantOrNone(i.lastSeen))
		title.Links = append(title.Links, i.permalink)
		asOf.Add(found.at)
	}
	if found.stale != nil {
		f.Columns = append(f.Columns, asOf)
	}
	return f
}

func instantOrNone(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func (s *plugin) eventsOverTime(ctx context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
	args, err := sdk.WidgetArgs[windowArgs](q)
	if err != nil {
		return nil, err
	}
	p, ok, err := s.shown(q)
	if err != nil || !ok {
		return nil, err
	}
	found, err := p.events(ctx, windowFrom(q.From, q.To, args.Period), q.MaxPoints)
	if err != nil {
		return nil, err
	}
	f := frame.New("events", frame.Times("time"), frame.Numbers[float64]("events").In("1").Round(0))
	for _, point := range found.value {
		f.Append(point.Time, point.Events)
	}
	return f, nil
}

func (s *plugin) crashFree(ctx context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
	args, err := sdk.WidgetArgs[windowArgs](q)
	if err != nil {
		return nil, err
	}
	p, ok, err := s.shown(q)
	if err != nil || !ok {
		return nil, err
	}
	now, before, err := p.crashFree(ctx, windowFrom(q.From, q.To, args.Period))
	if err != nil || now == nil {
		return nil, err // a project without sessions has no rate
	}
	f := frame.New("crash-free", frame.Numbers[float64]("crash-free").In("%").Round(2), frame.Numbers[float64]("before").In("%").Round(2))
	return f.Append(percent(now), percent(before)), nil
}

func percent(rate *float64) any {
	if rate == nil {
		return nil
	}
	return *rate * 100
}

// shown is the project of the entity in view; false = there is nothing to show.
func (s *plugin) shown(q sdk.WidgetQuery) (project, bool, error) {
	if q.Entity == nil || q.Entity.Annotation(annotation) == "" {
		return project{}, false, nil
	}
	p, err := s.directory.Load().of(q.Entity)
	return p, err == nil, err
}
