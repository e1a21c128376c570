package origin_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/origin"
)

const sample = `{"url":"https://One.example.com/base","servers":[{"url":"http://two.example.com:8080"},{"url":"http://[::1]/x"},{"url":7},{}],
	"by/name":{"a":{"url":" https://three.example.com "},"b":{"url":"ftp://four.example.com"},"c":{"url":"https://*.example.com"},"d":{"url":"five"}}}`

func TestNamed_IsWhatTheSettingsSay(t *testing.T) {
	var settings any
	if err := json.Unmarshal([]byte(sample), &settings); err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]string{
		"settings:/url":            "https://one.example.com:443",
		"settings:/servers/*/url":  "http://[::1]:80 http://two.example.com:8080",
		"settings:/by~1name/*/url": "https://three.example.com:443",
		"settings:/servers/0/url":  "", // a place in a list means nothing to who reads the manifest
		"settings:/servers":        "",
		"settings:/none/*":         "",
		"https://one.example.com":  "",
		"settings:url":             "",
	} {
		got := origin.Named(entry, settings)
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
}

func TestParse_RefusesWhatIsNoPointer(t *testing.T) {
	for _, bad := range []string{"settings:", "settings:/", "settings:url", "settings:/a//b", "settings:/a b", "settings:/" + strings.Repeat("a/", 20) + "b"} {
		if _, ok, err := origin.Parse(bad); !ok || err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, ok, _ := origin.Parse("https://a.example.com"); ok {
		t.Error("a destination is taken for a pointer")
	}
}

func FuzzNamed_AnswersOriginsOnly(f *testing.F) {
	f.Add("settings:/servers/*/url", sample)
	f.Add("settings:/*", `{"a":"http://h:99999","b":"https://user@h#f"}`)
	f.Fuzz(func(t *testing.T, entry, text string) {
		var settings any
		if json.Unmarshal([]byte(text), &settings) != nil {
			return
		}
		for _, o := range origin.Named(entry, settings) {
			if !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") || strings.Contains(o, "*") {
				t.Errorf("%q", o)
			}
		}
	})
}
