package app_test

import (
	"net/http"
	"strings"
	"testing"
)

const related = `
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: planner
  description: Plans & orders
  links: [{url: 'https://wiki.example.com/planner', title: Wiki}, {url: 'javascript:canary()', title: Trap}]
spec: {type: service, lifecycle: production, owner: team, providesApis: [orders]}
`

func TestCoreWidgets_ShowWhatIsKnownOfAnEntityWithoutAnyPlugin(t *testing.T) {
	dir := write(t, map[string]string{
		"catalog/orders.yaml": strings.ReplaceAll(describedAPI, "TITLE", `"Orders [x](javascript:canary())"`) + related,
		"catalog/README.md":   "# Orders of everybody\n\nRead *me*.\n",
	})
	h := launch(t, dir, basicConfig)
	const data = "/api/widgets/v1/data/"
	for path, wants := range map[string][]string{
		data + "api-docs/reference?entityRef=api:default/orders":                      {`listOrders`, `operations: 1`, `/orders`},
		data + "catalog/about?entityRef=component:default/planner":                    {`"Plans & orders"`, `"production"`, `"https://wiki.example.com/planner"`, `"Trap"`},
		data + "catalog/relations?entityRef=component:default/planner":                {`"providesApi"`, `"api:default/orders"`},
		"/api/widgets/v1/render/api-docs/reference.html?entityRef=api:default/orders": {`Orders [x](javascript:canary())`, `<caption`},
		"/api/api-docs/v1/docs/component/default/planner":                             {`>Orders of everybody</h1>`, `<em>me</em>`},
	} {
		eventually(t, path, func() bool {
			status, body := h.fetch(t, http.MethodGet, path, serviceToken, "")
			if strings.Contains(body, `"javascript:`) || strings.Contains(body, `href="javascript:`) {
				t.Errorf("%s: %s", path, body)
			}
			for _, want := range wants {
				if !strings.Contains(body, want) && !strings.Contains(body, strings.ReplaceAll(want, "&", `\u0026`)) {
					t.Logf("%s: %d, no %s in %s", path, status, want, body)
					return false
				}
			}
			return true
		})
	}
	if status, _ := h.fetch(t, http.MethodGet, data+"techdocs/page?entityRef=component:default/planner", serviceToken, ""); status == http.StatusOK {
		t.Error("an entity without documentation has a widget of it")
	}
}
