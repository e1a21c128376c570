package cataloginfo

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
)

// corpusCase is a snippet and what the reference's YAML library makes of it, recorded by testdata/record.mjs.
type corpusCase struct {
	Name      string
	YAML      string
	Base64    []byte
	Documents []struct {
		Value   any
		Error   string
		Message string
		Line    int
	}
}

func (c corpusCase) data() []byte {
	if c.Base64 != nil {
		return c.Base64
	}
	return []byte(c.YAML)
}

// readCorpus gives the snippets written by hand, and the mutations of them and of catalog files made at random.
func readCorpus(t testing.TB) []corpusCase {
	t.Helper()
	all := append(readCases(t, "testdata/corpus.json"), readCases(t, "testdata/mutations.json")...)
	if len(all) < 1000 {
		t.Fatalf("the corpus has %d snippets only", len(all))
	}
	return all
}

func readCases(t testing.TB, name string) []corpusCase {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestRead_ReadsWhatTheReferenceReadsAndRefusesWhatItRefuses(t *testing.T) {
	for _, c := range readCorpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			var got, want []any
			for d, err := range ReadValues(c.data(), "file:/x.yaml", DefaultLimits()) {
				switch {
				case err != nil:
					got = append(got, "refused")
					t.Log(err)
				case d.Value != nil:
					got = append(got, d.Value)
				}
			}
			for _, d := range c.Documents {
				switch {
				case d.Error != "":
					want = append(want, "refused")
				case d.Value != nil:
					want = append(want, d.Value)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("of %q:\n got %v\nwant %v", c.data(), got, want)
			}
		})
	}
}

// The words for a fault need not be the library's; the line must be, within one.
func TestRead_PlacesSyntaxErrorsWhereTheReferenceDoes(t *testing.T) {
	checked := 0
	for _, c := range readCases(t, "testdata/corpus.json") {
		if len(c.Documents) != 1 || c.Documents[0].Line == 0 {
			continue
		}
		for _, err := range ReadValues(c.data(), "file:/x.yaml", DefaultLimits()) {
			read, ok := errors.AsType[*ReadError](err)
			if !ok {
				t.Errorf("%s: %v is not a ReadError", c.Name, err)
				continue
			}
			checked++
			if diff := read.Line - c.Documents[0].Line; diff < -1 || diff > 1 {
				t.Errorf("%s: line %d, the reference says %d (%s)", c.Name, read.Line, c.Documents[0].Line, c.Documents[0].Message)
			}
		}
	}
	if checked < 80 {
		t.Errorf("%d errors compared only", checked)
	}
}
