package entity

import (
	"encoding/json"
	"os"
	"testing"
)

// The verdicts are those of a WHATWG URL parser, recorded once.
func TestValidURL_AgreesWithTheParserOfTheReference(t *testing.T) {
	data, err := os.ReadFile("testdata/urls.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		URL   string
		Valid bool
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 100 {
		t.Fatal(err, len(cases))
	}
	for _, c := range cases {
		if got := ValidURL(c.URL); got != c.Valid {
			t.Errorf("%q: got %v, want %v", c.URL, got, c.Valid)
		}
	}
}

func TestUnsafeLink_SeesThroughDisguises(t *testing.T) {
	for link, want := range map[string]bool{
		"javascript:alert(1)": true, "JaVaScRiPt:x": true, " \x00\x1fjavascript:x": true, "java\nscript:x": true,
		"javascript\t:x": true, "vbscript:x": true, "data:text/html,x": true,
		"https://a.b/javascript:x": false, "javascripts:x": false, "javascript": false, "java script:x": false,
		"": false, "mailto:a@b": false, "datax:y": false,
	} {
		if got := UnsafeLink(link); got != want {
			t.Errorf("%q: got %v, want %v", link, got, want)
		}
	}
}
