package estimate

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/plugintest"
)

var _ = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func offline() *Estimator { return New(Options{Now: func() time.Time { return noon }}) }

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func usage(t *testing.T, name string) *Usage {
	t.Helper()
	u, err := ReadUsage(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func estimated(t *testing.T, data []byte, q Request) *Document {
	t.Helper()
	d, err := offline().Read(t.Context(), data, q)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resourceOf finds a resource of an estimate.
func resourceOf(t *testing.T, b *Breakdown, name string) Resource {
	t.Helper()
	for _, r := range b.Resources {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no %s", name)
	return Resource{}
}

func monthly(r Resource) string {
	if r.MonthlyCost == nil {
		return "unknown"
	}
	return r.MonthlyCost.String()
}

// The plan is one that Terraform 1.11 wrote with the provider for AWS 5.100.
func TestPrice_EstimatesARealPlan(t *testing.T) {
	for name, q := range map[string]Request{"aws": {Name: "harbour"}, "aws.usage": {Name: "harbour", Usage: usage(t, "aws.usage.yml")}} {
		d := estimated(t, read(t, "aws.plan.json"), q)
		plugintest.Golden(t, "testdata/"+name+".golden.json", d)
		goldenText(t, "testdata/"+name+".golden.txt", d.Table())
	}
}

func TestPrice_EstimatesAzureAndGoogle(t *testing.T) {
	d := estimated(t, read(t, "azure-gcp.plan.json"), Request{Name: "fleet"})
	plugintest.Golden(t, "testdata/azure-gcp.golden.json", d)
	goldenText(t, "testdata/azure-gcp.golden.txt", d.Table())
	if n := d.Summary.TotalUnpricedResources + d.Summary.TotalUnsupportedResources; n != 0 {
		t.Errorf("%d resources have no price: %+v", n, d.Summary)
	}
}

func goldenText(t *testing.T, file, text string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; -update takes the new form over\n%s", file, text)
	}
}

// The amounts are computed by hand of the sample price book.
func TestPrice_IsWhatPricesTimesQuantitiesAre(t *testing.T) {
	d := estimated(t, read(t, "aws.plan.json"), Request{Usage: usage(t, "aws.usage.yml")})
	now, past := d.Projects[0].Breakdown, d.Projects[0].PastBreakdown
	for name, want := range map[string]string{
		"aws_instance.bastion":            "9.026",    // 730 × 0.0114 + 8 × 0.088
		"aws_ebs_volume.data[\"orders\"]": "19.8",     // 100 × 0.088 + 1000 × 0.0055 + 125 × 0.044
		"module.edge.aws_instance.app[0]": "19.584",   // in us-east-1: 730 × 0.0208 + 30 × 0.08 + 20 × 0.1
		"module.web.aws_instance.app[1]":  "38.128",   // in eu-west-1: 730 × 0.0456 + 30 × 0.088 + 20 × 0.11
		"aws_s3_bucket.manifests":         "1372.85",  // 51200 × 0.023 + 8800 × 0.022 + 250 × 0.005 + 1000 × 0.0004
		"aws_lb.front":                    "29.784",   // 730 × 0.0248 + 730 × max(10 ÷ 25, 1460 ÷ 730) × 0.008
		"aws_lambda_function.resize":      "3.73335",  // 2 × 0.2 + 2000000 × 0.25 × 0.5 × 0.0000133334
		"aws_nat_gateway.main":            "39.84",    // 730 × 0.048 + 100 × 0.048, of the type's default usage
		"aws_db_instance.main":            "310.7515", // 730 × 0.3498 + 200 × 0.253 + 50.5 × 0.095
	} {
		if got := monthly(resourceOf(t, now, name)); got != want {
			t.Errorf("%s costs %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"aws_instance.bastion": "17.348", "aws_ebs_volume.gone": "22", "aws_ebs_volume.kept": "5.5"} {
		if got := monthly(resourceOf(t, past, name)); got != want {
			t.Errorf("%s cost %s before, want %s", name, got, want)
		}
	}
}

func TestPrice_TotalsAreTheSumsOfWhatTheyConsistOf(t *testing.T) {
	d := estimated(t, read(t, "aws.plan.json"), Request{})
	p := d.Projects[0]
	for name, b := range map[string]*Breakdown{"breakdown": p.Breakdown, "pastBreakdown": p.PastBreakdown, "diff": p.Diff} {
		var sum money.Amount
		for _, r := range b.Resources {
			if r.MonthlyCost != nil {
				sum = sum.Add(componentSum(r))
			}
		}
		if sum != *b.TotalMonthlyCost {
			t.Errorf("%s: the components sum up to %s, the total is %s", name, sum, b.TotalMonthlyCost)
		}
	}
	if d.TotalMonthlyCost.Sub(*d.PastTotalMonthlyCost) != *d.DiffTotalMonthlyCost || *d.DiffTotalMonthlyCost != *p.Diff.TotalMonthlyCost {
		t.Errorf("the difference of %s and %s is %s", d.TotalMonthlyCost, d.PastTotalMonthlyCost, d.DiffTotalMonthlyCost)
	}
}

func componentSum(r Resource) (sum money.Amount) {
	for _, c := range r.CostComponents {
		if c.MonthlyCost != nil {
			sum = sum.Add(*c.MonthlyCost)
		}
	}
	for _, s := range r.Subresources {
		sum = sum.Add(componentSum(s))
	}
	return sum
}

func TestPrice_ShowsWhatChangesAndNothingElse(t *testing.T) {
	diff := estimated(t, read(t, "aws.plan.json"), Request{}).Projects[0].Diff
	for _, r := range diff.Resources {
		if r.Name == "aws_ebs_volume.kept" {
			t.Error("what stays as it is is in the difference")
		}
	}
	for name, want := range map[string]string{
		"aws_ebs_volume.gone": "-22", "aws_instance.bastion": "-8.322", "aws_instance.old": "-78.814", "aws_eks_cluster.main": "73",
	} {
		if got := monthly(resourceOf(t, diff, name)); got != want {
			t.Errorf("%s changes by %s, want %s", name, got, want)
		}
	}
}

// plan is a plan of resources, each of them "type {attributes}".
func plan(resources ...string) []byte {
	var changes []string
	for i, r := range resources {
		kind, after, _ := strings.Cut(r, " ")
		provider, _, _ := strings.Cut(kind, "_")
		address, _ := json.Marshal(kind + ".r" + string(rune('0'+i)))
		changes = append(changes, `{"address":`+string(address)+`,"mode":"managed","type":"`+kind+`","name":"r","provider_name":"terraform.example.com/hashicorp/`+provider+
			`","change":{"actions":["create"],"before":null,"after":`+after+`,"after_unknown":{"instance_type":true}}}`)
	}
	return []byte(`{"format_version":"1.2","resource_changes":[` + strings.Join(changes, ",") + `]}`)
}

func TestPrice_NamesEachResourceThatTheTotalLacks(t *testing.T) {
	for want, resource := range map[string]string{
		"its region is not known":                                                    `aws_instance {"instance_type":"t3.micro"}`,
		"instance_type is known only after apply":                                    `aws_instance {"availability_zone":"eu-west-1a"}`,
		"the price book has no ec2/instance/u9.huge in eu-west-1":                    `aws_instance {"availability_zone":"eu-west-1a","instance_type":"u9.huge"}`,
		"the price book has no ec2/instance/t3.micro in mars-north-1":                `aws_instance {"region":"mars-north-1","instance_type":"t3.micro"}`,
		`engine is "oracle-ee", for which there is no rule`:                          `aws_db_instance {"region":"eu-west-1","instance_class":"db.t3.micro","engine":"oracle-ee"}`,
		"instance_class is not set":                                                  `aws_db_instance {"region":"eu-west-1","engine":"mysql"}`,
		`size|8 is "-5", which is no quantity`:                                       `aws_ebs_volume {"region":"eu-west-1","size":-5}`,
		`size|8 is "1e400", which is no quantity`:                                    `aws_ebs_volume {"region":"eu-west-1","size":1e400}`,
		"Storage (gp2): the quantity cannot be right":                                `aws_ebs_volume {"region":"eu-west-1","size":1e14}`,
		"ebs_block_device is there 101 times, at most 100 are priced":                `aws_instance {"region":"eu-west-1","instance_type":"t3.micro","ebs_block_device":[{}` + strings.Repeat(",{}", 100) + `]}`,
		`disk_size_gb|30 is "99999", for which there is no rule`:                     `azurerm_managed_disk {"location":"westeurope","disk_size_gb":99999}`,
		"the price book has no compute/on-demand/e2-giant in europe-west1":           `google_compute_instance {"zone":"europe-west1-b","machine_type":"e2-giant"}`,
		"instance_type is known only after apply; the price book has no ebs/x/stora": `aws_instance {"region":"eu-west-1","root_block_device":[{"volume_type":"x"}]}`,
	} {
		d := estimated(t, plan(resource), Request{})
		list := d.Summary.UnpricedResources
		if len(list) != 1 || d.Summary.TotalUnpricedResources != 1 || !strings.Contains(list[0].Reason, want) {
			t.Errorf("want %q: %+v", want, list)
			continue
		}
		if !strings.Contains(d.Table(), "No price: "+list[0].Name+": "+list[0].Reason) {
			t.Errorf("the table does not say it: %s", d.Table())
		}
	}
}

func TestPrice_CountsWhatIsFreeAndWhatIsNotSupported(t *testing.T) {
	d := estimated(t, plan(`aws_iam_role {}`, `aws_iam_role {}`, `random_id {}`, `aws_kendra_index {}`, `cloudflare_record {}`), Request{})
	s := d.Summary
	if s.TotalDetectedResources != 5 || s.TotalNoPriceResources != 3 || s.TotalUnsupportedResources != 2 || s.TotalSupportedResources != 0 ||
		s.NoPriceResourceCounts["aws_iam_role"] != 2 || s.UnsupportedResourceCounts["aws_kendra_index"] != 1 || len(s.UnsupportedResources) != 2 {
		t.Errorf("%+v", s)
	}
	if !d.TotalMonthlyCost.IsZero() {
		t.Error(d.TotalMonthlyCost)
	}
}

func TestPrice_TakesRegionsOfTheRequestWhereThePlanHasNone(t *testing.T) {
	data := plan(`aws_instance {"instance_type":"t3.micro"}`, `aws_instance {"instance_type":"t3.micro","availability_zone":"us-east-1c"}`)
	e := offline()
	if err := e.Configure("", Settings{Regions: map[string]string{"aws": "eu-central-1"}}); err != nil {
		t.Fatal(err)
	}
	for region, q := range map[string]Request{"eu-central-1": {}, "eu-west-1": {Regions: map[string]string{"aws": "eu-west-1"}}} {
		d, err := e.Read(t.Context(), data, q)
		if err != nil {
			t.Fatal(err)
		}
		found := d.Projects[0].Breakdown.Resources
		if found[0].Metadata.Region != region || found[1].Metadata.Region != "us-east-1" {
			t.Errorf("regions %s and %s, want %s and us-east-1", found[0].Metadata.Region, found[1].Metadata.Region, region)
		}
	}
}

func TestPrice_TakesPricesOfTheOperatorsBook(t *testing.T) {
	dir := t.TempDir()
	book := "# callboard price book 1\n# version: ours-7\nprovider,region,item,unit,price,currency\n" +
		"aws,*,ec2/instance/t3.micro,hours,1,EUR\naws,eu-west-1,ebs/gp2/storage,TB,2,EUR\n"
	if err := os.WriteFile(filepath.Join(dir, "ours.csv"), []byte(book), 0o600); err != nil {
		t.Fatal(err)
	}
	e := offline()
	if err := e.Configure(dir, Settings{PriceBook: "ours.csv"}); err != nil {
		t.Fatal(err)
	}
	d, err := e.Read(t.Context(), plan(`aws_instance {"availability_zone":"eu-west-1a","instance_type":"t3.micro"}`), Request{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Currency != "EUR" || d.TotalMonthlyCost.String() != "730" || d.Metadata.PriceBook != "ours-7" {
		t.Errorf("%s %s by %s", d.TotalMonthlyCost, d.Currency, d.Metadata.PriceBook)
	}
	if list := d.Summary.UnpricedResources; len(list) != 1 || list[0].Reason != "the price book has ebs/gp2/storage by TB, and it is counted by GB" {
		t.Errorf("%+v", list)
	}
	if err := e.Configure(dir, Settings{PriceBook: "none.csv"}); err == nil {
		t.Error("a price book that is not there is taken")
	}
	if version, currency := e.PriceBook(); version != "ours-7" || currency != "EUR" {
		t.Errorf("after a mistake the book is %s in %s", version, currency)
	}
}

func TestRead_WaitsForRoomUntilTheCallerGoes(t *testing.T) {
	e := offline()
	for range mostAtOnce {
		e.room <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Read(ctx, plan(), Request{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-e.room
	if _, err := e.Read(t.Context(), plan(), Request{}); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"azure-gcp.plan.json", "infracost.json"} { // the real one is too long to be minimised
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"plan":{"format_version":"1.0","resource_changes":[]},"usage":{"resource_usage":{}},"regions":{"aws":"eu-west-1"}}`))
	f.Add(plan(`aws_instance {"availability_zone":"eu-west-1a","instance_type":"t3.micro"}`, `google_container_cluster {"location":"us-central1"}`))
	e := offline()
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := e.Read(t.Context(), data, Request{})
		if err != nil {
			return
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("an estimate that cannot be written: %v", err)
		}
		_ = d.Table()
		if len(d.Projects) == 0 || len(text) > 64<<20 {
			return
		}
		again, err := ReadInfracost(text)
		if err == nil && *again.TotalMonthlyCost != *d.TotalMonthlyCost {
			t.Fatalf("read again, %s became %s", d.TotalMonthlyCost, again.TotalMonthlyCost)
		}
	})
}
