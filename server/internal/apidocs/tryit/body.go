package tryit

import (
	"mime"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// The types of bodies that are forms.
const (
	partsType  = "multipart/form-data"
	fieldsType = "application/x-www-form-urlencoded"
)

// fill sets the body: a text as it is, or what the fields of a form make.
func (c *call) fill(op *spec.Operation, a *Ask) error {
	if a.Body == nil && len(a.Parts) == 0 {
		if op.Body != nil && op.Body.Required {
			return apierror.Inputf("body: the operation needs one")
		}
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(a.ContentType)
	switch {
	case op.Body == nil:
		return apierror.Inputf("body: the operation takes none")
	case a.Body != nil && len(a.Parts) > 0:
		return apierror.Inputf("parts: the fields of a form come in the place of body, not beside it")
	case err != nil:
		return apierror.Inputf("contentType: must be one of the operation's")
	}
	i := slices.IndexFunc(op.Body.Content, func(m spec.Media) bool { return takes(m.Type, kind) })
	if i < 0 {
		return apierror.Inputf("contentType: the operation takes no body of type %q", shown(kind))
	}
	if len(a.Parts) > 0 {
		return c.form(kind, op.Body.Content[i].Schema, a.Parts)
	}
	return c.text(kind, parameters, *a.Body)
}

func (c *call) text(kind string, parameters map[string]string, text string) error {
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return apierror.Inputf("contentType: a body of type %q is made of parts, and of no text", shown(kind))
	case len(text) > mostBytes:
		return apierror.Inputf("body: it must have at most %d bytes", mostBytes)
	}
	c.contentType, c.body = mime.FormatMediaType(kind, parameters), text
	return nil
}

// takes reports whether a body of that type is one of those that a document names, which may hold stars and parameters.
func takes(named, kind string) bool {
	named, _, _ = strings.Cut(strings.ToLower(named), ";")
	named = strings.TrimSpace(named)
	family, _, _ := strings.Cut(kind, "/")
	return named == kind || named == "*/*" || named == family+"/*"
}
