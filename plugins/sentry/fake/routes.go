package fake

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) routes() {
	s.handle("GET /api/0/organizations/{organization}/", "org:read", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": "1", "slug": s.options.Organization, "name": s.options.Organization})
	})
	s.handle("GET /api/0/organizations/{organization}/issues/", "event:read", s.organizationIssues)
	s.handle("GET /api/0/organizations/{organization}/events-stats/", "org:read", s.eventsStats)
	s.handle("GET /api/0/organizations/{organization}/sessions/", "org:read", s.sessions)
	s.handle("GET /api/0/organizations/{organization}/releases/", "project:read", s.listReleases)
	s.handle("POST /api/0/organizations/{organization}/releases/", "project:releases", s.createRelease)
	s.handle("GET /api/0/projects/{organization}/{project}/", "project:read", s.ofProject(func(w http.ResponseWriter, _ *http.Request, p *Project) {
		answer(w, http.StatusOK, p.document())
	}))
	s.handle("GET /api/0/projects/{organization}/{project}/issues/", "event:read", s.ofProject(s.projectIssues))
	s.handle("GET /api/0/projects/{organization}/{project}/keys/", "project:read", s.ofProject(s.keys))
	s.handle("POST /api/0/teams/{organization}/{team}/projects/", "project:write", s.createProject)
}

func (s *Server) ofProject(serve func(http.ResponseWriter, *http.Request, *Project)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if p := s.state.project(r.PathValue("project")); p != nil {
			serve(w, r, p)
			return
		}
		refuse(w, http.StatusNotFound, "The requested resource does not exist")
	}
}

func (p *Project) document() map[string]any {
	return map[string]any{"id": p.ID, "slug": p.Slug, "name": p.Name, "platform": p.Platform, "status": "active"}
}

func (s *Server) projectIssues(w http.ResponseWriter, r *http.Request, p *Project) {
	s.issues(w, r, []*Project{p}, "statsPeriod", 100)
}

// organizationIssues answers nothing for projects that do not exist, as the original does.
func (s *Server) organizationIssues(w http.ResponseWriter, r *http.Request) {
	var of []*Project
	for _, id := range r.URL.Query()["project"] {
		if p := s.state.byID(id); p != nil {
			of = append(of, p)
		}
	}
	s.issues(w, r, of, "groupStatsPeriod", 25)
}

func (s *Server) issues(w http.ResponseWriter, r *http.Request, of []*Project, periodParam string, size int) {
	period := "24h"
	if r.URL.Query().Has(periodParam) {
		period = r.FormValue(periodParam)
	}
	if !slices.Contains([]string{"", "24h", "14d"}, period) {
		refuse(w, http.StatusBadRequest, "Invalid stats_period. Valid choices are '', '24h', and '14d'")
		return
	}
	query := "is:unresolved"
	if r.URL.Query().Has("query") {
		query = r.FormValue("query")
	}
	fits, err := search(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, "Error parsing search query: "+err.Error())
		return
	}
	list := []map[string]any{}
	for _, p := range of {
		for _, i := range p.Issues {
			if fits(i) {
				list = append(list, i.document(p, period, s.options.Now()))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(b["lastSeen"]), fmt.Sprint(a["lastSeen"]))
	})
	answer(w, http.StatusOK, page(w, r, list, "limit", size))
}

// search understands is:, level: and words of the title.
func search(query string) (func(*Issue) bool, error) {
	var terms []func(*Issue) bool
	for term := range strings.FieldsSeq(query) {
		key, value, keyed := strings.Cut(term, ":")
		switch {
		case strings.Count(term, `"`)%2 != 0:
			return nil, fmt.Errorf("unbalanced quote near %q", term)
		case keyed && key == "is":
			terms = append(terms, func(i *Issue) bool { return i.Status == value })
		case keyed && key == "level":
			terms = append(terms, func(i *Issue) bool { return i.Level == value })
		case keyed:
			return nil, fmt.Errorf("the fake does not know the key %s", key)
		default:
			terms = append(terms, func(i *Issue) bool { return strings.Contains(strings.ToLower(i.Title), strings.ToLower(term)) })
		}
	}
	return func(i *Issue) bool {
		return !slices.ContainsFunc(terms, func(fits func(*Issue) bool) bool { return !fits(i) })
	}, nil
}

func (i *Issue) document(p *Project, period string, now time.Time) map[string]any {
	o := map[string]any{
		"id": i.ID, "shortId": strings.ToUpper(i.ShortID), "shareId": nil, "title": i.Title, "culprit": i.Culprit, "permalink": i.Permalink,
		"logger": nil, "level": i.Level, "status": i.Status, "statusDetails": map[string]any{}, "substatus": "ongoing", "isPublic": false,
		"platform": p.Platform, "type": "error", "project": p.document(),
		"metadata":    map[string]any{"type": i.Kind, "value": i.Value, "filename": i.File, "function": i.Function},
		"numComments": 0, "assignedTo": nil, "isBookmarked": false, "isSubscribed": false, "subscriptionDetails": nil, "hasSeen": true,
		"annotations": []any{}, "userCount": i.Users, "count": strconv.Itoa(i.Count),
		"firstSeen": i.FirstSeen.UTC().Format(time.RFC3339Nano), "lastSeen": i.LastSeen.UTC().Format(time.RFC3339Nano),
	}
	if period != "" {
		o["stats"] = map[string]any{period: series(i, period, now)}
	}
	return o
}

// series spreads the count of an issue over the buckets of a period, in waves whose phase is its own; the sum is the count.
func series(i *Issue, period string, now time.Time) [][2]int64 {
	step, buckets := time.Hour, 24
	if period == "14d" {
		step, buckets = 24*time.Hour, 14
	}
	phase := float64(len(i.Title) + i.Count)
	until := func(bucket int) int64 { // events before a bucket, which never fall
		share := float64(bucket) / float64(buckets)
		share += (math.Sin(4*math.Pi*share+phase) - math.Sin(phase)) / (4 * math.Pi)
		return int64(math.Round(float64(i.Count) * share))
	}
	start := now.Truncate(step).Add(-time.Duration(buckets-1) * step)
	list := make([][2]int64, buckets)
	for b := range list {
		list[b] = [2]int64{start.Add(time.Duration(b) * step).Unix(), until(b+1) - until(b)}
	}
	return list
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request, p *Project) {
	public := "https://" + fmt.Sprintf("%032x", len(p.Slug)*7919) + "@ingest.example.test/" + p.ID
	answer(w, http.StatusOK, []map[string]any{{"id": "k" + p.ID, "name": "Default", "isActive": true, "dsn": map[string]string{"public": public}}})
}

func (s *Server) createProject(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Slug, Platform string }
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case err != nil:
		refuse(w, http.StatusBadRequest, "JSON parse error")
	case !slices.Contains(s.state.teams, r.PathValue("team")):
		refuse(w, http.StatusNotFound, "The requested resource does not exist")
	case in.Name == "":
		answer(w, http.StatusBadRequest, map[string][]string{"name": {"This field is required."}})
	case s.state.project(in.Slug) != nil:
		refuse(w, http.StatusConflict, "A project with this slug already exists.")
	default:
		s.state.nextID++
		p := &Project{ID: strconv.Itoa(s.state.nextID), Slug: in.Slug, Name: in.Name, Platform: in.Platform}
		s.state.projects = append(s.state.projects, p)
		answer(w, http.StatusCreated, p.document())
	}
}
