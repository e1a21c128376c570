package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

// prometheus answers queries by what they ask for: two requests and one error a second, and three quantiles. It notes them.
type prometheus struct{ asked []string }

func (p *prometheus) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_ = req.ParseForm()
	query := req.Form.Get("query")
	p.asked = append(p.asked, query)
	value := "120"
	switch {
	case strings.Contains(query, "histogram_quantile"):
		value = "0.25"
	case strings.Contains(query, "[45].."):
		value = "30"
	}
	result := []any{map[string]any{"metric": map[string]string{}, "value": []any{epoch.Unix(), value}}}
	kind := "vector"
	if strings.HasSuffix(req.URL.Path, "query_range") {
		kind, result = "matrix", []any{map[string]any{"metric": map[string]string{}, "values": []any{
			[]any{epoch.Add(-time.Minute).Unix(), value}, []any{epoch.Unix(), value},
		}}}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}})
}

func startMetered(t *testing.T) (*rig, *prometheus) {
	t.Helper()
	r := start(t, func(s *settings) {
		s.Gateways[0].Usage = &usageSettings{URL: "https://prometheus.example.com", Profile: "apisix", Scrape: sdk.Duration(15 * time.Second)}
	})
	p := &prometheus{}
	r.Outgoing.Handle("https://prometheus.example.com", p)
	return r, p
}

func TestUsage_IsThatOfTheEntitysAPI(t *testing.T) {
	r, p := startMetered(t)
	a := r.app()
	got := answered[list[trafficAnswer]](r, 200, r.Get("/v1/entities/api/default/orders/usage?from=2026-11-20T11:55:00Z&to=2026-11-20T12:00:00Z&step=1m", ann)).Items
	if len(got) != 1 || got[0].Problem != "" || len(got[0].Times) != 5 || *got[0].Requests[0].Values[4] != 120 || *got[0].Errors[0].Values[4] != 30 || len(got[0].Latency) != 3 {
		t.Fatalf("%+v", got)
	}
	if got[0].Requests[0].Values[0] != nil {
		t.Error("a step without a number has one")
	}
	if !strings.Contains(p.asked[0], `service=~"Orders|orders"`) && !strings.Contains(p.asked[0], `service=~"orders|Orders"`) {
		t.Errorf("asked %s", p.asked[0])
	}
	p.asked = nil
	answered[list[trafficAnswer]](r, 200, r.Get("/v1/apps/"+string(a.ID)+"/usage", ann))
	if !strings.Contains(p.asked[0], string(a.ID)) {
		t.Errorf("asked %s", p.asked[0])
	}
	r.refusedWith(r.Get("/v1/entities/api/default/orders/usage", eve), 404, "not found")
	for query, part := range map[string]string{"from=yesterday": "from:", "step=x": "step:", "by=moon": "by:"} {
		r.refusedWith(r.Get("/v1/entities/api/default/orders/usage?"+query, ann), 400, part)
	}
}

func TestUsage_SaysWhyItIsMissing(t *testing.T) {
	r, _ := startMetered(t)
	r.Outgoing.HandleFunc("https://prometheus.example.com", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>sorry</html>", http.StatusBadGateway)
	})
	got := answered[list[trafficAnswer]](r, 200, r.Get("/v1/entities/api/default/orders/usage", ann)).Items
	if len(got) != 1 || !strings.Contains(got[0].Problem, "502") || len(got[0].Times) != 0 {
		t.Errorf("%+v", got)
	}
	if run := r.QueryWidget("gateway-requests", sdk.WidgetQuery{Entity: api("orders", "edge/orders", "orders")}); run.Err == nil {
		t.Errorf("%+v", run)
	}
}

func TestWidgets_ShowRequestsErrorsAndLatency(t *testing.T) {
	r, _ := startMetered(t)
	orders := api("orders", "edge/orders", "orders")
	q := sdk.WidgetQuery{Entity: orders, From: epoch.Add(-5 * time.Minute), To: epoch, MaxPoints: 5}
	requests := r.QueryWidget("gateway-requests", q)
	if requests.Err != nil || requests.Frames[0].Rows() != 5 || requests.Frames[0].Column("requests").Values[4] != 120.0 || requests.Frames[0].Column("errors").Values[4] != 30.0 {
		t.Errorf("%+v", requests)
	}
	latency := r.QueryWidget("gateway-latency", q)
	if latency.Err != nil || len(latency.Frames[0].Columns) != 4 || latency.Frames[0].Column("p95").Label != "95 %" {
		t.Errorf("%+v", latency)
	}
}

func TestHealth_SaysWhichGatewayIsNotWell(t *testing.T) {
	r := start(t, func(s *settings) {
		s.Gateways = append(s.Gateways, gatewaySettings{Name: "west", Type: "kong", URL: "https://kong.example.com", Token: "s3cret-token"})
	})
	r.Outgoing.HandleFunc("https://kong.example.com", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		http.Error(w, "<html>Sign in, s3cret-token</html>", http.StatusOK)
	})
	var h struct {
		Status   string
		Gateways []struct{ Name, Status, Message string }
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if h = answered[struct {
			Status   string
			Gateways []struct{ Name, Status, Message string }
		}](r, 200, r.Get("/v1/health", ann)); h.Status == "degraded" && h.Gateways[0].Status == "ok" {
			break
		}
	}
	if h.Status != "degraded" || h.Gateways[0].Status != "ok" || h.Gateways[1].Status != "degraded" || h.Gateways[1].Message == "" || strings.Contains(h.Gateways[1].Message, "s3cret") {
		t.Errorf("%+v", h)
	}
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "gateway west: ") {
		t.Error(err)
	}
	if err := r.Configure(settings{Keys: defaults().Keys, Timeout: defaults().Timeout, History: defaults().History}); err != nil {
		t.Fatal(err)
	}
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "no gateway is configured") {
		t.Error(err)
	}
}

func TestGateway_ThatIsDownShowsWhatWasKnown(t *testing.T) {
	r := start(t, func(s *settings) {
		s.Gateways = append(s.Gateways, gatewaySettings{Name: "west", Type: "kong", URL: "https://kong.example.com"})
	})
	r.Catalog.Put(api("stock", "west/stock", "orders"))
	down := false
	r.Outgoing.HandleFunc("https://kong.example.com", func(w http.ResponseWriter, req *http.Request) {
		switch {
		case down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case req.URL.Path == "/services":
			_, _ = w.Write([]byte(`{"data":[{"id":"6d1f0c52-0000-4000-8000-000000000000","name":"stock","protocol":"http","host":"stock","port":80,"tags":[]}],"next":null}`))
		case req.URL.Path == "/":
			_, _ = w.Write([]byte(`{"version":"3.9.0","configuration":{"database":"postgres"},"plugins":{"available_on_server":{}}}`))
		default:
			_, _ = w.Write([]byte(`{"data":[],"next":null}`))
		}
	})
	one := func() apiAnswer {
		t.Helper()
		return answered[list[apiAnswer]](r, 200, r.Get("/v1/entities/api/default/stock/apis", ann)).Items[0]
	}
	if a := one(); !a.Served || a.AsOf != nil {
		t.Fatalf("%+v", a)
	}
	down = true
	r.clock.Advance(time.Minute)
	if a := one(); !a.Served || a.AsOf == nil || !a.AsOf.Equal(epoch) || a.Problem == "" {
		t.Errorf("%+v", a)
	}
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "x"}, ann))
	res := r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "west/stock", "ttlDays": 3}, ann)
	if res.Status == 500 {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}
