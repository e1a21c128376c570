package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/principal"
)

// hostsOwn are headers of answers that speak for the whole origin, for the connection, or to proxies in front of the host:
// they are the host's to set.
var hostsOwn = map[string]bool{
	"Set-Cookie": true, "Set-Cookie2": true, "Clear-Site-Data": true, "Service-Worker-Allowed": true,
	"Content-Security-Policy": true, "Content-Security-Policy-Report-Only": true, "Strict-Transport-Security": true,
	"X-Frame-Options": true, "X-Content-Type-Options": true, "Referrer-Policy": true, "X-Dns-Prefetch-Control": true,
	"X-Download-Options": true, "X-Permitted-Cross-Domain-Policies": true, "X-Xss-Protection": true,
	"Permissions-Policy": true, "Feature-Policy": true, "Origin-Agent-Cluster": true, "Document-Policy": true,
	"Public-Key-Pins": true, "Public-Key-Pins-Report-Only": true, "Expect-Ct": true, "Timing-Allow-Origin": true,
	"Nel": true, "Report-To": true, "Reporting-Endpoints": true, "Alt-Svc": true,
	"X-Sendfile": true, "X-Lighttpd-Send-File": true, requestIDHeader: true,
	"Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

func isHostsOwn(name string) bool {
	return hostsOwn[name] || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Callboard-") ||
		strings.HasPrefix(name, "Cross-Origin-") || strings.HasPrefix(name, "X-Accel-") || strings.HasPrefix(name, "Proxy-")
}

// receive passes an answer on.
func (p *passage) receive(res *http.Response) error {
	p.leaveFlight()
	if p.body != nil {
		p.body.heard.Store(true)
		if !p.body.sent() { // else net/http would wait for the rest of the body before it answers
			_ = http.NewResponseController(p.w).EnableFullDuplex()
		}
	}
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		return p.upgrade(res)
	case res.StatusCode < 200 || res.StatusCode > 599:
		p.relay.count.failed.Add(1)
		return p.relay.unavailable(http.StatusBadGateway, "Plugin '%s' answered with the status %d, which does not exist", p.relay.plugin, res.StatusCode)
	}
	if err := p.takeAnswerPlace(); err != nil {
		return err
	}
	trailers := p.copyHeader(res)
	p.w.WriteHeader(res.StatusCode)
	if err := p.copyBody(res); err != nil {
		return err
	}
	p.disconnect(p.wire.reusable(res))
	h := p.w.Header()
	for _, name := range trailers {
		if values := res.Trailer[name]; values != nil {
			h[name] = values
		}
	}
	return nil
}

func (p *passage) takeAnswerPlace() error {
	if p.counted = p.relay.answers.tryEnter(); p.counted {
		return nil
	}
	p.relay.count.refused.Add(1)
	p.retryAfter(time.Second)
	return p.relay.unavailable(http.StatusServiceUnavailable, "Plugin '%s' is busy: %d of its answers are on their way; try again", p.relay.plugin, p.relay.limits.Answers)
}

// copyHeader adds what the plugin may say to what the edge has said, and announces the trailers that it returns.
func (p *passage) copyHeader(res *http.Response) (trailers []string) {
	h := p.w.Header()
	named := connectionNames(res.Header["Connection"])
	for name, values := range res.Header {
		switch {
		case isHostsOwn(name) || slices.Contains(named, name):
		case name == "Vary":
			h[name] = append(slices.Clip(h[name]), values...)
		case name == "Www-Authenticate":
			if schemes := slices.DeleteFunc(slices.Clone(values), asksForPassword); len(schemes) > 0 {
				h[name] = schemes
			}
		default:
			h[name] = values
		}
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // else net/http guesses, and what a person uploaded may look like a page
	}
	for name := range res.Trailer {
		if !isHostsOwn(name) {
			trailers = append(trailers, name)
		}
	}
	if trailers != nil {
		h["Trailer"] = trailers
	}
	return trailers
}

// asksForPassword tells challenges that make browsers ask for a password: people would type the portal's.
func asksForPassword(challenge string) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
	return !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP")
}

// copyBody copies until the plugin ends its answer. Where the length is not known beforehand, everything is sent on at
// once.
func (p *passage) copyBody(res *http.Response) error {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if p.stream = media == "text/event-stream"; p.stream {
		defer p.endWithHost()()
		defer p.endAfterLifetime()()
	}
	control := http.NewResponseController(p.w)
	flush := res.ContentLength < 0 && p.in.Method != http.MethodHead
	if flush {
		if err := control.Flush(); err != nil {
			return p.lost(err)
		}
	}
	buffer := p.relay.buffers.Get().(*[copySize]byte) //nolint:forcetypeassert // the pool makes nothing else
	defer p.relay.buffers.Put(buffer)
	plugin := mover{every: min(extendEvery, p.relay.limits.Idle/4), by: p.relay.limits.Idle, move: p.extendUntil}
	caller := mover{every: extendEvery, by: slowCaller, move: func(t time.Time) { _ = control.SetWriteDeadline(t) }}
	for {
		plugin.on()
		n, err := res.Body.Read(buffer[:])
		if n > 0 {
			caller.on()
			if _, err := p.w.Write(buffer[:n]); err != nil {
				return p.lost(err)
			}
			if flush {
				if err := control.Flush(); err != nil {
					return p.lost(err)
				}
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		default:
			return p.brokeOff(err)
		}
	}
}

// Both sides may be slow: a caller has slowCaller for each piece of an answer, the plugin Limits.Idle.
const (
	slowCaller  = time.Minute
	extendEvery = 5 * time.Second
)

// mover moves a deadline while something moves, but not for each piece.
type mover struct {
	every, by time.Duration
	move      func(time.Time)
	last      time.Time
}

func (m *mover) on() {
	if now := time.Now(); now.Sub(m.last) > m.every {
		m.move(now.Add(m.by + m.every))
		m.last = now
	}
}

func (p *passage) lost(err error) error {
	return fmt.Errorf("answer of plugin %s: send to the caller: %w", p.relay.plugin, err)
}

// brokeOff is the end of an answer before its end.
func (p *passage) brokeOff(err error) error {
	switch {
	case p.in.Context().Err() != nil:
		return err
	case errors.Is(p.aborted(), errOver), errors.Is(err, os.ErrDeadlineExceeded) && p.stream:
		return nil // an event stream may end at any time; its reader comes back
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("it stood still for %s", p.relay.limits.Idle)
	}
	p.relay.count.failed.Add(1)
	return fmt.Errorf("answer of plugin %s broke off: %w", p.relay.plugin, err)
}

// endWithHost ends the passage when the host shuts down.
func (p *passage) endWithHost() (stop func() bool) {
	return context.AfterFunc(p.relay.ending, func() { p.abort(errOver) })
}

// endAfterLifetime ends the passage when it has lasted as long as it may.
func (p *passage) endAfterLifetime() (stop func() bool) {
	return time.AfterFunc(p.lifetime(), func() { p.abort(errOver) }).Stop
}

// lifetime is how long a stream may last. Credentials are checked when it begins, so it ends with them.
func (p *passage) lifetime() time.Duration {
	longest := p.relay.limits.Lifetime
	if p.relay.expires == nil || p.call.Principal.Kind == principal.None {
		return longest
	}
	if at := p.relay.expires(p.call.Principal); !at.IsZero() {
		longest = min(longest, time.Until(at))
	}
	return longest
}
