package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/plugins/gateway/kong/manager"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// routes are described in openapi.yaml.
func (g *plugin) routes(p *sdk.Plugin) {
	for pattern, answer := range map[string]func(*call) (any, error){
		"GET /v1/health": g.report,

		"GET /v1/gateways":                                 g.listGateways,
		"GET /v1/gateways/{gateway}/drift":                 g.drift,
		"POST /v1/gateways/{gateway}/drift/{id}/repair":    g.repair,
		"GET /v1/apis":                                     g.listAPIs,
		"GET /v1/plans":                                    g.listPlans,
		"GET /v1/entities/{kind}/{namespace}/{name}/apis":  g.entityAPIs,
		"GET /v1/entities/{kind}/{namespace}/{name}/usage": g.entityUsage,

		"GET /v1/apps":          g.listApps,
		"POST /v1/apps":         g.createApp,
		"GET /v1/apps/{app}":    g.getApp,
		"PUT /v1/apps/{app}":    g.changeApp,
		"DELETE /v1/apps/{app}": g.deleteApp,
		"DELETE /v1/apps/{app}/access/{gateway}/{api...}": g.withdraw,
		"GET /v1/apps/{app}/trail":                        g.trail,
		"GET /v1/apps/{app}/usage":                        g.appUsage,
		"GET /v1/apps/{app}/quota":                        g.quota,
		"GET /v1/apps/{app}/credentials":                  g.listCredentials,

		"GET /v1/requests":               g.listRequests,
		"POST /v1/requests":              g.requestAccess,
		"GET /v1/requests/{id}":          g.getRequest,
		"POST /v1/requests/{id}/approve": g.approve,
		"POST /v1/requests/{id}/reject":  g.reject,
		"POST /v1/requests/{id}/cancel":  g.cancel,

		"GET /v1/credentials/{id}":          g.getCredential,
		"POST /v1/credentials/{id}/suspend": g.suspendKey,
		"POST /v1/credentials/{id}/resume":  g.resumeKey,
		"POST /v1/credentials/{id}/revoke":  g.revokeKey,
	} {
		p.HandleFunc(pattern, g.answering(answer))
	}
	p.HandleFunc("POST /v1/apps/{app}/credentials", g.issueKey)
	p.HandleFunc("POST /v1/credentials/{id}/rotate", g.rotateKey)
	// What VeeCode's frontend for Kong asks: the host mounts it as /api/kong.
	p.HandleFunc("GET "+kongFacade+"/health", manager.Health, sdk.Unauthenticated)
	p.Handle(kongFacade+"/{path...}", http.StripPrefix(kongFacade, g.kong))
	p.Handle(forwardauth.Pattern, forwardauth.Handler(g.authorizer), sdk.Unauthenticated)
}

const kongFacade = "/facades/kong"

// call is one request, and the headers of its answer.
type call struct {
	*http.Request

	w      http.ResponseWriter
	actor  actor
	status int // of success; 0 = 200
}

// maxBody is far above what an application, a request or a comment can have.
const maxBody = 64 << 10

// answering makes a handler of what answers a value or an error.
func (g *plugin) answering(answer func(*call) (any, error)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		c := g.newCall(w, r)
		value, err := answer(c)
		if r.Context().Err() != nil {
			return // the caller has gone: nobody is left to be told
		}
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		if value == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		status := http.StatusOK
		if c.status != 0 {
			status = c.status
		}
		sdk.WriteJSON(w, status, value)
	}
}

func (g *plugin) newCall(w http.ResponseWriter, r *http.Request) *call {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return &call{Request: r, w: w, actor: g.caller(r.Context())}
}

// decode reads the body, which must have no member that is not known: a misspelt one would be left out silently.
func (c *call) decode(into any) error {
	d := json.NewDecoder(c.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apierror.Inputf("body: more than %d bytes", tooLarge.Limit)
	}
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err == nil {
		return nil
	}
	problem := strings.TrimPrefix(err.Error(), "json: ")
	if strings.HasPrefix(problem, "unknown field ") {
		problem += "; known are " + strings.Join(members(into), ", ")
	}
	return apierror.Inputf("body: %s", problem)
}

// members are the names of what a body may have, which is a pointer to a struct.
func members(body any) []string {
	var names []string
	for f := range reflect.TypeOf(body).Elem().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// decodeOptional is decode of a body that may be left out.
func (c *call) decodeOptional(into any) error {
	if c.ContentLength == 0 {
		return nil
	}
	return c.decode(into)
}

// idempotencyKey is what makes a repetition the same request.
func (c *call) idempotencyKey() string { return c.Header.Get("Idempotency-Key") }

// duration reads "720h"; "" = not said.
func duration(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, apierror.Inputf("%s: %q is no length of time, such as 720h", name, text)
	}
	return d, nil
}

// moment reads a time of the query; zero = not said.
func (c *call) moment(name string) (time.Time, error) {
	text := c.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, apierror.Inputf("%s: %q is no time, such as 2026-11-22T15:04:05Z", name, text)
	}
	return t, nil
}

// list is a list of an answer.
type list[T any] struct {
	Items []T `json:"items"`
}

func listed[T any](items []T) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{items}
}
