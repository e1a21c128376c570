package spec

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// schemes are the ways of authentication that the document describes.
func (a *openAPI) schemes() place {
	root := place{v: a.root}
	if a.swagger {
		return root.to("securityDefinitions")
	}
	return root.to("components", "securitySchemes")
}

// security lists the alternatives, each as text such as "oauth (read, write) and key".
func (a *openAPI) security(op place) []string {
	list := op.to("security")
	if list.v == nil {
		list = place{v: a.root}.to("security")
	}
	var out []string
	for _, alternative := range list.items(mostServers) {
		var names []string
		for name, scopes := range alternative.members(mostServers) {
			text := cut(name, 200)
			if kind := a.schemes().to(name).v; kind != nil {
				text += schemeText(kind)
			}
			if scopes.v.Len() > 0 {
				var words []string
				for _, s := range scopes.items(mostServers) {
					words = append(words, cut(s.v.Text(), 200))
				}
				text += " with " + strings.Join(words, ", ")
			}
			names = append(names, text)
		}
		if len(names) == 0 {
			names = []string{"none"}
		}
		out = append(out, short(strings.Join(names, " and ")))
	}
	return out
}

func schemeText(v *tree.Value) string {
	words := []string{v.Get("type").Text(), v.Get("scheme").Text(), v.Get("in").Text(), v.Get("name").Text()}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if len(words) == 0 {
		return ""
	}
	return " (" + cut(strings.Join(words, " "), 200) + ")"
}

// body fills in what the request holds.
func (a *openAPI) body(o *Operation, op place, params []parameter) {
	if a.swagger {
		a.swaggerBody(o, op, params)
		return
	}
	end, away := a.follow(op.to("requestBody"))
	switch {
	case away != "":
		o.Notes = noted(o.Notes, "The body is described elsewhere: %s", quoted(away))
	case end.v.Kind() == tree.Object:
		o.Body = &Body{Required: end.v.Get("required").True(), Description: long(end.v.Get("description").Text()), Content: a.content(o, end, true)}
	}
}

// content is what a body or a response holds, by type.
func (a *openAPI) content(o *Operation, p place, request bool) []Media {
	var out []Media
	for name, media := range p.to("content").members(mostMedia) {
		if end, away := a.follow(media); away == "" {
			out = append(out, a.media(name, end.to("schema"), end, request))
		}
	}
	if n := left(p.v.Get("content").Len(), mostMedia); n > 0 {
		o.Notes = noted(o.Notes, "%d more types of content are not shown", n)
	}
	return out
}

// media is one form of a body, with an example made of the schema where the author gives none.
func (a *openAPI) media(name string, schema, from place, request bool) Media {
	m := Media{Type: short(name), Schema: a.full(schema), Examples: examplesOf(a.refs, from), Encoding: a.encoding(from)}
	if len(m.Examples) == 0 && schema.v != nil && jsonType(name) {
		if text := a.sample(schema, request); text != "" {
			m.Examples = []Example{{Summary: "Made of the schema", Text: text}}
		}
	}
	return m
}

// encoding is how the fields of a form are written, as far as the document says.
func (a *openAPI) encoding(media place) []Encoding {
	var out []Encoding
	for field, e := range media.to("encoding").members(mostMedia) {
		one := Encoding{Field: short(field)}
		for _, fact := range []string{"contentType", "style", "explode", "allowReserved"} {
			if value := e.v.Get(fact).Scalar(); value != "" {
				one.Facts = append(one.Facts, Fact{words[fact], short(value)})
			}
		}
		for name, h := range e.to("headers").members(mostMedia) {
			if h, away := a.follow(h); away == "" {
				one.Headers = append(one.Headers, a.header(name, h))
			}
		}
		out = append(out, one)
	}
	return out
}

// words are for people.
var words = map[string]string{"contentType": FactType, "style": "style", "explode": "repeated for each value", "allowReserved": "reserved characters as they are"}

func jsonType(name string) bool { return strings.Contains(name, "json") || name == "*/*" || name == "" }

// swaggerBody is the parameter in "body", or those in "formData" as one object.
func (a *openAPI) swaggerBody(o *Operation, op place, params []parameter) {
	types := a.types(op, "consumes")
	var form Schema
	for _, p := range params {
		switch p.in {
		case "body":
			o.Body = &Body{Required: p.v.Get("required").True(), Description: long(p.v.Get("description").Text())}
			for _, t := range types {
				o.Body.Content = append(o.Body.Content, a.media(t, p.to("schema"), place{}, true))
			}
			return
		case "formData":
			form.Fields = append(form.Fields, Field{Name: short(p.name), Required: p.v.Get("required").True(), Schema: a.brief(p.place)})
		}
	}
	if len(form.Fields) == 0 {
		return
	}
	form.Type = "object"
	o.Body = &Body{Required: slices.ContainsFunc(form.Fields, func(f Field) bool { return f.Required })}
	for _, t := range types {
		if jsonType(t) {
			t = "application/x-www-form-urlencoded"
		}
		o.Body.Content = append(o.Body.Content, Media{Type: t, Schema: &form})
	}
}

// types are the content types that Swagger names for an operation or for all.
func (a *openAPI) types(op place, member string) []string {
	list := op.to(member)
	if list.v == nil {
		list = place{v: a.root}.to(member)
	}
	var out []string
	for _, t := range list.items(mostMedia) {
		if t.v.Text() != "" {
			out = append(out, short(t.v.Text()))
		}
	}
	if len(out) == 0 {
		return []string{"application/json"}
	}
	return out
}

func (a *openAPI) responses(o *Operation, op place) {
	list := op.to("responses")
	for status, r := range list.members(mostResponses) {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		end, away := a.follow(r)
		if away != "" {
			o.Responses = append(o.Responses, Response{Status: short(status), Description: "Described elsewhere: " + short(away)})
			continue
		}
		out := Response{Status: short(status), Description: long(end.v.Get("description").Text()), Content: a.content(o, end, false)}
		if schema := end.to("schema"); a.swagger && schema.v != nil {
			for _, t := range a.types(op, "produces") {
				out.Content = append(out.Content, a.media(t, schema, place{}, false))
			}
			a.swaggerExamples(&out, end)
		}
		for name, h := range end.to("headers").members(mostParameters) {
			if h, away := a.follow(h); away == "" {
				out.Headers = append(out.Headers, a.header(name, h))
			}
		}
		o.Responses = append(o.Responses, out)
	}
	if n := left(list.v.Len(), mostResponses); n > 0 {
		o.Notes = noted(o.Notes, "%d more responses are not shown", n)
	}
}

// swaggerExamples puts the examples of a response, which are by type, in the place of made ones.
func (a *openAPI) swaggerExamples(r *Response, p place) {
	for i, m := range r.Content {
		if x := p.to("examples", m.Type).v; x != nil {
			r.Content[i].Examples = []Example{{Text: exampleText(x)}}
		}
	}
}

func (a *openAPI) callbacks(o *Operation, op place) {
	for name, callback := range op.to("callbacks").members(mostExamples) {
		end, away := a.follow(callback)
		if away != "" {
			continue
		}
		for expression, item := range end.members(mostExamples) {
			for _, method := range methods {
				if c := item.v.Get(method); c.Kind() == tree.Object {
					o.Callbacks = append(o.Callbacks, Callback{short(name), strings.ToUpper(method), short(expression), short(firstLine(c.Get("summary").Text()))})
				}
			}
		}
	}
}
