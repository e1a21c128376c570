package zod

import (
	"encoding/json"
	"strings"
	"testing"
)

// item is the shape that the recorded messages below were made with.
func item() Schema {
	action := Object(Field{"action", Optional(Union(Literal("create"), Literal("read")))})
	return Object(Field{"items", Array(Union(
		Object(Field{"id", String("")}, Field{"ref", Undefined()}, Field{"kind", Literal("basic")}, Field{"attributes", action}),
		Object(Field{"id", String("")}, Field{"ref", Optional(Union(String(""), NonEmpty(String(""))))}, Field{"kind", Literal("resource")}, Field{"params", Optional(Record())}),
	), "")})
}

// compact is the message without its indentation.
func compact(t *testing.T, e *Error) string {
	t.Helper()
	if e == nil {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(e.Error()), &v); err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	return string(encode(e.issues))
}

func TestValidate_WordsIssuesAsTheLibrary(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"good", `{"items":[{"id":"1","kind":"basic","attributes":{"action":"read"},"more":1},{"id":"2","kind":"resource","ref":["a"],"params":{}}]}`, ``},
		{"null", `null`, `[{"code":"invalid_type","expected":"object","received":"null","path":[],"message":"Expected object, received null"}]`},
		{"missing", `{}`, `[{"code":"invalid_type","expected":"array","received":"undefined","path":["items"],"message":"Required"}]`},
		{"a boolean", `{"items":true}`, `[{"code":"invalid_type","expected":"array","received":"boolean","path":["items"],"message":"Expected array, received boolean"}]`},
		{"too few, where an option is otherwise right", `{"items":[{"id":"2","kind":"resource","ref":[]}]}`,
			`[{"code":"too_small","minimum":1,"type":"array","inclusive":true,"exact":false,"message":"Array must contain at least 1 element(s)","path":["items",0,"ref"]}]`},
		{"no option", `{"items":[{"id":"2","kind":"odd","ref":"<a>"}]}`,
			`[{"code":"invalid_union","unionErrors":[{"issues":[` +
				`{"code":"invalid_type","expected":"undefined","received":"string","path":["items",0,"ref"],"message":"Expected undefined, received string"},` +
				`{"received":"odd","code":"invalid_literal","expected":"basic","path":["items",0,"kind"],"message":"Invalid literal value, expected \"basic\""},` +
				`{"code":"invalid_type","expected":"object","received":"undefined","path":["items",0,"attributes"],"message":"Required"}],"name":"ZodError"},` +
				`{"issues":[{"received":"odd","code":"invalid_literal","expected":"resource","path":["items",0,"kind"],"message":"Invalid literal value, expected \"resource\""}],"name":"ZodError"}],` +
				`"path":["items",0],"message":"Invalid input"}]`},
		{"a literal that is missing", `{"items":[{"id":"2"}]}`,
			`[{"code":"invalid_union","unionErrors":[{"issues":[` +
				`{"code":"invalid_literal","expected":"basic","path":["items",0,"kind"],"message":"Invalid literal value, expected \"basic\""},` +
				`{"code":"invalid_type","expected":"object","received":"undefined","path":["items",0,"attributes"],"message":"Required"}],"name":"ZodError"},` +
				`{"issues":[{"code":"invalid_literal","expected":"resource","path":["items",0,"kind"],"message":"Invalid literal value, expected \"resource\""}],"name":"ZodError"}],` +
				`"path":["items",0],"message":"Invalid input"}]`},
		{"no record", `{"items":[{"id":"2","kind":"resource","params":[]}]}`,
			`[{"code":"invalid_union","unionErrors":[{"issues":[` +
				`{"received":"resource","code":"invalid_literal","expected":"basic","path":["items",0,"kind"],"message":"Invalid literal value, expected \"basic\""},` +
				`{"code":"invalid_type","expected":"object","received":"undefined","path":["items",0,"attributes"],"message":"Required"}],"name":"ZodError"},` +
				`{"issues":[{"code":"invalid_type","expected":"object","received":"array","path":["items",0,"params"],"message":"Expected object, received array"}],"name":"ZodError"}],` +
				`"path":["items",0],"message":"Invalid input"}]`},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		if got := compact(t, Validate(item(), v)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestError_IsIndentedAsJavaScriptDoesIt(t *testing.T) {
	const want = "[\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"string\",\n    \"received\": \"number\",\n    \"path\": [],\n    \"message\": \"Expected string, received number\"\n  }\n]"
	e := Validate(String(""), 5.0)
	if e.Error() != want {
		t.Errorf("%s", e)
	}
	because := e.Because("Wrong")
	if because.Message != "Wrong; caused by "+want || because.Cause.Error() != "ZodError: "+want {
		t.Errorf("%v", because)
	}
}

func TestJSONSchema(t *testing.T) {
	got := string(JSONSchema(Object(Field{"key", String("A key")}, Field{"value", Optional(String("A value"))}, Field{"list", Array(String(""), "Some")})))
	const want = `{"type":"object","properties":{"key":{"type":"string","description":"A key"},"value":{"type":"string","description":"A value"},` +
		`"list":{"type":"array","items":{"type":"string"},"description":"Some"}},"required":["key","list"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(`{"items":[{"id":"2","kind":"odd"}]}`)
	f.Add(`{"items":[]}`)
	schema := item()
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		if e := Validate(schema, v); e != nil && (!json.Valid([]byte(e.Error())) || !strings.HasPrefix(e.Error(), "[\n")) {
			t.Fatalf("%s: %s", text, e)
		}
	})
}
