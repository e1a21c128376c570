package estimate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs `cost estimate`.
func runCommand(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = Main(args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func TestCommand_PrintsATable(t *testing.T) {
	status, stdout, stderr := runCommand("", "testdata/aws.plan.json", "--usage", "testdata/aws.usage.yml")
	if status != 0 || stderr != "" {
		t.Fatalf("%d %s", status, stderr)
	}
	want := string(read(t, "aws.usage.golden.txt"))
	if got := strings.Replace(stdout, "Project: aws.plan.json", "Project: harbour", 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCommand_PrintsJSONOfAPlanOnStandardInput(t *testing.T) {
	status, stdout, stderr := runCommand(string(plan(`aws_instance {"instance_type":"t3.micro"}`)), "--format=json", "--region", "aws=eu-west-1", "-")
	var d Document
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || status != 0 || d.TotalMonthlyCost.String() != "9.202" {
		t.Errorf("%d %s %s %v", status, stdout, stderr, err)
	}
}

func TestCommand_FailsWhenAPlanCostsMoreThanItMay(t *testing.T) {
	status, stdout, stderr := runCommand("", "--max", "700", "testdata/aws.plan.json")
	if status != 3 || !strings.Contains(stdout, "Total a month") || !strings.Contains(stderr, "773.46 USD a month, 73.46 more than the 700.00") {
		t.Errorf("%d %s", status, stderr)
	}
	if status, _, stderr := runCommand("", "--max", "774", "testdata/aws.plan.json"); status != 0 {
		t.Errorf("%d %s", status, stderr)
	}
}

func TestCommand_TellsHowItIsUsed(t *testing.T) {
	status, stdout, stderr := runCommand("", "--help")
	if status != 0 || stderr != "" || !strings.Contains(stdout, "cost estimate [flags] FILE") || !strings.Contains(stdout, "-price-book") {
		t.Errorf("%d %s %s", status, stdout, stderr)
	}
	for want, args := range map[string][]string{
		"give one file": {}, "-format is table or json": {"--format", "html", "x"}, "flag provided but not defined": {"--none"},
		"give one file, or": {"a", "b"},
	} {
		if status, stdout, stderr := runCommand("", args...); status != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s", args, status, stderr)
		}
	}
}

func TestCommand_SaysWhyThereIsNoEstimate(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("item,price\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"open none.json":                     {"none.json"},
		"price book: line 1 must be":         {"--price-book", bad, "testdata/aws.plan.json"},
		"price book: open":                   {"--price-book", "none.csv", "testdata/aws.plan.json"},
		"open none.yml":                      {"--usage", "none.yml", "testdata/aws.plan.json"},
		"usage: it is no YAML":               {"--usage", "testdata/aws.golden.txt", "testdata/aws.plan.json"},
		"estimate: it is empty":              {"-"},
		"is not of the form provider=region": {"--region", "x", "-"},
	} {
		status, stdout, stderr := runCommand("", args...)
		if status != 1 || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "InputError") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: %d %s", args, status, stderr)
		}
	}
}
