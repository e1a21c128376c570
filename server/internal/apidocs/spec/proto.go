package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// proto reads one file of Protocol Buffers as it is written: what it imports is not there, so types of other files are
// names. Methods are the operations, messages and enumerations the schemas.
type proto struct {
	file  *ast.FileNode
	pkg   string
	types map[string]protoType // by full name
	order []string
}

type protoType struct {
	node  ast.Node // *ast.MessageNode, *ast.GroupNode or *ast.EnumNode
	decls []ast.MessageElement
	enum  *ast.EnumNode
}

var protoText = lexis{quotes: `"'`, line: []string{"//"}, open: "/*", close: "*/"}

func readProto(text string) (*Document, error) {
	if err := protoText.source(text); err != nil {
		return nil, err
	}
	file, err := parser.Parse("definition.proto", strings.NewReader(text), reporter.NewHandler(nil))
	if err != nil {
		return nil, fmt.Errorf("read Protocol Buffers: %s", cut(err.Error(), 300))
	}
	p := &proto{file: file, types: map[string]protoType{}}
	x := newIndex(syntaxOf(file))
	x.doc.Title = "gRPC API"
	p.collect(x)
	p.services(x)
	p.schemas(x)
	x.doc.schema = p.page
	x.doc.weight = 20 * len(text)
	x.doc.Definition = func() (string, string) { return "text/plain; charset=utf-8", text }
	return x.done(), nil
}

func syntaxOf(file *ast.FileNode) string {
	switch {
	case file.Edition != nil:
		return "Protocol Buffers edition " + cut(file.Edition.Edition.AsString(), 20)
	case file.Syntax != nil:
		return "Protocol Buffers " + cut(file.Syntax.Syntax.AsString(), 20)
	default:
		return "Protocol Buffers proto2"
	}
}

// collect finds the package, the imports and all types.
func (p *proto) collect(x *index) {
	for _, d := range p.file.Decls {
		if n, ok := d.(*ast.PackageNode); ok {
			p.pkg = string(n.Name.AsIdentifier())
			x.doc.Title = short(p.pkg)
			x.doc.Description = long(p.comment(n))
		}
	}
	for _, d := range p.file.Decls {
		switch n := d.(type) {
		case *ast.ImportNode:
			x.notef("%s is imported and not part of this document", quoted(n.Name.AsString()))
		case *ast.MessageNode:
			p.message(p.pkg, n.Name.Val, n, n.Decls)
		case *ast.EnumNode:
			p.add(full(p.pkg, n.Name.Val), protoType{node: n, enum: n})
		}
	}
}

func full(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + "." + name
}

// message adds a message and the types inside of it.
func (p *proto) message(scope, name string, node ast.Node, decls []ast.MessageElement) {
	name = full(scope, name)
	p.add(name, protoType{node: node, decls: decls})
	for _, d := range decls {
		switch n := d.(type) {
		case *ast.MessageNode:
			p.message(name, n.Name.Val, n, n.Decls)
		case *ast.GroupNode:
			p.message(name, n.Name.Val, n, n.Decls)
		case *ast.EnumNode:
			p.add(full(name, n.Name.Val), protoType{node: n, enum: n})
		}
	}
}

func (p *proto) add(name string, t protoType) {
	if _, known := p.types[name]; !known {
		p.types[name] = t
		p.order = append(p.order, name)
	}
}

func (p *proto) services(x *index) {
	for _, d := range p.file.Decls {
		s, ok := d.(*ast.ServiceNode)
		if !ok {
			continue
		}
		name := full(p.pkg, s.Name.Val)
		x.group(name).Description = long(p.comment(s))
		for _, e := range s.Decls {
			if rpc, ok := e.(*ast.RPCNode); ok {
				summary := Summary{Verb: "rpc", Path: name + "/" + rpc.Name.Val, Title: p.comment(rpc), Deprecated: marksRPC(rpc)}
				x.add(name, name+"."+rpc.Name.Val, summary, func(o *Operation) { p.load(o, rpc) })
			}
		}
	}
}

func (p *proto) schemas(x *index) {
	for _, k := range []struct {
		group string
		enums bool
	}{{"Messages", false}, {"Enumerations", true}} {
		group := x.group(k.group)
		for _, name := range p.order {
			t := p.types[name]
			if (t.enum != nil) == k.enums && len(group.Schemas) < mostOperations && typeID(name).Fits() {
				group.Schemas = append(group.Schemas, SchemaLink{ID: typeID(name), Name: short(name), Text: short(firstLine(p.comment(t.node)))})
			}
		}
	}
}

func (p *proto) load(o *Operation, rpc *ast.RPCNode) {
	o.Description = long(p.comment(rpc))
	request, response := p.side(rpc.Input), p.side(rpc.Output)
	o.Body = &Body{Title: "Request", Content: []Media{request}}
	o.Responses = []Response{{Status: "Response", Content: []Media{response}}}
	o.Snippets = []Snippet{{"grpcurl", "grpcurl -d '{}' api.example.com:443 " + o.Path}}
}

// side is what goes one way.
func (p *proto) side(t *ast.RPCTypeNode) Media {
	name := string(t.MessageType.AsIdentifier())
	s := p.named(p.pkg, name)
	if page := p.page(s.ID); page != nil {
		s = page
	}
	text := strings.TrimPrefix(name, ".")
	if t.Stream != nil {
		text = "stream of " + text
	}
	return Media{Type: short(text), Schema: s}
}

// named is the type that a name means in a scope: the innermost one that has it.
func (p *proto) named(scope, name string) *Schema {
	absolute := strings.HasPrefix(name, ".")
	name = strings.TrimPrefix(name, ".")
	for {
		candidate := full(scope, name)
		if absolute {
			candidate = name
		}
		if _, ok := p.types[candidate]; ok && typeID(candidate).Fits() {
			return &Schema{ID: typeID(candidate), Name: short(candidate), Type: short(strings.TrimPrefix(candidate, p.pkg+".")), More: true}
		}
		if scope == "" || absolute {
			return &Schema{Type: short(name)}
		}
		scope = scope[:max(0, strings.LastIndexByte(scope, '.'))]
	}
}

// page is a message with its fields, or an enumeration with its values.
func (p *proto) page(id tree.Pointer) *Schema {
	keys := id.Keys()
	if len(keys) != 2 || keys[0] != "types" {
		return nil
	}
	t, ok := p.types[keys[1]]
	if !ok {
		return nil
	}
	s := &Schema{ID: id, Name: short(keys[1]), Type: "message", Description: long(p.comment(t.node))}
	if t.enum != nil {
		s.Type = "enumeration"
		p.values(s, t.enum)
		return s
	}
	for _, d := range t.decls {
		p.element(s, keys[1], d, "")
	}
	return s
}

func (p *proto) values(s *Schema, n *ast.EnumNode) {
	for _, d := range n.Decls {
		v, ok := d.(*ast.EnumValueNode)
		if !ok {
			continue
		}
		value := ""
		if i, ok := v.Number.AsInt64(); ok {
			value = strconv.FormatInt(i, 10)
		}
		p.put(s, Field{Name: short(v.Name.Val), Schema: &Schema{Type: value, Description: long(p.comment(v)), Deprecated: marks(v.Options)}})
	}
}

// element adds a field, or the fields of a oneof.
func (p *proto) element(s *Schema, scope string, d ast.MessageElement, oneof string) {
	switch n := d.(type) {
	case *ast.FieldNode:
		f := p.named(scope, string(n.FldType.AsIdentifier()))
		f.Description, f.Deprecated = long(p.comment(n)), marks(n.Options)
		p.field(s, f, n.Name.Val, n.Tag, n.Label, oneof)
	case *ast.MapFieldNode:
		f := p.named(scope, string(n.MapType.ValueType.AsIdentifier()))
		f.Type = short("map of " + n.MapType.KeyType.Val + " to " + f.Type)
		f.Description, f.Deprecated = long(p.comment(n)), marks(n.Options)
		p.field(s, f, n.Name.Val, n.Tag, ast.FieldLabel{}, oneof)
	case *ast.GroupNode:
		f := p.named(scope, n.Name.Val)
		f.Description = long(p.comment(n))
		p.field(s, f, strings.ToLower(n.Name.Val), n.Tag, n.Label, oneof)
	case *ast.OneofNode:
		for _, e := range n.Decls {
			if inner, ok := e.(ast.MessageElement); ok {
				p.element(s, scope, inner, n.Name.Val)
			}
		}
	}
}

func (p *proto) field(s, f *Schema, name string, tag *ast.UintLiteralNode, label ast.FieldLabel, oneof string) {
	if label.Repeated {
		f.Type = "repeated " + f.Type
	}
	if tag != nil {
		f.Facts = append(f.Facts, Fact{"number", strconv.FormatUint(tag.Val, 10)})
	}
	if oneof != "" {
		f.Facts = append(f.Facts, Fact{"one of", short(oneof)})
	}
	p.put(s, Field{Name: short(name), Required: label.Required, Schema: f})
}

func (*proto) put(s *Schema, f Field) {
	if len(s.Fields) >= mostFields {
		s.Left++
		return
	}
	s.Fields = append(s.Fields, f)
}

// marks reports whether options have deprecated = true.
func marks(o *ast.CompactOptionsNode) bool {
	return o != nil && slices.ContainsFunc(o.Options, isDeprecated)
}

func marksRPC(n *ast.RPCNode) bool {
	for _, d := range n.Decls {
		if o, ok := d.(*ast.OptionNode); ok && isDeprecated(o) {
			return true
		}
	}
	return false
}

func isDeprecated(o *ast.OptionNode) bool {
	if o.Name == nil || len(o.Name.Parts) != 1 || o.Name.Parts[0].IsExtension() || o.Name.Parts[0].Value() != "deprecated" {
		return false
	}
	v, ok := o.Val.(ast.IdentValueNode)
	return ok && v.AsIdentifier() == "true"
}

// comment is what stands before a declaration without a blank line between.
func (p *proto) comment(n ast.Node) string {
	comments := p.file.NodeInfo(n).LeadingComments()
	var lines []string
	size := 0
	for i := range comments.Len() {
		c := comments.Index(i)
		if strings.Count(c.LeadingWhitespace(), "\n") > 1 {
			lines, size = nil, 0
		}
		text := c.RawText()
		if size += len(text); size > mostText {
			break
		}
		lines = append(lines, uncommented(text)...)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func uncommented(text string) []string {
	if rest, ok := strings.CutPrefix(text, "//"); ok {
		return []string{strings.TrimPrefix(strings.TrimRight(rest, " \t\r\n"), " ")}
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/*"), "*/")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		line = strings.TrimPrefix(strings.TrimPrefix(line, "*"), " ")
		lines[i] = line
	}
	return lines
}
