package catalog

import (
	"bytes"
	"testing"

	"github.com/callboard/callboard/server/internal/store"
)

const orderedTemplate = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {title: T, name: ordered}
spec:
  type: service
  parameters:
    - title: Page
      required: [zone, name]
      properties:
        zone: {type: string, enum: [b, a]}
        name: &text {type: string, description: d}
        address: *text
  steps:
    - id: s
      action: debug:log
      input: {z: 1, m: 2, a: {y: 1, b: 2}}
`

// The fields of a form are shown in the order in which the author wrote them.
func TestOrder_TheSpecOfATemplateKeepsItThroughTheCatalog(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, "  locations:\n    - { type: file, target: catalog.yaml, rules: [{allow: [Template]}] }\n", map[string]string{"catalog.yaml": orderedTemplate})
		c.settle()
		document := c.Index().Snapshot().ByRef("template:default/ordered")
		if document == nil {
			t.Fatalf("the template is not in the catalog: %v", c.problemTexts())
		}
		members, err := membersOf(document.JSON)
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"type":"service","parameters":[{"title":"Page","required":["zone","name"],"properties":{` +
			`"zone":{"type":"string","enum":["b","a"]},"name":{"type":"string","description":"d"},"address":{"type":"string","description":"d"}}}],` +
			`"steps":[{"id":"s","action":"debug:log","input":{"z":1,"m":2,"a":{"y":1,"b":2}}}]}`
		if got := valueOf(members, "spec"); string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if metadata := valueOf(members, "metadata"); !bytes.HasPrefix(metadata, []byte(`{"annotations":`)) {
			t.Errorf("metadata is not sorted: %s", metadata)
		}
	})
}

func TestOrder_KeysThatAreAddedFollowThoseThatWereWritten(t *testing.T) {
	order := orderOf([]byte(`{"spec":{"z":{"b":1,"a":[{"y":1,"x":2}]},"gone":1,"c":null}}`))
	v := map[string]any{"c": nil, "b": 1.0, "a": 2.0, "z": map[string]any{"a": []any{map[string]any{"x": 1.0, "y": 2.0, "w": 3.0}, "more"}, "b": map[string]any{"q": 1.0, "p": 2.0}}}
	const want = `{"z":{"b":{"p":2,"q":1},"a":[{"y":2,"x":1,"w":3},"more"]},"c":null,"a":2,"b":1}`
	if got := appendOrdered(nil, v, order); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, broken := range []string{"", "{", `{"spec":`, `{"spec":{"a"`, `{"spec":[`, "[]", `{"spec":{"a":1}} x`} {
		_ = appendOrdered(nil, v, orderOf([]byte(broken)))
	}
}
