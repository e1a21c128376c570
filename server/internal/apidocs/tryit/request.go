package tryit

import (
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Ask is what a viewer wants to send.
type Ask struct {
	Server      string `json:"server"`
	Credential  string `json:"credential"`
	Params      Params `json:"params"`
	ContentType string `json:"contentType"`
	// Body is a body as text; Parts are the fields of a form in its place.
	Body    *string `json:"body"`
	Parts   []Part  `json:"parts"`
	Confirm string  `json:"confirm"`
}

// Params are values by name.
type Params struct {
	Path   map[string]string `json:"path"`
	Query  map[string]Values `json:"query"`
	Header map[string]string `json:"header"`
	Cookie map[string]string `json:"cookie"`
}

// Bounds of a request.
const (
	mostBytes  = 1 << 20
	mostValue  = 8 << 10
	mostParams = 200
	mostURL    = 16 << 10
)

// call is a request that may be sent.
type call struct {
	server      *Server
	credential  *Credential // nil = none
	method      string
	url         *url.URL
	headers     [][2]string // in the order of the operation
	cookies     [][2]string // likewise
	parts       []PartSummary
	contentType string
	body        string
}

// read makes a call of what was asked; what an operation does not describe is refused.
func read(op *spec.Operation, at Target, a *Ask) (*call, error) {
	c := &call{server: at.server, method: op.Verb}
	if err := known(op, a); err != nil {
		return nil, err
	}
	path, err := pathOf(op, a.Params.Path)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for _, p := range op.Parameters {
		if err := c.add(p, a, query); err != nil {
			return nil, err
		}
	}
	address := at.url.Scheme + "://" + at.url.Host + at.url.EscapedPath() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	if c.url, err = url.Parse(address); err != nil || len(address) > mostURL {
		return nil, apierror.Inputf("params: they make no address of at most %d bytes", mostURL)
	}
	if !c.server.below(&url.URL{Scheme: c.url.Scheme, Host: c.url.Host, Path: c.url.Path, RawPath: c.url.RawPath}) || climbs(c.url.EscapedPath()) {
		return nil, apierror.Inputf("params.path: the address would leave the path of its server")
	}
	return c, c.fill(op, a)
}

// known refuses parameters that the operation has not: a misspelt one would silently do nothing.
func known(op *spec.Operation, a *Ask) error {
	check := func(in, name string) error {
		if slices.ContainsFunc(op.Parameters, func(p spec.Parameter) bool { return p.In == in && p.Name == name }) {
			return nil
		}
		return apierror.Inputf("params.%s: the operation has no parameter %q there", in, shown(name))
	}
	if len(a.Params.Path)+len(a.Params.Query)+len(a.Params.Header)+len(a.Params.Cookie) > mostParams {
		return apierror.Inputf("params: there must be at most %d", mostParams)
	}
	for in, names := range map[string]iter.Seq[string]{"path": maps.Keys(a.Params.Path), "query": maps.Keys(a.Params.Query),
		"header": maps.Keys(a.Params.Header), "cookie": maps.Keys(a.Params.Cookie)} {
		for name := range names {
			if err := check(in, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// pathOf is the escaped path of the operation with its values.
func pathOf(op *spec.Operation, values map[string]string) (string, error) {
	if !strings.HasPrefix(op.Path, "/") || strings.ContainsAny(op.Path, "?#\\") {
		return "", apierror.Inputf("the operation %q has no path that can be called", shown(op.ID))
	}
	var out strings.Builder
	rest := op.Path
	for {
		before, after, open := strings.Cut(rest, "{")
		out.WriteString(escaped(before))
		if !open {
			break
		}
		name, left, closed := strings.Cut(after, "}")
		if !closed {
			return "", apierror.Inputf("the path of the operation %q has a brace that is not closed", shown(op.ID))
		}
		value := values[name]
		if value == "" || len(value) > mostValue || climbs(value) {
			return "", apierror.Inputf("params.path: %q must be a value of at most %d bytes and no dot segments", shown(name), mostValue)
		}
		out.WriteString(url.PathEscape(value))
		rest = left
	}
	if climbs(out.String()) {
		return "", apierror.Inputf("params.path: the address would leave the path of its server")
	}
	return out.String(), nil
}

// escaped is fixed text of a path; what is escaped in it stays so.
func escaped(text string) string {
	if u, err := url.Parse(text); err == nil && u.Path != "" && u.Host == "" && u.Scheme == "" {
		return u.EscapedPath()
	}
	return (&url.URL{Path: text}).EscapedPath()
}

// add adds a parameter of the query, of the header or of the cookies.
func (c *call) add(p spec.Parameter, a *Ask, query url.Values) error {
	switch p.In {
	case "query":
		values := a.Params.Query[p.Name]
		for _, v := range values {
			if len(v) > mostValue {
				return apierror.Inputf("params.query: %q must have at most %d bytes", shown(p.Name), mostValue)
			}
		}
		if len(values) > 0 {
			query[p.Name] = values
			return nil
		}
	case "header":
		if value, ok := a.Params.Header[p.Name]; ok {
			return c.header(p.Name, value)
		}
		if reserved(p.Name) {
			return nil // the host's own, or a credential's
		}
	case "cookie":
		if value, ok := a.Params.Cookie[p.Name]; ok {
			return c.cookie(p.Name, value)
		}
		if !slices.Contains(c.server.Cookies, p.Name) {
			return nil // a credential's
		}
	case "path":
		return nil
	}
	if p.Required {
		return apierror.Inputf("params.%s: %q is required", shown(p.In), shown(p.Name))
	}
	return nil
}

func (c *call) header(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !slices.Contains(c.server.Headers, canonical) && canonical != "Accept":
		return apierror.Inputf("params.header: %q may not be set for this server", shown(name))
	case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || len(value) > mostValue:
		return apierror.Inputf("params.header: %q must be a header's value of at most %d bytes", shown(name), mostValue)
	}
	c.headers = append(c.headers, [2]string{canonical, value})
	return nil
}

// shown is a stranger's text in a message.
func shown(s string) string { return excerpt.Of(s, 200) }
