package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func (q *plugin) routes(p *sdk.Plugin) {
	p.HandleFunc("GET /entities/{kind}/{namespace}/{name}/summary", answering(q.summary))
	p.HandleFunc("GET /findings", answering(q.findings))
	p.HandleFunc("GET /instanceUrl", answering(q.instanceURL))
	p.HandleFunc("GET /health", answering(q.report))
	p.HandleFunc("POST /webhook/{instance}", q.webhook, sdk.Unauthenticated)
}

// answering makes a handler of what answers a value or an error.
func answering(answer func(http.Header, *http.Request) (any, error)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := answer(w.Header(), r)
		if r.Context().Err() != nil {
			return // the caller has gone: nobody is left to be told
		}
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		sdk.WriteJSON(w, http.StatusOK, value)
	}
}

// findings are what the frontend reads of a project. It skips members that it does not know.
type findings struct {
	AnalysisDate string    `json:"analysisDate,omitempty"`
	Measures     []measure `json:"measures"`
	Stale        *stale    `json:"stale,omitempty"`
}

// stale tells that SonarQube could not be asked, and of when the findings are.
type stale struct {
	AsOf   time.Time `json:"asOf"`
	Reason string    `json:"reason"`
}

type summary struct {
	Findings     *findings `json:"findings"`
	InstanceURL  string    `json:"instanceUrl"`
	ComponentKey string    `json:"componentKey"`
}

// summary answers the findings of the project that an entity names, to who may read the entity.
func (q *plugin) summary(h http.Header, r *http.Request) (any, error) {
	kind, namespace, name := r.PathValue("kind"), r.PathValue("namespace"), r.PathValue("name")
	e, err := q.entity(r.Context(), sdk.Principal(r.Context()), kind, namespace, name)
	if err != nil {
		return nil, err
	}
	p, err := annotatedProject(e, kind+":"+namespace+"/"+name)
	if err != nil {
		return nil, err
	}
	if err := p.onBranch(r.URL.Query().Get("branch")); err != nil {
		return nil, err
	}
	i, err := q.engine.Load().instance(p.instance)
	if err != nil {
		return nil, err
	}
	found, err := q.found(h, r, p)
	if err != nil {
		return nil, err
	}
	return summary{found, i.external, p.key}, nil
}

// found reads findings and says in the header how old they are.
func (q *plugin) found(h http.Header, r *http.Request, p project) (*findings, error) {
	read, err := q.engine.Load().snapshot(r.Context(), p)
	if err != nil || read.value == nil {
		return nil, err
	}
	h.Set("Age", strconv.Itoa(int(q.now().Sub(read.at)/time.Second)))
	out := &findings{AnalysisDate: read.value.analysisDate, Measures: read.value.list()}
	if read.stale != nil {
		out.Stale = &stale{read.at.UTC(), message(read.stale)}
	}
	return out, nil
}

// findings is the route of frontends before 1.0. It names a project instead of an entity, so that the caller must be able
// to read an entity with that project: else everybody could read every project that the token can.
func (q *plugin) findings(h http.Header, r *http.Request) (any, error) {
	h.Set("Deprecation", "true")
	query := r.URL.Query()
	keys := query["componentKey"]
	if len(keys) != 1 || keys[0] == "" {
		return nil, apierror.Inputf("ComponentKey must be provided as a single string.")
	}
	p := project{instance: orDefault(query.Get("instanceKey")), key: keys[0]}
	if err := p.onBranch(query.Get("branch")); err != nil {
		return nil, err
	}
	if _, err := q.engine.Load().instance(p.instance); err != nil {
		return nil, err
	}
	switch allowed, err := q.mayRead(r.Context(), sdk.Principal(r.Context()), p); {
	case err != nil:
		return nil, err
	case !allowed:
		return nil, apierror.NotFoundf("No entity that you may read has the annotation %s with project %s", projectAnnotation, p.key)
	}
	found, err := q.found(h, r, p)
	if found == nil {
		return nil, err // null, as the reference answers
	}
	return found, err
}

func (q *plugin) instanceURL(h http.Header, r *http.Request) (any, error) {
	h.Set("Deprecation", "true")
	i, err := q.engine.Load().instance(orDefault(r.URL.Query().Get("instanceKey")))
	if err != nil {
		return nil, err
	}
	return map[string]string{"instanceUrl": i.external}, nil
}
