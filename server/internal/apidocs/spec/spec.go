// Package spec reads descriptions of APIs and answers what a page about them shows: an index of operations at once, one
// operation or one schema when it is asked for. A schema is shown to the next named one and no further, so what refers to
// itself costs nothing. Descriptions come from strangers: what is of the wrong shape is left out with a note, what
// exceeds a limit is cut with a note, and nothing is fetched from anywhere.
package spec

import (
	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// Document is the description of one API. It is immutable but for what it reads on demand, and may be shared.
type Document struct {
	Format      string // "OpenAPI 3.1.0"
	Title       string
	Version     string
	Description string // Markdown
	Servers     []Server
	Docs        Link
	Terms       Link
	Contact     Contact
	License     Link
	Groups      []Group
	// Notes say what of the document is not shown, and why.
	Notes []string
	// Definition is the document as others may have it: JSON from which no reference leads out, or the source text.
	Definition func() (contentType, text string)

	operations map[string]found
	schema     func(tree.Pointer) *Schema
	weight     int
}

type found struct {
	summary *Summary
	group   string
	load    func(*Operation)
}

// Server is an address of an API.
type Server struct{ URL, Description string }

// Contact is whom to ask about an API.
type Contact struct{ Name, URL, Email string }

// Group is a part of the index.
type Group struct {
	ID, Name    string
	Description string // Markdown
	Operations  []*Summary
	// Schemas are named types that the index lists; documents whose types are found through operations list none.
	Schemas []SchemaLink
}

// SchemaLink leads to a schema.
type SchemaLink struct {
	ID         tree.Pointer
	Name, Text string
}

// Summary is an operation as the index shows it.
type Summary struct {
	ID         string // unique in the document, fit for a path, the same as long as the operation keeps its name
	Verb       string // "GET", "SEND", "query", "rpc"
	Path       string // or the name, where operations have no path
	Title      string
	Deprecated bool
}

// Operation is one operation in full.
type Operation struct {
	Summary

	Group       string
	Description string // Markdown
	Servers     []Server
	Security    []string // the ways to be let in, of which one is enough
	Parameters  []Parameter
	Body        *Body
	Responses   []Response
	Callbacks   []Callback
	Docs        Link
	Snippets    []Snippet
	Notes       []string
}

// Parameter is what a caller sends beside the body, or a header of a response.
type Parameter struct {
	Name, In             string
	Required, Deprecated bool
	Description          string // Markdown
	Schema               *Schema
	Example              string
}

// Body is what a request or a message holds.
type Body struct {
	Title       string
	Description string // Markdown
	Required    bool
	Content     []Media
}

// Media is a body in one of its forms.
type Media struct {
	Type     string
	Schema   *Schema
	Encoding []Encoding
	Examples []Example
}

// Encoding is how one field of a form is written.
type Encoding struct {
	Field   string
	Facts   []Fact
	Headers []Parameter
}

// Example is a text to look at.
type Example struct{ Name, Summary, Text, URL string }

// Response is one answer.
type Response struct {
	Status      string
	Description string // Markdown
	Headers     []Parameter
	Content     []Media
}

// Callback is a request that the API makes.
type Callback struct{ Name, Verb, Path, Title string }

// Link is an address with a text.
type Link struct{ URL, Text string }

// Snippet is how an operation is called from a language.
type Snippet struct{ Language, Code string }

// Schema is one level of the tree of types.
type Schema struct {
	// ID is where its own page is; "" = there is none.
	ID                              tree.Pointer
	Name                            string // of a named schema
	Type                            string // "array of Pet", "string (date-time)"
	Title                           string
	Description                     string // Markdown
	External                        string // where a reference out of the document leads
	Deprecated, ReadOnly, WriteOnly bool
	// More tells that the page of ID shows more than this level does.
	More     bool
	Facts    []Fact
	Enum     []string
	EnumLeft int // how many values are not in Enum
	Fields   []Field
	Left     int // how many fields are not in Fields
	Variants []Variant
	Examples []Example
	Notes    []string
}

// Fact is a rule that values keep, such as a greatest length.
type Fact struct{ Name, Value string }

// Facts that others ask for by name: of an encoding and of a schema, the content type of a value.
const (
	FactType      = "type"
	FactMediaType = "contentMediaType"
)

// Field is a member of an object. Members of objects without a name of their own stand in the same list, with the way to
// them as name: "owner.address[].street".
type Field struct {
	Name     string
	Required bool
	// Inner is a member of an object that stands in the list before it.
	Inner  bool
	Args   []Parameter // of a field that is called, in GraphQL
	Schema *Schema
}

// Variant is a relation to other schemas: "one of", "any of", "all of", "not".
type Variant struct {
	Relation string
	Schemas  []*Schema
	Left     int
}

// Limits of what one page shows. They are far above what people write by hand.
const (
	mostOperations = 20_000
	mostGroups     = 2_000
	mostParameters = 300
	mostResponses  = 100
	mostMedia      = 20
	mostExamples   = 10
	mostFields     = 500
	mostVariants   = 60
	mostEnum       = 200
	mostServers    = 20
	mostNotes      = 50
	mostText       = 64 << 10 // bytes of one description
	mostName       = 1 << 10  // bytes of a name, title, path or value
	mostExample    = 16 << 10 // bytes of an example
)

// Operation is the operation of that id.
func (d *Document) Operation(id string) (*Operation, bool) {
	f, ok := d.operations[id]
	if !ok {
		return nil, false
	}
	o := &Operation{Summary: *f.summary, Group: f.group}
	f.load(o)
	return o, true
}

// Schema is the schema of that id.
func (d *Document) Schema(id tree.Pointer) (*Schema, bool) {
	if d.schema == nil {
		return nil, false
	}
	s := d.schema(id)
	return s, s != nil
}

// Len is how many operations there are.
func (d *Document) Len() int { return len(d.operations) }

// Weight is about how many bytes the document takes while it is kept.
func (d *Document) Weight() int { return d.weight }
