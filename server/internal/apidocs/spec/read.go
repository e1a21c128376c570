package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// Limits of the documents that [Read] takes are those of package tree.

// ErrFormat is wrapped by errors about documents that describe no API in a way that is known.
var ErrFormat = errors.New("not a description of an API that can be shown")

// Read reads the description of an API. kind is what its author calls it: openapi, asyncapi, graphql or grpc; of the
// first two the document itself says which it is.
func Read(kind, text string) (*Document, error) {
	switch strings.ToLower(kind) {
	case "openapi", "asyncapi", "swagger":
		return readTree(text)
	case "graphql":
		return guarded(readGraphQL, text)
	case "grpc", "proto", "protobuf":
		return guarded(readProto, text)
	default:
		return nil, fmt.Errorf("%w: the type is %q; openapi, asyncapi, graphql and grpc are known", ErrFormat, short(kind))
	}
}

// guarded makes an error of a panic in a parser of others, which were not all written for texts of strangers.
func guarded(read func(string) (*Document, error), text string) (doc *Document, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("%w: its parser fails: %s", ErrFormat, cut(fmt.Sprint(r), 200))
		}
	}()
	return read(strings.ToValidUTF8(text, "\ufffd"))
}

// nodeBytes is about what a value takes in memory.
const nodeBytes = 100

func readTree(text string) (*Document, error) {
	root, err := tree.Parse(text)
	if err != nil {
		return nil, err
	}
	doc, err := describe(root)
	if err != nil {
		return nil, err
	}
	doc.weight = len(text) + root.Count()*nodeBytes
	doc.Definition = func() (string, string) { return "application/json; charset=utf-8", root.Closed() }
	return doc, nil
}

func describe(root *tree.Value) (*Document, error) {
	openAPI, swagger, async := version(root, "openapi"), version(root, "swagger"), version(root, "asyncapi")
	switch {
	case strings.HasPrefix(openAPI, "3."):
		return readOpenAPI(root, "OpenAPI "+openAPI), nil
	case strings.HasPrefix(swagger, "2"):
		return readOpenAPI(root, "Swagger "+swagger), nil
	case strings.HasPrefix(async, "2."), strings.HasPrefix(async, "3."):
		return readAsyncAPI(root, "AsyncAPI "+async), nil
	default:
		return nil, fmt.Errorf("%w: it names none of openapi 3, swagger 2.0, asyncapi 2 and 3 as its version", ErrFormat)
	}
}

// version is a version as text; 2.0 is often written as a number.
func version(root *tree.Value, member string) string { return cut(root.Get(member).Scalar(), 20) }
