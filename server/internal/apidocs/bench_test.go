package apidocs

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/apidocs/page"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// documents are a generated one with a thousand operations and schemas in circles, and those that the variable names.
func documents(b *testing.B) map[string]string {
	docs := map[string]string{"generated": generated(1000, 800)}
	for path := range strings.FieldsSeq(os.Getenv("CALLBOARD_API_DOCUMENTS")) {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		docs[filepath.Base(path)] = string(text)
	}
	return docs
}

// kindOf tells the kind of a document by the ending of its file.
func kindOf(name string) string {
	switch filepath.Ext(name) {
	case ".graphql":
		return "graphql"
	case ".proto":
		return "grpc"
	default:
		return "openapi"
	}
}

func generated(operations, schemas int) string {
	var b strings.Builder
	b.WriteString(`{"openapi":"3.1.0","info":{"title":"Generated","version":"1"},"paths":{`)
	for i := range operations {
		fmt.Fprintf(&b, `"/area%d/things/{id}/parts%d":{"get":{"operationId":"listPartsOfThing%d","summary":"List the parts of a thing, number %d","description":"Answers *parts* by page.",`+
			`"tags":["area%d"],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"description":"Parts",`+
			`"content":{"application/json":{"schema":{"$ref":"#/components/schemas/S%d"}}}}}}},`, i/40, i, i, i, i/40, i%schemas)
	}
	b.WriteString(`"/last":{}},"components":{"schemas":{`)
	for i := range schemas {
		fmt.Fprintf(&b, `"S%d":{"type":"object","description":"Schema %d","properties":{`, i, i)
		for j := range 20 {
			fmt.Fprintf(&b, `"p%d":{"description":"Points to another one","anyOf":[{"$ref":"#/components/schemas/S%d"},{"type":"string"}]},`, j, (i*7+j)%schemas)
		}
		b.WriteString(`"id":{"type":"string"}}},`)
	}
	return b.String() + `"Last":{}}}}`
}

func zipped(text []byte) float64 {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	_ = w.Close()
	return float64(b.Len())
}

func each(b *testing.B, run func(*testing.B, *spec.Document)) {
	for name, text := range documents(b) {
		doc, err := spec.Read(kindOf(name), text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { run(b, doc) })
	}
}

func BenchmarkRead(b *testing.B) {
	for name, text := range documents(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := spec.Read(kindOf(name), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIndex(b *testing.B) {
	each(b, func(b *testing.B, doc *spec.Document) {
		var out string
		for b.Loop() {
			out = page.Index(doc, page.Options{Base: "/api"})
		}
		b.ReportMetric(float64(len(out)), "bytes")
		b.ReportMetric(zipped([]byte(out)), "gz-bytes")
		b.ReportMetric(float64(doc.Len()), "operations")
	})
}

func BenchmarkOperation(b *testing.B) {
	each(b, func(b *testing.B, doc *spec.Document) {
		i, size := 0, 0
		for b.Loop() {
			g := doc.Groups[i%len(doc.Groups)]
			i++
			if len(g.Operations) == 0 { // types
				continue
			}
			op, _ := doc.Operation(g.Operations[i%len(g.Operations)].ID)
			size += len(page.Operation(doc, op, page.Options{Base: "/api"}))
		}
		b.ReportMetric(float64(size)/float64(i), "bytes")
	})
}

func BenchmarkSearch(b *testing.B) {
	each(b, func(b *testing.B, doc *spec.Document) {
		var out []byte
		for b.Loop() {
			out = doc.Search()
		}
		b.ReportMetric(float64(len(out)), "bytes")
		b.ReportMetric(zipped(out), "gz-bytes")
	})
}
