package conformance

import (
	"context"
	"fmt"
	"net/http"
)

// Settled reports whether the catalog and its search documents are as they were when the cases were recorded, and what
// was seen.
func (r *Runner) Settled(ctx context.Context, suite Suite) (bool, string) {
	ask := func(method, path string, body any) any {
		rq := map[string]any{"method": method, "path": path}
		if body != nil {
			rq["body"] = body
		}
		got, err := r.request(ctx, rq, r.vars, "guest", Step{})
		if err != nil {
			return err.Error()
		}
		return got.body
	}
	entities := lookup(ask(http.MethodGet, "/api/catalog/entities/by-query?limit=0", nil), "/totalItems")
	documents := lookup(ask(http.MethodGet, "/api/search/query?term=&types[0]=software-catalog", nil), "/numberOfResults")
	state := fmt.Sprintf("%v of %d entities, %v search documents", entities, suite.ExpectedEntities, documents)
	if entities != float64(suite.ExpectedEntities) || documents != float64(suite.ExpectedSearch["software-catalog"]) {
		return false, state
	}
	refs := make([]any, len(suite.SettleRefs))
	for i, ref := range suite.SettleRefs {
		refs[i] = ref
	}
	items, _ := lookup(ask(http.MethodPost, "/api/catalog/entities/by-refs", map[string]any{"entityRefs": refs, "fields": []any{"kind", "status"}}), "/items").([]any)
	for _, item := range items {
		if e, ok := item.(map[string]any); !ok || e["status"] != nil {
			return false, state + ", some of them failing"
		}
	}
	return len(items) == len(refs), state
}
