package spec

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// openAPI reads OpenAPI 3 and Swagger 2.0, which differ in where servers, bodies and schemas of parameters stand.
type openAPI struct {
	schemas

	swagger bool
	servers []Server
}

// methods are the operations that a path may have.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

func readOpenAPI(root *tree.Value, format string) *Document {
	a := &openAPI{schemas: schemas{refs{root}}, swagger: root.Get("swagger") != nil}
	x := newIndex(format)
	x.info(root)
	a.servers = a.serversOf(root)
	x.doc.Servers = a.servers
	a.tags(x)
	a.paths(x, "paths", "")
	a.paths(x, "webhooks", Webhooks)
	x.doc.schema = a.page
	return x.done()
}

// info reads what OpenAPI and AsyncAPI have in common.
func (x *index) info(root *tree.Value) {
	info := root.Get("info")
	x.doc.Title = short(firstLine(info.Get("title").Text()))
	x.doc.Version = short(info.Get("version").Scalar())
	x.doc.Description = long(info.Get("description").Text())
	x.doc.Docs = docsOf(root.Get("externalDocs"))
	if x.doc.Docs.URL == "" {
		x.doc.Docs = docsOf(info.Get("externalDocs"))
	}
	contact, license := info.Get("contact"), info.Get("license")
	x.doc.Contact = Contact{short(firstLine(contact.Get("name").Text())), short(contact.Get("url").Text()), short(firstLine(contact.Get("email").Text()))}
	x.doc.License = Link{short(license.Get("url").Text()), short(firstLine(license.Get("name").Text()))}
	if id := license.Get("identifier").Text(); id != "" && x.doc.License.Text != id {
		x.doc.License.Text = short(strings.TrimSpace(firstLine(license.Get("name").Text()) + " (" + id + ")"))
	}
	x.doc.Terms = Link{short(info.Get("termsOfService").Text()), "Terms of service"}
	if x.doc.Title == "" {
		x.doc.Title = "API without a title"
	}
}

func docsOf(v *tree.Value) Link {
	return Link{short(v.Get("url").Text()), short(firstLine(v.Get("description").Text()))}
}

// tags makes groups in the order in which the document names them.
func (a *openAPI) tags(x *index) {
	for _, tag := range (place{v: a.root}).to("tags").items(mostGroups) {
		name := tag.v.Get("name").Text()
		if name == "" {
			continue
		}
		if g := x.group(name); g.Description == "" {
			g.Description = long(tag.v.Get("description").Text())
		}
	}
}

const untagged = "Operations without a group"

// Webhooks is the group of requests that an API makes, so that nobody calls them.
const Webhooks = "Webhooks"

func (a *openAPI) paths(x *index, member, group string) {
	list := place{v: a.root}.to(member)
	if list.v != nil && list.v.Kind() != tree.Object {
		x.notef("%s is not an object", member)
	}
	x.beyond(member, list.v.Len())
	for path, item := range list.members(mostOperations) {
		if strings.HasPrefix(path, "x-") {
			continue
		}
		at, away := a.follow(item)
		if away != "" {
			x.notef("%s is described elsewhere: %s", quoted(path), quoted(away))
			continue
		}
		for _, method := range methods {
			op := at.to(method)
			if op.v == nil {
				continue
			}
			if op.v.Kind() != tree.Object {
				x.notef("%s of %s is not an object", method, quoted(path))
				continue
			}
			a.operation(x, group, path, method, at, op)
		}
	}
}

func (a *openAPI) operation(x *index, group, path, method string, item, op place) {
	if group == "" {
		group = untagged
		if tag := op.v.Get("tags").At(0).Text(); tag != "" {
			group = tag
		}
	}
	title := op.v.Get("summary").Text()
	if title == "" {
		title = item.v.Get("summary").Text()
	}
	id := op.v.Get("operationId").Text()
	if slug(id) == "unnamed" {
		id = method + "-" + path
	}
	if title == "" {
		title = op.v.Get("operationId").Text()
	}
	s := Summary{Verb: strings.ToUpper(method), Path: path, Title: title, Deprecated: op.v.Get("deprecated").True()}
	x.add(group, id, s, func(o *Operation) { a.load(o, path, item, op) })
}

// load fills in an operation.
func (a *openAPI) load(o *Operation, path string, item, op place) {
	o.Description = long(op.v.Get("description").Text())
	o.Servers = a.serversOf(op.v)
	if o.Servers == nil {
		o.Servers = a.serversOf(item.v)
	}
	if o.Servers == nil {
		o.Servers = a.servers
	}
	o.Security = a.security(op)
	o.Docs = docsOf(op.v.Get("externalDocs"))
	params := a.parameters(o, item, op)
	a.body(o, op, params)
	a.responses(o, op)
	a.callbacks(o, op)
	if o.Group != Webhooks {
		o.Snippets = snippets(a.request(o, path, params))
	}
}

// parameter is one of an operation, with its references followed.
type parameter struct {
	place

	name, in string
}

// parameters are those of the path and of the operation; of two with one name and place the operation's counts.
func (a *openAPI) parameters(o *Operation, item, op place) []parameter {
	var all []parameter
	for _, list := range []place{op.to("parameters"), item.to("parameters")} {
		for _, x := range list.items(mostParameters) {
			end, away := a.follow(x)
			p := parameter{end, end.v.Get("name").Text(), end.v.Get("in").Text()}
			switch {
			case away != "":
				o.Notes = noted(o.Notes, "A parameter is described elsewhere: %s", quoted(away))
			case p.name == "" || p.in == "":
				o.Notes = noted(o.Notes, "A parameter without name or place is not shown")
			case !slices.ContainsFunc(all, func(q parameter) bool { return q.name == p.name && q.in == p.in }):
				all = append(all, p)
			}
		}
		if n := left(list.v.Len(), mostParameters); n > 0 {
			o.Notes = noted(o.Notes, "%d more parameters are not shown", n)
		}
	}
	for _, in := range []string{"path", "query", "querystring", "header", "cookie"} {
		for _, p := range all {
			if p.in == in {
				o.Parameters = append(o.Parameters, a.parameter(p))
			}
		}
	}
	return all
}

func (a *openAPI) parameter(p parameter) Parameter {
	out := a.header(p.name, p.place)
	out.In = p.in
	out.Required = out.Required || p.in == "path"
	return out
}

// header is a header of a response, which is a parameter without name and place of its own.
func (a *openAPI) header(name string, p place) Parameter {
	out := Parameter{Name: short(name), Required: p.v.Get("required").True(), Deprecated: p.v.Get("deprecated").True(),
		Description: long(p.v.Get("description").Text()), Schema: a.brief(a.schemaOf(p))}
	if out.Schema != nil && out.Schema.Description == out.Description {
		out.Schema.Description = ""
	}
	for _, e := range examplesOf(a.refs, p) {
		out.Example = short(e.Text)
		break
	}
	return out
}

// schemaOf is the schema of a parameter: a member of its own, one of its content, or in Swagger the parameter itself.
func (a *openAPI) schemaOf(p place) place {
	if s := p.to("schema"); s.v != nil {
		return s
	}
	for _, media := range p.to("content").members(1) {
		return media.to("schema")
	}
	if a.swagger {
		return p
	}
	return place{}
}

func (a *openAPI) serversOf(v *tree.Value) []Server {
	if a.swagger && v.Get("swagger") != nil {
		return swaggerServers(v)
	}
	var out []Server
	for _, s := range (place{v: v}).to("servers").items(mostServers) {
		if url := s.v.Get("url").Text(); url != "" {
			for name, variable := range s.to("variables").members(mostServers) {
				if d := variable.v.Get("default").Scalar(); d != "" {
					url = strings.ReplaceAll(cut(url, mostName), "{"+cut(name, 100)+"}", cut(d, 200))
				}
			}
			out = append(out, Server{short(url), short(firstLine(s.v.Get("description").Text()))})
		}
	}
	return out
}

func swaggerServers(root *tree.Value) []Server {
	host, base := root.Get("host").Text(), root.Get("basePath").Text()
	if host == "" {
		if base == "" {
			return nil
		}
		return []Server{{URL: short(base)}}
	}
	schemes := []string{}
	for i, s := range root.Get("schemes").Items() {
		if i < mostServers && s.Text() != "" {
			schemes = append(schemes, cut(s.Text(), 10))
		}
	}
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	slices.SortStableFunc(schemes, func(x, y string) int { return strings.Compare(y, x) }) // https before http
	out := make([]Server, len(schemes))
	for i, s := range schemes {
		out[i].URL = short(s + "://" + host + strings.TrimSuffix(base, "/"))
	}
	return out
}
