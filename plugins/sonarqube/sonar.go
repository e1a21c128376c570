package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// metric is what a server can measure.
type metric struct {
	Key  string `json:"key"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// maxPages bounds the pages that are read of a list, whatever total SonarQube claims.
const maxPages = 40

// metrics are all that the server knows, by key.
func (i *instance) metrics(ctx context.Context) (map[string]metric, error) {
	known := map[string]metric{}
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Metrics []metric `json:"metrics"`
			Total   int      `json:"total"`
		}
		query := url.Values{"ps": {"500"}, "p": {strconv.Itoa(page)}}
		if err := i.get(ctx, "api/metrics/search", query, &answer); err != nil {
			return nil, err
		}
		for _, m := range answer.Metrics {
			known[m.Key] = m
		}
		if len(answer.Metrics) == 0 || len(known) >= answer.Total {
			break
		}
	}
	if len(known) == 0 {
		return nil, i.unavailable("lists no metrics")
	}
	return known, nil
}

// component is a project as components/show tells it.
type component struct {
	AnalysisDate string `json:"analysisDate"`
}

// show answers nil when SonarQube knows of none and does not say why.
func (i *instance) show(ctx context.Context, p project) (*component, error) {
	var answer struct {
		Component *component `json:"component"`
	}
	err := i.get(ctx, "api/components/show", p.query("component"), &answer)
	return answer.Component, err
}

// measure is a value of a metric as SonarQube answers it. All values are texts, ratings "1.0" to "5.0".
type measure struct {
	Metric    string          `json:"metric"`
	Value     text            `json:"value,omitempty"`
	BestValue *bool           `json:"bestValue,omitempty"`
	Period    json.RawMessage `json:"period,omitempty"`
}

// text is a JSON text, or a number that is taken for one.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	var number json.Number
	if json.Unmarshal(data, &number) == nil { // it also reads numbers in quotes, as they stand
		*t = text(number)
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

// measures asks for metrics of which the server knows all.
func (i *instance) measures(ctx context.Context, p project, keys []string) (map[string]measure, error) {
	var answer struct {
		Component *struct {
			Measures []measure `json:"measures"`
		} `json:"component"`
	}
	query := p.query("component")
	query.Set("metricKeys", strings.Join(keys, ","))
	if err := i.get(ctx, "api/measures/component", query, &answer); err != nil {
		return nil, err
	}
	found := map[string]measure{}
	if answer.Component != nil {
		for _, m := range answer.Component.Measures {
			found[m.Metric] = m
		}
	}
	return found, nil
}

// snapshot is a project at its last analysis, nil = there is nothing to see.
type snapshot struct {
	analysisDate string
	measures     map[string]measure
}

// snapshot reads a project. known are the server's metrics.
func (i *instance) snapshot(ctx context.Context, p project, known map[string]metric) (*snapshot, error) {
	shown, err := i.show(ctx, p)
	if err != nil || shown == nil {
		return nil, err
	}
	keys := slices.DeleteFunc(askedMetrics(), func(key string) bool { return known[key].Key == "" })
	if len(keys) == 0 {
		return &snapshot{analysisDate: shown.AnalysisDate}, nil
	}
	found, err := i.measures(ctx, p, keys)
	if err != nil {
		return nil, err
	}
	return &snapshot{analysisDate: shown.AnalysisDate, measures: inStandardTerms(found, i.mode)}, nil
}

// gate is the verdict on the last analysis.
type gate struct {
	Status     string      `json:"status"` // OK, ERROR, WARN or NONE
	Conditions []condition `json:"conditions"`
}

type condition struct {
	Status         string `json:"status"`
	MetricKey      string `json:"metricKey"`
	Comparator     string `json:"comparator"` // LT or GT: when it fails
	ErrorThreshold text   `json:"errorThreshold"`
	ActualValue    text   `json:"actualValue"`
}

func (i *instance) gate(ctx context.Context, p project) (gate, error) {
	var answer struct {
		ProjectStatus *gate `json:"projectStatus"`
	}
	if err := i.get(ctx, "api/qualitygates/project_status", p.query("projectKey"), &answer); err != nil {
		return gate{}, err
	}
	if answer.ProjectStatus == nil {
		return gate{}, i.unavailable("tells no quality gate of project %s", p.key)
	}
	return *answer.ProjectStatus, nil
}

// point is a value of the past.
type point struct {
	at    time.Time
	value float64
}

// history reads what metrics were at the analyses between from and to, oldest first.
func (i *instance) history(ctx context.Context, p project, key string, from, to time.Time) ([]point, error) {
	query := p.query("component")
	maps.Copy(query, url.Values{"metrics": {key}, "ps": {"1000"}, "from": {from.UTC().Format("2006-01-02T15:04:05-0700")}, "to": {to.UTC().Format("2006-01-02T15:04:05-0700")}})
	var points []point
	read := 0
	for page := 1; page <= maxPages; page++ {
		query.Set("p", strconv.Itoa(page))
		var answer historyPage
		if err := i.get(ctx, "api/measures/search_history", query, &answer); err != nil {
			return nil, err
		}
		entries := answer.of(key)
		read += len(entries)
		points = append(points, pointsOf(entries)...)
		if len(entries) == 0 || read >= answer.Paging.Total {
			break
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	return points, nil
}

type historyPage struct {
	Paging struct {
		Total int `json:"total"`
	} `json:"paging"`
	Measures []struct {
		Metric  string         `json:"metric"`
		History []historyEntry `json:"history"`
	} `json:"measures"`
}

type historyEntry struct {
	Date  string `json:"date"`
	Value text   `json:"value"`
}

func (p historyPage) of(key string) []historyEntry {
	for _, m := range p.Measures {
		if m.Metric == key {
			return m.History
		}
	}
	return nil
}

// pointsOf leaves out analyses that did not measure the metric.
func pointsOf(entries []historyEntry) []point {
	var points []point
	for _, e := range entries {
		at, dated := parseTime(e.Date)
		if value, measured := e.Value.number(); dated && measured {
			points = append(points, point{at, value})
		}
	}
	return points
}

// query names the project by the parameter that the endpoint wants.
func (p project) query(parameter string) url.Values {
	query := url.Values{parameter: {p.key}}
	if p.branch != "" {
		query.Set("branch", p.branch)
	}
	return query
}

// aboutMetrics reports whether a 404 is about metrics that the server no longer knows, not about the project.
func aboutMetrics(err error) bool {
	return apierror.Has(err, apierror.NotFound) && strings.Contains(err.Error(), "metric keys are not found")
}
