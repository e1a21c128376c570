package pluginhost

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// hostile are metrics that would make a registry refuse everything.
var hostile = []string{
	"# HELP go_goroutines Mine.\n# TYPE go_goroutines counter\ngo_goroutines 1\n",
	"# TYPE callboard_plugin_state gauge\ncallboard_plugin_state{plugin=\"other\",state=\"ready\"} 7\n",
	"# TYPE a counter\na{plugin=\"x\"} 1\na{plugin=\"x\"} 2\n",
	"# TYPE a gauge\na 1\n",
	"# HELP a Other help.\n# TYPE a counter\na{b=\"c\"} 1\n",
	"# TYPE a counter\na{__name__=\"go_goroutines\"} 1\n",
	"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n",
	"# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_sum 4\nh_count 3\n",
	"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n",
	"nonsense {{{\n", "\x00", "a 1e999\n", "a NaN\n",
}

func TestUnion_IsTakenByARegistryWhateverPluginsCount(t *testing.T) {
	u := newUnion()
	for i, text := range hostile {
		f, err := parseFamilies([]byte(text))
		if err != nil {
			continue
		}
		u.add(manifest.ID("p"+string(rune('a'+i))), f)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), all{u})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, f := range families {
		names[f.GetName()] = len(f.GetMetric())
	}
	if names["plugin_go_goroutines"] != 1 || names["plugin_callboard_plugin_state"] != 1 || names["a"] < 2 || names["go_goroutines"] != 1 {
		t.Error(names)
	}
}

// all is a collector of what a union holds.
type all struct{ u *union }

func (all) Describe(chan<- *prometheus.Desc)           {}
func (a all) Collect(metrics chan<- prometheus.Metric) { a.u.collect(metrics) }

func TestParseFamilies_BoundsWhatAPluginMayCount(t *testing.T) {
	if _, err := parseFamilies([]byte(strings.Repeat("a 1\n", maxMetricsText))); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
	var b strings.Builder
	b.WriteString("# TYPE a counter\na 1\n# TYPE b counter\n")
	for i := range maxSeries {
		b.WriteString(strings.Replace("b{n=\"#\"} 1\n", "#", strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26), 1))
	}
	f, err := parseFamilies([]byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "more than 1000 series; b and what comes after it is left out") || len(f) != 1 {
		t.Errorf("%v %d", err, len(f))
	}
}

func FuzzFamilies(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "a 1\n")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		u := newUnion()
		for id, text := range map[manifest.ID]string{"one": one, "two": two} {
			if parsed, err := parseFamilies([]byte(text)); err == nil {
				u.add(id, parsed)
			}
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), all{u})
		if _, err := registry.Gather(); err != nil {
			t.Errorf("%v\n%q\n%q", err, one, two)
		}
	})
}

func TestMetrics_OfAPluginCarryItsID(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.Collector())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		text.WriteString(f.String() + "\n")
	}
	for _, want := range []string{`name:"shop_sales_total"`, `name:"plugin"  value:"shop"`, `name:"callboard_plugin_state"`} {
		if !strings.Contains(strings.ReplaceAll(text.String(), `" value`, `"  value`), want) {
			t.Errorf("%s is missing in\n%s", want, text.String())
		}
	}
}
