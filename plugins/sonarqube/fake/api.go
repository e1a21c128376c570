package fake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) validate(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"valid": s.accepts(r)})
}

// metrics answers a page of what it can measure.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	page, size, ok := paging(r, 500)
	if !ok {
		refuse(w, http.StatusBadRequest, "Page size must be between 1 and 500")
		return
	}
	known := s.known()
	size = min(size, s.options.PageSize)
	from := min((page-1)*size, len(known))
	list := []any{}
	for _, m := range known[from:min(from+size, len(known))] {
		list = append(list, map[string]any{"id": m.key, "key": m.key, "name": m.name, "type": m.kind, "hidden": false})
	}
	answer(w, map[string]any{"metrics": list, "total": len(known), "p": page, "ps": size})
}

func (s *Server) known() []metric {
	return slices.DeleteFunc(slices.Clone(metrics), func(m metric) bool {
		quality := strings.HasPrefix(m.key, "software_quality_")
		return quality && s.options.Metrics == Standard || m.replaced && s.options.Metrics == MQR
	})
}

func paging(r *http.Request, most int) (page, size int, ok bool) {
	page, size = 1, 100
	query := r.URL.Query()
	if v := query.Get("p"); v != "" {
		page, _ = strconv.Atoi(v)
	}
	if v := query.Get("ps"); v != "" {
		size, _ = strconv.Atoi(v)
	}
	return page, size, page >= 1 && size >= 1 && size <= most
}

func (s *Server) show(w http.ResponseWriter, _ *http.Request, p Project) {
	component := map[string]any{"key": p.Key, "name": p.Name, "qualifier": "TRK", "visibility": "private"}
	if n := len(p.Analyses); n > 0 {
		component["analysisDate"] = stamp(p.Analyses[n-1].At)
		component["version"] = p.Analyses[n-1].Version
	}
	answer(w, map[string]any{"component": component, "ancestors": []any{}})
}

func (s *Server) measures(w http.ResponseWriter, r *http.Request, p Project) {
	keys, ok := s.asked(w, r, "metricKeys")
	if !ok {
		return
	}
	list := []any{}
	if n := len(p.Analyses); n > 0 {
		for _, key := range keys {
			if v, measured := p.Analyses[n-1].value(key); measured {
				list = append(list, v.measure())
			}
		}
	}
	answer(w, map[string]any{"component": map[string]any{"key": p.Key, "name": p.Name, "qualifier": "TRK", "measures": list}})
}

// asked are the metrics of a request; unknown ones fail all of it.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, parameter string) ([]string, bool) {
	value := r.URL.Query().Get(parameter)
	if value == "" {
		refuse(w, http.StatusBadRequest, "The '"+parameter+"' parameter is missing")
		return nil, false
	}
	keys := strings.Split(value, ",")
	known := s.known()
	var strange []string
	for _, key := range keys {
		if !slices.ContainsFunc(known, func(m metric) bool { return m.key == key }) {
			strange = append(strange, key)
		}
	}
	if strange != nil {
		refuse(w, http.StatusNotFound, "The following metric keys are not found: "+strings.Join(strange, ", "))
		return nil, false
	}
	return keys, true
}

func (s *Server) history(w http.ResponseWriter, r *http.Request, p Project) {
	keys, ok := s.asked(w, r, "metrics")
	if !ok {
		return
	}
	page, size, ok := paging(r, 1000)
	from, fromOK := bound(r.URL.Query().Get("from"))
	to, toOK := bound(r.URL.Query().Get("to"))
	if !ok || !fromOK || !toOK {
		refuse(w, http.StatusBadRequest, "A parameter of the page or of the range cannot be read")
		return
	}
	within := slices.DeleteFunc(p.Analyses, func(a Analysis) bool {
		return !from.IsZero() && a.At.Before(from) || !to.IsZero() && a.At.After(to)
	})
	size = min(size, s.options.PageSize)
	first := min((page-1)*size, len(within))
	list := []any{}
	for _, key := range keys {
		list = append(list, map[string]any{"metric": key, "history": past(within[first:min(first+size, len(within))], key)})
	}
	answer(w, map[string]any{"paging": map[string]any{"pageIndex": page, "pageSize": size, "total": len(within)}, "measures": list})
}

// past has an entry for each analysis, without a value where the metric was not measured.
func past(analyses []Analysis, key string) []any {
	entries := []any{}
	for _, a := range analyses {
		entry := map[string]any{"date": stamp(a.At)}
		if v, measured := a.value(key); measured {
			entry["value"] = v.text
		}
		entries = append(entries, entry)
	}
	return entries
}

func bound(value string) (time.Time, bool) {
	if value == "" {
		return time.Time{}, true
	}
	t, err := time.Parse("2006-01-02T15:04:05-0700", value)
	if err != nil {
		t, err = time.Parse(time.DateOnly, value)
	}
	return t, err == nil
}

func (s *Server) gate(w http.ResponseWriter, _ *http.Request, p Project) {
	status, conditions := "NONE", []any{}
	if n := len(p.Analyses); n > 0 {
		status = "OK"
		for _, c := range p.Gate {
			judged, failed := c.judge(p.Analyses[n-1])
			conditions = append(conditions, judged)
			if failed {
				status = "ERROR"
			}
		}
	}
	answer(w, map[string]any{"projectStatus": map[string]any{"status": status, "conditions": conditions, "ignoredConditions": false, "caycStatus": "compliant"}})
}
