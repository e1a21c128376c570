package rules

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
)

// inBraces is what a template fills in, with one more level inside.
var inBraces = regexp.MustCompile(`\\\{(?:[^{}]|\{[^{}]*\})*\\?\}`)

func TestDefault_EachItemIsInTheSamplePriceBookByItsUnit(t *testing.T) {
	prices := samplePrices(t)
	for name, r := range Default().Types {
		all := r.Components
		for _, b := range r.Blocks {
			all = append(all, b.Components...)
		}
		for _, c := range all {
			pattern := regexp.MustCompile("^" + providerOf(name) + " " + inBraces.ReplaceAllString(regexp.QuoteMeta(c.Item), "[^/]+") + "$")
			found := false
			for item, unit := range prices {
				found = found || unit == c.Unit && pattern.MatchString(item)
			}
			if !found && !strings.Contains(c.Item, "-{tenancy}") {
				t.Errorf("%s: the price book has nothing for %s by %s", name, c.Item, c.Unit)
			}
		}
	}
}

func providerOf(resourceType string) string {
	for prefix, provider := range map[string]string{"azure": "azurerm", "google": "google"} {
		if strings.HasPrefix(resourceType, prefix) {
			return provider
		}
	}
	return "aws"
}

// samplePrices are the units by provider and item.
func samplePrices(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("../pricebook/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	units := map[string]string{}
	for _, row := range rows[1:] {
		units[row[0]+" "+row[2]] = row[3]
	}
	return units
}

func TestDefault_NoTypeIsBothFreeAndPaidFor(t *testing.T) {
	for name := range Default().Types {
		if Default().IsFree(name) {
			t.Errorf("%s is free and has rules", name)
		}
	}
}

func TestRead_RefusesRulesThatCannotBeFollowed(t *testing.T) {
	for want, text := range map[string]string{
		"field colour not found":         "types: {a_b: {colour: red}}",
		"must have name, item, unit":     "types: {a_b: {components: [{name: x, item: y, unit: z, per: year}]}}",
		"table t is missing":             "types: {a_b: {let: {x: {text: y, map: t}}}}",
		"must have one group":            "types: {a_b: {let: {x: {text: y, match: 'a(b)(c)'}}}}",
		"missing closing )":              "types: {a_b: {let: {x: {text: y, match: 'a('}}}}",
		"not a decimal number":           "tables: {t: {big: x}}\ntypes: {a_b: {let: {x: {text: y, step: t}}}}",
		"a formula is a text or one":     "types: {a_b: {components: [{name: x, item: y, unit: z, per: hour, quantity: {over: ['1']}}]}}",
		`block "q" needs a name, and as`: "types: {a_b: {blocks: [{at: q, as: none}]}}",
		"syntax error in pattern":        "free: ['[']",
	} {
		if _, err := read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestParts_ComputesQuantities(t *testing.T) {
	s, err := read([]byte(`
tables: { size: { "10": small, "100": large } }
types:
  a_b:
    let:
      loop: { text: "{loop}" }
      size: { text: "{gb}", step: size }
      kind: { cases: [{ when: { on: ["true"] }, text: on }, { text: "off" }] }
    components:
      - { name: "{kind} {size}", item: "{none|{gb}}", unit: u, per: hour }
      - { name: product, item: i, unit: u, per: hour, quantity: { product: ["2", "{gb}", { sum: ["1", "1"] }] } }
      - { name: beyond, item: i, unit: u, per: month, quantity: { beyond: ["{gb}", "40"] } }
      - { name: max, item: i, unit: u, per: month, quantity: { max: ["1", { over: ["{gb}", "4"] }] } }
      - { name: usage, item: i, unit: u, per: month, quantity: "{usage.x}" }
      - { name: given, item: i, unit: u, per: month, quantity: "{usage.y.z}" }
      - { name: loop, item: "{loop}", unit: u, per: month }
      - { name: never, item: i, unit: u, per: month, when: { "on": ["false"] } }
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := tfplan.Read([]byte(`{"format_version":"1.0","resource_changes":[{"address":"a_b.c","type":"a_b","mode":"managed","change":{"actions":["create"],"after":{"gb":30,"on":true}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	usage := func(path string) (string, bool) { return "7", path == "y.z" }
	var got []string
	for _, c := range s.Parts("a_b", p.Resources[0].After, usage).Components {
		quantity := "unknown"
		if c.Quantity != nil {
			quantity = c.Quantity.String()
		}
		got = append(got, c.Name+"="+quantity+" of "+c.Item+c.Gap)
	}
	want := "on large=1 of 30; product=120 of i; beyond=0 of i; max=7.5 of i; usage=unknown of i; given=7 of i; loop=1 of loop is made of itself"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
