package fake

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span reads the range of time and the interval of a request.
func (s *Server) span(r *http.Request) (start, end time.Time, step time.Duration, ok bool) {
	end = s.options.Now().UTC()
	step = length(r.FormValue("interval"))
	switch {
	case r.FormValue("start") != "":
		var wrong [2]error
		start, wrong[0] = time.Parse(time.RFC3339, r.FormValue("start"))
		end, wrong[1] = time.Parse(time.RFC3339, r.FormValue("end"))
		ok = wrong[0] == nil && wrong[1] == nil
	case r.FormValue("statsPeriodStart") != "":
		start, end = end.Add(-length(r.FormValue("statsPeriodStart"))), end.Add(-length(r.FormValue("statsPeriodEnd")))
		ok = start.Before(end)
	default:
		start = end.Add(-length(r.FormValue("statsPeriod")))
		ok = start.Before(end)
	}
	return start, end, step, ok && step > 0 && end.Sub(start)/step <= 10_000
}

// length reads "5m", "24h" and "14d"; 0 = it is none.
func length(text string) time.Duration {
	unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[text[max(0, len(text)-1):]]
	n, err := strconv.Atoi(strings.TrimRight(text, "mhd"))
	if err != nil {
		return 0
	}
	return time.Duration(n) * unit
}

func (s *Server) eventsStats(w http.ResponseWriter, r *http.Request) {
	start, end, step, ok := s.span(r)
	p := s.state.byID(r.FormValue("project"))
	if !ok || p == nil {
		refuse(w, http.StatusBadRequest, "Invalid statsPeriod, interval or project")
		return
	}
	perDay := 0
	for _, i := range p.Issues {
		perDay += i.Count
	}
	data := [][2]any{}
	for at := start.Truncate(step); at.Before(end); at = at.Add(step) {
		data = append(data, [2]any{at.Unix(), []map[string]int{{"count": until(perDay, at.Add(step)) - until(perDay, at)}}})
	}
	answer(w, http.StatusOK, map[string]any{"data": data, "start": start.Unix(), "end": end.Unix()})
}

// until counts the events up to a time: a tide through the day, high at 18 h and low at 6 h. Its differences are whole
// numbers for each interval, and add up to perDay.
func until(perDay int, at time.Time) int {
	days := float64(at.Unix()) / (24 * time.Hour).Seconds()
	return int(float64(perDay) * (days + math.Sin(2*math.Pi*(days-0.75))*0.9/(2*math.Pi)))
}

func (s *Server) sessions(w http.ResponseWriter, r *http.Request) {
	start, end, _, ok := s.span(r)
	p, field := s.state.byID(r.FormValue("project")), r.FormValue("field")
	if !ok || p == nil || field != "crash_free_rate(session)" {
		refuse(w, http.StatusBadRequest, "Invalid statsPeriod, interval, field or project")
		return
	}
	groups := []map[string]any{}
	if p.CrashFree != nil {
		rate := *p.CrashFree
		if s.options.Now().Sub(end) > time.Minute {
			rate -= 0.001 // it was a little worse before
		}
		groups = append(groups, map[string]any{"by": map[string]any{}, "totals": map[string]float64{field: rate}, "series": map[string]any{field: []any{}}})
	}
	answer(w, http.StatusOK, map[string]any{"start": start, "end": end, "query": "", "intervals": []any{}, "groups": groups})
}

func (s *Server) listReleases(w http.ResponseWriter, r *http.Request) {
	list := []map[string]any{}
	p := s.state.byID(r.FormValue("project"))
	for _, release := range s.state.releases {
		if r.FormValue("project") == "" || p != nil && slices.Contains(release.Projects, p.Slug) {
			list = append(list, release.document())
		}
	}
	answer(w, http.StatusOK, page(w, r, list, "per_page", 100))
}

func (r *Release) document() map[string]any {
	_, short, found := strings.Cut(r.Version, "@")
	if !found {
		short = r.Version
	}
	o := map[string]any{
		"version": r.Version, "shortVersion": short, "url": nil, "dateCreated": r.CreatedAt, "dateReleased": r.Released,
		"newGroups": len(r.Version) % 4, "commitCount": 3, "deployCount": 1,
	}
	if r.URL != "" {
		o["url"] = r.URL
	}
	return o
}

// createRelease takes a version that is there already for the same one, and says so with 208.
func (s *Server) createRelease(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Version, URL string
		Projects     []string
		DateReleased *time.Time
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Version == "" || len(in.Projects) == 0 {
		answer(w, http.StatusBadRequest, map[string][]string{"version": {"This field is required."}})
		return
	}
	for _, slug := range in.Projects {
		if s.state.project(slug) == nil {
			answer(w, http.StatusBadRequest, map[string][]string{"projects": {"Invalid project slugs"}})
			return
		}
	}
	for _, known := range s.state.releases {
		if known.Version == in.Version {
			answer(w, http.StatusAlreadyReported, known.document())
			return
		}
	}
	made := &Release{Version: in.Version, Projects: in.Projects, URL: in.URL, CreatedAt: s.options.Now(), Released: in.DateReleased}
	s.state.releases = slices.Insert(s.state.releases, 0, made)
	answer(w, http.StatusCreated, made.document())
}
