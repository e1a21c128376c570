package httpx

import (
	"net/url"
	"strings"
	"testing"
)

var fuzzPatterns = []string{"/", "/entities", "/entities/by-name/:kind/:namespace/:name", "/entities/:id", "/files/:owner/*path", "/a/*rest"}

// The canonicaliser may change the case of fixed segments and drop one trailing slash; everything else of a path stays
// as it came, and its result is found again unchanged.
func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{"/Entities/", "/entities/by-name/a%2Fb/../c", "/FILES/x/..%2f", "//", "/%2e%2e/entities", "/entities/\u212a", "", "/a/", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, pattern := range fuzzPatterns {
			got, ok := matchPattern(pattern, path)
			if !ok {
				continue
			}
			if !strings.EqualFold(got, path) && !strings.EqualFold(got+"/", path) || strings.Count(got, "%") != strings.Count(path, "%") {
				t.Fatalf("%s: %q became %q", pattern, path, got)
			}
			if again, ok := matchPattern(pattern, got); !ok || again != got {
				t.Fatalf("%s: %q is not stable: %q", pattern, got, again)
			}
			if params, ok := restParams(pattern, path); !ok || len(params) != strings.Count(pattern, ":")+strings.Count(pattern, "*") {
				t.Fatalf("%s: %q has parameters %v", pattern, path, params)
			}
		}
	})
}

// The query checker answers any text with a complaint or none; what it accepts, the standard parser agrees about.
func FuzzQueryChecker(f *testing.F) {
	op := fuzzOperation(f)
	for _, seed := range []string{"limit=1", "limit=", "fields[]=a&fields[0]=b", "filter[a][b]=c", "x", "limit=%zz", "&&=&a=b=c", "limit=0x10", "strict=a,b", "]=[", "a[=1", strings.Repeat("filter=a&", 2000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		wrong, err := op.checkQuery(raw)
		if err != nil || len(wrong) > 0 {
			return
		}
		values, perr := url.ParseQuery(raw)
		if perr != nil || len(raw) > 1000 {
			return
		}
		for name := range values {
			base, _, _ := strings.Cut(name, "[")
			if _, known := op.byName[base]; !known && base != "" && op.byName[name] == nil {
				t.Fatalf("%q: unknown parameter %q passed", raw, name)
			}
		}
		if limit, ok := op.byName["limit"].typed(values.Get("limit")).(float64); ok && values.Has("limit") && limit < 0 {
			t.Fatalf("%q: limit %v passed", raw, limit)
		}
	})
}

func FuzzBodySyntax(f *testing.F) {
	for _, seed := range []string{"{}", "[1", "null", " \"x\"", "{\"a\":\x00}", "\xff", "{\"a\":1}}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, body []byte) { _ = checkSyntax(body) })
}

func fuzzOperation(tb testing.TB) *operation {
	tb.Helper()
	spec, err := compileOpenAPI("x", []byte(`
openapi: 3.0.3
info: {title: x, version: '1'}
paths:
  /x:
    get:
      parameters:
        - {name: limit, in: query, allowReserved: true, schema: {type: integer, minimum: 0}}
        - {name: fields, in: query, explode: false, allowReserved: true, schema: {type: array, items: {type: string}}}
        - {name: filter, in: query, allowReserved: true, schema: {type: array, items: {type: string}}}
        - {name: strict, in: query, schema: {type: string, maxLength: 5, pattern: '^[a-z]*$'}}
        - {name: flag, in: query, schema: {type: boolean}}
        - {name: ratio, in: query, schema: {type: number, maximum: 1}}
      responses: {'200': {description: ok}}
`))
	if err != nil {
		tb.Fatal(err)
	}
	return spec.operation("GET", "/x")
}
