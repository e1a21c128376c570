// Package drivertest holds the laws of package driver as tests, which every driver passes against its fake, and [Memory], a
// gateway in memory that breaks in whatever way a test of the layers above asks for.
package drivertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// Subject is a driver together with the gateway that it drives, new for each test. What is not set is not tested.
type Subject struct {
	Driver driver.Driver

	// API is one that the gateway serves from the beginning, and for which keys are asked.
	API driver.APIID
	// Plan and OtherPlan are plans that API can be had with; needed where Capabilities.Plans holds.
	Plan, OtherPlan driver.PlanID

	// Gateway is the data plane. Requests to it are made as [driver.Driver.Credential] says.
	Gateway http.Handler
	// Probe replaces Gateway where a request takes more than a header or a query parameter: it presents a secret to an API
	// and answers the status. An empty secret = none is presented.
	Probe func(t *testing.T, api driver.APIID, secret sdk.Secret) int

	// Page is more keys and consumers than one answer of the gateway lists; 0 = 25.
	Page int
	// Foreign makes a key of an application at the gateway, as somebody with its console would.
	Foreign func(t *testing.T, app driver.AppID) driver.KeyID
	// Advance moves the gateway's clock.
	Advance func(time.Duration)
	// Fail has the gateway's management answer all calls so until undo is called; it answers nil when it cannot.
	Fail func(Failure) (undo func())
	// Secrets are the plugin's own credentials, which no error may tell.
	Secrets []string
}

// Failure is how a gateway's management answers when it is not well.
type Failure struct {
	Name        string
	Status      int
	ContentType string
	Body        string
	Cut         bool // the body ends before its Content-Length
	After       bool // the call has its effect before
}

// Run runs the suite.
func Run(t *testing.T, start func(t *testing.T) Subject) {
	t.Helper()
	for _, law := range []struct {
		name string
		test func(*trial)
	}{
		{"IssuesOneKeyPerOperation", issuesOncePerOperation},
		{"LetsInWhoHasAKeyOnly", letsInKeysOnly},
		{"RevokesForGoodAndAgain", revokes},
		{"SuspendsAndResumes", suspends},
		{"LetsOldAndNewKeysWorkBesideEachOther", rotates},
		{"EndsKeysWhenTheyExpire", expires},
		{"ListsKeysWithoutTheirSecrets", masks},
		{"ListsMoreThanOnePage", pages},
		{"TellsForeignKeysFromItsOwn", tellsForeign},
		{"KnowsAnApplicationOnce", ensures},
		{"RefusesWhatIsNotThere", refusesUnknown},
		{"GivesAndTakesPlans", plans},
		{"ListsAPIs", lists},
		{"PublishesAnAPIOnce", publishes},
		{"CountsQuota", quota},
		{"SaysWhatItCannotDo", honest},
		{"EndsWithItsContext", ends},
		{"DiagnosesAGatewayThatIsNotWell", diagnoses},
		{"IssuesOnceWhenTheAnswerWasLost", survivesLostAnswers},
		{"IsSafeForManyAtOnce", concurrent},
	} {
		t.Run(law.name, func(t *testing.T) {
			s := start(t)
			capabilities, err := s.Driver.Capabilities(t.Context())
			if err != nil {
				t.Fatalf("capabilities: %v", err)
			}
			law.test(&trial{T: t, Subject: s, can: capabilities})
		})
	}
}

// trial is one law on one subject.
type trial struct {
	*testing.T
	Subject

	can driver.Capabilities
	n   int
}

// app makes the gateway know an application with access to the API.
func (s *trial) app(name string) driver.AppID {
	s.Helper()
	a := driver.App{ID: driver.AppID(name), Name: "Application " + name, Owner: "group:default/" + name}
	if err := s.Driver.EnsureConsumer(s.Context(), a); err != nil {
		s.Fatalf("ensure consumer %s: %v", name, err)
	}
	s.grant(a.ID, s.Plan)
	return a.ID
}

func (s *trial) grant(app driver.AppID, plan driver.PlanID) {
	s.Helper()
	if !s.can.Plans {
		return
	}
	if err := s.Driver.SetPlan(s.Context(), app, s.API, plan); err != nil {
		s.Fatalf("set plan %q of %s: %v", plan, app, err)
	}
}

// request is a new operation's.
func (s *trial) request(app driver.AppID) driver.KeyRequest {
	s.n++
	r := driver.KeyRequest{
		App: app, API: s.API, Operation: operation(), Label: fmt.Sprintf("key %d", s.n),
		Secret: sdk.Secret("drivertest" + rand.Text() + rand.Text()),
	}
	if s.can.Plans {
		r.Plan = s.Plan
	}
	return r
}

// operation is a UUID.
func operation() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// issue makes a key, or skips the law where keys cannot be made.
func (s *trial) issue(r driver.KeyRequest) driver.IssuedKey {
	s.Helper()
	if !s.can.Keys {
		s.Skip("the gateway makes no keys: " + s.can.Why["keys"])
	}
	k, err := s.Driver.IssueKey(s.Context(), r)
	if err != nil {
		s.Fatalf("issue %s: %v", r.Label, err)
	}
	if k.ID == "" || k.App != r.App || k.Operation != r.Operation {
		s.Fatalf("issued %+v for %+v", k.Key, r)
	}
	return k
}

// keys are an application's.
func (s *trial) keys(app driver.AppID) map[driver.KeyID]driver.Key {
	s.Helper()
	found := map[driver.KeyID]driver.Key{}
	for k, err := range s.Driver.Keys(s.Context(), app) {
		if err != nil {
			s.Fatalf("keys of %q: %v", app, err)
		}
		if _, twice := found[k.ID]; twice {
			s.Errorf("key %s is listed twice", k.ID)
		}
		found[k.ID] = k
	}
	return found
}

// probe presents a secret; 0 = there is no data plane to ask.
func (s *trial) probe(secret sdk.Secret) int {
	s.Helper()
	if s.Probe != nil {
		return s.Probe(s.T, s.API, secret)
	}
	if s.Gateway == nil {
		return 0
	}
	p, err := s.Driver.Credential(s.Context(), s.API)
	if err != nil {
		s.Fatalf("credential of %s: %v", s.API, err)
	}
	w := httptest.NewRecorder()
	s.Gateway.ServeHTTP(w, presented(s.T, p, secret))
	return w.Code
}

func presented(t *testing.T, p driver.Presentation, secret sdk.Secret) *http.Request {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatalf("the address of the API: %v", err)
	}
	if p.Header == "" && p.Query == "" {
		t.Fatal("the key travels neither in a header nor in the query")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if p.Header == "" && secret != "" {
		q := u.Query()
		q.Set(p.Query, secret.Reveal())
		u.RawQuery = q.Encode()
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if p.Header != "" && secret != "" {
		r.Header.Set(p.Header, strings.TrimSpace(p.Scheme+" "+secret.Reveal()))
	}
	return r
}

func (s *trial) accepted(secret sdk.Secret, what string) {
	s.Helper()
	if status := s.probe(secret); status != 0 && status != http.StatusOK {
		s.Errorf("%s: the gateway answers %d, want 200", what, status)
	}
}

func (s *trial) refused(secret sdk.Secret, what string) {
	s.Helper()
	if status := s.probe(secret); status != 0 && status != http.StatusUnauthorized && status != http.StatusForbidden {
		s.Errorf("%s: the gateway answers %d, want 401 or 403", what, status)
	}
}

// collect reads a stream to its end or its error.
func collect[T any](ctx context.Context, list func(context.Context) func(func(T, error) bool)) ([]T, error) {
	var all []T
	for v, err := range list(ctx) {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}
