package infrawallet

import (
	"net/http"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
)

const mostTags = 5000

// tagKeys answers keys of tags. The ledger keeps them for all providers together.
func (w *wallet) tagKeys(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	query := facade.Lenient(r.URL.RawQuery)
	s, err := spanOf(query)
	if err != nil {
		return nil, err
	}
	keys, err := w.Costs.TagKeys(r.Context(), s.from, s.to, mostTags)
	if err != nil {
		return nil, err
	}
	data := []map[string]string{}
	for _, key := range keys {
		data = append(data, map[string]string{"key": key, "provider": query.Get("provider")})
	}
	return map[string]any{"data": data, "errors": []any{}, "status": http.StatusOK}, nil
}

// tagValues answers the values of a tag.
func (w *wallet) tagValues(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	query := facade.Lenient(r.URL.RawQuery)
	s, err := spanOf(query)
	if err != nil {
		return nil, err
	}
	key := query.Get("tag")
	if key == "" {
		return nil, apierror.Inputf("tag: it is missing")
	}
	values, err := w.Costs.Values(r.Context(), ledger.Tag(key), s.from, s.to, mostTags)
	if err != nil {
		return nil, err
	}
	data := []map[string]string{}
	for _, value := range values {
		data = append(data, map[string]string{"key": key, "value": value, "provider": query.Get("provider")})
	}
	return map[string]any{"data": data, "errors": []any{}, "status": http.StatusOK}, nil
}
