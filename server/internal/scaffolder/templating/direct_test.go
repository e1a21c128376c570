package templating

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const lookedUp = `{"parameters":{"name":"tug","html":"<b>\"q\" & 's'</b>\n","empty":"","n":5,"no":false,"nul":null,"list":["a"],"get":"g","length":"l",
	"in":"i","deep":{"a":{"b":"ü⚓🚢"}},"tag":"${{ parameters.name }}"},"each":{"key":"0","value":"v"},"user":{"ref":"user:default/ann"}}`

// TestDirect_ComesToWhatTheMachineComesTo makes inputs of lookups that are done directly, of some that are not, and of text.
func TestDirect_ComesToWhatTheMachineComesTo(t *testing.T) {
	if raced {
		t.Skip("one machine, a hundred inputs")
	}
	e := sharedEngine(t)
	path := rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfN(rapid.SampledFrom(strings.Fields(
			"parameters each user context steps range name html empty n no nul list get length in deep a b tag key value ref if constructor A_1")), 1, 4)
		return strings.Join(names.Draw(t, "path"), ".")
	})
	likely := rapid.SampledFrom(strings.Fields("parameters.name parameters.html parameters.empty parameters.deep.a.b parameters.tag each.value user.ref parameters.length"))
	text := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "pieces") {
			b.WriteString(rapid.SampledFrom([]string{"", "a", "}}", "{{ x }}", "\\\"", "\\n", "$", "{", " ", "ü", "<"}).Draw(t, "piece"))
			switch rapid.IntRange(0, 20).Draw(t, "kind") {
			case 0:
				b.WriteString("${{ " + path.Draw(t, "path") + " }}")
			case 1:
				b.WriteString("${{- " + likely.Draw(t, "likely") + " -}}")
			case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12:
				b.WriteString("${{" + likely.Draw(t, "likely") + rapid.SampledFrom([]string{"}}", " }}"}).Draw(t, "end"))
			}
		}
		return b.String()
	})
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		template := `{"k":"` + text.Draw(rt, "first") + `","l":["` + text.Draw(rt, "second") + `",` + rapid.SampledFrom([]string{"1", "1.0", "true", "-3", "0", "null"}).Draw(rt, "number") + `]}`
		if _, ok := direct(raw(template), Scope{Variables: raw(lookedUp)}); ok {
			checks++
		}
		compareDirect(t, e, template, lookedUp)
	})
	if checks < 25 {
		t.Errorf("only %d inputs were done directly", checks)
	}
}

func TestDirect_LeavesToTheMachineWhatItCannotDo(t *testing.T) {
	s := Scope{Variables: raw(lookedUp), Secrets: raw(`{"secrets":{"a":"hush"}}`), Plain: raw(`{"each":{}}`)}
	for _, template := range []string{
		`"${{ parameters.n }}"`, `"${{ parameters.missing }}"`, `"${{ parameters.name.length }}"`, `"${{ parameters.name | upper }}"`,
		`"${{ secrets.a }}"`, `"${{ each.value }}"`, `"${{ parameters }}"`, `"${{ parameters.in }}"`, `"${{ parameters.name }}{% raw %}"`,
		`"\u0024{{ parameters.name }}"`, `"${{ parameters.name }}#}"`, `{"1":"a"}`, `[1.50]`, `[-0]`, `{"a":"b"`, `"${{ 'a' }}"`,
	} {
		if r, ok := direct(raw(template), s); ok {
			t.Errorf("%s: got %s", template, r.Value)
		}
	}
	s.Plain = nil
	s.Each = raw(`{"key":"0","value":{"name":"own"}}`)
	if r, ok := direct(raw(`"${{ each.value.name }}"`), s); !ok || string(r.Value) != `"own"` {
		t.Errorf("an item: got %s", r.Value)
	}
	s.Variables = raw(strings.Replace(lookedUp, `"nul"`, `"__proto__"`, 1))
	if _, ok := direct(raw(`"${{ parameters.name }}"`), s); ok {
		t.Error("variables that the language refuses are read")
	}
	s.Variables, _ = json.Marshal(map[string]any{"parameters": map[string]any{"name": "x", "deep": raw(nested("[", 300, "", "]"))}})
	if _, ok := direct(raw(`"${{ parameters.name }}"`), s); ok {
		t.Error("variables that are too deep are read")
	}
}
