package tryit

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Ask is what a viewer wants to send.
type Ask struct {
	Server      string  `json:"server"`
	Credential  string  `json:"credential"`
	Params      Params  `json:"params"`
	ContentType string  `json:"contentType"`
	Body        *string `json:"body"`
	Confirm     string  `json:"confirm"`
}

// Params are values by name.
type Params struct {
	Path   map[string]string `json:"path"`
	Query  map[string]Values `json:"query"`
	Header map[string]string `json:"header"`
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
	if len(a.Params.Path)+len(a.Params.Query)+len(a.Params.Header) > mostParams {
		return apierror.Inputf("params: there must be at most %d", mostParams)
	}
	for name := range a.Params.Path {
		if err := check("path", name); err != nil {
			return err
		}
	}
	for name := range a.Params.Query {
		if err := check("query", name); err != nil {
			return err
		}
	}
	for name := range a.Params.Header {
		if err := check("header", name); err != nil {
			return err
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

// add adds a parameter of the query or of the header.
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
	case "path":
		return nil
	}
	if p.Required && p.In != "cookie" {
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

// fill sets the body.
func (c *call) fill(op *spec.Operation, a *Ask) error {
	if a.Body == nil {
		if op.Body != nil && op.Body.Required {
			return apierror.Inputf("body: the operation needs one")
		}
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(a.ContentType)
	switch {
	case op.Body == nil:
		return apierror.Inputf("body: the operation takes none")
	case len(*a.Body) > mostBytes:
		return apierror.Inputf("body: it must have at most %d bytes", mostBytes)
	case err != nil || strings.HasPrefix(kind, "multipart/"):
		return apierror.Inputf("contentType: must be one of the operation's, and none with parts")
	case !slices.ContainsFunc(op.Body.Content, func(m spec.Media) bool { return takes(m.Type, kind) }):
		return apierror.Inputf("contentType: the operation takes no body of type %q", shown(kind))
	}
	c.contentType, c.body = mime.FormatMediaType(kind, parameters), *a.Body
	return nil
}

// takes reports whether a body of that type is one of those that a document names, which may hold stars and parameters.
func takes(named, kind string) bool {
	named, _, _ = strings.Cut(strings.ToLower(named), ";")
	named = strings.TrimSpace(named)
	family, _, _ := strings.Cut(kind, "/")
	return named == kind || named == "*/*" || named == family+"/*"
}

// shown is a stranger's text in a message.
func shown(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
