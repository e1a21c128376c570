package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Series is a counter that is a function of time and never falls. Labels hold its name as __name__.
type Series struct {
	Labels map[string]string
	At     func(time.Time) float64
}

// Server answers queries. It is an [http.Handler], safe for concurrent use.
type Server struct {
	mux    *http.ServeMux
	series []Series
}

// New is a server that knows series.
func New(series ...Series) *Server {
	s := &Server{mux: http.NewServeMux(), series: series}
	s.mux.HandleFunc("/api/v1/query", s.answering(s.query))
	s.mux.HandleFunc("/api/v1/query_range", s.answering(s.queryRange))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// result is a series of an answer.
type result struct {
	Metric map[string]string `json:"metric"`
	Value  *[2]any           `json:"value,omitempty"`
	Values [][2]any          `json:"values,omitempty"`
}

func (s *Server) answering(ask func(expression, *http.Request) (string, []result, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		e, err := parse(r.FormValue("query"))
		kind, found := "", []result(nil)
		if err == nil {
			kind, found, err = ask(e, r)
		}
		answer := map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": found}}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(answer) // to a caller who may have gone
	}
}

func (s *Server) query(e expression, r *http.Request) (string, []result, error) {
	at, err := moment(r, "time")
	if err != nil {
		return "", nil, err
	}
	found := []result{}
	for _, v := range e.at(s.series, at) {
		found = append(found, result{Metric: v.labels, Value: point(at, v.value)})
	}
	return "vector", found, nil
}

// mostPoints is Prometheus' own limit for a range.
const mostPoints = 11_000

func (s *Server) queryRange(e expression, r *http.Request) (string, []result, error) {
	start, err := moment(r, "start")
	end, endErr := moment(r, "end")
	seconds, stepErr := strconv.ParseFloat(r.FormValue("step"), 64)
	switch err = errors.Join(err, endErr, stepErr); {
	case err != nil:
		return "", nil, err
	case !(seconds > 0) || end.Before(start) || end.Sub(start).Seconds()/seconds > mostPoints:
		return "", nil, fmt.Errorf("from start to end there must be at most %d steps", mostPoints)
	}
	found, index := []result{}, map[string]int{}
	for n := 0; ; n++ {
		at := start.Add(time.Duration(float64(n) * seconds * float64(time.Second)))
		if at.After(end) {
			return "matrix", found, nil
		}
		for _, v := range e.at(s.series, at) {
			key := v.key()
			i, known := index[key]
			if !known {
				i = len(found)
				index[key] = i
				found = append(found, result{Metric: v.labels})
			}
			found[i].Values = append(found[i].Values, *point(at, v.value))
		}
	}
}

func point(at time.Time, v float64) *[2]any {
	return &[2]any{float64(at.UnixMilli()) / 1000, strconv.FormatFloat(v, 'f', -1, 64)}
}

// moment reads seconds since 1970, or RFC 3339.
func moment(r *http.Request, parameter string) (time.Time, error) {
	text := r.FormValue(parameter)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e10 {
		return time.UnixMilli(int64(math.Round(seconds * 1000))), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s: %.50q is no time", parameter, text)
	}
	return at, nil
}
