package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// Format is how [Config.Print] writes.
type Format string

// The formats.
const (
	YAML Format = "yaml"
	JSON Format = "json"
)

// Print writes the merged configuration in the order of the files. masked hides secrets: values that came from $env,
// $file or ${VAR}, values of keys that look secret, and what looks like a credential inside of other texts.
func (c *Config) Print(w io.Writer, format Format, masked bool) error {
	root := c.root
	if masked {
		root = mask(root, false)
	}
	switch format {
	case YAML:
		encoder := yaml.NewEncoder(w)
		encoder.SetIndent(2)
		if err := encoder.Encode(yamlOf(root)); err != nil {
			return err
		}
		return encoder.Close()
	case JSON:
		var b strings.Builder
		writeJSON(&b, root, "")
		b.WriteByte('\n')
		_, err := io.WriteString(w, b.String())
		return err
	default:
		return fmt.Errorf("unknown format %q: use %s or %s", format, YAML, JSON)
	}
}

func yamlOf(n *node) *yaml.Node {
	switch n.kind {
	case listKind:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.items {
			out.Content = append(out.Content, yamlOf(item))
		}
		return out
	case objectKind:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for _, key := range n.keys {
			out.Content = append(out.Content, yamlText(key), yamlOf(n.fields[key]))
		}
		return out
	case stringKind:
		return yamlText(n.text)
	case nullKind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case boolKind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(n.flag)}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: jsvalue.Number(n.number)}
	}
}

// yamlText quotes what another reader would take for something else than text.
func yamlText(text string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	resolved, err := resolveScalar(&node{kind: stringKind, text: text})
	switch {
	case strings.Contains(text, "\n"):
		out.Style = yaml.LiteralStyle
	case err != nil || resolved.kind != stringKind:
		out.Style = yaml.DoubleQuotedStyle
	}
	return out
}

func writeJSON(b *strings.Builder, n *node, indent string) {
	inner := indent + "  "
	switch {
	case n.kind == listKind && len(n.items) > 0:
		b.WriteString("[")
		for i, item := range n.items {
			b.WriteString(comma(i) + "\n" + inner)
			writeJSON(b, item, inner)
		}
		b.WriteString("\n" + indent + "]")
	case n.kind == objectKind && len(n.keys) > 0:
		b.WriteString("{")
		for i, key := range n.keys {
			b.WriteString(comma(i) + "\n" + inner + jsonText(key) + ": ")
			writeJSON(b, n.fields[key], inner)
		}
		b.WriteString("\n" + indent + "}")
	case n.kind == stringKind:
		b.WriteString(jsonText(n.text))
	case n.kind == numberKind:
		b.WriteString(jsvalue.Number(n.number))
	case n.kind == listKind:
		b.WriteString("[]")
	default:
		text, _ := json.Marshal(n.value())
		b.Write(text)
	}
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func jsonText(text string) string {
	return string(jsvalue.Quote(text))
}
