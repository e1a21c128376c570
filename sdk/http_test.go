package sdk_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/sdk/pluginv1"
)

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestRoute_KnowsWhoCalls(t *testing.T) {
	p := sdk.New("x")
	p.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
		c := sdk.Principal(r.Context())
		_, _ = fmt.Fprint(w, c.Type, " ", c.Subject, " ", c.OwnershipRefs, " ", c.UserToken(), " ", c.IsUser(), c.IsService())
	})
	h := plugintest.Start(t, p)
	padded := plugintest.Header("X-Callboard-Principal", base64.URLEncoding.EncodeToString([]byte(`{"type":"service","subject":"external:ci1"}`)))
	for want, opt := range map[string]plugintest.RequestOption{
		"user user:default/ann [user:default/ann group:default/web] user-token/user:default/ann true false": plugintest.As("user:default/ann", "group:default/web"),
		"service plugin:scaffolder []  false true":                                                          plugintest.As("plugin:scaffolder"),
		"service external:ci1 []  false true":                                                               padded,
		"none  []  false false":                                                                             plugintest.Header("X-Callboard-Principal", "!!"),
	} {
		if got := h.Get("/who", opt).Text(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := sdk.Principal(context.Background()); got.Type != "none" {
		t.Error(got)
	}
}

func TestRoute_ErrorsLookLikeBackstages(t *testing.T) {
	p := sdk.New("x")
	p.HandleFunc("GET /missing", func(w http.ResponseWriter, r *http.Request) {
		sdk.WriteError(w, r, fmt.Errorf("project shop: %w", sdk.ErrNotFound))
	})
	p.HandleFunc("GET /named", func(w http.ResponseWriter, r *http.Request) { sdk.WriteError(w, r, apierror.Conflictf("taken")) })
	p.HandleFunc("GET /internal", func(w http.ResponseWriter, r *http.Request) { sdk.WriteError(w, r, errors.New("10.0.0.7: refused")) })
	p.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic("10.0.0.7") })
	p.HandleFunc("GET /unwritable", func(w http.ResponseWriter, _ *http.Request) { sdk.WriteJSON(w, 200, make(chan int)) })
	h := plugintest.Start(t, p)
	for path, want := range map[string]string{
		"/missing?a=1": `404 {"error":{"name":"NotFoundError","message":"project shop"},"request":{"method":"GET","url":"/missing?a=1"},"response":{"statusCode":404}}`,
		"/named":       `409 {"error":{"name":"ConflictError","message":"taken"},"request":{"method":"GET","url":"/named"},"response":{"statusCode":409}}`,
		"/internal":    `500 {"error":{"name":"Error","message":"Internal error; the log of the plugin has more"},"request":{"method":"GET","url":"/internal"},"response":{"statusCode":500}}`,
		"/panics":      `500 {"error":{"name":"Error","message":"Internal error; the log of the plugin has more"},"request":{"method":"GET","url":"/panics"},"response":{"statusCode":500}}`,
		"/unwritable":  "500 {\"error\":{\"name\":\"Error\",\"message\":\"Internal error; the log of the plugin has more\"}}\n",
	} {
		res := h.Get(path)
		if got := fmt.Sprint(res.Status, " ", res.Text()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRoute_ThatPanicsInTheMiddleOfAnAnswerBreaksItOff(t *testing.T) {
	p := sdk.New("x")
	p.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("no more")
	})
	h := plugintest.Start(t, p)
	res := h.Open("GET", "/half", nil)
	defer res.Body.Close()
	if data, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the answer %q looks whole", data)
	}
}

func TestRoute_KeepsEscapedPaths(t *testing.T) {
	p := sdk.New("x")
	p.HandleFunc("GET /file/{path}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("path")) })
	if got := plugintest.Start(t, p).Get("/file/a%2Fb%20c").Text(); got != "a/b c" {
		t.Error(got)
	}
}

func TestRoute_WaitsForSettings(t *testing.T) {
	p := sdk.New("x")
	use[struct{}](p)
	p.HandleFunc("GET /early", nothing)
	p.Health(func(context.Context) error { return errors.New("must not be asked yet") })
	var early *plugintest.Response
	var health error
	h := plugintest.Start(t, p, plugintest.Prepare(func(h *plugintest.Harness) { early, health = h.Get("/early"), h.Health() }))
	if early.Status != http.StatusServiceUnavailable || early.Header.Get("Retry-After") != "1" || health != nil {
		t.Errorf("before Configure: %d %v, health %v", early.Status, early.Header, health)
	}
	if res := h.Get("/early"); res.Status != http.StatusNoContent {
		t.Errorf("after Configure: %d", res.Status)
	}
}

func TestTrace_IsPassedOnToTheHostAndToTheWorld(t *testing.T) {
	p := sdk.New("x")
	p.Task("call", 1, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://a.example/", nil)
		if err != nil {
			return err
		}
		res, err := p.Host().HTTP.Do(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
	h := plugintest.Start(t, p)
	h.Outgoing.HandleFunc("https://a.example", nothing)
	for given, want := range map[string]string{trace: trace, "00-xyz": "", "": ""} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", given)
		if _, err := pluginv1.NewTasksServiceClient(h.Conn()).RunTask(ctx, &pluginv1.RunTaskRequest{Id: "call"}); err != nil {
			t.Fatal(err)
		}
		sent := h.Outgoing.Requests()
		if got := sent[len(sent)-1].Header.Get("Traceparent"); got != want {
			t.Errorf("given %q, passed on %q", given, got)
		}
	}
}

func TestDrain_LetsStreamsEndAndWaitsForWhatRuns(t *testing.T) {
	p := sdk.New("x")
	hooks := 0
	p.OnDrain(func(context.Context) error { hooks++; return errors.New("logged only") })
	p.OnDrain(func(context.Context) error { panic("logged only") })
	finished := make(chan struct{})
	p.HandleFunc("GET /stream", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n")
		_ = http.NewResponseController(w).Flush()
		<-p.Draining()
		_, _ = io.WriteString(w, "data: bye\n")
		close(finished)
	})
	h := plugintest.Start(t, p)
	res := h.Open("GET", "/stream", nil)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if first, err := lines.ReadString('\n'); err != nil || first != "data: 1\n" {
		t.Fatal(first, err)
	}
	if err := h.Drain(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-finished:
	default:
		t.Error("Drain did not wait for the stream")
	}
	if last, err := io.ReadAll(lines); err != nil || string(last) != "data: bye\n" {
		t.Errorf("%q %v", last, err)
	}
	if err := h.Drain(); err != nil || hooks != 1 {
		t.Errorf("%v, hooks ran %d times", err, hooks)
	}
	if res := h.Get("/nowhere"); res.Status != http.StatusNotFound {
		t.Errorf("a drained plugin still answers, not %d", res.Status)
	}
}

func TestMetrics_AreInThePrometheusTextFormat(t *testing.T) {
	p := sdk.New("x")
	calls := p.Counter("calls_total", "Calls\nof it", "kind")
	size := p.Gauge("size_bytes", "Size")
	took := p.Histogram("took_seconds", "Time", []float64{0.1, 1}, "op")
	p.Metrics(func(context.Context) []byte { return []byte("own_metric 1") })
	h := plugintest.Start(t, p)
	calls.Add(1, "a\"b\\c\nd")
	calls.Add(2, "plain")
	size.Set(1.5)
	for _, v := range []float64{0.05, 0.5, 5} {
		took.Observe(v, "read")
	}
	text := h.Metrics()
	for _, want := range []string{
		"# HELP calls_total Calls of it\n# TYPE calls_total counter\n", `calls_total{kind="a\"b\\c\nd"} 1` + "\n", `calls_total{kind="plain"} 2` + "\n",
		"size_bytes 1.5\n", `took_seconds_bucket{op="read",le="0.1"} 1` + "\n", `took_seconds_bucket{op="read",le="1"} 2` + "\n",
		`took_seconds_bucket{op="read",le="+Inf"} 3` + "\n", `took_seconds_sum{op="read"} 5.55` + "\n", `took_seconds_count{op="read"} 3` + "\n",
		"\nown_metric 1\n", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for i := range 2000 {
		calls.Add(1, fmt.Sprint(i))
	}
	if text := h.Metrics(); !strings.Contains(text, "callboard_sdk_metric_series_dropped_total 1002\n") || strings.Count(text, "calls_total{") != 1000 {
		t.Errorf("the number of series is not held: %d", strings.Count(text, "calls_total{"))
	}
}
