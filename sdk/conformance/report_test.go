package conformance_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/conformance"
)

func sampleReport() *conformance.Report {
	rule := func(id string, level conformance.Level) conformance.Rule {
		return conformance.Rule{ID: id, Level: level, Sentence: "It keeps #" + id + "."}
	}
	return &conformance.Report{
		Plugin: "sample", Version: "1.0.0", License: "Apache-2.0", Protocol: 1, Enclosure: "full",
		Started: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Took: 1500 * time.Millisecond,
		Results: []conformance.Result{
			{Rule: rule("start.handshake", conformance.Must), Status: conformance.Passed, Took: 20 * time.Millisecond},
			{Rule: rule("http.paths", conformance.Must), Status: conformance.Failed, Saw: "It printed \"\x1b[31m<b>\" & went.\nAway.", Do: "Do not.", Took: time.Second},
			{Rule: rule("logs.form", conformance.Should), Status: conformance.Failed, Saw: "Text.", Do: "Write JSON."},
			{Rule: rule("search.documents", conformance.Must), Status: conformance.Skipped, Saw: "It has none # at all."},
		},
	}
}

func TestReport_HasAFormForPeopleAndForMachines(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*conformance.Report, io.Writer) error{
		"report.tap": (*conformance.Report).TAP,
		"report.xml": (*conformance.Report).JUnit,
		"report.txt": func(r *conformance.Report, w io.Writer) error {
			for _, result := range r.Results {
				if err := result.Line(w); err != nil {
					return err
				}
			}
			_, err := io.WriteString(w, r.Summary()+"\n")
			return err
		},
		"badge.json": func(r *conformance.Report, w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(r.Badge())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := write(sampleReport(), &got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("%s:\n%s\nwant\n%s", name, got.String(), want)
			}
			if filepath.Ext(name) == ".xml" && xml.Unmarshal(got.Bytes(), new(struct{ XMLName xml.Name })) != nil {
				t.Error("it is no XML")
			}
		})
	}
}

func TestBadge_OfAPartialCheckSaysNothingAboutConformance(t *testing.T) {
	t.Parallel()
	report := sampleReport()
	report.Results = report.Results[:1]
	if !report.Badge().Conforms {
		t.Error("the whole report does not conform")
	}
	report.Partial = true
	if b := report.Badge(); b.Conforms || b.Message != "partly checked" {
		t.Errorf("the badge of a partial check says %+v", b)
	}
}

func TestRules_HaveIDsThatStayAndSentences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range conformance.Rules() {
		if seen[r.ID] || r.Sentence == "" || r.Sentence[len(r.Sentence)-1] != '.' || r.Level != conformance.Must && r.Level != conformance.Should {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
	for mode, id := range broken {
		if !seen[id] {
			t.Errorf("%s breaks %s, which is no rule", mode, id)
		}
	}
}

func TestCheck_SaysWhatIsWrongWithTheTarget(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]conformance.Target{
		"verify: there is no command to start the plugin with": {},
		"verify: the settings are not JSON":                    {Command: []string{"sh"}, Settings: []byte("{")},
		"verify: the interpreter no-such-program is not installed: exec: \"no-such-program\": executable file not found in $PATH": {Command: []string{"no-such-program"}},
	} {
		if _, err := conformance.Check(t.Context(), target, nil); err == nil || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}
