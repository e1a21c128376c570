package sample_test

import (
	"bytes"
	"io"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

var (
	from = time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	year = sample.Options{Rows: 4000, From: from, Days: 365, Seed: 1}
)

func read(t *testing.T, r io.Reader) (*focus.Reader, []ledger.Charge) {
	t.Helper()
	reader, err := focus.Open(r, focus.Options{Now: func() time.Time { return from.AddDate(1, 0, 0) }, TempDir: t.TempDir(), Reject: func(r focus.Reject) { t.Error(r) }})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var charges []ledger.Charge
	for c, err := range reader.Charges() {
		if err != nil {
			t.Fatal(err)
		}
		charges = append(charges, c)
	}
	return reader, charges
}

func TestSample_IsTheSameInEachFormat(t *testing.T) {
	var plain, zipped, parquet bytes.Buffer
	for w, write := range map[*bytes.Buffer]func(io.Writer, sample.Options) error{&plain: sample.WriteCSV, &zipped: sample.WriteGzip, &parquet: sample.WriteParquet} {
		if err := write(w, year); err != nil {
			t.Fatal(err)
		}
	}
	_, want := read(t, &plain)
	if len(want) != year.Rows {
		t.Errorf("%d rows", len(want))
	}
	for format, r := range map[string]io.Reader{"csv.gz": &zipped, "parquet": &parquet} {
		reader, got := read(t, r)
		if reader.Format() != format || !slices.Equal(got, want) {
			t.Errorf("%s has other rows", format)
		}
	}
}

func TestSample_LooksLikeTheBillsOfACompany(t *testing.T) {
	var b bytes.Buffer
	if err := sample.WriteCSV(&b, year); err != nil {
		t.Fatal(err)
	}
	_, charges := read(t, &b)
	count := map[string]int{}
	billed := map[string]*big.Rat{}
	for _, c := range charges {
		count[c.Category]++
		count[c.Class]++
		count[c.Provider]++
		if c.Tags == (ledger.Tags{}) {
			count["untagged"]++
		}
		half := map[bool]string{true: "first", false: "second"}[c.Day < ledger.DayOf(from)+182]
		if billed[half] == nil {
			billed[half] = new(big.Rat)
		}
		amount, _ := new(big.Rat).SetString(c.Billed.String())
		billed[half].Add(billed[half], amount)
	}
	for _, what := range []string{"Usage", "Purchase", "Tax", "Credit", "Adjustment", "Correction", "AWS", "Microsoft", "Google Cloud", "untagged"} {
		if count[what] < 5 {
			t.Errorf("%d rows are %s: %v", count[what], what, count)
		}
	}
	if billed["second"].Cmp(billed["first"]) <= 0 {
		t.Error("costs do not grow")
	}
}

func TestSample_HasEachResourceEveryDay(t *testing.T) {
	days := map[string]map[string]bool{}
	for row := range sample.Rows(sample.Options{Rows: 1000, From: from, Days: 10, Seed: 1}) {
		resource, day := row[slices.Index(sample.Columns, "ResourceName")], row[slices.Index(sample.Columns, "ChargePeriodStart")]
		if days[resource] == nil {
			days[resource] = map[string]bool{}
		}
		days[resource][day] = true
	}
	delete(days, "") // taxes and the like
	missing := 0
	for _, found := range days {
		missing += 10 - len(found)
	}
	if len(days) < 80 || missing > 5 { // on the first of a month others take the place of some
		t.Errorf("%d resources miss %d days", len(days), missing)
	}
}

func TestSample_WritesFoldersAsCloudsDeliver(t *testing.T) {
	dir := t.TempDir()
	if err := sample.WriteFolder(dir, year); err != nil {
		t.Fatal(err)
	}
	rows, versions := 0, map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		reader, charges := read(t, f)
		rows += len(charges)
		versions[reader.Format()] = reader.Version()
		return nil
	})
	if err != nil || rows != year.Rows {
		t.Errorf("%d rows, %v", rows, err)
	}
	if want := map[string]string{"csv.gz": "1.2", "parquet": "1.0", "csv": "1.3"}; !maps.Equal(versions, want) {
		t.Errorf("versions are %v", versions)
	}
}

// TestSample_IsOfTheExampleCatalog finds the services of tags, with their systems and owners, in examples/catalog.
func TestSample_IsOfTheExampleCatalog(t *testing.T) {
	known := catalog(t)
	found := map[string]bool{}
	for row := range sample.Rows(year) {
		text := row[slices.Index(sample.Columns, "Tags")]
		if text == "" || found[text] {
			continue
		}
		found[text] = true
		var tags struct{ Service, System, Team string }
		if err := yaml.Unmarshal([]byte(text), &tags); err != nil {
			t.Fatal(err)
		}
		if want := known[tags.Service]; tags.Service != "" && want != tags.System+" "+tags.Team {
			t.Errorf("%s is of %s %s; in the catalog of %q", tags.Service, tags.System, tags.Team, want)
		}
	}
	if len(found) < 80 {
		t.Errorf("only %d sets of tags", len(found))
	}
}

func catalog(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../../../examples/catalog/*/systems/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example catalog: %v", err)
	}
	known := map[string]string{}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(content)))
		for {
			var entity struct {
				Metadata struct{ Name string }
				Spec     struct{ System, Owner string }
			}
			if decoder.Decode(&entity) != nil {
				break
			}
			known[entity.Metadata.Name] = entity.Spec.System + " " + entity.Spec.Owner
		}
	}
	return known
}
