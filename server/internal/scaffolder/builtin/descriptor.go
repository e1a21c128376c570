package builtin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/apierror"
)

const sourceTemplate = "backstage.io/source-template"

// descriptor is an entity as a YAML document, its members in their order, which tells the template that it came from.
func descriptor(document json.RawMessage, template string) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	root, err := yamlNode(decoder)
	if err != nil {
		return nil, apierror.Inputf("entity must be an object: %v", err)
	}
	if root.Kind != yaml.MappingNode {
		return nil, apierror.Inputf("entity must be an object")
	}
	metadata := member(root, "metadata")
	if template != "" {
		set(member(metadata, "annotations"), sourceTemplate, template)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err = encoder.Encode(root)
	return out.Bytes(), cmp.Or(err, encoder.Close())
}

// member is the mapping below a key, made when there is none.
func member(parent *yaml.Node, key string) *yaml.Node {
	for i := 0; i < len(parent.Content); i += 2 {
		if parent.Content[i].Value != key {
			continue
		}
		if parent.Content[i+1].Kind != yaml.MappingNode {
			*parent.Content[i+1] = yaml.Node{Kind: yaml.MappingNode}
		}
		return parent.Content[i+1]
	}
	made := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, textNode(key), made)
	return made
}

func set(parent *yaml.Node, key, value string) {
	for i := 0; i < len(parent.Content); i += 2 {
		if parent.Content[i].Value == key {
			*parent.Content[i+1] = *textNode(value)
			return
		}
	}
	parent.Style = 0
	parent.Content = append(parent.Content, textNode(key), textNode(value))
}

func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.Contains(text, "\n") {
		n.Style = yaml.LiteralStyle
	}
	return n
}

// yamlNode reads one JSON value. How deep it is was bounded when the input was read.
func yamlNode(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		return yamlCollection(decoder, v)
	case string:
		return textNode(v), nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: map[bool]string{true: "true", false: "false"}[v]}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func yamlCollection(decoder *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	at := map[string]int{} // of the values of a mapping, by key: of two with one key the last one counts
	for decoder.More() {
		child, err := yamlNode(decoder)
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.SequenceNode {
			n.Content = append(n.Content, child)
			continue
		}
		value, err := yamlNode(decoder)
		if err != nil {
			return nil, err
		}
		if i, twice := at[child.Value]; twice {
			n.Content[i] = value
			continue
		}
		n.Content = append(n.Content, child, value)
		at[child.Value] = len(n.Content) - 1
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := decoder.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
