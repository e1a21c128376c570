package policy

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain_TellsOperatorsWhatTheirPolicyDoes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir,
		"good/p.rego", header+`deny contains "too long" if input.request.ttlDays > 10`,
		"good/p_test.rego", `package callboard.gateway_test
import data.callboard.gateway
test_long_keys if "too long" in gateway.deny with input as {"request": {"ttlDays": 11}}
test_that_fails if "too long" in gateway.deny with input as {"request": {"ttlDays": 1}}
test_that_errs if to_number("x") == 1
test_that_stops := false
not_a_test if false`,
		"bad/p.rego", header+"deny contains msg {",
		"badtest/p.rego", header+`deny contains "x" if false`, "badtest/p_test.rego", "package t\ntest_x if y",
		"in.json", `{"request": {"ttlDays": 11}}`, "typo.json", `{"request": {"ttl": 11}}`,
	)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, c := range map[string]struct {
		args   []string
		status int
		want   []string
	}{
		"nothing":      {nil, 2, []string{"usage: gateway policy check BUNDLE"}},
		"other words":  {[]string{"test"}, 2, []string{"usage"}},
		"check":        {[]string{"check", at("good")}, 0, []string{"ok sha256:"}},
		"check bad":    {[]string{"check", at("bad")}, 1, []string{"p.rego:2: rego_parse_error"}},
		"check none":   {[]string{"check", at("none")}, 1, []string{"none"}},
		"check deflt":  {[]string{"check", "default"}, 0, []string{"ok sha256:"}},
		"test":         {[]string{"test", at("good")}, 1, []string{"ok   callboard.gateway_test.test_long_keys\n", "FAIL callboard.gateway_test.test_that_fails (p_test.rego:4): is false or has no value", "FAIL callboard.gateway_test.test_that_errs (p_test.rego:5)", "FAIL callboard.gateway_test.test_that_stops", "3 of 4 tests failed"}},
		"test bad":     {[]string{"test", at("bad")}, 1, []string{"p.rego:2"}},
		"test badtest": {[]string{"test", at("badtest")}, 1, []string{"p_test.rego:2: rego_unsafe_var_error"}},
		"test default": {[]string{"test", "default"}, 0, []string{"ok   callboard.gateway_test.test_keys_end"}},
		"decide":       {[]string{"decide", at("good"), at("in.json")}, 0, []string{`"rule": "deny"`, `"message": "too long"`}},
		"decide typo":  {[]string{"decide", at("good"), at("typo.json")}, 1, []string{`unknown field "ttl"`}},
		"decide none":  {[]string{"decide", at("good"), at("none.json")}, 1, []string{"none.json"}},
		"decide bad":   {[]string{"decide", at("bad"), at("in.json")}, 1, []string{"p.rego:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if status := Main(c.args, &out, &out); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
		})
	}
}
