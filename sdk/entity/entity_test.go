package entity

import (
	"reflect"
	"testing"
)

func TestEntity_AccessorsTolerateAnyShape(t *testing.T) {
	for _, e := range []Entity{nil, {}, {"metadata": 5, "spec": []any{}}, {"metadata": map[string]any{"name": 1, "annotations": "x"}}} {
		if e.Name() != "" || e.Kind() != "" || e.Namespace() != DefaultNamespace || e.Annotation("a") != "" || e.Spec() != nil {
			t.Errorf("%v gives %q %q %q", e, e.Name(), e.Kind(), e.Namespace())
		}
	}
}

func TestClone_SharesNothing(t *testing.T) {
	e := Entity{"metadata": map[string]any{"tags": []any{"a", map[string]any{"b": 1.0}}}}
	c := e.Clone()
	if !reflect.DeepEqual(e, c) {
		t.Fatalf("got %v", c)
	}
	c.Metadata()["tags"].([]any)[1].(map[string]any)["b"] = 2.0
	if e.Metadata()["tags"].([]any)[1].(map[string]any)["b"] != 1.0 {
		t.Error("the clone changed the original")
	}
	if Entity(nil).Clone() != nil {
		t.Error("the clone of nothing is something")
	}
}
