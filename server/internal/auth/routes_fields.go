package auth

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

// fields reads the parameters of an OAuth request and collects what is wrong with them in the words of the reference's
// validator.
type fields struct {
	values   map[string]any
	problems []string
	// unreadable: there are no values to speak of, and the one problem says so.
	unreadable bool
}

func queryFields(q url.Values) *fields {
	f := &fields{values: make(map[string]any, len(q))}
	for name, v := range q {
		if len(v) == 1 {
			f.values[name] = v[0]
		} else {
			f.values[name] = v
		}
	}
	return f
}

// bodyFields reads a form or a JSON object; a body of another type counts as empty.
func bodyFields(c *gin.Context) (*fields, error) {
	kind, _, _ := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 100<<10)
		if err := c.Request.ParseForm(); err != nil {
			return nil, apierror.New(apierror.Input, "The form in the request body cannot be read")
		}
		return queryFields(c.Request.PostForm), nil
	case "application/json":
		var body any
		if err := httpx.BindJSON(c, &body); err != nil {
			return nil, err
		}
		values, ok := body.(map[string]any)
		if !ok {
			return &fields{problems: []string{"Invalid input: expected object, received " + typeName(body)}, unreadable: true}, nil
		}
		return &fields{values: values}, nil
	}
	return &fields{}, nil
}

// text is an optional string.
func (f *fields) text(name string) string {
	v, ok := f.values[name]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		f.problem("Invalid input: expected string, received "+typeName(v), name)
	}
	return s
}

// required is a string of at least one character.
func (f *fields) required(name string) string {
	if _, ok := f.values[name]; !ok {
		f.problem("Invalid input: expected string, received undefined", name)
		return ""
	}
	s := f.text(name)
	if _, isText := f.values[name].(string); isText && s == "" {
		f.problem("Too small: expected string to have >=1 characters", name)
	}
	return s
}

// address is a string that is a URL.
func (f *fields) address(name string, required bool) string {
	v, ok := f.values[name]
	if !ok {
		if required {
			f.problem("Invalid input: expected string, received undefined", name)
		}
		return ""
	}
	s := f.text(name)
	if _, isText := v.(string); isText {
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || (u.Host == "" && u.Opaque == "" && u.Path == "") {
			f.problem("Invalid URL", name)
		}
	}
	return s
}

func (f *fields) problem(text, name string) {
	if f.unreadable {
		return
	}
	f.problems = append(f.problems, fmt.Sprintf("%s at %q", text, name))
}

func (f *fields) message() string { return "Validation error: " + strings.Join(f.problems, "; ") }

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any, []string:
		return "array"
	case map[string]any:
		return "object"
	}
	return "number"
}
