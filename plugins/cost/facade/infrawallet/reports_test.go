package infrawallet

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/facade/facadetest"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

// quarter is what the card of an entity asks for: from the beginning of a month to the end of another, at the viewer's place.
func quarter(zone *time.Location) (start, end time.Time) {
	return time.Date(2026, time.September, 1, 0, 0, 0, 0, zone), time.Date(2026, time.December, 1, 0, 0, 0, 0, zone).Add(-time.Millisecond)
}

func TestReports_AreWhatThePageAndTheCardRead(t *testing.T) {
	c := client{t, start(t, bills()...)}
	from, to := quarter(time.UTC)
	got := c.reports("()", "()", "monthly", from, to, "")
	want := []costReport{
		{"AWS_999_111_acme-prod_Amazon EC2_Compute", "AWS", "Integration", "AWS/acme-prod (111)", "AWS/Amazon EC2", "Compute", "acme-prod", map[string]float64{"2026-10": 10, "2026-11": 21}, map[string]string{}},
		{"AWS_999_111_acme-prod_Amazon S3_Storage", "AWS", "Integration", "AWS/acme-prod (111)", "AWS/Amazon S3", "Storage", "acme-prod", map[string]float64{"2026-11": 0.1}, map[string]string{}},
		{"AWS_999_111_acme-prod_Tax_Other", "AWS", "Integration", "AWS/acme-prod (111)", "AWS/Tax", "Other", "acme-prod", map[string]float64{"2026-11": 1.5}, map[string]string{}},
		{"Google Cloud_999_gcp-1_Cloud SQL_Databases", "GCP", "Integration", "GCP/gcp-1", "GCP/Cloud SQL", "Database", "gcp-1", map[string]float64{"2026-11": 2.25}, map[string]string{}},
		{"Microsoft_77_Acme Ltd_Storage Accounts_Storage", "Azure", "Integration", "Azure/Acme Ltd (77)", "Azure/Storage Accounts", "Storage", "Acme Ltd", map[string]float64{"2026-11": 7}, map[string]string{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestReports_AreOfTheDaysThatTheViewerMeans(t *testing.T) {
	c := client{t, start(t, bills()...)}
	for name, zone := range map[string]*time.Location{"Auckland": time.FixedZone("", 12*3600), "Kathmandu": time.FixedZone("", 20700), "Los Angeles": time.FixedZone("", -8*3600)} {
		first := time.Date(2026, time.November, 1, 0, 0, 0, 0, zone)
		got := c.reports("(service:AWS/Amazon EC2)", "()", "daily", first, first.AddDate(0, 1, 0).Add(-time.Millisecond), "")
		if len(got) != 1 || !reflect.DeepEqual(got[0].Reports, map[string]float64{"2026-11-01": 20.5, "2026-11-02": 0.5}) {
			t.Errorf("November in %s: %+v", name, got)
		}
	}
	got := c.reports("(service:AWS/Amazon EC2)", "()", "daily", november(2).Time().Add(7*time.Minute), november(2).Time().Add(19*time.Hour+7*time.Minute), "")
	if len(got) != 1 || !reflect.DeepEqual(got[0].Reports, map[string]float64{"2026-11-02": 0.5}) {
		t.Errorf("a part of a day: %+v", got)
	}
}

func TestReports_AreFilteredAsTheFrontendWritesFilters(t *testing.T) {
	c := client{t, start(t, bills()...)}
	from, to := quarter(time.UTC)
	for filter, want := range map[string][]string{
		"()":                            {"AWS/Amazon EC2", "AWS/Amazon S3", "AWS/Tax", "Azure/Storage Accounts", "GCP/Cloud SQL"},
		"(category:Storage)":            {"AWS/Amazon S3", "Azure/Storage Accounts"},
		"(category:(Storage|Database))": {"AWS/Amazon S3", "Azure/Storage Accounts", "GCP/Cloud SQL"},
		"(category: (Compute | Database), provider: (AWS|Azure))": {"AWS/Amazon EC2"},
		"(account:AWS/acme-prod (111),category:Storage)":          {"AWS/Amazon S3"},
		"(account:(AWS/acme-prod (111)|Azure/Acme Ltd (77)))":     {"AWS/Amazon EC2", "AWS/Amazon S3", "AWS/Tax", "Azure/Storage Accounts"},
		"(account:acme-prod,service:Amazon S3)":                   {"AWS/Amazon S3"},
		"(project:gcp-1)":                                         {"GCP/Cloud SQL"},
		"(provider:aws,service:(AWS/Tax|AWS/None))":               {"AWS/Tax"},
		"(team:R&D)":                        {"Azure/Storage Accounts"},
		"(team:(web|R&D),category:Storage)": {"AWS/Amazon S3", "Azure/Storage Accounts"},
		"(project:none)":                    nil,
		"(providerType:Custom)":             nil,
		"not in parentheses":                {"AWS/Amazon EC2", "AWS/Amazon S3", "AWS/Tax", "Azure/Storage Accounts", "GCP/Cloud SQL"},
		"(provider%3AAzure)":                {"Azure/Storage Accounts"},
		"(service:(" + strings.Repeat("AWS/x|", 50) + "AWS/Tax))": {"AWS/Tax"},
	} {
		var got []string
		for _, r := range c.reports(filter, "()", "monthly", from, to, "") {
			if !slices.Contains(got, r.Service) {
				got = append(got, r.Service)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", filter, got, want)
		}
	}
}

func TestReports_AreFilteredByTagsOfProviders(t *testing.T) {
	c := client{t, start(t, bills()...)}
	from, to := quarter(time.UTC)
	for tags, want := range map[string]map[string]float64{
		// Tags of one provider say nothing about the others, as in the original.
		"(AWS:app=cart)":                              {"AWS/cart": 30.6, "Azure/": 7, "GCP/": 2.25},
		"(AWS:app=cart OR AWS:app=vault)":             {"AWS/cart": 30.6, "AWS/vault": 0.5, "Azure/": 7, "GCP/": 2.25},
		"(AWS:app=none OR Azure:team=R&D OR GCP:x=y)": {"Azure/": 7},
		"(AWS:app)": {"AWS/cart": 30.6, "AWS/vault": 0.5, "Azure/": 7, "GCP/": 2.25},
	} {
		got := map[string]float64{}
		for _, r := range c.reports("()", tags, "monthly", from, to, "") {
			for _, amount := range r.Reports {
				got[r.Provider+"/"+r.Tags["app"]] += amount
			}
		}
		for k, v := range got {
			got[k] = float64(int(v*100+0.5)) / 100
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %v\nwant %v", tags, got, want)
		}
	}
}

func TestReports_AreOfAnEntityForWhoMayReadIt(t *testing.T) {
	r := start(t, bills()...)
	c := client{t, r}
	from, to := quarter(time.UTC)
	sum := 0.0
	for _, one := range c.reports("(project:acme-prod)", "()", "monthly", from, to, "default/cart") {
		for _, amount := range one.Reports {
			sum += amount
		}
	}
	if sum != 30.6 {
		t.Errorf("cart costs %v", sum)
	}
	if got := c.reports("()", "()", "monthly", from, to, "default/shop"); len(got) != 5 {
		t.Errorf("a system is found by its name: %+v", got)
	}
	path := fmt.Sprintf("/facades/infrawallet/reports?filters=()&tags=()&granularity=monthly&startTime=%d&endTime=%d", from.UnixMilli(), to.UnixMilli())
	for suffix, want := range map[string]int{
		"": http.StatusForbidden, "&entityName=undefined": http.StatusForbidden, "&entityName=default/shop": http.StatusNotFound,
		"&entityName=default/cart": http.StatusOK, "&entityName=cart": http.StatusBadRequest,
	} {
		if res := r.Get(path+suffix, facadetest.Eve); res.Status != want {
			t.Errorf("eve asks %q: %d %s, want %d", suffix, res.Status, res.Text(), want)
		}
	}
}

func TestReports_RefuseCurrenciesThatCannotBeAdded(t *testing.T) {
	euros := facadetest.Charge(november(2), "Amazon EC2", "Compute", "3")
	euros.Currency = "EUR"
	r := start(t, append(bills(), euros)...)
	res := r.Get("/facades/infrawallet/reports?filters=()&tags=()&granularity=monthly&startTime=1793491200000&endTime=1795996800000", facadetest.Ann)
	if res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), "EUR, USD") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestReports_SayWhatIsWrongWithARequest(t *testing.T) {
	r := start(t)
	for want, query := range map[string]string{
		"startTime: \\\"\\\" must be":       "",
		"must be milliseconds since 1970":   "startTime=2026-11-01&endTime=1",
		"endTime: \\\"NaN\\\"":              "startTime=1&endTime=NaN",
		"endTime: it lies before startTime": "startTime=1795996800000&endTime=1793491200000",
		"more than 1830 days after":         "startTime=1&endTime=1793491200000",
		"tags: \\\"x\\\" must be provider":  "startTime=1793491200000&endTime=1795996800000&tags=(x)",
		"filters: they are longer than":     "startTime=1793491200000&endTime=1795996800000&filters=(" + strings.Repeat("a", longestFilter) + ")",
		"filters: there are more than 100":  "startTime=1793491200000&endTime=1795996800000&filters=(" + strings.Repeat("a:b,", 101) + ")",
	} {
		if res := r.Get("/facades/infrawallet/reports?"+query, facadetest.Ann); res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), want) {
			t.Errorf("want %q: %d %.200s", want, res.Status, res.Text())
		}
	}
}

func FuzzParseFilters(f *testing.F) {
	for _, seed := range []string{"(a:b,c:(d|e))", "(account:AWS/x (1),y:z)", "(((", "()", "(a:(b|", "(provider:AWS OR x:y=z)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if list, err := parseFilters(text); err == nil {
			q := ledger.Query{}
			list.narrow(&q)
			list.keep(reportOf(map[ledger.Dimension]string{ledger.Provider: "AWS"}))
		}
		if tags, err := parseTags(text); err == nil {
			narrowByTags(&ledger.Query{}, tags)
		}
		if _, err := spanOf(url.Values{"startTime": {text}, "endTime": {text}}); err == nil && text == "" {
			t.Fatal("no time is taken for one")
		}
	})
}
