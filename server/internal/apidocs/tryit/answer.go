package tryit

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Answer is what came back.
type Answer struct {
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"` // by lower-case name
	Body      string            `json:"body"`
	Encoding  string            `json:"encoding"` // "text" or "base64"
	Bytes     int               `json:"bytes"`    // of the body as far as it was read
	Truncated bool              `json:"truncated"`
	TookMs    int64             `json:"tookMs"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Notes     []string          `json:"notes,omitempty"`
}

// harmlessHeaders are shown of every answer; those that begin with a word of harmlessPrefixes too.
var (
	harmlessHeaders = []string{"Accept-Ranges", "Age", "Allow", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Length", "Content-Location",
		"Content-Range", "Content-Type", "Date", "Deprecation", "Etag", "Expires", "Last-Modified", "Link", "Location", "Preference-Applied", "Retry-After",
		"Sunset", "Vary", "Warning", "X-Correlation-Id", "X-Request-Id", "X-Total-Count", "Api-Version"}
	harmlessPrefixes = []string{"Ratelimit", "X-Ratelimit-", "X-Rate-Limit-"}
)

const mostHeaders = 100

// headersOf are the headers that are shown.
func headersOf(h http.Header, s *Server, r redactor) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		shown := slices.Contains(harmlessHeaders, name) || slices.Contains(s.Answers, name) ||
			slices.ContainsFunc(harmlessPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if shown && len(out) < mostHeaders {
			out[strings.ToLower(name)] = shorten(r.clean(strings.Join(values, ", ")))
		}
	}
	return out
}

func shorten(s string) string {
	if len(s) > mostValue {
		s = s[:mostValue]
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// readBody reads as much as is shown.
func (a *Answer) readBody(res *http.Response, r redactor) error {
	if coding := res.Header.Get("Content-Encoding"); coding != "" {
		a.Encoding = "text"
		a.Notes = append(a.Notes, "The body is not shown: it is encoded in a way that was not asked for")
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, int64(mostBytes+r.longest+1)))
	if err != nil {
		if len(raw) == 0 {
			return err
		}
		a.Notes = append(a.Notes, "The answer broke off")
	}
	// What ends too early may end within a secret.
	body, cut := r.cut(string(raw), mostBytes)
	if err != nil && !cut {
		body = body[:max(0, len(body)-r.longest)]
	}
	a.Bytes, a.Truncated = len(raw), cut
	if a.Truncated {
		a.Bytes = mostBytes
	}
	if textual(res.Header.Get("Content-Type")) {
		body = wholeRunes(body, a.Truncated)
		if utf8.ValidString(body) {
			a.Body, a.Encoding = body, "text"
			return nil
		}
	}
	a.Body, a.Encoding = base64.StdEncoding.EncodeToString([]byte(body)), "base64"
	return nil
}

// wholeRunes leaves out what is left of a character that was cut.
func wholeRunes(s string, cut bool) string {
	if !cut {
		return s
	}
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if utf8.RuneStart(s[len(s)-n]) {
			if !utf8.FullRuneInString(s[len(s)-n:]) {
				return s[:len(s)-n]
			}
			return s
		}
	}
	return s
}

func textual(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType == "" {
		return true
	}
	return err == nil && (strings.HasPrefix(kind, "text/") || strings.Contains(kind, "json") || strings.Contains(kind, "xml") || strings.Contains(kind, "yaml") ||
		strings.Contains(kind, "javascript") || strings.Contains(kind, "graphql") || kind == "application/x-www-form-urlencoded" || kind == "application/x-ndjson")
}

// Summary is what somebody agrees to.
type Summary struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	Server      string            `json:"server"`
	Environment string            `json:"environment,omitempty"`
	Credential  string            `json:"credential,omitempty"` // its title
	Headers     map[string]string `json:"headers,omitempty"`
	Cookies     map[string]string `json:"cookies,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Parts       []PartSummary     `json:"parts,omitempty"`
	Bytes       int               `json:"bytes"`
}

func (c *call) summary() Summary {
	s := Summary{Method: c.method, URL: c.url.String(), Server: c.server.URL.String(), Environment: c.server.Environment,
		ContentType: c.contentType, Parts: c.parts, Bytes: len(c.body)}
	if c.credential != nil {
		s.Credential = c.credential.Title
	}
	for _, h := range c.headers {
		if s.Headers == nil {
			s.Headers = map[string]string{}
		}
		s.Headers[strings.ToLower(h[0])] = h[1]
	}
	for _, x := range c.cookies {
		if s.Cookies == nil {
			s.Cookies = map[string]string{}
		}
		s.Cookies[x[0]] = x[1]
	}
	return s
}

// changing reports whether an operation may change something.
func changing(op *spec.Operation) bool {
	return op.Verb != http.MethodGet && op.Verb != http.MethodHead && op.Verb != http.MethodOptions
}
