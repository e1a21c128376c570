package estimate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestReadInfracost_BringsUploadsIntoOneForm(t *testing.T) {
	d := estimated(t, read(t, "infracost.json"), Request{})
	plugintest.Golden(t, "testdata/infracost.golden.json", d)
	if d.Currency != "EUR" || d.Metadata.Source != "infracost" || d.Metadata.PriceBook != "" {
		t.Errorf("%+v", d.Metadata)
	}
	// 29.2 + 0.8 now and 67.525 before, whatever the sums of the upload say.
	if d.TotalMonthlyCost.String() != "30" || d.PastTotalMonthlyCost.String() != "67.525" || d.DiffTotalMonthlyCost.String() != "-37.525" {
		t.Errorf("%s, %s, %s", d.TotalMonthlyCost, d.PastTotalMonthlyCost, d.DiffTotalMonthlyCost)
	}
	if got := monthly(resourceOf(t, d.Projects[0].Breakdown, "aws_lambda_function.f")); got != "unknown" {
		t.Errorf("what depends on usage costs %s", got)
	}
}

func TestReadInfracost_ReadsItsOwnEstimates(t *testing.T) {
	for _, name := range []string{"aws.plan.json", "azure-gcp.plan.json", "infracost.json"} {
		first := estimated(t, read(t, name), Request{Name: "p"})
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		again := estimated(t, text, Request{})
		again.Metadata, again.TimeGenerated = first.Metadata, first.TimeGenerated
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(text, second) {
			t.Errorf("%s: read again it differs\n%s\n%s", name, text, second)
		}
	}
}

func TestRead_SaysWhatIsWrongWithWhatWasSent(t *testing.T) {
	good := string(read(t, "infracost.json"))
	with := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	for want, text := range map[string]string{
		"it is empty":                           " \n",
		"this is a page, not JSON":              "<!DOCTYPE html><html>",
		"this is terraform's own plan file":     "PK\x03\x04....",
		"UTF-16":                                "\xff\xfe{\x00",
		"it is no JSON object":                  `[1]`,
		"it ends in the middle":                 good[:len(good)/2],
		"nested more than 100 deep":             `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		"longer than 10 MiB":                    `{"a":"` + strings.Repeat("a", 10<<20) + `"}`,
		"more than one JSON value":              `{} {}`,
		"format_version is missing":             `{}`,
		`format_version "7.0" is not known`:     `{"format_version":"7.0","resource_changes":[]}`,
		"this is a state, not a plan":           `{"format_version":"1.0","values":{"root_module":{}}}`,
		"run that failed":                       `{"format_version":"1.2","errored":true,"resource_changes":[]}`,
		"resource_changes is missing":           `{"format_version":"1.2"}`,
		"resource_changes is a string":          `{"format_version":"1.2","resource_changes":"x"}`,
		`actions ["explode"] are not known`:     `{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","mode":"managed","change":{"actions":["explode"]}}]}`,
		"resource_changes has 5001 entries":     `{"format_version":"1.2","resource_changes":[{}` + strings.Repeat(",{}", 5000) + `]}`,
		"no address or no type":                 `{"format_version":"1.2","resource_changes":[{"mode":"managed"}]}`,
		`currency "eur" is no code`:             with(`"EUR"`, `"eur"`),
		"invalid character 'N'":                 with(`"price": "0.08"`, `"price": NaN`),
		`"NaN": not a decimal number`:           with(`"price": "0.08"`, `"price": "NaN"`),
		`"1e999": amount is out of range`:       with(`"price": "0.08"`, `"price": "1e999"`),
		"monthlyCost -29.2 is negative":         with(`"monthlyCost": "29.2"`, `"monthlyCost": "-29.2"`),
		"monthlyCost 29200000000 cannot be":     with(`"monthlyCost": "29.2"`, `"monthlyCost": "29200000000"`),
		"projects is empty":                     `{"currency":"EUR","projects":[]}`,
		"has no breakdown":                      `{"currency":"EUR","projects":[{"name":"a"}]}`,
		"projects is a number":                  `{"currency":"EUR","projects":7}`,
		"has no name, or one of more than 1000": `{"currency":"EUR","projects":[{"breakdown":{"resources":[{}]}}]}`,
		"more than 50000 resources":             `{"currency":"EUR","projects":[{"breakdown":{"resources":[{"name":"a","costComponents":[{}` + strings.Repeat(",{}", 50_000) + `]}]}}]}`,
		`usage: line 1: "-1" is no quantity`:    `{"plan":{},"usage":{"resource_usage":{"a.b":{"x":-1}}}}`,
		`"../etc" is no region`:                 `{"plan":{},"regions":{"aws":"../etc"}}`,
	} {
		_, err := offline().Read(t.Context(), []byte(text), Request{})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, sdk.ErrInput) {
			t.Errorf("want %q: %v", want, err)
		} else if len(err.Error()) > 500 {
			t.Errorf("%q is longer than people read", err)
		}
	}
}

func TestReadUsage_SaysWhatIsWrong(t *testing.T) {
	for want, text := range map[string]string{
		"it is no YAML":                        "a: [",
		"must have resource_usage":             "- a",
		`line 3: ".nan" is no quantity`:        "resource_usage:\n  a.b:\n    x: .nan",
		`line 3: "-.inf" is no quantity`:       "resource_type_default_usage:\n  a:\n    x: -.inf",
		`line 2: "0x10" is no quantity`:        "resource_usage:\n  x: 0x10",
		"longer than 1024 KiB":                 strings.Repeat("#", maxUsage+1),
		`"9999999999999999999999" is no quant`: "resource_usage: {x: 9999999999999999999999}",
	} {
		if _, err := ReadUsage([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, sdk.ErrInput) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	for _, text := range []string{"", "---\n", "null", "{}", "version: 0.1\n"} {
		u, err := ReadUsage([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if _, given := u.of("a.b", "a")("x"); given {
			t.Errorf("%q says something", text)
		}
	}
}

func TestReadUsage_GoesFromTheResourceToItsType(t *testing.T) {
	u, err := ReadUsage([]byte(`
resource_usage:
  module.m["x.y"].a_b.c[1]: { one: 1, text: windows }
  module.m[*].a_b.c[*]: { one: 10, two: 20 }
resource_type_default_usage:
  a_b: { one: 100, two: 200, deep: { three: 300 } }
`))
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[[2]string]string{
		{`module.m["x.y"].a_b.c[1]`, "one"}: "1", {`module.m["x.y"].a_b.c[1]`, "two"}: "20", {`module.m["x.y"].a_b.c[1]`, "deep.three"}: "300",
		{`module.m["z"].a_b.c[0]`, "one"}: "10", {`a_b.d`, "one"}: "100", {`a_b.d`, "deep"}: "", {`a_b.d`, "four"}: "",
	} {
		if got, _ := u.of(query[0], "a_b")(query[1]); got != want {
			t.Errorf("%v is %q, want %q", query, got, want)
		}
	}
}

func FuzzReadUsage(f *testing.F) {
	f.Add([]byte("version: 0.1\nresource_usage:\n  a.b[*]: {x: 1.5}\n"))
	f.Add([]byte("a: &a [*a]\nresource_usage: *a"))
	f.Add([]byte("resource_usage: {<<: {a: 1}}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if u, err := ReadUsage(text); err == nil {
			u.of("a.b[0]", "a")("x.y")
		}
	})
}
