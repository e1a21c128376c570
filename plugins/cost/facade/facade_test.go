package facade

import (
	"net/url"
	"reflect"
	"testing"
)

func TestLenient_ReadsWhatFrontendsDoNotEscape(t *testing.T) {
	for raw, want := range map[string]url.Values{
		"filters=(a:b,c:(d|e f))&tags=()":        {"filters": {"(a:b,c:(d|e f))"}, "tags": {"()"}},
		"filters=%28a%3Ab%29&tags=(x:y=z%20OR+u": {"filters": {"(a:b)"}, "tags": {"(x:y=z OR u"}},
		"filters=100%&tags=":                     {"filters": {"100%"}, "tags": {""}},
		"filters=(team:R&D,a:b&c)&tags=1":        {"filters": {"(team:R&D,a:b&c)"}, "tags": {"1"}},
		"D&other=1&tags=2&":                      {"other": {"1"}, "tags": {"2"}},
		"tags=(AWS:dep=R&D OR AWS:a=b)":          {"tags": {"(AWS:dep=R&D OR AWS:a=b)"}},
		"tags=1&tags=2":                          {"tags": {"1", "2"}},
		"":                                       {},
	} {
		if got := Lenient(raw); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %q\nwant %q", raw, got, want)
		}
	}
}
