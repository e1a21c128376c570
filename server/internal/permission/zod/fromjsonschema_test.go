package zod

import (
	"encoding/json"
	"testing"
)

// shown is a schema as the library renders it, with all that [FromJSONSchema] knows.
const shown = `{"type":"object","properties":{
	"name":{"type":"string","minLength":1},
	"address":{"type":"string","format":"uri"},
	"limit":{"type":"integer","exclusiveMinimum":0,"maximum":1000},
	"offset":{"type":"integer","minimum":0},
	"status":{"anyOf":[{"type":"string","enum":["open","failed"]},{"type":"array","items":{"$ref":"#/properties/status/anyOf/0"},"minItems":1}]},
	"query":{"anyOf":[{"type":["string","boolean"]},{"type":"object","properties":{"$not":{"$ref":"#/properties/query"}},"required":["$not"],"additionalProperties":false},
		{"type":"object","additionalProperties":{"not":{}},"propertyNames":{"pattern":"^\\$"}}]},
	"values":{"type":"object","additionalProperties":{}},
	"secrets":{"type":"object","additionalProperties":{"type":"string"}},
	"anything":{}
},"required":["name"],"additionalProperties":false}`

func TestFromJSONSchema_WordsIssuesAsTheLibrary(t *testing.T) {
	s, err := FromJSONSchema(json.RawMessage(shown))
	if err != nil {
		t.Fatal(err)
	}
	small := func(minimum, kind, inclusive, message, path string) string {
		return `{"code":"too_small","minimum":` + minimum + `,"type":"` + kind + `","inclusive":` + inclusive + `,"exact":false,"message":"` + message + `","path":["` + path + `"]}`
	}
	for value, want := range map[string]string{
		`{"name":"a","more":1,"anything":[null],"values":{"x":{}},"secrets":{"a":"b"},"limit":1000,"offset":0,"status":["open"]}`: ``,
		`{"name":"a","status":"failed","query":{"$not":{"$not":"x"}},"address":"https://a.test/b"}`:                               ``,
		`{}`:                                   `[{"code":"invalid_type","expected":"string","received":"undefined","path":["name"],"message":"Required"}]`,
		`{"name":""}`:                          `[` + small("1", "string", "true", "String must contain at least 1 character(s)", "name") + `]`,
		`{"name":"a","limit":0}`:               `[` + small("0", "number", "false", "Number must be greater than 0", "limit") + `]`,
		`{"name":"a","status":[]}`:             `[` + small("1", "array", "true", "Array must contain at least 1 element(s)", "status") + `]`,
		`{"name":"a","limit":1.5,"offset":-1}`: `[{"code":"invalid_type","expected":"integer","received":"float","message":"Expected integer, received float","path":["limit"]},` + small("0", "number", "true", "Number must be greater than or equal to 0", "offset") + `]`,
		`{"name":"a","limit":1001}`:            `[{"code":"too_big","maximum":1000,"type":"number","inclusive":true,"exact":false,"message":"Number must be less than or equal to 1000","path":["limit"]}]`,
		`{"name":"a","limit":"1"}`:             `[{"code":"invalid_type","expected":"number","received":"string","path":["limit"],"message":"Expected number, received string"}]`,
		`{"name":"a","address":"zz"}`:          `[{"validation":"url","code":"invalid_string","message":"Invalid url","path":["address"]}]`,
		`{"name":"a","secrets":{"a":5}}`:       `[{"code":"invalid_type","expected":"string","received":"number","path":["secrets","a"],"message":"Expected string, received number"}]`,
		`{"name":"a","values":[]}`:             `[{"code":"invalid_type","expected":"object","received":"array","path":["values"],"message":"Expected object, received array"}]`,
	} {
		v, err := Decode([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		if got := compact(t, Validate(s, v)); got != want {
			t.Errorf("%s\n got %s\nwant %s", value, got, want)
		}
	}
}

func TestFromJSONSchema_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, document := range []string{
		`[]`, `{`, `{"type":"odd"}`, `{"type":5}`, `{"type":["odd"]}`, `{"anyOf":[5]}`, `{"$ref":"#/nowhere"}`,
		`{"type":"array","items":5}`, `{"type":"object","properties":{"a":5}}`, `{"type":"object","additionalProperties":{"type":"odd"}}`,
		`{"type":"object","additionalProperties":{},"propertyNames":{"pattern":"("}}`,
	} {
		if s, err := FromJSONSchema(json.RawMessage(document)); err == nil {
			t.Errorf("%s gave %v", document, s)
		}
	}
}

func TestIsURL_KnowsAddressesOfTheWeb(t *testing.T) {
	for text, want := range map[string]bool{
		"https://a.test": true, "http:a": true, "file:///x": true, "mailto:a@b": true, " https://a.test/x y ": true,
		"nope": false, "": false, "/a": false, "https://": false, "//a.test": false,
	} {
		if got := IsURL(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
