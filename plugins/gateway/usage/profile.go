package usage

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Profile is how a gateway calls its metrics and their labels.
type Profile struct {
	// Requests is the counter of requests. Where only another one knows applications, that is AppRequests.
	Requests, AppRequests string
	// Latency is the histogram of the time that a request takes, without _bucket; "" = there is none. Unit is that of its
	// bounds; 0 = a second.
	Latency string
	Unit    time.Duration
	// App, API and Code are labels; "" = the metrics do not know them. LatencyByApp: the histogram has the label App too.
	App, API, Code string
	LatencyByApp   bool
	// Gateway is the label that has the gateway's name, where several have series of the same names; "" = none.
	Gateway string
	// Match and LatencyMatch are labels that select the gateway's own series among those of the same name.
	Match, LatencyMatch map[string]string
	// Hint is what to look at when there are no series.
	Hint string
}

// The names that profiles have in settings.
const (
	Kong        = "kong"
	KongLegacy  = "kong-legacy" // before 3.0
	APISIX      = "apisix"
	Tyk         = "tyk"
	Traefik     = "traefik"
	ForwardAuth = "forward-auth"
)

// request selects the whole time of a request where one histogram holds parts of it as well.
var (
	request = map[string]string{"type": "request"}
	total   = map[string]string{"type": "total"}
)

var profiles = map[string]Profile{
	Kong: {
		Requests: "kong_http_requests_total", Latency: "kong_request_latency_ms", Unit: time.Millisecond,
		App: "consumer", API: "service", Code: "code",
		Hint: "its plugin prometheus needs status_code_metrics, latency_metrics and per_consumer, which are off by default",
	},
	KongLegacy: {
		Requests: "kong_http_status", AppRequests: "kong_http_consumer_status",
		Latency: "kong_latency", Unit: time.Millisecond, LatencyMatch: request,
		App: "consumer", API: "service", Code: "code",
		Hint: "its plugin prometheus must be on, and since 2.4 with per_consumer for applications",
	},
	APISIX: {
		Requests: "apisix_http_status", Latency: "apisix_http_latency", Unit: time.Millisecond, LatencyMatch: request,
		App: "consumer", API: "service", Code: "code", LatencyByApp: true,
		Hint: "its plugin prometheus must be on for the routes, or globally",
	},
	Tyk: {
		Requests: "tyk_http_requests_total", Latency: "tyk_http_latency", Unit: time.Millisecond, LatencyMatch: total,
		App: "alias", API: "api_name", Code: "response_code", LatencyByApp: true,
		Hint: "Tyk Pump needs these custom_metrics with the labels response_code, api_name and alias",
	},
	Traefik: {
		Requests: "traefik_service_requests_total", Latency: "traefik_service_request_duration_seconds", Unit: time.Second,
		API: "service", Code: "code",
		Hint: "its metrics need addServicesLabels",
	},
	ForwardAuth: {
		Requests: "forwardauth_requests_total", App: "app", API: "api", Code: "code", Gateway: "gateway",
		Hint: "is the portal's own /metrics scraped? they appear with the first request",
	},
}

// ProfileOf is the profile of that name.
func ProfileOf(name string) (Profile, error) {
	p, ok := profiles[name]
	if !ok {
		return Profile{}, apierror.Inputf("usage: there is no profile %q; there are %v", name, ProfileNames())
	}
	return p, nil
}

// ProfileNames are all names that [ProfileOf] knows, in order.
func ProfileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

func (p Profile) withDefaults() Profile {
	if p.Unit == 0 {
		p.Unit = time.Second
	}
	return p
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// check holds names to what PromQL takes unquoted: they are written into queries as they are.
func (p Profile) check() error {
	if p.Requests == "" {
		return apierror.Inputf("usage profile: requests: the name of the counter is needed")
	}
	for field, name := range map[string]string{"requests": p.Requests, "appRequests": p.AppRequests, "latency": p.Latency} {
		if name != "" && !metricName.MatchString(name) {
			return apierror.Inputf("usage profile: %s: %q is no name of a metric", field, name)
		}
	}
	labels := slices.Concat([]string{p.App, p.API, p.Code, p.Gateway}, slices.Sorted(maps.Keys(p.Match)), slices.Sorted(maps.Keys(p.LatencyMatch)))
	for _, name := range labels {
		if name != "" && !labelName.MatchString(name) {
			return apierror.Inputf("usage profile: %q is no name of a label", name)
		}
	}
	if p.Unit < 0 || p.Unit > time.Minute {
		return apierror.Inputf("usage profile: unit: %s is not a unit of latency", p.Unit)
	}
	return nil
}
