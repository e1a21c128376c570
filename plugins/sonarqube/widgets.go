package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// widgets registers what is shown on entities' pages. The host asks only for entities that the viewer may read.
func (q *plugin) widgets(p *sdk.Plugin) {
	const annotated = "annotation:" + projectAnnotation
	p.Widget(sdk.Widget{
		ID: "sonarqube-gate", Title: "Quality gate", View: sdk.ViewStatus, For: annotated, Refresh: time.Minute, Data: q.gateWidget,
		Description: "Whether the project passes its quality gate, and on which conditions",
	})
	p.Widget(sdk.Widget{
		ID: "sonarqube-ratings", Title: "Code quality", View: sdk.ViewTable, For: annotated, Refresh: time.Minute, Data: q.ratingsWidget,
		Description: "Ratings from A to E, and what they are for",
	})
	p.Widget(sdk.Widget{
		ID: "sonarqube-coverage", Title: "Test coverage", View: sdk.ViewLine, For: annotated, Refresh: 5 * time.Minute, Data: q.coverageWidget,
		Description: "Lines and branches that tests cover, at each analysis",
	})
	p.Widget(sdk.Widget{
		ID: "sonarqube-hotspots", Title: "Security hotspots to review", View: sdk.ViewStat, For: annotated, Refresh: time.Minute, Data: q.hotspotsWidget,
		Description: "Hotspots that nobody has reviewed, beside how many there were 30 days ago",
	})
}

// viewed is the project of a widget's entity and its instance.
func (q *plugin) viewed(w sdk.WidgetQuery) (project, *instance, error) {
	if w.Entity == nil {
		return project{}, nil, fmt.Errorf("the widget is shown for an entity: %w", sdk.ErrInput)
	}
	p, err := annotatedProject(w.Entity, w.Entity.Ref().String())
	if err != nil {
		return project{}, nil, err
	}
	i, err := q.engine.Load().instance(p.instance)
	return p, i, err
}

// asOf is the label of a column; it says so when SonarQube cannot be asked and the values are old.
func asOf[T any](label string, r reading[T]) string {
	if r.stale == nil {
		return label
	}
	return label + r.at.UTC().Format(", as of 2006-01-02 15:04 UTC")
}

// verdict is a gate's or condition's status in words, and what the host draws it as.
func verdict(status string) (words string, drawn frame.Status) {
	switch status {
	case "OK":
		return "passed", frame.OK
	case "ERROR":
		return "failed", frame.Danger
	case "WARN":
		return "warning", frame.Warn
	}
	return "not computed", ""
}

// gateWidget lists the verdict, then the conditions.
func (q *plugin) gateWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	p, i, err := q.viewed(w)
	if err != nil {
		return nil, err
	}
	e := q.engine.Load()
	r, err := e.gate(ctx, p)
	if err != nil {
		return nil, err
	}
	names, err := e.knownMetrics(ctx, i)
	if err != nil {
		return nil, err
	}
	what, links := frame.Strings("condition"), []string{i.page("dashboard", p)}
	f := frame.New("gate", what, frame.Strings("status"), frame.Strings("measured"))
	words, drawn := verdict(r.value.Status)
	f.Append(asOf("Quality gate: "+words, r), string(drawn), nil)
	for n, c := range r.value.Conditions {
		if n == maxConditions {
			break
		}
		_, drawn := verdict(c.Status)
		f.Append(metricName(names, c.MetricKey), string(drawn), c.measured(names[c.MetricKey].Type))
		links = append(links, i.page("component_measures", p, "metric", c.MetricKey))
	}
	what.Link(links...)
	return f, nil
}

// maxConditions bounds a list that people read.
const maxConditions = 100

func metricName(names map[string]metric, key string) string {
	if name := names[key].Name; name != "" {
		return name
	}
	return strings.ReplaceAll(key, "_", " ")
}

// measured is "72.5 %, at least 80 %": the value, and what the condition asks for.
func (c condition) measured(metricType string) string {
	if c.ActualValue == "" {
		return ""
	}
	bound := ", at most "
	if c.Comparator == "LT" {
		bound = ", at least "
	}
	return readable(c.ActualValue, metricType) + bound + readable(c.ErrorThreshold, metricType)
}

// readable writes a value as people do.
func readable(value text, metricType string) string {
	number, ok := value.number()
	switch {
	case metricType == "RATING" && value.letter() != "":
		return value.letter()
	case metricType == "PERCENT" && ok:
		return trimmed(number) + " %"
	case ok:
		return trimmed(number)
	}
	return string(value)
}

func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// rated is a row of the table of ratings.
type rated struct{ area, rating, count, unit, page, filter, quality string }

var ratedAreas = []rated{
	{"Reliability", "reliability_rating", "bugs", "bugs", "project/issues", "BUG", "RELIABILITY"},
	{"Security", "security_rating", "vulnerabilities", "vulnerabilities", "project/issues", "VULNERABILITY", "SECURITY"},
	{"Maintainability", "sqale_rating", "code_smells", "code smells", "project/issues", "CODE_SMELL", "MAINTAINABILITY"},
	{"Security review", "security_review_rating", "security_hotspots_reviewed", "% of hotspots reviewed", "security_hotspots", "", ""},
	{"Duplications", "", "duplicated_lines_density", "% of lines", "component_measures", "", ""},
}

func (q *plugin) ratingsWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	p, i, err := q.viewed(w)
	if err != nil {
		return nil, err
	}
	r, err := q.engine.Load().snapshot(ctx, p)
	if err != nil || r.value == nil {
		return nil, err
	}
	area := frame.Strings("area").Labeled(asOf("Area", r))
	f := frame.New("ratings", area, frame.Enums("rating", ratings), frame.Strings("findings"))
	var links []string
	for _, row := range ratedAreas {
		letter, found := row.cells(r.value.measures)
		if letter == nil && found == nil {
			continue // the server does not measure it
		}
		f.Append(row.area, letter, found)
		links = append(links, row.link(i, p))
	}
	area.Link(links...)
	return f, nil
}

// cells are the letter and the count, nil where there is none.
func (row rated) cells(measures map[string]measure) (letter, found any) {
	if l := measures[row.rating].Value.letter(); l != "" {
		letter = l
	}
	count, ok := measures[row.count].Value.number()
	if !ok {
		return letter, nil
	}
	if row.rating == "" {
		letter = duplicationLetter(count)
	}
	return letter, trimmed(count) + " " + row.unit
}

func (row rated) link(i *instance, p project) string {
	switch {
	case row.filter != "" && i.mode == modeMQR:
		return i.page(row.page, p, "impactSoftwareQualities", row.quality, "resolved", "false")
	case row.filter != "":
		return i.page(row.page, p, "types", row.filter, "resolved", "false")
	case row.page == "component_measures":
		return i.page(row.page, p, "metric", row.count)
	}
	return i.page(row.page, p)
}

// The ranges of time that are shown when the viewer chose none.
const (
	coverageRange = 90 * 24 * time.Hour
	hotspotRange  = 30 * 24 * time.Hour
)

func (q *plugin) timeRange(w sdk.WidgetQuery, usual time.Duration) (from, to time.Time) {
	if to = w.To; to.IsZero() {
		to = q.now()
	}
	if from = w.From; from.IsZero() {
		from = to.Add(-usual)
	}
	return from, to
}

func (q *plugin) coverageWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	p, _, err := q.viewed(w)
	if err != nil {
		return nil, err
	}
	from, to := q.timeRange(w, coverageRange)
	r, err := q.engine.Load().history(ctx, p, "coverage", from, to)
	if err != nil {
		return nil, err
	}
	f := frame.New("coverage", frame.Times("analysis"), frame.Numbers[float64]("coverage").Labeled(asOf("Coverage", r)).In("%").Round(1))
	for _, pt := range thinned(r.value, w.MaxPoints) {
		f.Append(pt.at, pt.value)
	}
	return f, nil
}

// thinned keeps the last point of each of at most n parts of the time, so that the newest one stays.
func thinned(points []point, n int) []point {
	if n <= 0 || len(points) <= n {
		return points
	}
	start := points[0].at
	part := points[len(points)-1].at.Sub(start)/time.Duration(n) + 1
	var kept []point
	for k, pt := range points {
		if k+1 == len(points) || points[k+1].at.Sub(start)/part != pt.at.Sub(start)/part {
			kept = append(kept, pt)
		}
	}
	return kept
}

// hotspotsWidget answers how many hotspots wait for a review, and how many did at the beginning of the range.
func (q *plugin) hotspotsWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	p, i, err := q.viewed(w)
	if err != nil {
		return nil, err
	}
	e := q.engine.Load()
	r, err := e.snapshot(ctx, p)
	if err != nil || r.value == nil {
		return nil, err
	}
	now, measured := r.value.measures[hotspotsMetric].Value.number()
	if !measured {
		return nil, nil // never analysed, or by a server that knows no hotspots
	}
	from, to := q.timeRange(w, hotspotRange)
	past, err := e.history(ctx, p, hotspotsMetric, from, to)
	if err != nil && !isOutage(err) { // the count is worth showing without a comparison
		return nil, err
	}
	count := frame.Numbers("hotspots", now).Labeled(asOf("To review", r)).Round(0).Link(i.page("security_hotspots", p))
	before := frame.Numbers[float64]("before").Labeled("At the beginning").Round(0)
	if len(past.value) > 0 {
		return frame.New("hotspots", count, before.Add(past.value[0].value)), nil
	}
	return frame.New("hotspots", count, before.Add(nil)), nil
}
