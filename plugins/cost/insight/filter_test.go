package insight_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestFilter_IsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]ledger.Filter{
		"service=Amazon EC2":                  ledger.Where(ledger.Is(ledger.Service, "Amazon EC2")),
		" SubAccount = a | b , tag:Team!=web": ledger.Where(ledger.Is(ledger.SubAccount, "a", "b"), ledger.IsNot(ledger.Tag("Team"), "web")),
		`service="a, b; ""c"" | d"`:           ledger.Where(ledger.Is(ledger.Service, `a, b; "c" | d`)),
		"tag:team=":                           ledger.Where(ledger.Is(ledger.Tag("team"), "")),
		"tag:aws:autoscaling/group=x=y":       ledger.Where(ledger.Is(ledger.Tag("aws:autoscaling/group"), "x=y")),
		"region=eu; region=us, service=S3": {Any: []ledger.Filter{
			ledger.Where(ledger.Is(ledger.Region, "eu")),
			ledger.Where(ledger.Is(ledger.Region, "us"), ledger.Is(ledger.Service, "S3")),
		}},
	} {
		got, err := insight.ParseFilter(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
}

func TestFilter_SaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                        `"" must be dimension=value`,
		"service":                 `"service" must be dimension=value`,
		"service=a,":              `"" must be dimension=value`,
		"flavour=sweet":           `"flavour" is no dimension; there are provider, billingAccount`,
		"tag:=x":                  `"tag:" is no dimension`,
		`service="a`:              `service: InputError: "a has no closing quote`,
		`service="a" b`:           `"b" is unexpected`,
		`service=a"b"`:            "is unexpected",
		strings.Repeat("a", 5000): "at most 4096 bytes",
		strings.Repeat("region=a;", 60) + "region=a": "at most 50 alternatives",
		strings.Repeat("region=a,", 30) + "region=a": "at most 20 terms",
		"region=" + strings.Repeat("a|", 300):        "at most 200 values",
	} {
		if _, err := insight.ParseFilter(text); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"service=a|b, region!=c", `tag:x="a""b"; provider=`, "=", `"`, "a=b=c;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := insight.ParseFilter(text)
		if err != nil {
			return
		}
		for _, alternative := range append(got.Any, got) {
			for _, term := range alternative.All {
				if !term.Dimension.Valid() || len(term.Values) == 0 {
					t.Errorf("%q is read as %+v", text, got)
				}
			}
		}
	})
}

func annotated(name string, pairs ...string) sdk.Entity {
	e := plugintest.Component(name)
	for i := 0; i < len(pairs); i += 2 {
		e = plugintest.Annotated(e, pairs[i], pairs[i+1])
	}
	return e
}

func TestClaim_IsReadFromEachKindOfAnnotation(t *testing.T) {
	project := []ledger.Filter{ledger.Where(ledger.Is(ledger.SubAccountName, "shop")), ledger.Where(ledger.Is(ledger.SubAccount, "shop"))}
	for _, c := range []struct {
		pairs []string
		from  string
		want  ledger.Filter
	}{
		{[]string{insight.FilterAnnotation, "service=S3", "infrawallet.io/project", "shop"}, insight.FilterAnnotation, ledger.Where(ledger.Is(ledger.Service, "S3"))},
		{[]string{insight.TagsAnnotation, "team=web,env=prod"}, insight.TagsAnnotation, ledger.Where(ledger.Is(ledger.Tag("team"), "web"), ledger.Is(ledger.Tag("env"), "prod"))},
		{[]string{"infrawallet.io/project", "shop"}, "infrawallet.io/project", ledger.Filter{Any: project}},
		{
			[]string{"infrawallet.io/project", "shop", "infrawallet.io/service", "AWS/Amazon EC2, S3", "infrawallet.io/extra-filters", "team: web|app, category: Compute"},
			"infrawallet.io/project|service|extra-filters",
			ledger.Filter{
				All: []ledger.Term{
					ledger.Is(ledger.Service, "AWS/Amazon EC2", "Amazon EC2", "S3"), ledger.Is(ledger.Tag("team"), "web", "app"),
					ledger.Is(ledger.ServiceCategory, "Compute"),
				},
				Any: project,
			},
		},
		{
			[]string{"infrawallet.io/account", "AWS/shop prod (123)"}, "infrawallet.io/account",
			ledger.Filter{Any: []ledger.Filter{
				ledger.Where(ledger.Is(ledger.SubAccountName, "AWS/shop prod (123)", "shop prod", "123")),
				ledger.Where(ledger.Is(ledger.SubAccount, "AWS/shop prod (123)", "shop prod", "123")),
				ledger.Where(ledger.Is(ledger.BillingAccountName, "AWS/shop prod (123)", "shop prod", "123")),
				ledger.Where(ledger.Is(ledger.BillingAccount, "AWS/shop prod (123)", "shop prod", "123")),
			}},
		},
	} {
		got, err := insight.ClaimOf(annotated("shop", c.pairs...))
		if err != nil || got == nil || got.Annotation != c.from {
			t.Errorf("%v: %+v %v", c.pairs, got, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Filter); diff != "" {
			t.Errorf("%v:\n%s", c.pairs, diff)
		}
	}
	if got, err := insight.ClaimOf(annotated("shop")); got != nil || err != nil {
		t.Errorf("without annotations: %+v %v", got, err)
	}
}

func FuzzClaim(f *testing.F) {
	f.Add("AWS/shop (123), x", "team: web|app, category: Compute", "a=b,c=d")
	f.Add("", "a: b", "")
	f.Add(",", ":", "=")
	f.Fuzz(func(t *testing.T, project, extra, tags string) {
		claim, err := insight.ClaimOf(annotated("shop", "infrawallet.io/project", project, "infrawallet.io/extra-filters", extra, insight.TagsAnnotation, tags))
		if err != nil || claim == nil {
			return
		}
		var whole func(ledger.Filter) bool
		whole = func(f ledger.Filter) bool {
			for _, term := range f.All {
				if !term.Dimension.Valid() {
					return false
				}
			}
			for _, alternative := range f.Any {
				if !whole(alternative) {
					return false
				}
			}
			return true
		}
		if !whole(claim.Filter) {
			t.Errorf("%q %q %q is read as %+v", project, extra, tags, claim.Filter)
		}
	})
}

func TestClaim_NamesTheAnnotationThatIsWrong(t *testing.T) {
	for want, pair := range map[string][2]string{
		`annotation callboard.dev/cost-filter: InputError: "flavour" is no dimension`:  {insight.FilterAnnotation, "flavour=x"},
		`annotation infrawallet.io/extra-filters: InputError: "team" must be key: val`: {"infrawallet.io/extra-filters", "team"},
		`annotation aws.amazon.com/cost-insights-tags: InputError: "web" must be key=`: {insight.TagsAnnotation, "web"},
	} {
		if _, err := insight.ClaimOf(annotated("shop", pair[0], pair[1])); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
