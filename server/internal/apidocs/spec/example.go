package spec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// examplesOf are the examples that an author gives beside a schema.
func examplesOf(r refs, p place) []Example {
	var out []Example
	if x := p.v.Get("example"); x != nil {
		out = append(out, Example{Text: exampleText(x)})
	}
	for name, e := range p.to("examples").members(mostExamples) {
		end, away := r.follow(e)
		if away != "" || end.v.Kind() != tree.Object {
			continue
		}
		x := Example{Name: short(name), Summary: short(firstLine(end.v.Get("summary").Text())), URL: short(end.v.Get("externalValue").Text())}
		for _, member := range []string{"value", "dataValue", "serializedValue", "payload"} {
			if v := end.v.Get(member); v != nil {
				x.Text = exampleText(v)
				break
			}
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		if schema, away := r.follow(p.to("schema")); away == "" {
			return exampleOf(schema.v)
		}
	}
	return out
}

// exampleOf is the example within a schema.
func exampleOf(schema *tree.Value) []Example {
	for _, x := range []*tree.Value{schema.Get("example"), schema.Get("examples").At(0)} {
		if x != nil {
			return []Example{{Text: exampleText(x)}}
		}
	}
	return nil
}

// exampleText is a value as an author would show it: a text as it is, all else as JSON.
func exampleText(v *tree.Value) string {
	if v.Kind() == tree.String {
		return cut(v.Text(), mostExample)
	}
	text, whole := v.Indented(mostExample)
	if !whole {
		text += "…"
	}
	return text
}

// sample makes an example of a schema as JSON. It is bounded in depth and length, and a schema does not stand inside of itself.
func (s schemas) sample(p place, request bool) string {
	w := &sampler{schemas: s, request: request}
	w.value(p)
	var b bytes.Buffer
	if json.Indent(&b, []byte(w.String()), "", "  ") != nil {
		return ""
	}
	return b.String()
}

type sampler struct {
	strings.Builder
	schemas

	request bool // members that are only read are left out
	inside  []tree.Pointer
	depth   int
	parts   int // schemas of "allOf" that were looked at
}

const (
	sampleDepth = 6
	sampleBytes = 4 << 10
)

func (w *sampler) value(p place) {
	end, away := w.follow(p)
	if away != "" || end.v.Kind() != tree.Object || w.Len() > sampleBytes || w.depth > sampleDepth || slices.Contains(w.inside, end.at) {
		w.WriteString("null")
		return
	}
	if given := givenValue(end.v); given != nil {
		text, whole := given.Indented(sampleBytes)
		if !whole {
			text = "null"
		}
		w.WriteString(text)
		return
	}
	w.inside = append(w.inside, end.at)
	w.depth++
	w.made(end)
	w.depth--
	w.inside = w.inside[:len(w.inside)-1]
}

// givenValue is what the author of a schema says of its values.
func givenValue(v *tree.Value) *tree.Value {
	for _, x := range []*tree.Value{v.Get("example"), v.Get("examples").At(0), v.Get("default"), v.Get("const"), v.Get("enum").At(0)} {
		if x != nil {
			return x
		}
	}
	return nil
}

func (w *sampler) made(p place) {
	for _, member := range []string{"oneOf", "anyOf"} {
		if list := p.to(member).items(1); len(list) > 0 && p.v.Get("properties").Len() == 0 {
			w.value(list[0])
			return
		}
	}
	if p.v.Get("properties").Len() > 0 || p.v.Get("allOf").Len() > 0 {
		w.object(p)
		return
	}
	switch typeNames(p.v)[0] {
	case "object":
		w.WriteString("{}")
	case "array":
		w.WriteByte('[')
		w.value(p.to("items"))
		w.WriteByte(']')
	case "integer", "number":
		w.WriteString("0")
	case "boolean":
		w.WriteString("true")
	case "string":
		w.WriteString(jsonText(sampleText(p.v.Get("format").Text())))
	default:
		w.WriteString("null")
	}
}

var sampleTexts = map[string]string{"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z", "email": "user@example.com",
	"uri": "https://example.com", "url": "https://example.com", "uuid": "123e4567-e89b-12d3-a456-426614174000", "hostname": "example.com",
	"ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "aGVsbG8=", "binary": "…"}

func sampleText(format string) string {
	if text, ok := sampleTexts[format]; ok {
		return text
	}
	return "string"
}

// object writes the members of a schema and of what it is made of. Those that would begin the schema again, or are described
// elsewhere, are left out.
func (w *sampler) object(p place) {
	members := map[string]place{}
	var order []string
	w.collect(p, members, &order, 0)
	if len(order) == 0 {
		if list := p.to("allOf").items(1); len(list) > 0 {
			w.value(list[0])
			return
		}
	}
	w.WriteByte('{')
	first := true
	for _, key := range order {
		end, away := w.follow(members[key])
		if w.Len() > sampleBytes || away != "" || slices.Contains(w.inside, end.at) {
			continue
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.WriteString(jsonText(key))
		w.WriteByte(':')
		w.value(members[key])
	}
	w.WriteByte('}')
}

const mostSampled = 60 // members of one object

func (w *sampler) collect(p place, members map[string]place, order *[]string, depth int) {
	for _, part := range p.to("allOf").items(mostExamples) {
		if w.parts++; w.parts > mostMerged || depth > sampleDepth {
			break
		}
		if end, away := w.follow(part); away == "" {
			w.collect(end, members, order, depth+1)
		}
	}
	for key, x := range p.to("properties").members(mostSampled) {
		end, _ := w.follow(x)
		if _, known := members[key]; !known && len(*order) < mostSampled {
			if w.request && end.v.Get("readOnly").True() || len(key) > mostName {
				continue
			}
			*order = append(*order, key)
		}
		members[key] = x
	}
}

func jsonText(s string) string { return string(plainJSON(s)) }

// plainJSON is v, which can be written, as JSON in which < is <.
func plainJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
