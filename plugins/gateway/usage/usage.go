// Package usage reads from Prometheus what applications ask of APIs: requests, errors and latency over time. Gateways call
// the same things by different names; a [Profile] says how.
package usage

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say where the numbers of one gateway are.
type Options struct {
	Name    string // of the gateway, for texts, and for the label that its profile has for it
	URL     string // of Prometheus, with the path before /api/v1 if there is one
	HTTP    *http.Client
	Profile Profile
	// Match are labels that the gateway's series have beside the profile's, such as namespace="edge".
	Match map[string]string
	// Scrape is how often Prometheus reads the gateway; 0 = 15 s. A step is never shorter, and what happened between two
	// readings of neighbouring steps is counted once: see [Source.Requests].
	Scrape time.Duration
	// Token is sent as a bearer; or else Username and Password, if there are any.
	Token    sdk.Secret
	Username string
	Password sdk.Secret
	Timeout  time.Duration // of one query; 0 = 10 s
	Now      func() time.Time
}

// Source answers questions about the usage of one gateway. It is safe for concurrent use and keeps nothing.
type Source struct {
	prometheus client
	profile    Profile
	match      map[string]string
	scrape     time.Duration
	now        func() time.Time
}

// New makes a source; the error says what is wrong with the options.
func New(o Options) (*Source, error) {
	o.Profile = o.Profile.withDefaults()
	if err := o.Profile.check(); err != nil {
		return nil, err
	}
	for name := range o.Match {
		if !labelName.MatchString(name) {
			return nil, apierror.Inputf("usage of %s: match: %q is no name of a label", o.Name, name)
		}
	}
	base, err := address(o.URL)
	if err != nil {
		return nil, err
	}
	match := o.Match
	if o.Profile.Gateway != "" {
		match = map[string]string{o.Profile.Gateway: o.Name}
		maps.Copy(match, o.Match)
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Source{
		prometheus: client{
			name: o.Name, base: base, http: withoutRedirects(o.HTTP), timeout: cmp.Or(o.Timeout, 10*time.Second),
			token: o.Token, username: o.Username, password: o.Password,
		},
		profile: o.Profile, match: match, scrape: cmp.Or(o.Scrape, 15*time.Second), now: o.Now,
	}, nil
}

// Profile is what the source was made with, defaults filled in.
func (s *Source) Profile() Profile { return s.profile }

// By is what a result has one series for each value of.
type By string

// What series may be made by. Which of them a gateway's metrics know is said by its [Profile].
const (
	Together By = "" // one series
	ByApp    By = "app"
	ByAPI    By = "api"
	ByCode   By = "code"
)

// Query asks for a range of time. Apps and APIs are called as the gateway's labels call them; empty = all.
type Query struct {
	Apps, APIs []string
	By         By
	// From and To are brought to whole steps: From down, To down as well, for a step that is not over has no number yet.
	// Zero = the last hour.
	From, To time.Time
	// Step is the distance of points, at least the scrape interval; 0 = about 100 points.
	Step time.Duration
	// Top bounds the series: the largest, and the sum of the rest as one more. 0 = 10, at most 50.
	Top int
}

// Result is a table: a value of each series for each point of time.
type Result struct {
	// Times are the ends of the steps: a value is what happened in the Step before.
	Times  []time.Time
	Step   time.Duration
	Series []Series
	// Warnings are Prometheus's own, such as parts of the answer that it could not get.
	Warnings []string
}

// Series are the values of one application, API or code. Values has one entry for each of the result's times; nil = none.
type Series struct {
	Key      string  // value of the label; "" when the result is not split
	Rest     bool    // the sum of all that are not among the top
	Quantile float64 // of latency, such as 0.95; else 0
	Values   []*float64
}

// Total is the sum of the values that there are.
func (s Series) Total() float64 {
	sum := 0.0
	for _, v := range s.Values {
		if v != nil {
			sum += *v
		}
	}
	return sum
}

// Count is a number of requests of one application, API or code.
type Count struct {
	Key      string
	Requests float64
}

// Health asks Prometheus the smallest question that shows whether it answers, and whether it knows the gateway's metric.
func (s *Source) Health(ctx context.Context) error {
	name := s.profile.Requests
	answer, err := s.prometheus.query(ctx, "count("+s.selector(name, nil)+")", s.now())
	if err != nil {
		return err
	}
	if len(answer.series) == 0 {
		return apierror.Newf(apierror.ServiceUnavailable, "usage of %s: Prometheus knows no series of %s%s; %s",
			s.prometheus.name, name, braced(s.match), cmp.Or(s.profile.Hint, "is the gateway scraped?"))
	}
	return nil
}

func braced(match map[string]string) string {
	if len(match) == 0 {
		return ""
	}
	return "{" + strings.Join(matchers(match), ",") + "}"
}
