package templating

import (
	"encoding/json"
	"testing"
)

func TestTruthy_IsThatOfJavaScriptButForEmptyArrays(t *testing.T) {
	for value, want := range map[string]bool{
		``: false, `null`: false, `false`: false, `true`: true, `""`: false, `" "`: true, `"false"`: true, `"0"`: true,
		`0`: false, `-0`: false, `0.0`: false, `0e9`: false, `1e-400`: false, `0.1`: true, `-1`: true, `1e400`: true,
		`[]`: false, ` [ ] `: false, `[null]`: true, `[[]]`: true, `{}`: true, `{"a":0}`: true,
	} {
		if got := Truthy(json.RawMessage(value)); got != want {
			t.Errorf("%s: got %v", value, got)
		}
	}
}
