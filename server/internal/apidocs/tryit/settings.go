package tryit

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/netguard"
)

// Settings is what may be tried, as callboard.apiDocs.tryIt has it.
type Settings struct {
	Enabled bool
	Servers []*Server
}

// Server is one server that may be reached, and what may be sent to it.
type Server struct {
	URL         *url.URL // without user, query and fragment; its path has no slash at its end
	Environment string   // "sandbox" comes first
	Methods     []string
	Credentials []*Credential
	// Headers are those that viewers may set, besides Accept; usualHeaders where the configuration names none.
	Headers []string
	// Cookies are those that viewers may set, by their names as they are; none where the configuration names none.
	Cookies []string
	// Answers are headers of answers that viewers see, besides harmlessHeaders.
	Answers []string
	// Entities bound whose documents may name the server; nil = those of any entity.
	Entities []entity.Canonical
	// Internal lets requests go to addresses that are not public.
	Internal bool
}

// Credential is a header that the host adds.
type Credential struct {
	ID, Title string
	Header    string
	// For are refs of users and groups who may use it; nil = everybody who may try.
	For []string

	value string // never shown
}

const configKey = "callboard.apiDocs"

// ReadSettings reads the section callboard.apiDocs; its mistakes are problems of the configuration.
func ReadSettings(c *config.Config) Settings {
	section := c.Section(configKey).Section("tryIt")
	s := Settings{Enabled: section.Bool("enabled", false)}
	for _, x := range section.Sections("servers") {
		if server := readServer(x); server != nil {
			s.Servers = append(s.Servers, server)
		}
	}
	if s.Enabled && !section.Has("servers") {
		section.Problem("servers", "must list the servers that may be reached")
	}
	return s
}

func readServer(s *config.Section) *Server {
	u := readURL(s)
	if u == nil {
		return nil
	}
	server := &Server{URL: u, Environment: s.String("environment", ""), Internal: s.Bool("internal", false) || notPublic(u),
		Methods: readMethods(s), Headers: readHeaders(s, "headers"), Answers: readHeaders(s, "answerHeaders")}
	if !s.Has("headers") {
		server.Headers = usualHeaders
	}
	for _, name := range s.Strings("cookies") {
		if !httpguts.ValidHeaderFieldName(name) {
			s.Problem("cookies", "must be names of cookies")
			continue
		}
		server.Cookies = append(server.Cookies, name)
	}
	for i, text := range s.Strings("entities") {
		ref, err := entity.ParseRef(text, entity.Defaults{})
		if err != nil || ref.Kind == "" || ref.Namespace == "" {
			s.Problem("entities", "must be refs with kind and namespace, such as api:default/payments; number "+strconv.Itoa(i)+" is none")
			continue
		}
		server.Entities = append(server.Entities, ref.Canonical())
	}
	for _, x := range s.Sections("credentials") {
		if c := readCredential(x); c != nil {
			if slices.ContainsFunc(server.Credentials, func(o *Credential) bool { return o.ID == c.ID }) {
				x.Problem("id", "is the id of another one of this server")
			}
			server.Credentials = append(server.Credentials, c)
		}
	}
	return server
}

// readURL never repeats the value: it may hold a password.
func readURL(s *config.Section) *url.URL {
	text := s.String("url", "")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		s.Problem("url", "must be a URL with http or https and a host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		s.Problem("url", "must have no user, no query and no fragment; use credentials for secrets")
	case climbs(u.EscapedPath()):
		s.Problem("url", "must have a path without dot segments")
	default:
		return tidy(u)
	}
	return nil
}

// notPublic holds for a host that is written as an address which is not public: whoever writes it means it.
func notPublic(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && !netguard.Public(a)
}

func readMethods(s *config.Section) []string {
	if !s.Has("methods") {
		return []string{http.MethodGet, http.MethodHead}
	}
	var out []string
	for _, m := range s.Strings("methods") {
		m = strings.ToUpper(m)
		if !slices.Contains(knownMethods, m) {
			s.Problem("methods", "must be of "+strings.Join(knownMethods, ", "))
			continue
		}
		out = append(out, m)
	}
	return out
}

var knownMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// usualHeaders change how an operation is carried out and not in whose name.
var usualHeaders = []string{"Accept-Language", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Prefer", "Range", "X-Correlation-Id", "X-Request-Id"}

func readHeaders(s *config.Section, key string) []string {
	var out []string
	for _, name := range s.Strings(key) {
		switch name = http.CanonicalHeaderKey(name); {
		case !httpguts.ValidHeaderFieldName(name):
			s.Problem(key, "must be names of headers")
		case reserved(name):
			s.Problem(key, "must not hold "+name+": it belongs to the connection or carries credentials")
		default:
			out = append(out, name)
		}
	}
	return out
}

// leastSecret is what can be told apart from other text where it is removed.
const leastSecret = 8

func readCredential(s *config.Section) *Credential {
	c := &Credential{ID: s.String("id", ""), Header: http.CanonicalHeaderKey(s.String("header", "Authorization")), value: s.String("value", "")}
	c.Title = s.String("title", c.ID)
	switch {
	case c.ID == "":
		s.Problem("id", "must be a name")
	case !httpguts.ValidHeaderFieldName(c.Header) || ofConnection(c.Header):
		s.Problem("header", "must be the name of a header that does not belong to the connection")
	case len(c.value) < leastSecret || !httpguts.ValidHeaderFieldValue(c.value):
		s.Problem("value", "must be the value of a header, of at least "+strconv.Itoa(leastSecret)+" characters")
	}
	for _, key := range []string{"users", "groups"} {
		for _, text := range s.Strings(key) {
			ref, err := entity.ParseRef(text, entity.Defaults{Kind: strings.TrimSuffix(key, "s")})
			if err != nil {
				s.Problem(key, "must be refs such as "+strings.TrimSuffix(key, "s")+":default/name")
				continue
			}
			c.For = append(c.For, string(ref.Canonical()))
		}
	}
	return c
}
