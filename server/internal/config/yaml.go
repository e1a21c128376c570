package config

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// Limits of one configuration, includes together. They are far above any real one and stop expansion bombs.
const (
	maxNodes    = 100_000
	maxDepth    = 64
	maxAliases  = 100
	maxFileSize = 5 << 20
	maxIncludes = 1_000
)

// parseYAML reads one document. An empty document is nil. file is how positions and errors name the text.
func parseYAML(text []byte, file string) (*node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlError(err, file)
	}
	b := &yamlBuilder{file: file}
	n, err := b.build(document.Content[0], 0)
	if err != nil {
		return nil, err
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{At: Position{file, second.Line}, Message: "a configuration file holds one document, a second one starts here"}
	case !errors.Is(err, io.EOF):
		return nil, yamlError(err, file)
	}
	if n.kind == nullKind {
		return nil, nil
	}
	return n, nil
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func yamlError(err error, file string) error {
	at, message := Position{File: file}, err.Error()
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	return &Problem{At: at, Message: "is not YAML: " + message}
}

type yamlBuilder struct {
	file    string
	nodes   int
	aliases int
}

func (b *yamlBuilder) build(y *yaml.Node, depth int) (*node, error) {
	at := Position{b.file, y.Line}
	if b.nodes++; b.nodes > maxNodes {
		return nil, &Problem{At: at, Message: fmt.Sprintf("has more than %d values", maxNodes)}
	}
	if depth > maxDepth {
		return nil, &Problem{At: at, Message: fmt.Sprintf("is nested deeper than %d levels", maxDepth)}
	}
	switch y.Kind {
	case yaml.AliasNode:
		if b.aliases++; b.aliases > maxAliases {
			return nil, &Problem{At: at, Message: fmt.Sprintf("uses more than %d aliases", maxAliases)}
		}
		return b.build(y.Alias, depth+1)
	case yaml.SequenceNode:
		return b.list(y, at, depth)
	case yaml.MappingNode:
		return b.object(y, at, depth)
	default:
		return scalarNode(y, at)
	}
}

func (b *yamlBuilder) list(y *yaml.Node, at Position, depth int) (*node, error) {
	n := &node{kind: listKind, at: at}
	for _, item := range y.Content {
		child, err := b.build(item, depth+1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, child)
	}
	return n, nil
}

func (b *yamlBuilder) object(y *yaml.Node, at Position, depth int) (*node, error) {
	n := newObject(at)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := yamlKey(y.Content[i], b.file)
		if err != nil {
			return nil, err
		}
		if earlier, ok := n.fields[key]; ok {
			return nil, &Problem{At: Position{b.file, y.Content[i].Line}, Key: key,
				Message: fmt.Sprintf("is written twice in one object, first near line %d", earlier.at.Line)}
		}
		child, err := b.build(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if y.Content[i+1].Kind != yaml.AliasNode {
			// The line of the key: what an editor should jump to, also for a block that starts a line later.
			child.at.Line = y.Content[i].Line
		}
		n.set(key, child)
	}
	return n, nil
}

// yamlKey is a mapping key as a JavaScript object has it: numbers and booleans in their canonical spelling.
func yamlKey(y *yaml.Node, file string) (string, error) {
	at := Position{file, y.Line}
	for hops := 0; y.Kind == yaml.AliasNode && hops < maxDepth; hops++ {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode {
		return "", &Problem{At: at, Message: "a key must be plain text"}
	}
	if y.Value == "<<" {
		return y.Value, nil
	}
	n, err := scalarNode(y, at)
	if err != nil {
		return "", err
	}
	switch n.kind {
	case nullKind:
		return "", nil
	case boolKind:
		return strconv.FormatBool(n.flag), nil
	case numberKind:
		return jsvalue.Number(n.number), nil
	default:
		return n.text, nil
	}
}

func scalarNode(y *yaml.Node, at Position) (*node, error) {
	n := &node{kind: stringKind, text: y.Value, at: at}
	explicit := y.Style&yaml.TaggedStyle != 0
	if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 && !explicit ||
		explicit && y.ShortTag() == "!!str" {
		return n, nil
	}
	return resolveScalar(n)
}

// resolveScalar gives plain text the type that YAML 1.2's core schema sees in it: "yes", dates and 1_000 are texts.
func resolveScalar(n *node) (*node, error) {
	switch v := jsvalue.Plain(n.text).(type) {
	case nil:
		return &node{kind: nullKind, at: n.at}, nil
	case bool:
		return &node{kind: boolKind, flag: v, at: n.at}, nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, &Problem{At: n.at, Message: n.text + " is not a finite number; put it in quotes if text is meant"}
		}
		return &node{kind: numberKind, number: v, at: n.at}, nil
	}
	return n, nil
}
