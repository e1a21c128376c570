// Package opencostfake is an OpenCost for tests and demonstrations: the workloads of the ferry line's cluster, with costs that
// are the same for the same day, and quieter on weekends. It answers /allocation/compute as OpenCost does, efficiencies that
// are NaN included, and fails on demand.
package opencostfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is safe for concurrent use.
type Server struct {
	now func() time.Time

	mu     sync.Mutex
	keeps  int // days that it knows
	status int
	body   string
	shift  time.Duration
	asked  []string
}

// New makes a server that knows the last fifteen days.
func New(now func() time.Time) *Server { return &Server{now: now, keeps: 15} }

// Fail has all requests be answered with a status and a body; 0 ends that.
func (s *Server) Fail(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

// Skew has answers be about another time than was asked for, as with a wrong clock.
func (s *Server) Skew(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift = by
}

// Windows are those that were asked for so far.
func (s *Server) Windows() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	status, body, shift := s.status, s.body, s.shift
	s.asked = append(s.asked, r.URL.Query().Get("window"))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case status != 0:
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	case strings.HasSuffix(r.URL.Path, "/healthz"):
		w.WriteHeader(http.StatusOK)
	case strings.HasSuffix(r.URL.Path, "/allocation/compute"):
		s.compute(w, r, shift)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) compute(w http.ResponseWriter, r *http.Request, shift time.Duration) {
	q := r.URL.Query()
	from, to, err := s.window(q.Get("window"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": http.StatusBadRequest, "message": "Invalid 'window' parameter: " + err.Error()})
		return
	}
	by := strings.Split(q.Get("aggregate"), ",")
	var steps []map[string]*allocation
	for at := from; at.Before(to); at = at.AddDate(0, 0, 1) {
		steps = append(steps, s.day(at, by, q.Get("includeIdle") == "true", shift))
	}
	if q.Get("accumulate") == "true" || q.Get("step") == "" {
		steps = []map[string]*allocation{accumulated(steps)}
	}
	_, _ = w.Write([]byte(`{"code":200,"data":[`))
	for i, step := range steps {
		if i > 0 {
			_, _ = w.Write([]byte{','})
		}
		_, _ = w.Write(encode(step))
	}
	_, _ = w.Write([]byte("]}"))
}

// window reads OpenCost's words and pairs.
func (s *Server) window(text string) (from, to time.Time, err error) {
	now := s.now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	tomorrow, month := today.AddDate(0, 0, 1), today.AddDate(0, 0, 1-today.Day())
	week := today.AddDate(0, 0, -int(today.Weekday()))
	switch text {
	case "today":
		return today, tomorrow, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), today, nil
	case "week":
		return week, tomorrow, nil
	case "lastweek":
		return week.AddDate(0, 0, -7), week, nil
	case "month":
		return month, tomorrow, nil
	case "lastmonth":
		return month.AddDate(0, -1, 0), month, nil
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.Atoi(days)
		return tomorrow.AddDate(0, 0, -n), tomorrow, err
	}
	first, last, _ := strings.Cut(text, ",")
	if from, err = instant(first); err == nil {
		to, err = instant(last)
	}
	return from, to, err
}

func instant(text string) (time.Time, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	return time.Parse(time.RFC3339, text)
}

// day is the allocations of a day; none of days that it does not know.
func (s *Server) day(at time.Time, by []string, idle bool, shift time.Duration) map[string]*allocation {
	set := map[string]*allocation{}
	age := s.now().Sub(at)
	s.mu.Lock()
	keeps := s.keeps
	s.mu.Unlock()
	if age < 0 || age > time.Duration(keeps+1)*24*time.Hour {
		return set
	}
	end := at.AddDate(0, 0, 1)
	for i := range workloads {
		a := workloads[i].on(at, i)
		a.Name = nameOf(a.Properties, by)
		a.Start, a.End = at.Add(shift), end.Add(shift)
		set[a.Name] = set[a.Name].plus(a)
	}
	if idle {
		a := &allocation{Properties: properties{Cluster: cluster}, Name: cluster + "/__idle__", Start: at.Add(shift), End: end.Add(shift), CPUCost: 11.25, RAMCost: 4.5}
		if len(by) == 1 && by[0] != "cluster" {
			a.Name = "__idle__"
		}
		set[a.Name] = a.total()
	}
	return set
}

func nameOf(p properties, by []string) string {
	var names []string
	for _, one := range by {
		value := map[string]string{"cluster": p.Cluster, "namespace": p.Namespace, "controllerKind": p.ControllerKind, "controller": p.Controller, "service": p.Controller}[one]
		if key, labelled := strings.CutPrefix(one, "label:"); labelled {
			value = p.Labels[key]
		}
		if value == "" {
			value = "__unallocated__"
		}
		names = append(names, value)
	}
	return strings.Join(names, "/")
}

func accumulated(steps []map[string]*allocation) map[string]*allocation {
	all := map[string]*allocation{}
	for _, step := range steps {
		for name, a := range step {
			all[name] = all[name].plus(a)
		}
	}
	return all
}

// encode writes a step as OpenCost once did, with NaN where nothing was requested.
func encode(step map[string]*allocation) []byte {
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(step)) {
		if i > 0 {
			b = append(b, ',')
		}
		text, err := json.Marshal(step[name])
		if err != nil {
			panic(err) // numbers and texts
		}
		b = fmt.Appendf(b, "%q:%s", name, text[:len(text)-1])
		if strings.Contains(name, "__idle__") {
			b = append(b, `,"cpuEfficiency":NaN,"totalEfficiency":+Inf}`...)
		} else {
			b = append(b, `,"cpuEfficiency":0.62,"totalEfficiency":0.55}`...)
		}
	}
	return append(b, '}')
}
