package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/rpcerror"
)

// checkEvery is how old what is known of a gateway may be before its health is asked for.
const checkEvery = time.Minute

// state is what is known of a gateway: calls note what they have found out.
type state struct {
	now func() time.Time

	mu       sync.Mutex
	trouble  error
	checked  time.Time
	checking bool
}

func (s *state) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.checked = err, s.now()
}

// summary is the state in a word, and what is wrong.
func (s *state) summary() (status, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.checked.IsZero():
		return "unknown", ""
	case s.trouble != nil:
		return "degraded", message(s.trouble)
	}
	return "ok", ""
}

// begin reports whether the gateway is to be asked, which whoever is told so does.
func (s *state) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checking || s.now().Sub(s.checked) < checkEvery {
		return false
	}
	s.checking = true
	return true
}

func (s *state) end(err error) {
	s.note(err)
	s.mu.Lock()
	s.checking = false
	s.mu.Unlock()
}

// health answers from what is known; gateways that were not asked lately are asked meanwhile.
func (g *plugin) health(context.Context) error {
	h := g.hub.Load()
	if len(h.order) == 0 {
		return errors.New("no gateway is configured: set gateways")
	}
	var troubles []error
	for _, name := range h.order {
		i := h.gateways[name]
		g.check(h, i)
		if status, text := i.state.summary(); status == "degraded" {
			troubles = append(troubles, errors.New("gateway "+name+": "+text))
		}
	}
	return errors.Join(troubles...)
}

// check asks a gateway beside the call.
func (g *plugin) check(h *hub, i *instance) {
	if !i.state.begin() {
		return
	}
	g.do(func() {
		ctx, cancel := context.WithTimeout(h.ctx, h.settings.Timeout.Std())
		defer cancel()
		err := i.driver.Health(ctx)
		if err == nil && i.usage != nil {
			err = i.usage.Health(ctx)
		}
		i.state.end(err)
	})
}

// report is the health as a route.
func (g *plugin) report(c *call) (any, error) {
	type one struct {
		Name    string `json:"name"`
		Status  string `json:"status"`
		Message string `json:"message,omitempty"`
	}
	status := "ok"
	if g.health(c.Context()) != nil {
		status = "degraded"
	}
	h := g.hub.Load()
	all := []one{}
	for _, name := range h.order {
		s, text := h.gateways[name].state.summary()
		all = append(all, one{name, s, text})
	}
	return map[string]any{"status": status, "gateways": all}, nil
}

// message is the text of an error without its name.
func message(err error) string { return rpcerror.Message(err) }
