package httpx

import (
	"net/http"
	"time"
)

// Settings is what configuration says about the edge; see [ReadSettings] for the keys. The zero value is the
// reference's default, without CORS and without rate limits.
type Settings struct {
	Address string // backend.listen as host:port; "" = ":7007"
	HTTPS   HTTPS

	CSP      []Directive // changes to the default policy, in the order of configuration
	Referrer []string    // nil = no-referrer
	CORS     *CORS       // nil = no CORS headers

	RateLimit         *RateLimit            // nil = none
	FeatureRateLimits map[string]*RateLimit // by feature id, counted beside RateLimit

	TrustProxy    TrustProxy
	HealthHeaders http.Header
	NoBarrier     bool // callers without credentials are let in everywhere; for a backend on one's own desk

	StartupPause  time.Duration // how long requests wait for the start; 0 = 5 s
	ShutdownDelay time.Duration // between "not ready" and the end of serving, for load balancers to notice

	HeadersTimeout   time.Duration // 0 = 5 s
	RequestTimeout   time.Duration // for a body that the edge reads; 0 = 60 s
	KeepAliveTimeout time.Duration // 0 = 75 s, longer than the usual load balancer in front

	LogAllRequests bool // successful requests are logged at info too, not at debug
	EchoRequestID  bool // answer with X-Request-Id; the reference does not
}

// HTTPS is backend.https: a certificate in PEM, or one made for HostName at each start.
type HTTPS struct {
	Enabled   bool
	HostName  string
	Cert, Key string
}

// Directive sets one directive of the content security policy; nil Values remove it.
type Directive struct {
	Name   string
	Values []string
}

// CORS is backend.cors.
type CORS struct {
	Origins              []string // globs without regard to case; nil = every origin
	Methods              []string // nil = the reference's default
	AllowedHeaders       []string // nil = what the preflight asks for
	ExposedHeaders       []string
	Credentials          bool
	MaxAge               string // seconds; "" = no header
	PreflightContinue    bool
	OptionsSuccessStatus int // 0 = 204
}

// RateLimit is backend.rateLimit.
type RateLimit struct {
	Window         time.Duration // 0 = one minute
	Limit          int           // 0 = 5
	AllowAddresses []string      // nil = this machine
	SkipSuccessful bool
	SkipFailed     bool
}
