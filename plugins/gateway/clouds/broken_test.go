package clouds

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

// line is the way to a management API, of which one call breaks: before it gets there, or after it had its effect.
type line struct {
	mu     sync.Mutex
	broken int // the call that breaks; 0 = none
	calls  int
	after  bool
}

var errBroken = errors.New("connection reset by peer")

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls++
	breaks := l.calls == l.broken
	l.mu.Unlock()
	if breaks && !l.after {
		return nil, errBroken
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if breaks && err == nil {
		res.Body.Close()
		return nil, errBroken
	}
	return res, err
}

// cut has the n-th call from now break.
func (l *line) cut(n int, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.broken, l.after = 0, n, after
}

// mend answers whether a call did break.
func (l *line) mend() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	broke := l.broken > 0 && l.calls >= l.broken
	l.broken = 0
	return broke
}

// steps are what is broken off. Each answers the secrets that somebody has been told.
var steps = map[string]func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error){
	"issue": func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error) {
		next, err := r.Issue(r.Context(), lifecycle.KeyRequest{App: r.app, Gateway: "cloud", API: r.api, By: ann})
		return r.tell(next, err, k.Secret)
	},
	"rotate": func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error) {
		grace := 20 * time.Hour
		next, err := r.Rotate(r.Context(), lifecycle.Rotation{Credential: k.Credential.ID, Grace: &grace, By: ann})
		return r.tell(next, err, k.Secret)
	},
	"suspend and resume": func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error) {
		_, suspend := r.SuspendKey(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann, Secret: k.Secret})
		_, resume := r.ResumeKey(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann})
		return nil, errors.Join(suspend, resume)
	},
	"revoke": func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error) {
		_, err := r.Revoke(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann, Secret: k.Secret})
		return nil, err
	},
	"another plan": func(r *rig, k lifecycle.Issued) ([]sdk.Secret, error) {
		ask := lifecycle.AccessRequest{App: r.app, Gateway: "cloud", API: r.api, Plan: r.plans[1], By: ann}
		if _, err := r.RequestAccess(r.Context(), ask); err != nil {
			return []sdk.Secret{k.Secret}, err
		}
		return []sdk.Secret{k.Secret}, nil
	},
}

// tell hands a key on; the others go on in any case.
func (r *rig) tell(k lifecycle.Issued, err error, others ...sdk.Secret) ([]sdk.Secret, error) {
	if err != nil {
		return others, err
	}
	_, err = r.Told(r.Context(), k.Credential.ID)
	return append(others, k.Secret), err
}

// Whatever call breaks: after the portal has come to rest, each key at the cloud is one that somebody has, and each key that
// somebody has works.
func TestKey_IsNeitherLostNorDoubledWhenACallBreaks(t *testing.T) {
	for name, build := range clouds {
		for what, step := range steps {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, after its effect: %t", name, what, after), func(t *testing.T) {
					n, every := 1, 1
					if testing.Short() {
						every = 3
					}
					for n < 60 && breaksOff(t, build, step, n, after) {
						n += every
					}
					if n < 3 || n >= 60 {
						t.Errorf("%d calls broke", n-1)
					}
				})
			}
		}
	}
}

// breaksOff answers whether the step has an n-th call.
func breaksOff(t *testing.T, build maker, step func(*rig, lifecycle.Issued) ([]sdk.Secret, error), n int, after bool) bool {
	t.Helper()
	l := &line{}
	r := start(t, build, &http.Client{Transport: l})
	r.access(r.plans[0])
	k := r.told(r.Issue(t.Context(), lifecycle.KeyRequest{App: r.app, Gateway: "cloud", API: r.api, By: ann}))
	l.cut(n, after)
	has, _ := step(r, k) // that it fails is the point
	broke := l.mend()
	for range 3 { // until everything that was interrupted must have been ended
		r.clock.Advance(10 * time.Minute)
		if _, err := r.Sweep(t.Context()); err != nil {
			t.Errorf("call %d: sweep: %v", n, err)
		}
	}
	r.clock.Advance(late)
	for i, secret := range has {
		r.answers(secret, true, fmt.Sprintf("call %d: key %d", n, i+1))
	}
	r.atRest(n)
	return broke
}

// atRest checks that the cloud has the keys of the living credentials and no others.
func (r *rig) atRest(n int) {
	r.Helper()
	all, err := r.Credentials(r.Context(), r.app)
	if err != nil {
		r.Fatal(err)
	}
	living := map[driver.KeyID]bool{}
	for _, c := range all {
		if c.State.Alive() {
			living[c.Key] = true
		}
	}
	there := 0
	for k, err := range r.Keys(r.Context(), "") {
		if err != nil {
			r.Fatal(err)
		}
		if there++; !living[k.ID] {
			r.Errorf("call %d: nobody has key %s of operation %s", n, k.ID, k.Operation)
		}
	}
	if there != len(living) {
		r.Errorf("call %d: %d keys at the cloud for %d living credentials", n, there, len(living))
	}
}
