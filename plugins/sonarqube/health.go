package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// checkEvery is how old the last call may be before the health asks by one of its own.
	checkEvery = time.Minute
	// warnBefore is how early the end of a token is announced.
	warnBefore = 14 * 24 * time.Hour
)

// health answers from what calls have found out; instances that were not called lately are asked meanwhile.
func (q *plugin) health(ctx context.Context) error {
	e := q.engine.Load()
	if len(e.instances) == 0 {
		return errors.New("no SonarQube is configured: set baseUrl and apiKey, or instances")
	}
	var troubles []error
	for _, i := range e.instances {
		e.check(ctx, i)
		if s := i.state(); s.message != "" {
			troubles = append(troubles, errors.New(s.message))
		}
	}
	return errors.Join(troubles...)
}

// check asks an instance whether it accepts the token, unless that is known or being asked.
func (e *engine) check(ctx context.Context, i *instance) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.checking || e.now().Sub(i.checked) < checkEvery {
		return
	}
	i.checking = true
	ctx = context.WithoutCancel(ctx)
	e.running.do(func() {
		ctx, cancel := context.WithTimeout(ctx, e.timeout)
		defer cancel()
		i.validate(ctx)
	})
}

// validate asks by an endpoint that answers wrong tokens with valid=false rather than 401.
func (i *instance) validate(ctx context.Context) {
	var answer struct {
		Valid bool `json:"valid"`
	}
	err := i.get(ctx, "api/authentication/validate", url.Values{}, &answer)
	if err == nil && !answer.Valid {
		err = i.badToken()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.checking, i.checked, i.trouble = false, i.now(), err
}

// state is what is known of an instance.
type state struct {
	name    string
	message string // what is wrong, "" = nothing
	checked time.Time
	expires time.Time
}

func (i *instance) state() state {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := state{name: i.name, checked: i.checked, expires: i.expires}
	switch left := i.expires.Sub(i.now()); {
	case i.trouble != nil:
		s.message = message(i.trouble)
	case i.expires.IsZero() || left > warnBefore:
	case left <= 0:
		s.message = fmt.Sprintf("SonarQube instance %s: the token ended on %s", i.name, i.expires.Format(time.DateOnly))
	default:
		s.message = fmt.Sprintf("SonarQube instance %s: the token ends on %s, make a new one", i.name, i.expires.Format(time.DateOnly))
	}
	return s
}

// message is the text of an error without its name, which travels beside it where it matters.
func message(err error) string {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

type reported struct {
	Name         string     `json:"name"`
	Status       string     `json:"status"`
	Message      string     `json:"message,omitempty"`
	CheckedAt    *time.Time `json:"checkedAt,omitempty"`
	TokenExpires *time.Time `json:"tokenExpires,omitempty"`
}

// report is the health as a route.
func (q *plugin) report(_ http.Header, r *http.Request) (any, error) {
	status := "ok"
	if q.health(r.Context()) != nil {
		status = "degraded"
	}
	list := []reported{}
	for _, i := range q.engine.Load().instances {
		s := i.state()
		one := reported{Name: s.name, Status: "ok", Message: s.message, CheckedAt: optional(s.checked), TokenExpires: optional(s.expires)}
		switch {
		case s.message != "":
			one.Status = "degraded"
		case s.checked.IsZero():
			one.Status = "unknown"
		}
		list = append(list, one)
	}
	return map[string]any{"status": status, "instances": list}, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}
