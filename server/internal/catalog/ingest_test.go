package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/store"
)

const oneFile = "  locations:\n    - { type: file, target: catalog.yaml }\n"

func TestIngest_EntitiesOfAConfiguredFileAreVisibleWithRelations(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{
			"catalog.yaml": component("a", "  dependsOn: ['component:b', 'component:other/c']\n") + component("b"),
		})
		c.settle()
		a, b := c.must("component:default/a"), c.must("component:default/b")
		want := []any{
			map[string]any{"type": "dependsOn", "targetRef": "component:default/b"},
			map[string]any{"type": "dependsOn", "targetRef": "component:other/c"},
			map[string]any{"type": "ownedBy", "targetRef": "group:default/team"},
		}
		if diff := cmp.Diff(want, a["relations"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]any{"type": "dependencyOf", "targetRef": "component:default/a"}, b["relations"].([]any)[0]); diff != "" {
			t.Error(diff)
		}
		annotations := map[string]any{
			"backstage.io/managed-by-location":        "file:" + c.dir + "/catalog.yaml",
			"backstage.io/managed-by-origin-location": "file:" + c.dir + "/catalog.yaml",
		}
		if diff := cmp.Diff(annotations, a.Metadata()["annotations"]); diff != "" {
			t.Error(diff)
		}
		if a.Metadata()["namespace"] != "default" || a.UID() == "" || len(a.Metadata()["etag"].(string)) != 40 || a["status"] != nil {
			t.Errorf("metadata is %v, status %v", a.Metadata(), a["status"])
		}
		if texts := c.problemTexts(); len(texts) > 0 {
			t.Errorf("problems: %v", texts)
		}
	})
}
