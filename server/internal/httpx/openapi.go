package httpx

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/apierror"
)

// openAPI is a feature's specification, compiled at registration. This file and schema.go are the only ones that know
// kin-openapi.
type openAPI struct {
	operations map[string]*operation // by method and shape of the path
	document   []byte                // what openapi.json answers
}

// operation is what the specification says about one route.
type operation struct {
	params   []*queryParam // in the order of the specification, which is the order of complaints
	byName   map[string]*queryParam
	required bool // some parameter is
	anyQuery bool // unknown parameters are let through
	body     *bodyRule
}

type bodyRule struct {
	required bool
	schemas  map[string]*openapi3.Schema // by media type; a nil schema takes everything
}

// loadOpenAPI panics when the specification does not load: it is compiled into the program.
func loadOpenAPI(id string, source []byte) *openAPI {
	spec, err := compileOpenAPI(id, source)
	if err != nil {
		panic(fmt.Sprintf("httpx: openapi.yaml of %s: %s", id, err))
	}
	return spec
}

func compileOpenAPI(id string, source []byte) (*openAPI, error) {
	ordered, plain, err := readSpec(source)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(ordered)
	if err != nil {
		return nil, err
	}
	spec := &openAPI{operations: map[string]*operation{}}
	if spec.document, err = servedDocument(id, plain); err != nil {
		return nil, err
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			params := append(slices.Clone(item.Parameters), op.Parameters...)
			compiled, err := compileOperation(op, params)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			spec.operations[method+" "+pathShape(path)] = compiled
		}
	}
	return spec, nil
}

// readSpec gives the specification twice: for kin-openapi as JSON with the order of properties noted in each schema,
// because it keeps them in a map and complaints come in the order of the specification; and as it is.
func readSpec(source []byte) (ordered []byte, plain map[string]any, err error) {
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil {
		return nil, nil, err
	}
	if err := root.Decode(&plain); err != nil {
		return nil, nil, err
	}
	notePropertyOrder(&root)
	var noted map[string]any
	if err := root.Decode(&noted); err != nil {
		return nil, nil, err
	}
	ordered, err = json.Marshal(noted)
	return ordered, plain, err
}

const propertyOrder = "x-property-order"

func notePropertyOrder(n *yaml.Node) {
	for _, child := range n.Content {
		notePropertyOrder(child)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		if n.Content[i].Value != "properties" || value.Kind != yaml.MappingNode {
			continue
		}
		order := &yaml.Node{Kind: yaml.SequenceNode}
		for j := 0; j < len(value.Content); j += 2 {
			order.Content = append(order.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value.Content[j].Value})
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: propertyOrder}, order)
		return
	}
}

// servedDocument is the specification with the mount before each path.
func servedDocument(id string, spec map[string]any) ([]byte, error) {
	paths, _ := spec["paths"].(map[string]any)
	mounted := make(map[string]any, len(paths))
	for path, item := range paths {
		mounted["/api/"+id+path] = item
	}
	spec["paths"] = mounted
	return json.Marshal(spec)
}

func compileOperation(op *openapi3.Operation, params openapi3.Parameters) (*operation, error) {
	o := &operation{byName: map[string]*queryParam{}}
	o.anyQuery, _ = op.Extensions["x-eov-allow-unknown-query-parameters"].(bool)
	for _, ref := range params {
		if ref.Value == nil || ref.Value.In != openapi3.ParameterInQuery {
			continue // path parameters are any text, and headers belong to the edge
		}
		p, err := newQueryParam(ref.Value)
		if err != nil {
			return nil, err
		}
		o.params = append(o.params, p)
		o.byName[p.name] = p
		o.required = o.required || p.required
		o.anyQuery = o.anyQuery || p.open
	}
	if op.RequestBody != nil && op.RequestBody.Value != nil {
		o.body = &bodyRule{required: op.RequestBody.Value.Required, schemas: map[string]*openapi3.Schema{}}
		for media, content := range op.RequestBody.Value.Content {
			var schema *openapi3.Schema
			if content.Schema != nil {
				schema = content.Schema.Value
			}
			o.body.schemas[strings.ToLower(media)] = schema
		}
	}
	return o, nil
}

// operation finds the rules of a route; nil when the specification does not know it.
func (o *openAPI) operation(method, path string) *operation {
	if o == nil {
		return nil
	}
	return o.operations[method+" "+pathShape(path)]
}

// pathShape makes gin's and OpenAPI's patterns comparable: names of parameters do not count.
func pathShape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") || strings.HasPrefix(s, "*") || strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// check answers in the order of the reference: the body's form, its media type, unknown and empty parameters, then
// what is wrong with parameters and body together.
func (o *openAPI) check(op *operation, x *exchange) error {
	var body []byte
	if !x.leavesBody() {
		var err error
		if body, err = x.jsonBody(); err != nil {
			return err
		}
	}
	if op == nil {
		return nil
	}
	schema, err := op.bodySchema(x.r)
	if err != nil {
		return err
	}
	var wrong []string
	if x.r.URL.RawQuery != "" || op.required {
		wrong, err = op.checkQuery(x.r.URL.RawQuery)
		if err != nil {
			return err
		}
	}
	if schema != nil {
		if len(body) == 0 {
			body = emptyObject
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return err
		}
		wrong = append(wrong, violations(schema, value, "request/body")...)
	}
	if len(wrong) > 0 {
		return apierror.New(apierror.Input, strings.Join(wrong, ", "))
	}
	return nil
}

// bodySchema picks the schema for the request's content type; nil = nothing to check.
func (op *operation) bodySchema(r *http.Request) (*openapi3.Schema, error) {
	if op.body == nil {
		return nil, nil
	}
	declared := r.Header.Get("Content-Type")
	if declared == "" {
		if !op.body.required {
			return nil, nil
		}
		return nil, apierror.New(apierror.Input, "unsupported media type undefined")
	}
	media, _, _ := strings.Cut(declared, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	kind, _, _ := strings.Cut(media, "/")
	for _, candidate := range []string{media, kind + "/*", "*/*"} {
		if schema, ok := op.body.schemas[candidate]; ok {
			return schema, nil
		}
	}
	if _, params, err := mime.ParseMediaType(declared); err == nil && params["charset"] != "" {
		media += "; charset=" + strings.ToLower(params["charset"])
	}
	return nil, apierror.Inputf("unsupported media type %s", media)
}

// serve answers openapi.json.
func (o *openAPI) serve(c *gin.Context) error {
	return exchangeOf(c).sendTagged(http.StatusOK, jsonType, o.document)
}
