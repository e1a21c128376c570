package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

const describedAPI = `apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders}
spec:
  type: openapi
  lifecycle: production
  owner: team
  definition: |
    openapi: 3.1.0
    info: {title: TITLE, version: "1"}
    paths:
      /orders: {get: {operationId: listOrders, summary: All orders, responses: {"200": {description: They}}}}
`

func TestAnAPIIsShownAsItStandsInTheCatalog(t *testing.T) {
	dir := write(t, map[string]string{"catalog/orders.yaml": strings.ReplaceAll(describedAPI, "TITLE", "Orders")})
	h := launch(t, dir, basicConfig)
	const page = "/api/api-docs/v1/entities/api/default/orders"
	for range 2 { // the second time it is remembered
		for path, want := range map[string]string{page: ">Orders</h1>", page + "/operations/listOrders": "All orders", page + "/search.json": "listOrders"} {
			if status, body := h.fetch(t, http.MethodGet, path, serviceToken, ""); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	}
	if status, _ := h.fetch(t, http.MethodGet, page, "", ""); status != http.StatusUnauthorized {
		t.Errorf("without credentials: %d", status)
	}
	writeFile(t, filepath.Join(dir, "catalog", "orders.yaml"), strings.ReplaceAll(describedAPI, "TITLE", "Purchases"))
	h.fetch(t, http.MethodPost, "/api/catalog/refresh", serviceToken, `{"entityRef":"api:default/orders"}`)
	eventually(t, "the page shows what the catalog has now", func() bool {
		_, body := h.fetch(t, http.MethodGet, page, serviceToken, "")
		return strings.Contains(body, ">Purchases</h1>")
	})
}
