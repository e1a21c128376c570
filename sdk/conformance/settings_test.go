package conformance

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMakeSettings_FitTheSchemaAndBadOnesDoNot(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"types":     `{"type":"object","required":["a","b"],"properties":{"a":{"type":"string","minLength":12},"b":{"type":"integer","minimum":3,"maximum":3},"c":{"type":"array","items":{"type":"boolean"},"minItems":2}}}`,
		"formats":   `{"type":"object","properties":{"u":{"type":"string","format":"uri"},"p":{"type":"string","pattern":"^[a-z]+-[a-z]+$"},"e":{"enum":["x","y"]},"k":{"const":7}}}`,
		"nested":    `{"type":"object","required":["o"],"properties":{"o":{"$ref":"#/$defs/o"}},"$defs":{"o":{"type":"object","required":["s"],"properties":{"s":{"type":"string","x-secret":true,"maxLength":10}}}}}`,
		"defaults":  `{"type":"object","properties":{"a":{"type":"string","default":"ten"},"n":{"type":["number","null"],"multipleOf":5,"exclusiveMinimum":10}}}`,
		"choice":    `{"type":"object","required":["a"],"properties":{"a":{"anyOf":[{"type":"string","minLength":3},{"type":"number"}]}}}`,
		"recursive": `{"type":"object","properties":{"next":{"$ref":"#"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases, err := makeSettings(schema, nil, &canaries{})
			if err != nil {
				t.Fatal(err)
			}
			_, resolved, err := resolve(schema)
			if err != nil {
				t.Fatal(err)
			}
			fits := func(text []byte) bool {
				var v any
				return json.Unmarshal(text, &v) == nil && resolved.Validate(v) == nil
			}
			if !fits(cases.good) || !fits(cases.bare) {
				t.Errorf("good %s, bare %s: one does not fit", cases.good, cases.bare)
			}
			if len(cases.bad) < 4 {
				t.Errorf("only %d bad ones", len(cases.bad))
			}
			for _, bad := range cases.bad {
				if fits(bad.json) {
					t.Errorf("%s fits: %s", bad.what, bad.json)
				}
			}
		})
	}
}

func TestResolve_RefusesSchemasThatReferToThemselvesWithoutEnd(t *testing.T) {
	t.Parallel()
	for schema, fine := range map[string]bool{
		`{"$ref":"#"}`: false,
		`{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#"}]}}}`:                           false,
		`{"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"not":{"$ref":"#/$defs/a"}}}}`:              false,
		`{"$ref":"https://example.com/schema"}`:                                                             false,
		`{"$dynamicRef":"#node"}`:                                                                           false,
		`{"type":"object","properties":{"next":{"$ref":"#"},"list":{"type":"array","items":{"$ref":"#"}}}}`: true,
		`{"properties":{"a/b":{"$ref":"#/$defs/x~1y"}},"$defs":{"x/y":{"allOf":[true,{"type":"string"}]}}}`: true,
	} {
		if _, _, err := resolve(schema); (err == nil) != fine {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

func TestMakeSettings_MakesCanariesOfSecrets(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","properties":{"token":{"type":"string","x-secret":true}}}`
	c := &canaries{}
	cases, err := makeSettings(schema, json.RawMessage(`{"token":"given-secret"}`), c)
	if err != nil {
		t.Fatal(err)
	}
	c.look("the log", []byte("token=given-secret"))
	if where := c.sightings(secretCanary); len(where) != 1 || len(cases.secrets) != 1 {
		t.Errorf("sightings %v, secrets %v", where, cases.secrets)
	}
	if text := c.clean("it says given-secret"); text != "it says [secret]" {
		t.Errorf("cleaned: %s", text)
	}
}

func TestAllows_DestinationsAsTheHostDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entry, scheme, host, port string
		want                      bool
	}{
		{"https://*.sentry.io:443", "https", "eu.sentry.io", "443", true},
		{"https://*.sentry.io", "https", "sentry.io", "443", false},
		{"https://api.example.com", "https", "API.example.com.", "443", true},
		{"https://api.example.com", "https", "api.example.com", "8443", false},
		{"https://api.example.com", "http", "api.example.com", "80", false},
		{"http://[::1]:9000", "http", "::1", "9000", true},
		{"https://*.sentry.io", "https", "evilsentry.io", "443", false},
	} {
		if got := allows(c.entry, c.scheme, c.host, c.port); got != c.want {
			t.Errorf("allows(%s, %s://%s:%s) = %v", c.entry, c.scheme, c.host, c.port, got)
		}
	}
}

func FuzzCheckLine(f *testing.F) {
	for _, line := range []string{"1|1|unix|$CALLBOARD_RUNTIME_DIR/rpc.sock|grpc", "1|1|unix|x|grpc|cert|false", "", "||||", "hello"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if checkLine(line) == nil && !strings.HasPrefix(strings.TrimSpace(line), "1|1|unix|$CALLBOARD_RUNTIME_DIR/rpc.sock|grpc") {
			t.Errorf("%q is taken for a handshake", line)
		}
	})
}

func FuzzMakeSettings(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"string","pattern":"^x"}},"required":["a"]}`)
	f.Add(`{"$ref":"#"}`)
	f.Add(`{"type":"array","items":{"$ref":"#"},"minItems":3}`)
	f.Add(`{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#"}]}}}`)
	f.Fuzz(func(t *testing.T, schema string) {
		cases, err := makeSettings(schema, nil, &canaries{})
		if err == nil && !json.Valid(cases.good) {
			t.Errorf("settings %s", cases.good)
		}
	})
}
