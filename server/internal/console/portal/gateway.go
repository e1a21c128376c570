package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the gateway plugin answers, as far as pages show it. Its routes decide who sees and may do what.

type gatewayApp struct {
	ID, Name, Description, Owner string
	Created                      time.Time
	Grants                       []struct {
		Gateway, API, Plan, Entity string
		Since                      time.Time
		Withdrawn                  bool
	}
}

type gatewayRequest struct {
	ID, App, Gateway, API, Plan, Entity, Reason, By, Status, Trouble, Comment string
	At                                                                        time.Time
	TTLDays                                                                   int `json:"ttlDays"`
	MayDecide                                                                 bool
	Verdict                                                                   struct {
		Critical, Warning, Advisory []struct{ Rule, Message string }
	}
}

type gatewayKey struct {
	ID, App, Gateway, API, Plan, Label, Prefix, State, Reason string
	Created, Expires, Retires, Ended                          time.Time
}

// Alive reports whether the key is, or may become, one that is accepted.
func (k gatewayKey) Alive() bool {
	return slices.Contains([]string{"active", "suspended", "retiring", "issuing"}, k.State)
}

// Ends is when it ends, or has ended.
func (k gatewayKey) Ends() time.Time {
	for _, t := range []time.Time{k.Ended, k.Retires, k.Expires} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

type gatewayPlan struct {
	ID, Name, Description string
	Limits                []struct {
		Requests int
		Window   string
	}
}

// Says is what the plan allows.
func (p gatewayPlan) Says() string {
	name := cmp.Or(p.Name, p.ID)
	if len(p.Limits) == 0 {
		return name
	}
	limits := make([]string, len(p.Limits))
	for i, l := range p.Limits {
		limits[i] = strconv.Itoa(l.Requests) + " per " + l.Window
	}
	return name + ": " + strings.Join(limits, ", ")
}

type gatewayEntry struct {
	ID, Gateway, API, Title, Entity, Problem string
	BaseURL                                  string `json:"baseUrl"`
	Plans                                    []gatewayPlan
	Served                                   bool
}

type gatewayEvent struct {
	ID, App, Who, What, Gateway, API, Detail string
	At                                       time.Time
	Failed                                   bool
}

type items[T any] struct{ Items []T }

const gateway = "/gateway/v1"

// list asks for a list of the gateway plugin's.
func list[T any](v *visit, path string, q url.Values) ([]T, error) {
	var all items[T]
	err := v.api.get(v.Context(), gateway+path, q, &all)
	return all.Items, err
}

// decisions are the requests that wait for the viewer. Without the plugin there are none.
func (v *visit) decisions() ([]gatewayRequest, error) {
	return list[gatewayRequest](v, "/requests", nil)
}

func (v *visit) apps() ([]gatewayApp, error) { return list[gatewayApp](v, "/apps", nil) }

// change has the plugin do something.
func (v *visit) change(path string, body any, once string, into any) error {
	return v.api.decode(v.Context(), request{method: http.MethodPost, path: gateway + path, body: body, once: once}, into)
}
