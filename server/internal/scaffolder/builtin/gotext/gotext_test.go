package gotext

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/sprig/v3"

	"github.com/callboard/callboard/sdk/apierror"
)

func render(t testing.TB, values, text string) (string, error) {
	t.Helper()
	r, err := New(json.RawMessage(values))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.Render(t.Context(), text)
}

// hurried is [render] with a part of the steps, which the race detector makes slow.
func hurried(t testing.TB, values, text string) (string, error) {
	t.Helper()
	r, err := New(json.RawMessage(values))
	if err != nil {
		t.Fatal(err)
	}
	r.steps, r.time = maxSteps/20, time.Second
	return r.Render(t.Context(), text)
}

func TestRender_TemplatesSeeTheValuesAsJSONHasThem(t *testing.T) {
	const values = `{"name":"shop","n":5,"f":1.5,"big":9007199254740993,"list":["a","b"],"obj":{"deep":{"x":1}},"yes":true,"nothing":null,"html":"<&>"}`
	for text, want := range map[string]string{
		"": "", "plain {brace} text": "plain {brace} text",
		"{{ .name }}-{{ .n }}-{{ .f }}-{{ .big }}":                                               "shop-5-1.5-9007199254740993",
		"{{ add .n 1 }} {{ if eq .n 5 }}five{{ end }} {{ gt .n 4 }}":                             "6 five true",
		"{{ range $i, $e := .list }}{{ $i }}{{ $e }} {{ else }}none{{ end }}":                    "0a 1b ",
		"{{ range .list }}{{ if eq . \"b\" }}{{ continue }}{{ end }}{{ . }}{{ break }}{{ end }}": "a",
		"{{ range $i := 3 }}{{ $i }}{{ end }}":                                                   "012",
		"{{ .obj.deep.x }} {{ .obj | toJson }}":                                                  `1 {"deep":{"x":1}}`,
		"{{ with .nothing }}x{{ else }}nothing{{ end }}":                                         "nothing",
		"{{ $x := .nothing }}{{ if $x }}x{{ end }}":                                              "",
		"{{ .html }} {{ .html | quote }} {{ html .html }}":                                       `<&> "<&>" &lt;&amp;&gt;`,
		"{{ define \"t\" }}[{{ . }}]{{ end }}{{ template \"t\" .name }}":                         "[shop]",
		"{{ block \"b\" .list }}{{ len . }}{{ end }}":                                            "2",
		"{{- .name | upper | repeat 2 -}}  ":                                                     "SHOPSHOP",
		"{{ printf \"%05d|%-6s|%v\" .n .name .list }}":                                           "00005|shop  |[a b]",
		"{{ dict \"a\" 1 | toJson }}{{ list 1 2 | join \",\" }}":                                 `{"a":1}1,2`,
		"{{ $d := dict }}{{ $_ := set $d \"k\" \"v\" }}{{ $d.k }}":                               "v",
		"{{ get .obj \"none\" }}|{{ .obj | dig \"deep\" \"y\" \"default\" }}":                    "|default",
		"{{ indent 2 \"a\\nb\" }}":                                                               "  a\n  b",
		"{{ regexReplaceAll \"[^a-z]\" \"a-b c\" \"_\" }}":                                       "a_b_c",
		"{{ (semver \"1.2.3\").Minor }} {{ seq 1 3 }} {{ untilStep 0 6 2 }}":                     "2 1 2 3 [0 2 4]",
		"{{ print 1 \"a\" }}{{ println }}":                                                       "1a\n",
	} {
		if got, err := render(t, values, text); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestRender_MistakesAreInputErrorsThatNameThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"a\n{{ .missing }}":      `2:3`,
		"{{ .obj.missing }}":     `map has no entry for key "missing"`,
		"{{ if }}":               "missing value for if",
		"{{ .name | nosuch }}":   `function "nosuch" not defined`,
		"{{ fail \"because\" }}": "because",
		"{{ index .list 7 }}":    "index out of range",
		"{{ template \"x\" }}":   `template "x" not defined`,
		"{{ .name.x }}":          "can't evaluate field x",
		"{{ first 5 }}":          "Cannot find first on type int",
	} {
		_, err := render(t, `{"name":"n","obj":{},"list":[]}`, text)
		if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), reserved) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	for _, values := range []string{`[]`, `"x"`, `5`, `{`} {
		if _, err := New(json.RawMessage(values)); !apierror.Has(err, apierror.Input) {
			t.Errorf("values %s: %v", values, err)
		}
	}
}

func TestRender_EachTextHasValuesOfItsOwn(t *testing.T) {
	r, err := New(json.RawMessage(`{"d":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := r.Render(t.Context(), `{{ hasKey .d "k" }}{{ $_ := set .d "k" 1 }}`); got != "false" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// A template may use what Sprig offers, but nothing that tells of the host or reaches the network.
func TestFunctions_AreThoseOfSprigWithoutTheHosts(t *testing.T) {
	offered := allowed()
	for name := range sprig.TxtFuncMap() {
		if _, ok := offered[name]; ok == slices.Contains(forbidden, name) {
			t.Errorf("%s: offered %v", name, ok)
		}
	}
	t.Setenv("CALLBOARD_SECRET", "hush")
	for _, text := range []string{`{{ env "CALLBOARD_SECRET" }}`, `{{ expandenv "$CALLBOARD_SECRET" }}`, `{{ getHostByName "localhost" }}`, `{{ "x" | env }}`, `{{ call .f }}`, `{{ $.Funcs }}`, `{{ .os.Getenv "HOME" }}`} {
		if got, err := render(t, `{"f":"x"}`, text); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
	for name := range estimates {
		if offered[name] == nil {
			t.Errorf("there is an estimate for %s, which is not a function", name)
		}
	}
}

// hostile are templates that must end soon, with an error that names a limit.
var hostile = map[string]string{
	"endless range":             `{{ range $i := 1000000000 }}{{ end }}`,
	"nested ranges":             `{{ $a := until 1000 }}{{ range $a }}{{ range $a }}{{ range $a }}{{ range $a }}{{ end }}{{ end }}{{ end }}{{ end }}`,
	"nested empty ranges":       `{{ range $i := 100000 }}{{ range $j := 100000 }}{{/* nothing */}}{{ end }}{{ end }}`,
	"recursion":                 `{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}`,
	"doubling recursion":        `{{ define "x" }}{{ template "y" . }}{{ template "y" . }}{{ end }}{{ define "y" }}{{ template "x" . }}{{ template "x" . }}{{ end }}{{ template "x" . }}`,
	"until":                     `{{ until 1000000000 }}`,
	"until of a negative":       `{{ until -1000000000 }}`,
	"untilStep":                 `{{ untilStep 0 1000000000 1 }}`,
	"untilStep backwards":       `{{ untilStep 1000000000 0 -1 }}`,
	"seq":                       `{{ seq 1 1000000000 }}`,
	"seq with a step":           `{{ seq 1 1 1000000000 }}`,
	"repeat":                    `{{ repeat 1000000000 "x" }}`,
	"repeat of text":            `{{ "x" | repeat 1000 | repeat 1000 | repeat 1000 }}`,
	"repeat a string number":    `{{ repeat (int "1000000000") "x" }}`,
	"indent":                    `{{ indent 1000000000 "x" }}`,
	"nindent of many lines":     `{{ nindent 100000 (repeat 1000 "\n") }}`,
	"replace":                   `{{ replace "a" (repeat 100000 "b") (repeat 100000 "a") }}`,
	"replace of nothing":        `{{ replace "" (repeat 100000 "b") (repeat 100000 "a") }}`,
	"regexReplaceAll":           `{{ regexReplaceAll "." (repeat 100000 "a") (repeat 100000 "b") }}`,
	"regexReplaceAll of groups": `{{ regexReplaceAll ".*" (repeat 100000 "a") (repeat 1000 "${0}") }}`,
	"regular expression":        `{{ range $i := 10000 }}{{ $_ := regexMatch (repeat 900 "(a?)") (repeat 100000 "a") }}{{ end }}`,
	"wrapWith":                  `{{ wrapWith 1 (repeat 100000 "x") (repeat 100000 "a ") }}`,
	"join":                      `{{ join (repeat 100000 "x") (until 100000) }}`,
	"printf width":              `{{ printf "%1000000000d" 1 }}`,
	"printf star":               `{{ printf "%*d" 1000000000 1 }}`,
	"printf precision":          `{{ printf "%.1000000000f" 1.0 }}`,
	"printf again and again":    `{{ printf (repeat 10000 "%[1]s") (repeat 100000 "x") }}`,
	"printf of a huge width":    `{{ printf "%99999999999999999999d" 1 }}`,
	"doubling a string":         `{{ $s := "xxxxxxxx" }}{{ range $i := 60 }}{{ $s = print $s $s }}{{ end }}`,
	"doubling by cat":           `{{ $s := "xxxxxxxx" }}{{ range $i := 60 }}{{ $s = cat $s $s }}{{ end }}`,
	"doubling by quote":         `{{ $s := "\"" }}{{ range $i := 60 }}{{ $s = quote $s }}{{ end }}`,
	"doubling by a method":      `{{ $s := "11111111" }}{{ $t := toDate "2006-01-02" "2026-11-11" }}{{ range $i := 60 }}{{ $s = $t.Format $s }}{{ end }}`,
	"doubling a list":           `{{ $l := list 1 }}{{ range $i := 60 }}{{ $l = concat $l $l }}{{ end }}`,
	"a list of lists":           `{{ $l := list "x" }}{{ range $i := 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}`,
	"a dict of dicts":           `{{ $d := dict "a" "x" }}{{ range $i := 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toJson $d }}`,
	"deep list":                 `{{ $l := list }}{{ range $i := 100000 }}{{ $l = list $l }}{{ end }}{{ $l }}`,
	"a dict in itself":          `{{ $d := dict }}{{ $_ := set $d "self" $d }}{{ $d }}`,
	"a dict in itself as JSON":  `{{ $d := dict }}{{ $_ := set $d "self" (list $d) }}{{ toJson $d }}`,
	"a dict in itself by merge": `{{ $d := dict }}{{ $_ := merge $d (dict "self" $d) }}{{ print $d }}`,
	"circle of two":             `{{ $a := dict }}{{ $b := dict "a" $a }}{{ $_ := set $a "b" $b }}{{ $a | deepCopy }}`,
	"the values in themselves":  `{{ $_ := set . "self" . }}{{ . }}`,
	"uniq":                      `{{ range $i := 100000 }}{{ $_ := uniq (until 20000) }}{{ end }}`,
	"output":                    `{{ $s := repeat 100000 "xxxxxxxxxx" }}{{ range $i := 100 }}{{ $s }}{{ end }}`,
	"output of literals":        `{{ range $i := 900000 }}` + strings.Repeat("x", 100) + `{{ end }}`,
	"keys":                      `{{ range $i := 100 }}{{ $_ := genPrivateKey "ecdsa" }}{{ genCA "a" 1 }}{{ end }}`,
	"slow keys":                 `{{ genPrivateKey "dsa" }}`,
	"derivePassword":            `{{ range $i := 1000 }}{{ $_ := derivePassword 1 "long" "p" "u" "s" }}{{ end }}`,
	"bcrypt":                    `{{ range $i := 1000 }}{{ $_ := bcrypt "x" }}{{ end }}`,
	"randAlphaNum":              `{{ randAlphaNum 1000000000 }}`,
	"randBytes":                 `{{ randBytes 1000000000 }}`,
	"JSON":                      `{{ fromJson (repeat 500000 "[]," | printf "[%s1]") }}`,
	"deep JSON":                 `{{ fromJson (print (repeat 5000 "[") (repeat 5000 "]")) }}`,
	"deep parentheses":          `{{ ` + strings.Repeat("(", 100000) + `1` + strings.Repeat(")", 100000) + ` }}`,
	"deep ifs":                  strings.Repeat("{{if 1}}", 100000),
	"long text":                 strings.Repeat("x", maxText+1),
	"split":                     `{{ $s := repeat 400000 "a " }}{{ range $i := 100 }}{{ $_ := splitList " " $s }}{{ end }}`,
	"the meter":                 `{{ ` + leaveName + ` }}`,
	"append":                    `{{ $l := list }}{{ range $i := 1000000 }}{{ $l = append $l $i }}{{ end }}`,
	"a loop that prints":        `{{ range $i := 2000000 }}x{{ end }}`,
}

func TestRender_HostileTemplatesEndAtALimit(t *testing.T) {
	if len(hostile) < 55 {
		t.Fatalf("only %d hostile templates", len(hostile))
	}
	limits := []string{"steps", "larger than", "levels", "longer than", "expression depth", "tags", "must not contain"}
	for what, text := range hostile {
		t.Run(what, func(t *testing.T) {
			_, err := hurried(t, `{"a":{}}`, text)
			if !apierror.Has(err, apierror.Input) || !slices.ContainsFunc(limits, func(l string) bool { return strings.Contains(err.Error(), l) }) {
				t.Errorf("got %.300v", err)
			}
		})
	}
	if got, err := render(t, `{"name":"x"}`, `{{ .name }}`); got != "x" || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func TestRender_StopsWithItsContext(t *testing.T) {
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	// The template itself ends the context, in the middle.
	r.functions["stop"] = func() string { cancel(); return "" }
	_, err = r.Render(ctx, `{{ range $i := 10 }}{{ if eq $i 5 }}{{ stop }}{{ end }}{{ end }}`)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzRender(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 300 {
			f.Add(text)
		}
	}
	f.Add(`{{ define "a" }}{{ range $i, $e := .l }}{{ break }}{{ end }}{{ end }}{{ template "a" . }}{{ with $x := .s }}{{ $x | upper | b64enc }}{{ end }}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			t.Skip()
		}
		got, err := hurried(t, `{"s":"text","n":3,"l":[1,"b",{}],"o":{"k":"v"}}`, text)
		if err != nil && !apierror.Has(err, apierror.Input) {
			t.Fatalf("%v", err)
		}
		if len(got) > maxOutput {
			t.Fatalf("%d bytes", len(got))
		}
	})
}
