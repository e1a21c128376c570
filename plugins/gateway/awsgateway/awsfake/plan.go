package awsfake

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// state is what the control plane knows; the gateway sees copies of it.
type state struct {
	keys  map[string]apiKey
	plans map[string]plan
	apis  map[string]restAPI
}

func (s state) clone() state {
	return state{maps.Clone(s.keys), maps.Clone(s.plans), maps.Clone(s.apis)}
}

type restAPI struct {
	Name, KeySource string
	Stages          []string
}

type stage struct{ API, Stage string }

type plan struct {
	Name, Description string
	Stages            []stage
	Rate              float64
	Limit             int64  // of requests in a Period; 0 = none
	Period            string // DAY, WEEK or MONTH
	Keys              []string
}

// Ids of the sample.
const (
	Orders = "a1b2c3d4e5"
	Stock  = "f6g7h8i9j0"
	Basic  = "basic1"
	Gold   = "gold01"
	Open   = "open01"
)

func sample() state {
	return state{
		keys: map[string]apiKey{},
		apis: map[string]restAPI{
			Orders: {Name: "orders", KeySource: "HEADER", Stages: []string{"prod", "test"}},
			Stock:  {Name: "stock", KeySource: "AUTHORIZER", Stages: []string{"prod"}},
		},
		plans: map[string]plan{
			Basic: {Name: "Basic", Description: "1000 requests a month", Stages: []stage{{Orders, "prod"}}, Rate: 0.5, Limit: 1000, Period: "MONTH"},
			Gold:  {Name: "Gold", Stages: []stage{{Orders, "prod"}, {Stock, "prod"}}, Rate: 100, Limit: 100000, Period: "DAY"},
			Open:  {Name: "Open", Stages: []stage{{Orders, "test"}}},
		},
	}
}

func (s *Server) apis(c call) *failure {
	show := func(id string) any {
		a := s.state.apis[id]
		return map[string]any{"id": id, "name": a.Name, "apiKeySource": a.KeySource, "endpointConfiguration": map[string]any{"types": []string{"REGIONAL"}}}
	}
	if len(c.path) == 1 {
		return s.list(c, slices.Collect(maps.Keys(s.state.apis)), show)
	}
	a, there := s.state.apis[c.path[1]]
	showStage := func(name string) any { return map[string]any{"stageName": name, "deploymentId": "d1"} }
	switch {
	case !there:
		return notFound("API")
	case len(c.path) == 2:
		answer(c.w, http.StatusOK, show(c.path[1]))
	case c.path[2] == "stages" && len(c.path) == 3:
		items := []any{}
		for _, name := range a.Stages {
			items = append(items, showStage(name))
		}
		answer(c.w, http.StatusOK, map[string]any{"item": items})
	case c.path[2] == "stages" && slices.Contains(a.Stages, c.path[3]):
		answer(c.w, http.StatusOK, showStage(c.path[3]))
	default:
		return notFound("stage")
	}
	return nil
}

func (s *Server) plans(c call) *failure {
	if len(c.path) == 1 {
		ids := slices.Collect(maps.Keys(s.state.plans))
		if key := c.query.Get("keyId"); key != "" {
			ids = slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(s.state.plans[id].Keys, key) })
		}
		return s.list(c, ids, s.showPlan)
	}
	id := c.path[1]
	p, there := s.state.plans[id]
	switch {
	case !there:
		return notFound("Usage Plan")
	case len(c.path) == 2:
		answer(c.w, http.StatusOK, s.showPlan(id))
		return nil
	case c.path[2] == "keys":
		return s.planKeys(c, id, p)
	case c.path[2] == "usage":
		return s.usage(c, id, p)
	}
	return notFound("Usage Plan")
}

func (s *Server) showPlan(id string) any {
	p := s.state.plans[id]
	stages := []any{}
	for _, one := range p.Stages {
		stages = append(stages, map[string]any{"apiId": one.API, "stage": one.Stage})
	}
	shown := map[string]any{"id": id, "name": p.Name, "description": p.Description, "apiStages": stages}
	if p.Rate > 0 {
		shown["throttle"] = map[string]any{"rateLimit": p.Rate, "burstLimit": 200}
	}
	if p.Limit > 0 {
		shown["quota"] = map[string]any{"limit": p.Limit, "offset": 0, "period": p.Period}
	}
	return shown
}

func (s *Server) planKeys(c call, id string, p plan) *failure {
	if len(c.path) == 3 && c.r.Method == http.MethodPost {
		return s.joinPlan(c, id, p)
	}
	if len(c.path) != 4 || !slices.Contains(p.Keys, c.path[3]) {
		return notFound("Usage Plan Key")
	}
	if c.r.Method == http.MethodDelete {
		p.Keys = slices.DeleteFunc(slices.Clone(p.Keys), func(k string) bool { return k == c.path[3] })
		s.state.plans[id] = p
		c.w.WriteHeader(http.StatusAccepted)
		return nil
	}
	answer(c.w, http.StatusOK, map[string]any{"id": c.path[3], "type": "API_KEY"})
	return nil
}

func (s *Server) joinPlan(c call, id string, p plan) *failure {
	key := c.text("keyId")
	if _, there := s.state.keys[key]; !there {
		return notFound("API Key")
	}
	for other, q := range s.state.plans {
		if !slices.Contains(q.Keys, key) {
			continue
		}
		for _, one := range q.Stages {
			if other == id || slices.Contains(p.Stages, one) {
				return &failure{http.StatusConflict, "ConflictException", "Usage Plan " + id + " cannot be added because API Key " + key + " cannot reference multiple Usage Plans with the same API stage: " + one.API + ":" + one.Stage}
			}
		}
	}
	p.Keys = append(slices.Clone(p.Keys), key)
	s.state.plans[id] = p
	answer(c.w, http.StatusCreated, map[string]any{"id": key, "type": "API_KEY", "name": s.state.keys[key].Name})
	return nil
}

// usageKey is a day of a key in a plan.
type usageKey struct{ plan, key, day string }

func (s *Server) usage(c call, id string, p plan) *failure {
	begin, err := time.Parse(time.DateOnly, c.query.Get("startDate"))
	end, err2 := time.Parse(time.DateOnly, c.query.Get("endDate"))
	if err != nil || err2 != nil || end.Before(begin) || end.Sub(begin) > 366*24*time.Hour {
		return invalid("Invalid date range")
	}
	values := map[string][][]int64{}
	for _, key := range p.Keys {
		if wanted := c.query.Get("keyId"); wanted != "" && wanted != key {
			continue
		}
		var used int64
		for day := begin; !day.After(end); day = day.AddDate(0, 0, 1) {
			n := s.used[usageKey{id, key, day.Format(time.DateOnly)}]
			used += n
			values[key] = append(values[key], []int64{n, max(p.Limit-used, 0)})
		}
	}
	answer(c.w, http.StatusOK, map[string]any{"usagePlanId": id, "startDate": c.query.Get("startDate"), "endDate": c.query.Get("endDate"), "values": values})
	return nil
}
