package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// parseJSON reads one JSON text with the order of its keys and the lines of its values. As in JavaScript, the last of
// several equal keys wins.
func parseJSON(text []byte, file string) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	b := &jsonBuilder{decoder: d, text: text, file: file, line: 1}
	n, err := b.build(0)
	if err == nil {
		if _, extra := d.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("text after the end of the value")
		}
	}
	if problem := (*Problem)(nil); errors.As(err, &problem) {
		return nil, err
	}
	if err != nil {
		return nil, &Problem{At: b.position(), Message: "is not JSON: " + err.Error()}
	}
	return n, nil
}

type jsonBuilder struct {
	decoder *json.Decoder
	text    []byte
	file    string
	nodes   int
	line    int
	counted int // bytes whose line breaks are in line
}

func (b *jsonBuilder) position() Position {
	offset := int(b.decoder.InputOffset())
	b.line += bytes.Count(b.text[b.counted:offset], []byte("\n"))
	b.counted = offset
	return Position{b.file, b.line}
}

func (b *jsonBuilder) build(depth int) (*node, error) {
	token, err := b.decoder.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	at := b.position()
	if b.nodes++; b.nodes > maxNodes || depth > maxDepth {
		return nil, &Problem{At: at, Message: fmt.Sprintf("has more than %d values or %d levels", maxNodes, maxDepth)}
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return b.list(at, depth)
		}
		return b.object(at, depth)
	default:
		return nodeOf(token, at), nil
	}
}

func (b *jsonBuilder) list(at Position, depth int) (*node, error) {
	n := &node{kind: listKind, at: at}
	for b.decoder.More() {
		item, err := b.build(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err := b.decoder.Token()
	return n, err
}

func (b *jsonBuilder) object(at Position, depth int) (*node, error) {
	n := newObject(at)
	for b.decoder.More() {
		key, err := b.decoder.Token()
		if err != nil {
			return nil, err
		}
		line := b.position().Line
		child, err := b.build(depth + 1)
		if err != nil {
			return nil, err
		}
		child.at.Line = line
		name, _ := key.(string)
		n.set(name, child)
	}
	_, err := b.decoder.Token()
	return n, err
}
