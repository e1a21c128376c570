package tryit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Part is one field of a form. A field of several values is several parts of one name.
type Part struct {
	Name string `json:"name"`
	// Text or Base64 is what it holds, never both.
	Text   *string `json:"text"`
	Base64 *string `json:"base64"`
	// Filename makes a file of it.
	Filename    string `json:"filename"`
	ContentType string `json:"contentType"`
}

// PartSummary is a field of a form as somebody agrees to it.
type PartSummary struct {
	Name        string `json:"name"`
	Filename    string `json:"filename,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Bytes       int    `json:"bytes"`
}

// Bounds of a form; all of it together has the bound of a body.
const (
	mostParts    = 100
	mostPartName = 200
	mostFilename = 255
)

// content is a part that was read.
type content struct {
	PartSummary

	data []byte
}

// form makes a body of fields. What the operation does not describe is refused, as with parameters.
func (c *call) form(kind string, schema *spec.Schema, parts []Part) error {
	if kind != partsType && kind != fieldsType {
		return apierror.Inputf("parts: a body of type %q is no form; forms are %s and %s", shown(kind), partsType, fieldsType)
	}
	if len(parts) > mostParts {
		return apierror.Inputf("parts: there must be at most %d", mostParts)
	}
	if err := described(schema, parts); err != nil {
		return err
	}
	read := make([]content, 0, len(parts))
	size := 0
	for _, p := range parts {
		x, err := p.read(kind)
		if err != nil {
			return err
		}
		if size += len(x.data); size > mostBytes {
			return apierror.Inputf("parts: they must have at most %d bytes together", mostBytes)
		}
		read = append(read, x)
		c.parts = append(c.parts, x.PartSummary)
	}
	if kind == fieldsType {
		c.contentType, c.body = kind, fields(read)
	} else {
		c.multipart(read)
	}
	if len(c.body) > mostBytes {
		return apierror.Inputf("parts: they must make a body of at most %d bytes", mostBytes)
	}
	return nil
}

// described holds parts to the fields of a schema that says which there are.
func described(schema *spec.Schema, parts []Part) error {
	if schema == nil || len(schema.Fields) == 0 || schema.Left > 0 || len(schema.Variants) > 0 {
		return nil
	}
	given := func(name string) bool {
		return slices.ContainsFunc(parts, func(p Part) bool { return p.Name == name })
	}
	for _, p := range parts {
		if !slices.ContainsFunc(schema.Fields, func(f spec.Field) bool { return !f.Inner && f.Name == p.Name }) {
			return apierror.Inputf("parts: the form has no field %q", shown(p.Name))
		}
	}
	for _, f := range schema.Fields {
		if f.Required && !f.Inner && !f.Schema.ReadOnly && !given(f.Name) {
			return apierror.Inputf("parts: %q is required", shown(f.Name))
		}
	}
	return nil
}

func (p Part) read(kind string) (content, error) {
	x := content{PartSummary: PartSummary{Name: p.Name, Filename: p.Filename}}
	refuse := func(rule string) (content, error) {
		return x, apierror.Inputf("parts: %q %s", shown(p.Name), rule)
	}
	switch {
	case p.Name == "" || len(p.Name) > mostPartName || controls(p.Name):
		return refuse("must be a name of 1 to 200 bytes without control characters")
	case len(p.Filename) > mostFilename || controls(p.Filename) || strings.ContainsAny(p.Filename, `/\`):
		return refuse("must have a filename of at most 255 bytes, without a path and control characters")
	case (p.Text == nil) == (p.Base64 == nil):
		return refuse("must have either text or base64")
	case p.Base64 != nil:
		data, err := base64.StdEncoding.DecodeString(*p.Base64)
		if err != nil {
			return refuse("must have base64 of the standard alphabet, with its padding")
		}
		x.data = data
	default:
		x.data = []byte(*p.Text)
	}
	x.Bytes = len(x.data)
	if kind == fieldsType {
		if p.Base64 != nil || p.Filename != "" || p.ContentType != "" {
			return refuse("is a field of a form without files: it has text, and no filename and type")
		}
		return x, nil
	}
	var ok bool
	if x.ContentType, ok = partType(p); !ok {
		return refuse("must have a contentType such as image/png, and none with parts of its own")
	}
	return x, nil
}

// partType is the type of a part, "" for plain fields that name none.
func partType(p Part) (contentType string, ok bool) {
	if p.ContentType == "" {
		if p.Filename == "" && p.Base64 == nil {
			return "", true
		}
		return "application/octet-stream", true
	}
	kind, parameters, err := mime.ParseMediaType(p.ContentType)
	if err != nil || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") || !strings.Contains(kind, "/") {
		return "", false
	}
	contentType = mime.FormatMediaType(kind, parameters)
	return contentType, contentType != "" && len(contentType) <= mostPartName
}

func controls(s string) bool { return strings.IndexFunc(s, unicode.IsControl) >= 0 }

// fields are names and values as a browser sends them, in their order.
func fields(parts []content) string {
	pairs := make([]string, len(parts))
	for i, p := range parts {
		pairs[i] = url.QueryEscape(p.Name) + "=" + url.QueryEscape(string(p.data))
	}
	return strings.Join(pairs, "&")
}

// multipart makes a body of parts. The same parts make the same bytes, since somebody agrees to each of them; so the line
// between parts is made of what it stands between, in which it then does not occur.
func (c *call) multipart(parts []content) {
	sum := sha256.New()
	for _, p := range parts {
		_, _ = sum.Write([]byte(hashed(p.PartSummary, p.data)))
	}
	boundary := hex.EncodeToString(sum.Sum(nil)[:20])
	for slices.ContainsFunc(parts, func(p content) bool { return bytes.Contains(p.data, []byte(boundary)) }) {
		_, _ = sum.Write([]byte(boundary))
		boundary = hex.EncodeToString(sum.Sum(nil)[:20])
	}
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	_ = w.SetBoundary(boundary) // 40 letters and digits are one
	for _, p := range parts {
		part, _ := w.CreatePart(p.header()) // a buffer takes all
		_, _ = part.Write(p.data)
	}
	_ = w.Close()
	c.contentType, c.body = w.FormDataContentType(), out.String()
}

// header names a part as browsers do: what would end the name is escaped in it.
func (p content) header() textproto.MIMEHeader {
	quoted := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")
	disposition := `form-data; name="` + quoted.Replace(p.Name) + `"`
	if p.Filename != "" {
		disposition += `; filename="` + quoted.Replace(p.Filename) + `"`
	}
	h := textproto.MIMEHeader{"Content-Disposition": {disposition}}
	if p.ContentType != "" {
		h.Set("Content-Type", p.ContentType)
	}
	return h
}
