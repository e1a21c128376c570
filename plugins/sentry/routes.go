package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// upstreamIssues is Sentry's own GET /api/0/projects/{organization}/{project}/issues/, as far as a page may ask it.
func (s *plugin) upstreamIssues(w http.ResponseWriter, r *http.Request) {
	d := s.directory.Load()
	p, err := d.find(r.PathValue("organization"), r.PathValue("project"))
	if err == nil {
		p, err = s.readable(r.Context(), d, p)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	found, err := p.issues(r.Context(), issueQueryOf(r), d.settings.MaxIssues)
	if err != nil {
		fail(w, r, err)
		return
	}
	s.tellAge(w, found.at, found.stale)
	w.Header().Set("X-Hits", strconv.Itoa(len(found.value.rows)))
	sdk.WriteJSON(w, http.StatusOK, found.value.document)
}

// issueQueryOf reads what clients send. Absent, statsPeriod means 24h, as at Sentry.
func issueQueryOf(r *http.Request) issueQuery {
	params := lenient(r.URL.RawQuery)
	q := issueQuery{statsPeriod: "24h", queried: params.Has("query"), query: params.Get("query"), environments: params["environment"]}
	if params.Has("statsPeriod") {
		q.statsPeriod = params.Get("statsPeriod")
	}
	if n, err := strconv.Atoi(params.Get("limit")); err == nil && n > 0 {
		q.limit = n
	}
	return q
}

// lenient parses a query of which the community's frontend has escaped nothing: what is no escape stands for itself.
func lenient(raw string) url.Values {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if unescaped, err := url.QueryUnescape(value); err == nil {
			value = unescaped
		} else {
			value = strings.ReplaceAll(value, "+", " ")
		}
		if key != "" {
			values.Add(key, value)
		}
	}
	return values
}

// about is what an answer by entity says beside its data.
type about struct {
	Organization string    `json:"organization"`
	Project      string    `json:"project"`
	AsOf         time.Time `json:"asOf"`
	// Stale is why there is nothing newer.
	Stale string `json:"stale,omitempty"`
	// More: there are more than are answered.
	More bool `json:"more,omitempty"`
}

func (p project) about(at time.Time, stale error) about {
	a := about{Organization: p.tenant.name(), Project: p.slug, AsOf: at.UTC()}
	if stale != nil {
		a.Stale = messageOf(stale)
	}
	return a
}

type listing struct {
	Items any   `json:"items"`
	Meta  about `json:"meta"`
}

// ofEntity finds the entity's project, for a caller who may read the entity.
func (s *plugin) ofEntity(answer func(http.ResponseWriter, *http.Request, project) error) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		e, err := s.entity(r)
		var p project
		if err == nil {
			p, err = s.directory.Load().of(e)
		}
		if err == nil {
			err = answer(w, r, p)
		}
		if err != nil {
			fail(w, r, err)
		}
	}
}

func (s *plugin) entityIssues(w http.ResponseWriter, r *http.Request, p project) error {
	found, err := p.issues(r.Context(), issueQueryOf(r), s.directory.Load().settings.MaxIssues)
	if err != nil {
		return err
	}
	s.tellAge(w, found.at, found.stale)
	meta := p.about(found.at, found.stale)
	meta.More = found.value.more
	sdk.WriteJSON(w, http.StatusOK, listing{found.value.document, meta})
	return nil
}

func (s *plugin) entityStats(w http.ResponseWriter, r *http.Request, p project) error {
	period := r.FormValue("period")
	if period == "" {
		period = "24h"
	}
	window, err := windowOf(period)
	if err != nil {
		return err
	}
	found, err := p.events(r.Context(), window, 0)
	if err != nil {
		return err
	}
	s.tellAge(w, found.at, found.stale)
	answer := stats{listing: listing{found.value, p.about(found.at, found.stale)}}
	if answer.CrashFree, answer.CrashFreeBefore, err = p.crashFree(r.Context(), window); err != nil {
		answer.CrashFreeError = messageOf(err) // the events are worth showing without it
	}
	sdk.WriteJSON(w, http.StatusOK, answer)
	return nil
}

type stats struct {
	listing

	CrashFree       *float64 `json:"crashFreeRate"`
	CrashFreeBefore *float64 `json:"previousCrashFreeRate"`
	// CrashFreeError is why the rate is not known.
	CrashFreeError string `json:"crashFreeError,omitempty"`
}

func (s *plugin) entityReleases(w http.ResponseWriter, r *http.Request, p project) error {
	found, err := p.releases(r.Context())
	if err != nil {
		return err
	}
	s.tellAge(w, found.at, found.stale)
	sdk.WriteJSON(w, http.StatusOK, listing{found.value, p.about(found.at, found.stale)})
	return nil
}

// tellAge says how old an answer is, in HTTP's words.
func (s *plugin) tellAge(w http.ResponseWriter, at time.Time, stale error) {
	w.Header().Set("Age", strconv.Itoa(int(max(0, s.now().Sub(at)).Seconds())))
	if stale != nil {
		w.Header().Set("Warning", `110 - "Response is Stale"`)
	}
}

// fail answers with the cause: the community's frontend shows it nowhere but in this message.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if named, ok := errors.AsType[*apierror.Error](err); ok && named.Fields[retryAfter] != nil {
		w.Header().Set("Retry-After", fmt.Sprint(named.Fields[retryAfter]))
	}
	sdk.WriteError(w, r, err)
}
