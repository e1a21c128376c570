package conformance

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

var httpRules = []Rule{
	{ID: "http.unauthenticated", Level: Must, Sentence: "The routes that it declares open answer callers without credentials.", check: checkOpenAnswers},
	{ID: "http.openapi", Level: Must, Sentence: "The routes of its OpenAPI description answer as described.", check: checkRoutes},
	{ID: "http.forged", Level: Must, Sentence: "Only the host's header says who calls: what callers claim makes no difference.", check: checkForged},
	{ID: "http.principal", Level: Must, Sentence: "A header of the host that cannot be read is nobody's, and breaks nothing.", check: checkBrokenPrincipal},
	{ID: "http.paths", Level: Must, Sentence: "Strange paths are answered, and below 500.", check: checkStrangePaths},
	{ID: "http.cancel", Level: Must, Sentence: "A stream ends soon after its caller has gone.", check: checkStreamCancel, timed: true},
}

// answer is what a route answers. body is cut, and open means that it did not end.
type answer struct {
	status int
	header http.Header
	body   []byte
	open   bool
}

const (
	maxBody  = 2 << 20
	bodyTime = 3 * time.Second
	// streamStart is how long a stream of events is listened to: long enough to see that it starts.
	streamStart = 300 * time.Millisecond
)

// request asks the plugin as the host does. A body that does not end, such as a stream of events, is left after a while.
func (p *instance) request(ctx context.Context, r Route, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://plugin", bytes.NewReader(r.Body))
	if err != nil {
		return answer{}, err
	}
	// The path goes out as it is, and as a path: it is the plugin that has to cope with it.
	if strings.HasPrefix(r.Path, "//") {
		req.URL.Path = r.Path
	} else {
		req.URL.Opaque = r.Path
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if len(r.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.web.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	return p.read(resp, cancel)
}

func (p *instance) read(resp *http.Response, cancel func()) (answer, error) {
	a := answer{status: resp.StatusCode, header: resp.Header}
	done := make(chan struct{})
	patience := bodyTime
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		patience = streamStart
	}
	leave := time.AfterFunc(patience, func() { a.open = true; cancel(); close(done) })
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if !leave.Stop() {
		<-done
	}
	a.body = body
	p.b.canaries.look("the answer to an HTTP request", body)
	p.b.canaries.look("the header of an HTTP answer", fmt.Append(nil, resp.Header))
	if a.open || len(body) == maxBody {
		return a, nil
	}
	return a, err
}

// principal is the host's header for a user.
func principal(text string) http.Header {
	return http.Header{"X-Callboard-Principal": {base64.RawURLEncoding.EncodeToString([]byte(text))}}
}

func user() http.Header {
	return principal(`{"type":"user","subject":"user:default/ann","ownershipRefs":["user:default/ann"]}`)
}

// web is the shared process, if it has routes.
func (b *bench) web(ctx context.Context) (*instance, error) {
	p, err := b.plugin(ctx)
	if err == nil && !b.described.GetProvides().GetHttp() {
		return nil, skip("It has no routes.")
	}
	return p, err
}

// unreachable is a finding about a request that got no answer.
func (p *instance) unreachable(r Route, err error) error {
	if p.endsWithin(slack) {
		return p.whyEnded("It ended during a request to " + excerpt.Of(r.Path, 40))
	}
	return found("Answer every request; a handler that fails answers 500 and the process goes on.", "A request to %s gets no answer: %s", excerpt.Of(r.Path, 40), excerpt.Of(rootText(err), 120))
}

// rootText leaves out the address that net/http puts before the cause.
func rootText(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

func checkOpenAnswers(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	open := b.described.GetProvides().GetHttpUnauthenticated()
	if len(open) == 0 {
		return skip("It declares no open routes.")
	}
	for _, path := range open {
		a, err := p.request(ctx, Route{Path: path}, nil)
		switch {
		case err != nil:
			return p.unreachable(Route{Path: path}, err)
		case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
			return found("Let callers without credentials in, or leave the path out of provides.http.unauthenticated.", "%s is declared open and answers %d without a principal", path, a.status)
		case a.status >= http.StatusInternalServerError:
			return found("Answer callers without a principal.", "%s is declared open and answers %d without a principal", path, a.status)
		}
	}
	return nil
}

func checkRoutes(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	if len(b.target.Routes) == 0 {
		return skip("Its manifest names no OpenAPI description.")
	}
	for _, r := range b.target.Routes {
		header := user()
		if r.Unauthenticated {
			header = nil
		}
		before := len(p.egress.since(0))
		a, err := p.request(ctx, r, header)
		switch {
		case err != nil:
			return p.unreachable(r, err)
		case a.status >= http.StatusInternalServerError && len(p.egress.since(before)) > 0:
			continue // its upstream is not there
		case a.status >= http.StatusInternalServerError:
			return found("Answer with one of the statuses of the description.", "%s %s answers %d", r.Method, r.Path, a.status)
		}
		if r.Conforms != nil {
			if err := r.Conforms(a.status, a.header, a.body); err != nil {
				return found("Make the route and its OpenAPI description agree.", "%s %s does not answer as described: %v", r.Method, r.Path, err)
			}
		}
	}
	return nil
}

// forgeries are headers in which other systems carry an identity. The host removes those that it knows; none may count.
func forgeries(subject string) http.Header {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + subject + `","iss":"callboard"}`))
	h := http.Header{"Authorization": {"Bearer eyJhbGciOiJub25lIn0." + claims + "."}, "Cookie": {"user=" + subject + "; backstage-auth=" + claims}}
	for _, name := range []string{"X-Forwarded-User", "X-Forwarded-Email", "X-Remote-User", "Remote-User", "X-User", "X-Backstage-User", "X-Callboard-User", "X-Callboard-Subject", "X-Auth-Request-User", "From"} {
		h.Set(name, subject)
	}
	return h
}

func checkForged(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	subject := "user:default/" + b.canaries.hatch(forgedCanary)
	seen := len(b.canaries.sightings(forgedCanary))
	for _, r := range b.requests() {
		plain, err := p.request(ctx, r, nil)
		if err != nil {
			return p.unreachable(r, err)
		}
		forged, err := p.request(ctx, r, forgeries(subject))
		if err != nil {
			return p.unreachable(r, err)
		}
		const advice = "Take the caller from X-Callboard-Principal alone, and treat its absence as nobody."
		if len(b.canaries.sightings(forgedCanary)) > seen {
			return found(advice, "%s believes an identity that the caller made up", r.Path)
		}
		if plain.status != forged.status {
			return found(advice, "%s answers %d to nobody, and %d to a caller who only claims to be somebody", r.Path, plain.status, forged.status)
		}
	}
	return nil
}

// requests are what rules about headers try: the described routes that read, the open ones, and the root.
func (b *bench) requests() []Route {
	var list []Route
	for _, r := range b.target.Routes {
		if r.Method == "" || r.Method == http.MethodGet {
			list = append(list, r)
		}
	}
	for _, path := range append(slices.Clone(b.described.GetProvides().GetHttpUnauthenticated()), "/") {
		if !slices.ContainsFunc(list, func(r Route) bool { return r.Path == path }) {
			list = append(list, Route{Method: http.MethodGet, Path: path})
		}
	}
	return list
}

func checkBrokenPrincipal(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	broken := []http.Header{
		{"X-Callboard-Principal": {"%%%"}}, {"X-Callboard-Principal": {""}}, principal(`{"type":`), principal(`[]`), principal(`null`), principal(`{"type":1,"subject":[]}`), principal("\xff\xfe"),
	}
	for _, r := range b.requests() {
		plain, err := p.request(ctx, r, nil)
		if err != nil {
			return p.unreachable(r, err)
		}
		if plain.open { // a stream: enough that it starts
			continue
		}
		for _, header := range broken {
			a, err := p.request(ctx, r, header)
			if err != nil {
				return p.unreachable(r, err)
			}
			if a.status >= http.StatusInternalServerError && plain.status < http.StatusInternalServerError {
				return found("Treat it as nobody.", "%s answers %d to a principal that cannot be read", r.Path, a.status)
			}
		}
	}
	return nil
}

func checkStrangePaths(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	for _, path := range []string{"/", "//", "/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/%00", "/a%2Fb", "/%zz", "/%ff", "/;a=b", "/" + strings.Repeat("a", 6000), "/?" + strings.Repeat("a=b&", 2000), "/no-such-route"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, "PROPFIND"} {
			r := Route{Method: method, Path: path}
			a, err := p.request(ctx, r, user())
			if err != nil {
				return p.unreachable(r, err)
			}
			if a.status >= http.StatusInternalServerError && a.status != http.StatusNotImplemented {
				return found("Answer 404 or 400.", "%s %s answers %d", method, excerpt.Of(path, 60), a.status)
			}
			if bytes.Contains(a.body, []byte("root:x:0")) {
				return found("Never make a file name of a path; if you must, open it through a root folder.", "%s answers with a file of the machine", excerpt.Of(path, 60))
			}
		}
	}
	return nil
}

func checkStreamCancel(ctx context.Context, b *bench) error {
	p, err := b.web(ctx)
	if err != nil {
		return err
	}
	if openFiles(p.process.PID()) == 0 {
		return skip("The kit cannot see the descriptors of the process here.")
	}
	streams := 0
	for _, r := range b.requests() {
		a, err := p.request(ctx, r, user())
		if err != nil {
			return p.unreachable(r, err)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
			continue
		}
		streams++
		if err := p.leaveStreams(ctx, r); err != nil {
			return err
		}
	}
	if streams == 0 {
		return skip("It has no route that streams events.")
	}
	return nil
}

// leaveStreams opens a stream several times, goes away in the middle, and sees whether the plugin lets go.
func (p *instance) leaveStreams(ctx context.Context, r Route) error {
	const callers = 8
	p.web.CloseIdleConnections()
	time.Sleep(slack)
	before := openFiles(p.process.PID())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range callers {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://plugin"+r.Path, nil)
		if err != nil {
			return err
		}
		resp, err := p.web.Do(req)
		if err != nil {
			return p.unreachable(r, err)
		}
		defer resp.Body.Close()
	}
	cancel()
	p.web.CloseIdleConnections()
	released := waitFor(context.WithoutCancel(ctx), 2*cancelTime+slack, func() bool { return openFiles(p.process.PID()) < before+callers/2 })
	if !released {
		return found("Stop when writing fails or the request is cancelled.", "%s still holds its connections two seconds after its callers have gone", r.Path)
	}
	return nil
}
