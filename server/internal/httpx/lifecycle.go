package httpx

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
)

// phase is where the program stands between its start and its end.
type phase uint8

const (
	starting phase = iota
	serving
	draining // still serving, but readiness says no so that load balancers look elsewhere
	ending
)

// lifecycle holds requests back until the program has started and refuses them once it ends.
type lifecycle struct {
	mu      sync.Mutex
	now     phase
	changed chan struct{} // closed at the next change
}

func newLifecycle() *lifecycle { return &lifecycle{changed: make(chan struct{})} }

// advance never goes back.
func (l *lifecycle) advance(to phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to > l.now {
		l.now = to
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

func (l *lifecycle) phase() (phase, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.changed
}

// Started opens the features: until then requests to them wait. Readiness answers 200 from here on.
func (s *Server) Started() { s.life.advance(serving); s.up.Store(true) }

// Draining makes readiness fail while everything is still served.
func (s *Server) Draining() { s.life.advance(draining) }

// ShuttingDown refuses further requests to features with 503.
func (s *Server) ShuttingDown() { s.up.Store(false); s.life.advance(ending); s.endAll() }

// Ending is closed when the server shuts down. Answers that last (event streams, web sockets, long polls) end with it;
// the server waits for all others.
func (s *Server) Ending() <-chan struct{} { return s.ending.Done() }

// EndingContext is over when [Server.Ending] is closed.
func (s *Server) EndingContext() context.Context { return s.ending }

// Ending is over when the server that answers c shuts down.
func Ending(c *gin.Context) context.Context { return exchangeOf(c).server.ending }

// gate waits until features may be called.
func (s *Server) gate(r *http.Request) error {
	timeout := time.NewTimer(s.startupPause)
	defer timeout.Stop()
	for {
		now, changed := s.life.phase()
		switch now {
		case serving, draining:
			return nil
		case ending:
			return apierror.New(apierror.ServiceUnavailable, "Service is shutting down")
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return r.Context().Err()
		case <-timeout.C:
			return apierror.New(apierror.ServiceUnavailable, "Service has not started up yet")
		}
	}
}

const healthPath = "/.backstage/health/v1/"

type healthState struct {
	Message string `json:"message,omitempty"`
	Status  string `json:"status"`
}

func (s *Server) readiness() (int, healthState) {
	switch now, _ := s.life.phase(); now {
	case starting:
		return http.StatusServiceUnavailable, healthState{"Backend has not started yet", "error"}
	case serving:
		return http.StatusOK, healthState{Status: "ok"}
	default:
		return http.StatusServiceUnavailable, healthState{"Backend is shutting down", "error"}
	}
}

// serveHealth answers the two health endpoints; they know no credentials.
func (s *Server) serveHealth(x *exchange) {
	x.metrics = s.metrics.health
	status, state := http.StatusOK, healthState{Status: "ok"}
	switch name := strings.TrimSuffix(x.path[len(healthPath):], "/"); {
	case !reading(x.r.Method):
		x.notFound()
		return
	case strings.EqualFold(name, "readiness"):
		status, state = s.readiness()
	case strings.EqualFold(name, "liveness"):
	default:
		x.notFound()
		return
	}
	if x.r.Method == http.MethodOptions {
		x.sendAllow([]string{http.MethodGet, http.MethodHead})
		return
	}
	h := x.Header()
	maps.Copy(h, s.healthHeaders)
	x.sendJSON(status, state)
}

func writeState(w http.ResponseWriter, status int, state healthState) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state)
}
