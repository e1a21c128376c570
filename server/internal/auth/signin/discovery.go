package signin

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// discoveredFor is how long a discovery document is believed; then it is read again, and kept if that fails.
	discoveredFor = time.Hour
	// pause is how long a failure is remembered, so that those who waited for it do not ask in turn.
	pause = 2 * time.Second
)

// discovery is what is known of an issuer. Nothing is asked before somebody signs in, so a provider that is down keeps no
// host from starting; and one request asks for all that wait.
type discovery struct {
	once    sync.Once
	turn    chan struct{} // of one
	mu      sync.Mutex
	known   *issuer
	asked   time.Time
	problem error
}

// issuer is the provider as it has described itself.
func (o *openID) issuer(ctx context.Context) (*issuer, error) {
	d := &o.discovery
	d.once.Do(func() { d.turn = make(chan struct{}, 1) })
	if is, fresh, err := d.remembered(o.now()); fresh {
		return is, err
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, errUnreachable
	}
	if is, fresh, err := d.remembered(o.now()); fresh {
		return is, err
	}
	is, err := o.discover(context.WithoutCancel(ctx)) // others wait for it; the client ends it in time
	return d.remember(is, err, o.now())
}

// remembered reports what is known, and whether that is good enough not to ask.
func (d *discovery) remembered(now time.Time) (is *issuer, fresh bool, problem error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lasts := discoveredFor
	if d.problem != nil {
		lasts = pause
	}
	if d.known == nil {
		problem = d.problem
	}
	age := now.Sub(d.asked)
	return d.known, !d.asked.IsZero() && age >= 0 && age < lasts, problem
}

func (d *discovery) remember(is *issuer, err error, now time.Time) (*issuer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.problem = now, nil
	if err == nil {
		d.known = is
		return is, nil
	}
	d.problem = &unreachableError{err}
	if d.known != nil {
		return d.known, nil
	}
	return nil, d.problem
}

// unreachableError is a provider that did not describe itself. People are told so much; the log has the reason.
type unreachableError struct{ reason error }

var errUnreachable = &unreachableError{errors.New("the request ended before its turn came")}

func (u *unreachableError) Error() string {
	return "read the metadata of the provider: " + u.reason.Error()
}

// Unwrap makes it an answer for people.
func (u *unreachableError) Unwrap() error {
	return apierror.New(apierror.ServiceUnavailable, "The identity provider cannot be reached at the moment. Try again, or tell who runs this portal.")
}
