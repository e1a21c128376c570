package choices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// documents is an upstream with one document per URL that counts its readers.
type documents struct {
	byURL map[string]string
	fail  error
	hang  bool
	reads atomic.Int32
}

func (d *documents) Document(ctx context.Context, url string) ([]byte, error) {
	d.reads.Add(1)
	if d.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	text, ok := d.byURL[url]
	if d.fail != nil || !ok {
		return nil, errors.Join(d.fail)
	}
	return []byte(text), nil
}

// plugin answers each caller with a list of their own.
type plugin struct{}

func (plugin) Get(_ context.Context, p *principal.Principal, id, path string) ([]byte, error) {
	return fmt.Appendf(nil, `["%s of %s for %s"]`, path, id, p.Subject), nil
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// resolver is one that ends with the test.
func resolver(t testing.TB, d Documents, p Plugins) *Resolver {
	s := New(d, p)
	t.Cleanup(s.Close)
	return s
}

var ann = &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}

const regions = "https://inventory.test/regions.json"

func upstream() *documents {
	return &documents{byURL: map[string]string{
		regions: `{"regions":[{"id":"eu-1","name":"Europe","open":true},{"id":"us-1","name":"America","open":true},{"id":"old","name":"Old","open":false}]}`,
		"sizes": `[1,2,2,3]`, "words": `["a","b"]`, "empty": `[]`, "objects": `[{"a":1}]`, "text": `no`, "big": `["` + strings.Repeat("x", maxDocument) + `"]`,
		"many":    "[" + strings.Repeat("1,", maxChoices) + "2]",
		"numbers": `[9007199254740993]`, "untitled": `[{"id":"a","name":"Anna"},{"id":"b"}]`,
	}}
}

func TestResolve_FillsFieldsInPlaceAndKeepsTheRest(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"values and titles": {
			`{"title":"T","properties":{"z":{"type":"string"},"region":{"title":"Region","type":"string","valuesRef":{"url":"` + regions + `","select":"$.regions[?@.open == true]","value":"$.id","title":"$.name"},"ui:autofocus":true},"a":{}}}`,
			`{"title":"T","properties":{"z":{"type":"string"},"region":{"title":"Region","type":"string","ui:autofocus":true,"enum":["eu-1","us-1"],"enumNames":["Europe","America"]},"a":{}}}`,
		},
		"some without a title": {`{"valuesRef":{"url":"untitled","value":"$.id","title":"$.name"}}`, `{"enum":["a","b"],"enumNames":["Anna","b"]}`},
		"numbers, each once":   {`{"valuesRef":{"url":"sizes"}}`, `{"enum":[1,2,3],"enumNames":["1","2","3"]}`},
		"numbers stay exact":   {`{"valuesRef":{"url":"numbers"}}`, `{"enum":[9007199254740993],"enumNames":["9007199254740993"]}`},
		"items of a list":      {`{"type":"array","items":{"valuesRef":{"url":"words"}}}`, `{"type":"array","items":{"enum":["a","b"],"enumNames":["a","b"]}}`},
		"in a dependency": {
			`{"dependencies":{"x":{"oneOf":[{"properties":{"y":{"valuesRef":{"url":"words"}}}}]}}}`,
			`{"dependencies":{"x":{"oneOf":[{"properties":{"y":{"enum":["a","b"],"enumNames":["a","b"]}}}]}}}`,
		},
		"an enum gives way":                  {`{"enum":["old"],"valuesRef":{"url":"words"}}`, `{"enum":["a","b"],"enumNames":["a","b"]}`},
		"a plugin's route":                   {`{"valuesRef":{"plugin":"cost","path":"/accounts"}}`, `{"enum":["/accounts of cost for user:default/ann"],"enumNames":["/accounts of cost for user:default/ann"]}`},
		"a field that is called valuesRef":   {`{"properties":{"valuesRef":{"type":"string"}}}`, `{"properties":{"valuesRef":{"type":"string"}}}`},
		"a default that is called valuesRef": {`{"default":"valuesRef <b>","x":{"valuesRef":"text"}}`, `{"default":"valuesRef <b>","x":{"valuesRef":"text"}}`},
		"nothing to do":                      {`{"b":1, "a":[]}`, `{"b":1, "a":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := resolver(t, upstream(), plugin{}).Resolve(t.Context(), ann, json.RawMessage(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResolve_AFieldWithoutChoicesSaysWhyAndTakesNoInput(t *testing.T) {
	for ref, want := range map[string]string{
		`{"url":"empty"}`:                            "$[*] selects nothing",
		`{"url":"objects"}`:                          "item 0: value : not a string, number or boolean",
		`{"url":"objects","value":"$.b"}`:            "selects 0 values, not one",
		`{"url":"text"}`:                             "text: not JSON",
		`{"url":"big"}`:                              "more than 1048576 bytes",
		`{"url":"many"}`:                             "selects 1001 items; a field takes at most 1000",
		`{"url":"words","select":"$["}`:              `"$[" is not a JSONPath`,
		`{"url":"words","select":"$..a..b"}`:         "more than one ..",
		`{"url":"words","timeout":"1h"}`:             `"1h" is not a duration of at most 10s`,
		`{"url":"words","cache":"soon"}`:             `"soon" is not a duration`,
		`{"url":"words","plugin":"x"}`:               "either url, or plugin and path",
		`{}`:                                         "either url, or plugin and path",
		`{"plugin":"x","path":"accounts"}`:           "not a path of the plugin",
		`{"plugin":"x","path":"//evil.test/"}`:       "not a path of the plugin",
		`{"plugin":"../catalog","path":"/entities"}`: "not the id of a plugin",
		`{"url":"words","method":"POST"}`:            `unknown field "method"`,
		`{"url":["words"]}`:                          "which are strings",
	} {
		t.Run(ref, func(t *testing.T) {
			schema := json.RawMessage(`{"properties":{"region":{"type":"string","valuesRef":` + ref + `}}}`)
			filled := resolver(t, upstream(), plugin{})
			got, err := filled.Resolve(t.Context(), ann, schema)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(got), `"ui:readonly":true`) || !strings.Contains(string(got), "The choices cannot be loaded") ||
				!strings.Contains(strings.ReplaceAll(string(got), `\"`, `"`), want) || strings.Contains(string(got), `"valuesRef"`) {
				t.Errorf("got %s, want %s", got, want)
			}
			if _, err := filled.Fresh(t.Context(), ann, schema, json.RawMessage(`{"region":"x"}`)); !apierror.Has(err, apierror.ServiceUnavailable) || !strings.Contains(err.Error(), `"region"`) {
				t.Errorf("a value would be checked against nothing: %v", err)
			}
		})
	}
}

func TestResolve_AnErrorNamesItsSourceOnce(t *testing.T) {
	for _, fail := range []string{"Unable to read " + regions + ", connection refused", "connection refused"} {
		got, err := resolver(t, &documents{fail: errors.New(fail)}, nil).Resolve(t.Context(), ann, json.RawMessage(`{"valuesRef":{"url":"`+regions+`"}}`))
		if err != nil || strings.Count(string(got), regions) != 1 {
			t.Errorf("%s (%v)", got, err)
		}
	}
}

func TestResolve_AnUpstreamThatHangsCostsItsTimeoutOnly(t *testing.T) {
	got, err := resolver(t, &documents{hang: true}, nil).Resolve(t.Context(), ann, json.RawMessage(`{"valuesRef":{"url":"slow","timeout":"10ms"}}`))
	if err != nil || !strings.Contains(string(got), "no answer within 10ms") {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestResolve_ListsAreKeptForAWhileAndCheckedWithFreshOnes(t *testing.T) {
	now := time.Now()
	docs := upstream()
	s := resolver(t, docs, plugin{})
	s.now = func() time.Time { return now }
	schema := json.RawMessage(`{"properties":{"word":{"valuesRef":{"url":"words","cache":"30s"}}}}`)
	fresh := func(ctx context.Context, p *principal.Principal, schema json.RawMessage) (json.RawMessage, error) {
		return s.Fresh(ctx, p, schema, json.RawMessage(`{"word":"a"}`))
	}
	ask := func(read func(context.Context, *principal.Principal, json.RawMessage) (json.RawMessage, error), want int32) {
		t.Helper()
		if _, err := read(t.Context(), ann, schema); err != nil {
			t.Fatal(err)
		}
		if got := docs.reads.Load(); got != want {
			t.Errorf("%d reads of the upstream, want %d", got, want)
		}
	}
	ask(s.Resolve, 1)
	ask(s.Resolve, 1)
	ask(fresh, 1)
	now = now.Add(11 * time.Second)
	ask(s.Resolve, 1)
	ask(fresh, 2)
	now = now.Add(31 * time.Second)
	ask(s.Resolve, 3)
}

func TestFresh_AsksOnlyForFieldsThatHaveAValue(t *testing.T) {
	docs := &documents{fail: errors.New("the upstream is down")}
	schema := json.RawMessage(`{"properties":{"word":{"type":"string","valuesRef":{"url":"words"}}}}`)
	got, err := resolver(t, docs, nil).Fresh(t.Context(), ann, schema, json.RawMessage(`{"name":"a"}`))
	if err != nil || string(got) != `{"properties":{"word":{"type":"string"}}}` || docs.reads.Load() != 0 {
		t.Errorf("got %s, %v, %d reads", got, err, docs.reads.Load())
	}
	if _, err := resolver(t, docs, nil).Fresh(t.Context(), ann, schema, json.RawMessage(`{"w\u006frd":"a"}`)); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("a field that is spelled with an escape is not asked for: %v", err)
	}
}

func TestResolve_APluginsListIsOfItsCallerAlone(t *testing.T) {
	s := resolver(t, upstream(), plugin{})
	for _, who := range []string{"user:default/ann", "user:default/ben"} {
		got, err := s.Resolve(t.Context(), &principal.Principal{Kind: principal.User, Subject: who}, json.RawMessage(`{"valuesRef":{"plugin":"cost","path":"/a"}}`))
		if err != nil || !strings.Contains(string(got), who) {
			t.Errorf("%s sees %s, %v", who, got, err)
		}
	}
}

func TestResolve_BoundsWhatASchemaMayAsk(t *testing.T) {
	many := `{"properties":{` + strings.TrimSuffix(strings.Repeat(`"x":{"valuesRef":{"url":"words"}},`, maxRefs+1), ",") + `}}`
	deep := strings.Repeat(`{"items":`, maxDepth+2) + `{"valuesRef":{"url":"words"}}` + strings.Repeat("}", maxDepth+2)
	for _, schema := range []string{many, deep} {
		if _, err := resolver(t, upstream(), nil).Resolve(t.Context(), ann, json.RawMessage(schema)); !apierror.Has(err, apierror.Input) {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, seed := range []string{`{"valuesRef":{"url":"words"}}`, `[{"valuesRef":{}}]`, `{"properties":{"valuesRef":{"valuesRef":{"url":"sizes","select":"$..*"}}}}`} {
		f.Add(seed)
	}
	s := resolver(f, upstream(), plugin{})
	f.Fuzz(func(t *testing.T, schema string) {
		got, err := s.Resolve(t.Context(), ann, json.RawMessage(schema))
		if err == nil && json.Valid([]byte(schema)) && !json.Valid(got) {
			t.Errorf("%q becomes %q, which is no JSON", schema, got)
		}
	})
}
