package spec

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// asyncAPI reads AsyncAPI 2, where channels hold their operations, and 3, where operations refer to channels.
type asyncAPI struct {
	schemas
}

func readAsyncAPI(root *tree.Value, format string) *Document {
	a := &asyncAPI{schemas{refs{root}}}
	x := newIndex(format)
	x.info(root)
	x.doc.Servers = a.servers()
	if strings.HasPrefix(format, "AsyncAPI 2") {
		a.channels(x)
	} else {
		a.operations(x)
	}
	x.doc.schema = a.page
	return x.done()
}

func (a *asyncAPI) servers() []Server {
	var out []Server
	for name, s := range (place{v: a.root}).to("servers").members(mostServers) {
		end, away := a.follow(s)
		if away != "" {
			continue
		}
		url := end.v.Get("url").Text()
		if url == "" {
			url = end.v.Get("host").Text() + end.v.Get("pathname").Text()
		}
		if protocol := end.v.Get("protocol").Text(); protocol != "" && !strings.Contains(url, "://") {
			url = protocol + "://" + url
		}
		text := firstLine(end.v.Get("description").Text())
		if text == "" {
			text = name
		}
		out = append(out, Server{short(url), short(text)})
	}
	return out
}

// channels reads version 2. "subscribe" is what an application may receive, "publish" what it may send.
func (a *asyncAPI) channels(x *index) {
	x.beyond("channels", a.root.Get("channels").Len())
	for name, channel := range (place{v: a.root}).to("channels").members(mostOperations) {
		end, away := a.follow(channel)
		if away != "" {
			x.notef("%s is described elsewhere: %s", quoted(name), quoted(away))
			continue
		}
		for _, verb := range []string{"subscribe", "publish"} {
			op := end.to(verb)
			if op.v.Kind() != tree.Object {
				continue
			}
			a.add(x, strings.ToUpper(verb), verb+"-"+name, name, end, op)
		}
	}
}

// operations reads version 3.
func (a *asyncAPI) operations(x *index) {
	x.beyond("operations", a.root.Get("operations").Len())
	for name, operation := range (place{v: a.root}).to("operations").members(mostOperations) {
		op, away := a.follow(operation)
		channel, lost := a.follow(op.to("channel"))
		if away != "" || lost != "" {
			x.notef("%s is described elsewhere: %s", quoted(name), quoted(away+lost))
			continue
		}
		if op.v.Kind() != tree.Object {
			x.notef("operation %s is not an object", quoted(name))
			continue
		}
		address := channel.v.Get("address").Text()
		if address == "" {
			address = name
		}
		a.add(x, strings.ToUpper(cut(op.v.Get("action").Text(), 20)), name, address, channel, op)
	}
}

func (a *asyncAPI) add(x *index, verb, id, address string, channel, op place) {
	group := "Channels"
	for _, tagged := range []place{op, channel} {
		if tag := tagged.v.Get("tags").At(0).Get("name").Text(); tag != "" {
			group = tag
			break
		}
	}
	title := op.v.Get("title").Text()
	for _, v := range []*tree.Value{op.v.Get("summary"), op.v.Get("operationId"), channel.v.Get("title")} {
		if title == "" {
			title = v.Text()
		}
	}
	if own := op.v.Get("operationId").Text(); own != "" {
		id = own
	}
	x.add(group, id, Summary{Verb: verb, Path: address, Title: title, Deprecated: op.v.Get("deprecated").True()}, func(o *Operation) {
		a.load(o, channel, op)
	})
}

func (a *asyncAPI) load(o *Operation, channel, op place) {
	o.Description = long(joined(op.v.Get("description").Text(), channel.v.Get("description").Text()))
	for name, p := range channel.to("parameters").members(mostParameters) {
		if end, away := a.follow(p); away == "" {
			out := Parameter{Name: short(name), In: "channel", Required: true, Description: long(end.v.Get("description").Text()), Schema: a.brief(end.to("schema"))}
			if out.Schema == nil {
				out.Schema = a.brief(end)
			}
			o.Parameters = append(o.Parameters, out)
		}
	}
	for _, m := range a.messages(o, channel, op) {
		o.Responses = append(o.Responses, a.message(m))
	}
}

func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}

// messages are those of an operation: one, one of several, those that it lists, or all of its channel.
func (a *asyncAPI) messages(o *Operation, channel, op place) []place {
	var list []place
	if m := op.to("message"); m.v != nil {
		list = []place{m}
		if variants := m.to("oneOf"); variants.v != nil {
			list = variants.items(mostMedia)
		}
	} else if list = op.to("messages").items(mostMedia); len(list) == 0 {
		for _, m := range channel.to("messages").members(mostMedia) {
			list = append(list, m)
		}
	}
	var out []place
	for _, m := range list {
		end, away := a.follow(m)
		if away != "" {
			o.Notes = noted(o.Notes, "A message is described elsewhere: %s", quoted(away))
			continue
		}
		out = append(out, end)
	}
	return out
}

// message is shown as a response is: a name, a text, headers and content.
func (a *asyncAPI) message(m place) Response {
	keys := m.at.Keys()
	out := Response{Status: short(m.v.Get("name").Text()), Description: long(joined(m.v.Get("summary").Text(), m.v.Get("description").Text()))}
	if title := m.v.Get("title").Text(); title != "" {
		out.Status = short(title)
	}
	if out.Status == "" && len(keys) > 0 && keys[len(keys)-1] != "message" {
		out.Status = short(keys[len(keys)-1])
	}
	if out.Status == "" {
		out.Status = "Message"
	}
	headers, _ := a.follow(m.to("headers"))
	for name, h := range headers.to("properties").members(mostParameters) {
		out.Headers = append(out.Headers, Parameter{Name: short(name), Schema: a.brief(h), Description: long(h.v.Get("description").Text())})
	}
	for i, h := range out.Headers {
		if h.Schema != nil {
			out.Headers[i].Schema.Description = ""
		}
	}
	out.Content = []Media{a.payload(m)}
	return out
}

// payload reads the content of a message. In version 3 a schema may be wrapped with the name of its language; of those that
// are not JSON Schema the source is shown.
func (a *asyncAPI) payload(m place) Media {
	schema, away := a.follow(m.to("payload"))
	if away != "" {
		return Media{Type: a.contentType(m), Schema: &Schema{Type: refName(away), External: short(away)}}
	}
	language := m.v.Get("schemaFormat").Text()
	if inner := schema.to("schema"); inner.v != nil && schema.v.Get("schemaFormat") != nil {
		language = schema.v.Get("schemaFormat").Text()
		schema = inner
	}
	out := Media{Type: a.contentType(m)}
	if foreign(language) {
		out.Schema = &Schema{Type: cut(language, 100)}
		out.Examples = []Example{{Summary: "The schema as it is written", Text: exampleText(schema.v)}}
		return out
	}
	out.Schema = a.full(schema)
	for _, e := range m.to("examples").items(mostExamples) {
		if v := e.v.Get("payload"); v != nil {
			out.Examples = append(out.Examples, Example{Name: short(e.v.Get("name").Text()), Summary: short(e.v.Get("summary").Text()), Text: exampleText(v)})
		}
	}
	if len(out.Examples) == 0 && schema.v != nil {
		out.Examples = []Example{{Summary: "Made of the schema", Text: a.sample(schema, false)}}
	}
	return out
}

func foreign(language string) bool {
	return language != "" && !strings.Contains(language, "schema+") && !strings.Contains(language, "asyncapi") && !strings.Contains(language, "openapi")
}

func (a *asyncAPI) contentType(m place) string {
	for _, v := range []*tree.Value{m.v.Get("contentType"), a.root.Get("defaultContentType")} {
		if t := v.Text(); t != "" {
			return short(t)
		}
	}
	return "application/json"
}
