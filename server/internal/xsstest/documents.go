package xsstest

import (
	"fmt"
	"strings"
)

// OpenAPI is a document with a V wherever text may stand; so are the others.
const OpenAPI = `{"openapi":"3.1.0","info":{"title":V,"version":V,"description":V,"termsOfService":V,"contact":{"name":V,"url":V,"email":V},"license":{"name":V,"url":V,"identifier":V}},"servers":[{"url":V,"description":V,"variables":{V:{"default":V}}}],
"tags":[{"name":V,"description":V}],"security":[{V:[V]}],
"paths":{V:{"summary":V,"get":{"operationId":V,"summary":V,"description":V,"tags":[V],"deprecated":true,"externalDocs":{"url":V,"description":V},
"security":[{V:[V]},{"k":[]}],"servers":[{"url":V,"description":V}],
"parameters":[{"name":V,"in":"path","description":V,"schema":{"type":V,"format":V,"enum":[V,{V:V}],"default":V,"pattern":V},"example":V},
{"name":V,"in":"query","required":true,"schema":{"$ref":V},"examples":{V:{"summary":V,"value":V,"externalValue":V}}},{"name":V,"in":"header","required":true,"content":{V:{"schema":{"type":"string","example":V}}}},
{"name":"cookie","in":"cookie","schema":{"oneOf":[{"title":V,"type":V},{"const":V}]}},{"$ref":V}],
"requestBody":{"description":V,"required":true,"content":{V:{"schema":{"$ref":"#/components/schemas/S"},"encoding":{V:{"contentType":V,"style":V,"headers":{V:{"description":V}}}},"example":V,"examples":{V:{"summary":V,"value":{V:V},"externalValue":V}}},"application/json":{"schema":{"$ref":"#/components/schemas/S"}}}},
"responses":{V:{"description":V,"headers":{V:{"description":V,"schema":{"type":"string"}}},"content":{V:{"schema":{"type":"array","items":{"$ref":"#/components/schemas/S"}}}}},"default":{"$ref":V}},
"callbacks":{V:{V:{"post":{"summary":V}}}}}}},
"components":{"securitySchemes":{V:{"type":"apiKey","in":"header","name":V},"k":{"type":V,"scheme":V,"name":V}},
"schemas":{"S":{"title":V,"description":V,"type":"object","required":[V],"properties":{V:{"type":V,"description":V,"example":V,"properties":{V:{"type":V,"description":V}}},"e":{"enum":[V,V]},"x":{"$ref":V},"n":{"$ref":"#/components/schemas/N"}},
"patternProperties":{V:{"type":V,"description":V}},"additionalProperties":{"type":V,"title":V},"allOf":[{"type":V,"pattern":V}],"oneOf":[{"$ref":V},{"type":V,"default":{V:V}}],"not":{"const":V},"examples":[V]},"N":{"properties":{V:{"type":V}}}}}}`

// Swagger is an OpenAPI 2.0, which has forms and bodies among the parameters.
const Swagger = `{"swagger":"2.0","info":{"title":V,"version":V,"description":V},"host":V,"basePath":V,"schemes":[V],"consumes":[V],"produces":[V],
"securityDefinitions":{"k":{"type":"apiKey","in":"query","name":V}},"security":[{"k":[V]}],
"paths":{V:{"post":{"tags":[V],"summary":V,"parameters":[{"name":V,"in":"formData","type":V,"description":V,"default":V,"required":true},{"name":V,"in":"query","required":true,"type":"string","default":V}],
"responses":{V:{"description":V,"schema":{"$ref":"#/definitions/S"},"examples":{V:V}}}},"put":{"parameters":[{"name":V,"in":"body","schema":{"$ref":"#/definitions/S"}}]}}},
"definitions":{"S":{"description":V,"properties":{V:{"type":V,"format":V}}}}}`

// AsyncAPI2 has its operations in channels.
const AsyncAPI2 = `{"asyncapi":"2.6.0","info":{"title":V,"version":V,"description":V},"servers":{V:{"url":V,"protocol":V,"description":V}},"defaultContentType":V,
"channels":{V:{"description":V,"parameters":{V:{"description":V,"schema":{"type":V}}},"publish":{"operationId":V,"summary":V,"description":V,"tags":[{"name":V}],
"message":{"name":V,"title":V,"summary":V,"description":V,"contentType":V,"headers":{"properties":{V:{"type":V,"description":V}}},"payload":{"type":"object","properties":{V:{"type":V,"description":V}}},"examples":[{"name":V,"summary":V,"payload":V}]}},
"subscribe":{"message":{"schemaFormat":V,"payload":{V:V}}}}}}`

// AsyncAPI3 has operations beside its channels.
const AsyncAPI3 = `{"asyncapi":"3.0.0","info":{"title":V,"version":V,"description":V},"servers":{V:{"host":V,"pathname":V,"protocol":V}},
"channels":{"c":{"address":V,"title":V,"messages":{V:{"payload":{"schemaFormat":V,"schema":{"type":V}}}}}},"operations":{V:{"action":V,"title":V,"description":V,"channel":{"$ref":"#/channels/c"}}}}`

// SDL has places in descriptions and values alone: names are letters and digits, or the document is refused.
const SDL = `V schema { query: Query }
V type Query { V order(V id: ID! = V): Order @deprecated(reason: V) }
V interface Node { V id: ID! }
V type Order implements Node { V id(V a: String = V): ID! @deprecated(reason: V) other(b: [String] = [V]): Union }
V union Union = Order
V enum State { V OPEN @deprecated(reason: V) }
V input Filter { V text: String = V }
V scalar Date`

// Proto has places in its comments and its import alone, as SDL.
const Proto = `syntax = "proto3";
// V
package p;
import V;
// V
service S {
// V
rpc M(A) returns (stream A);
}
// V
message A {
// V
A a = 1;
}
// V
enum E {
// V
Z = 0;
}`

// Documents are the descriptions of APIs above by the kind that an entity gives them, with a version where there are several.
var Documents = map[string]string{"openapi 3.1": OpenAPI, "openapi 2.0": Swagger, "asyncapi 2.6": AsyncAPI2, "asyncapi 3.0": AsyncAPI3, "graphql": SDL, "grpc": Proto}

// Filled has a text at every place of a document. It leaves the one word alone in which the sign of a place is a letter.
func Filled(document, text string) string {
	return strings.NewReplacer("externalValue", "externalValue", "V", quote(text)).Replace(document)
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
