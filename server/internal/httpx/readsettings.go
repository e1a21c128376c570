package httpx

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/callboard/callboard/server/internal/config"
)

// ReadSettings reads the keys of backend.* that concern the edge, and callboard.http.*. Values that cannot be used are
// reported through the configuration.
func ReadSettings(c *config.Config) Settings {
	b := c.Section("backend")
	s := Settings{
		Address:           readAddress(b),
		HTTPS:             readHTTPS(b),
		CSP:               readCSP(b),
		Referrer:          b.Strings("referrer.policy"),
		CORS:              readCORS(b),
		RateLimit:         readRateLimit(b, "rateLimit"),
		FeatureRateLimits: map[string]*RateLimit{},
		TrustProxy:        readTrustProxy(b),
		HealthHeaders:     readHealthHeaders(b),
		NoBarrier:         b.Bool("auth.dangerouslyDisableDefaultAuthPolicy", false),
		StartupPause:      b.Duration("lifecycle.startupRequestPauseTimeout", 0),
		ShutdownDelay:     b.Duration("lifecycle.serverShutdownDelay", 0),
		HeadersTimeout:    readMilliseconds(b, "server.headersTimeout"),
		RequestTimeout:    readMilliseconds(b, "server.requestTimeout"),
		KeepAliveTimeout:  readMilliseconds(b, "server.keepAliveTimeout"),
		LogAllRequests:    c.Section("callboard.http").Bool("logAllRequests", false),
		EchoRequestID:     c.Section("callboard.http").Bool("echoRequestId", false),
	}
	if !b.Bool("rateLimit.global", true) {
		s.RateLimit = nil
	}
	for _, id := range b.Section("rateLimit.plugin").Keys() {
		s.FeatureRateLimits[id] = readRateLimit(b, "rateLimit.plugin."+id)
	}
	return s
}

// readAddress takes a port, "host:port" or {host, port}.
func readAddress(b *config.Section) string {
	const defaultPort = 7007
	host, port := "", defaultPort
	switch v := b.Value("listen").(type) {
	case nil:
	case map[string]any:
		host, port = b.String("listen.host", ""), b.Int("listen.port", defaultPort)
	default:
		text := fmt.Sprint(v)
		if n, err := strconv.Atoi(text); err == nil {
			port = n
			break
		}
		h, p, err := net.SplitHostPort(text)
		n, errPort := strconv.Atoi(p)
		if err != nil || errPort != nil {
			b.Problem("listen", "must be <port>, <host>:<port> or {host, port}")
			break
		}
		host, port = h, n
	}
	if port < 0 || port > 65535 {
		b.Problem("listen", "must have a port between 0 and 65535")
		port = defaultPort
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func readHTTPS(b *config.Section) HTTPS {
	switch b.Value("https").(type) {
	case nil:
		return HTTPS{}
	case map[string]any:
		h := HTTPS{Enabled: true, Cert: b.String("https.certificate.cert", ""), Key: b.String("https.certificate.key", "")}
		if h.Cert == "" || h.Key == "" {
			b.Problem("https.certificate", "must have cert and key, both in PEM")
		}
		return h
	}
	if !b.Bool("https", false) {
		return HTTPS{}
	}
	base, err := url.Parse(b.String("baseUrl", ""))
	if err != nil {
		b.Problem("baseUrl", "must be a URL")
		return HTTPS{Enabled: true}
	}
	return HTTPS{Enabled: true, HostName: base.Hostname()}
}

func readCSP(b *config.Section) []Directive {
	csp := b.Section("csp")
	var all []Directive
	for _, key := range csp.Keys() {
		d := Directive{Name: kebab(key)}
		if csp.Value(key) != false {
			d.Values = append([]string{}, csp.Strings(key)...)
		}
		if strings.ContainsAny(d.Name+strings.Join(d.Values, " "), ";,\r\n") {
			csp.Problem(key, "must not contain ';', ',' or line breaks")
			continue
		}
		all = append(all, d)
	}
	return all
}

// kebab turns "connectSrc" into "connect-src".
func kebab(key string) string {
	var b strings.Builder
	for i, r := range key {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func readCORS(b *config.Section) *CORS {
	if !b.Has("cors") {
		return nil
	}
	s := b.Section("cors")
	c := &CORS{
		Origins: s.Strings("origin"), Methods: s.Strings("methods"), AllowedHeaders: s.Strings("allowedHeaders"),
		ExposedHeaders: s.Strings("exposedHeaders"), Credentials: s.Bool("credentials", false),
		PreflightContinue: s.Bool("preflightContinue", false), OptionsSuccessStatus: s.Int("optionsSuccessStatus", 0),
	}
	if s.Has("maxAge") {
		c.MaxAge = strconv.Itoa(s.Int("maxAge", 0))
	}
	return c
}

func readRateLimit(b *config.Section, key string) *RateLimit {
	switch v := b.Value(key).(type) {
	case nil:
		return nil
	case bool:
		if !v {
			return nil
		}
		return &RateLimit{}
	}
	s := b.Section(key)
	if store := s.String("store.type", "memory"); store != "memory" {
		s.Problem("store.type", "must be memory: this backend has no shared rate limit store")
	}
	return &RateLimit{
		Window: s.Duration("window", time.Minute), Limit: s.Int("incomingRequestLimit", 0),
		AllowAddresses: s.Strings("ipAllowList"),
		SkipSuccessful: s.Bool("skipSuccessfulRequests", false), SkipFailed: s.Bool("skipFailedRequests", false),
	}
}

// readTrustProxy takes true, a number of hops, or names and networks as a list or in one string with commas.
func readTrustProxy(b *config.Section) TrustProxy {
	switch v := b.Value("trustProxy").(type) {
	case nil:
		return TrustProxy{}
	case bool:
		if v {
			return TrustAll()
		}
		return TrustProxy{}
	case string:
	case []any:
	default:
		return TrustHops(b.Int("trustProxy", 0))
	}
	var names []string
	for _, line := range b.Strings("trustProxy") {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	trust, err := TrustNetworks(names)
	if err != nil {
		b.Problem("trustProxy", err.Error())
	}
	return trust
}

func readHealthHeaders(b *config.Section) http.Header {
	s := b.Section("health.headers")
	h := http.Header{}
	for _, name := range s.Keys() {
		value := s.String(name, "")
		if name == "" || value == "" || strings.ContainsAny(name+value, "\r\n") {
			s.Problem(name, "must be a header name with a value that is not empty")
			continue
		}
		h.Set(name, value)
	}
	return h
}

// readMilliseconds takes a number of milliseconds, as Node has it, or a duration.
func readMilliseconds(b *config.Section, key string) time.Duration {
	switch b.Value(key).(type) {
	case nil:
		return 0
	case int, int64, uint64, float64:
		return time.Duration(b.Float(key, 0) * float64(time.Millisecond))
	}
	return b.Duration(key, 0)
}
