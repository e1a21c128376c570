package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// issueQuery selects issues of a project.
type issueQuery struct {
	// statsPeriod is "24h", "14d" or "" = without series of events.
	statsPeriod string
	// query is in Sentry's language of searches. Absent, it means unresolved issues; empty, all of them.
	query        string
	queried      bool
	environments []string
	// limit is the most issues to answer, 0 = as many as the settings allow.
	limit int
}

func (q issueQuery) check() error {
	if q.statsPeriod != "" && q.statsPeriod != "24h" && q.statsPeriod != "14d" {
		return apierror.Inputf("statsPeriod: %.50q is none of 24h, 14d and an empty one", q.statsPeriod)
	}
	if len(q.query) > 2000 || len(q.environments) > 20 {
		return apierror.Inputf("query: at most 2000 bytes and 20 environments can be asked for")
	}
	return nil
}

// issues are the issues of a project as Sentry's API has them, made whole, and what widgets need of them.
type issues struct {
	document json.RawMessage // an array
	rows     []issue
	// more: there are more issues than were read.
	more bool
}

// issue is what widgets show of an issue.
type issue struct {
	title, permalink    string
	events, users       float64
	firstSeen, lastSeen time.Time
}

const pageSize = 100

// issues reads the issues of a project.
func (p project) issues(ctx context.Context, q issueQuery, most int) (reading[issues], error) {
	if err := q.check(); err != nil {
		return reading[issues]{}, err
	}
	if q.limit > 0 {
		most = min(most, q.limit)
	}
	key := fmt.Sprintf("%s\x00issues\x00%d\x00%+v", p, most, q)
	return read(ctx, p.tenant.answers, key, func(ctx context.Context) (issues, int, error) { return p.loadIssues(ctx, q, most) })
}

func (p project) loadIssues(ctx context.Context, q issueQuery, most int) (issues, int, error) {
	c, err := p.issueCall(ctx, q)
	if err != nil {
		return issues{}, 0, err
	}
	all := []map[string]any{} // an empty array is written as one
	var found issues
	for cursor := "first"; cursor != "" && len(all) < most; {
		c.query.Set("limit", strconv.Itoa(min(pageSize, most-len(all))))
		var page pageOfObjects
		a, err := p.tenant.get(ctx, c, &page)
		if err != nil {
			return issues{}, 0, err
		}
		all = append(all, page...)
		if cursor = next(a.header); cursor != "" && len(page) == 0 {
			break // a server that never comes to an end
		}
		c.query.Set("cursor", cursor)
		found.more = cursor != ""
	}
	found.more = found.more || len(all) > most
	all = all[:min(len(all), most)]
	found.rows = make([]issue, len(all))
	for i, o := range all {
		found.rows[i] = normalise(o, q.statsPeriod)
	}
	if found.document, err = json.Marshal(all); err != nil {
		return issues{}, 0, err
	}
	return found, 2 * len(found.document), nil
}

// issueCall is the first page. The API of the organization calls the period of the series groupStatsPeriod; statsPeriod
// is there the window that is searched, which stays Sentry's own.
func (p project) issueCall(ctx context.Context, q issueQuery) (call, error) {
	c := call{query: url.Values{}, scope: "event:read"}
	if q.queried {
		c.query.Set("query", q.query)
	}
	for _, e := range q.environments {
		c.query.Add("environment", e)
	}
	if p.tenant.Endpoint == "project" {
		c.path = []string{"projects", p.tenant.Slug, p.slug, "issues"}
		c.query.Set("statsPeriod", q.statsPeriod)
		return c, nil
	}
	id, err := p.id(ctx)
	if err != nil {
		return c, err
	}
	c.path = []string{"organizations", p.tenant.Slug, "issues"}
	c.query.Set("project", id)
	c.query.Set("groupStatsPeriod", q.statsPeriod)
	return c, nil
}

// id is the number of a project, which most APIs of the organization want.
func (p project) id(ctx context.Context) (string, error) {
	key := p.String() + "\x00project"
	r, err := read(ctx, p.tenant.answers, key, func(ctx context.Context) (string, int, error) {
		var found struct {
			ID json.Number `json:"id"`
		}
		c := call{path: []string{"projects", p.tenant.Slug, p.slug}, scope: "project:read"}
		a, err := p.tenant.get(ctx, c, &found)
		if err == nil && found.ID == "" {
			err = p.tenant.unavailable("answers GET %s without the id of the project", strings.Join(c.path, "/"))
		}
		return found.ID.String(), len(a.body), err
	})
	return r.value, err
}

// pageOfObjects is an array of objects whose numbers keep their digits.
type pageOfObjects []map[string]any

// UnmarshalJSON implements [json.Unmarshaler].
func (p *pageOfObjects) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var page []map[string]any
	if err := dec.Decode(&page); err != nil {
		return err
	}
	*p = slices.DeleteFunc(page, func(o map[string]any) bool { return o == nil })
	return nil
}
