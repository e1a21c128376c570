package infrawallet

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// metricSetting is a business metric that people want to see beside costs. There is no provider of metrics, so none is ever
// shown; the settings are kept as the frontend's page of settings expects it.
type metricSetting struct {
	ID          string `json:"id"`
	WalletID    string `json:"wallet_id"`
	Provider    string `json:"metric_provider"`
	ConfigName  string `json:"config_name"`
	Name        string `json:"metric_name"`
	Description string `json:"description,omitempty"`
	Group       string `json:"group,omitempty"`
	Query       string `json:"query"`
}

func (w *wallet) settings() list[metricSetting] {
	return list[metricSetting]{w.Store, "infrawallet/metric-settings"}
}

func (w *wallet) metrics(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	return map[string]any{"data": []any{}, "errors": []any{}, "status": http.StatusOK}, known(r)
}

func (w *wallet) metricConfigs(http.ResponseWriter, *http.Request) (map[string]any, error) {
	return done([]any{}), nil
}

func (w *wallet) listMetricSettings(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := known(r); err != nil {
		return nil, err
	}
	items, _, err := w.settings().read(r.Context())
	return done(items), err
}

func (w *wallet) putMetricSetting(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var sent metricSetting
	if err := known(r); err != nil {
		return nil, err
	}
	if err := decode(out, r, "a setting of a metric", &sent); err != nil {
		return nil, err
	}
	if sent.ID == "" {
		sent.ID = rand.Text()
	}
	sent.WalletID = walletID
	for name, value := range map[string]string{"metric_provider": sent.Provider, "config_name": sent.ConfigName, "metric_name": sent.Name, "query": sent.Query} {
		if value == "" {
			return nil, apierror.Inputf("%s: it is missing", name)
		}
	}
	err := w.write(r, "metric-setting.write", map[string]any{"id": excerpt.Short(sent.ID)}, func(ctx context.Context) error {
		return w.settings().change(ctx, func(items []metricSetting) ([]metricSetting, error) {
			return put(items, sent, func(s metricSetting) bool { return s.ID == sent.ID }), nil
		})
	})
	return map[string]any{"updated": true, "status": http.StatusOK}, err
}

func (w *wallet) deleteMetricSetting(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var sent struct{ ID string }
	if err := known(r); err != nil {
		return nil, err
	}
	if err := decode(out, r, "a setting of a metric with its id", &sent); err != nil {
		return nil, err
	}
	deleted := false
	err := w.write(r, "metric-setting.delete", map[string]any{"id": excerpt.Short(sent.ID)}, func(ctx context.Context) error {
		return w.settings().change(ctx, func(items []metricSetting) ([]metricSetting, error) {
			left := slices.DeleteFunc(slices.Clone(items), func(s metricSetting) bool { return s.ID == sent.ID })
			deleted = len(left) < len(items)
			return left, nil
		})
	})
	return map[string]any{"deleted": deleted, "status": http.StatusOK}, err
}
