package main

import (
	"slices"
	"testing"

	"github.com/callboard/callboard/sdk/plugintest"
)

func TestAnnotations_NameAPIs(t *testing.T) {
	h := &hub{order: []string{"edge", "eu"}, gateways: map[string]*instance{
		"edge": {gatewaySettings: gatewaySettings{Type: "forward-auth"}}, "eu": {gatewaySettings: gatewaySettings{Type: "kong"}},
	}}
	for _, c := range []struct {
		annotations map[string]string
		want        []apiRef
	}{
		{map[string]string{apiAnnotation: "edge/orders"}, []apiRef{{"edge", "orders"}}},
		{map[string]string{apiAnnotation: " edge/orders , eu/api/v1/stage,broken,/x,y/"}, []apiRef{{"edge", "orders"}, {"eu", "api/v1/stage"}}},
		{map[string]string{kongServiceAnnotation: "orders"}, []apiRef{{"eu", "orders"}}},
		{map[string]string{kongServiceAnnotation: "orders", kongInstanceAnnotation: "us, eu"}, []apiRef{{"us", "orders"}, {"eu", "orders"}}},
		{map[string]string{kongServiceAnnotation: "orders", apiAnnotation: "edge/orders"}, []apiRef{{"edge", "orders"}}},
		{map[string]string{apiAnnotation: ""}, nil},
	} {
		e := plugintest.Component("x")
		for key, value := range c.annotations {
			e = plugintest.Annotated(e, key, value)
		}
		if got := h.apisOf(e); !slices.Equal(got, c.want) {
			t.Errorf("%v name %v, want %v", c.annotations, got, c.want)
		}
	}
}

func FuzzParseAPIRef_IsItsOwnText(f *testing.F) {
	for _, text := range []string{"edge/orders", "edge/a/b", "/", " edge/x ", "edge", "%2F/x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, ok := parseAPIRef(text)
		if !ok {
			return
		}
		if again, ok := parseAPIRef(ref.String()); !ok || again != ref {
			t.Errorf("%q is %+v, and then %+v", text, ref, again)
		}
	})
}
