package templating

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Most inputs hold nothing to render, or only texts that are put into texts: "https://…/${{ parameters.name }}". These are
// done here, a hundred times faster than in a machine. Whatever is not certain to come out the same is left to the machine:
// FuzzDirect holds the two together.

// direct renders template, if it can.
func direct(template json.RawMessage, s Scope) (Result, bool) {
	d := &directly{scope: s, out: make([]byte, 0, len(template)+64)}
	if !isOrdinary(template) || !json.Valid(template) || !d.render(template) {
		return Result{}, false
	}
	r := Result{Value: d.out}
	if len(s.Secrets) > 0 {
		r.Plain = r.Value // lookups of secrets are not done here
	}
	return r, true
}

// isOrdinary: an escape could hide a tag, or a name that the language reserves, or be half of a character.
func isOrdinary(text json.RawMessage) bool {
	if len(text) > mostKept || !utf8.Valid(text) {
		return false
	}
	for rest := []byte(text); ; {
		at := bytes.Index(rest, []byte(`\u`))
		if at < 0 {
			return true
		}
		rest = rest[at+2:]
		// What encoding/json escapes for the sake of HTML and JavaScript.
		if len(rest) < 4 || !slices.Contains([]string{"003c", "003e", "0026", "2028", "2029"}, string(rest[:4])) {
			return false
		}
	}
}

type directly struct {
	scope   Scope
	root    map[string]json.RawMessage // the variables; nil = not read yet
	objects map[string]map[string]json.RawMessage
	out     []byte
}

// render copies valid JSON to out, with its texts rendered. Keys stay as they are.
func (d *directly) render(text []byte) bool {
	for len(text) > 0 {
		length, ok := 1, true
		switch c := text[0]; {
		case c == '"':
			length, ok = d.text(text)
		case c == '-' || c >= '0' && c <= '9':
			length, ok = d.number(text)
		default:
			d.out = append(d.out, c)
		}
		if !ok {
			return false
		}
		text = text[length:]
	}
	return true
}

// number takes those alone that JavaScript would write in the same way.
func (d *directly) number(text []byte) (length int, ok bool) {
	for length < len(text) && strings.IndexByte("+-.eE0123456789", text[length]) >= 0 {
		length++
	}
	number := text[:length]
	d.out = append(d.out, number...)
	return length, length <= 15 && !bytes.ContainsAny(number, "+.eE") && string(number) != "-0"
}

func (d *directly) text(text []byte) (length int, ok bool) {
	length = textLength(text)
	token := text[:length]
	if isKey(text[length:]) {
		d.out = append(d.out, token...)
		return length, len(token) > 2 && (token[1] < '0' || token[1] > '9') // keys that are numbers go first in JavaScript
	}
	if hasNoTag(token) {
		d.out = append(d.out, token...)
		return length, true
	}
	return length, d.lookups(token)
}

// textLength is the length of the JSON string that text begins with.
func textLength(text []byte) int {
	for at := 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

func isKey(after []byte) bool {
	after = bytes.TrimLeft(after, " \t\r\n")
	return len(after) > 0 && after[0] == ':'
}

// hasNoTag: what ends a comment that was not begun is an error of the template, which stays as it is then too.
func hasNoTag(token []byte) bool {
	return !bytes.Contains(token, []byte("${{")) && !bytes.Contains(token, []byte("{%")) && !bytes.Contains(token, []byte("{#"))
}

var lookupPattern = regexp.MustCompile(`\$\{\{ *([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+) *\}\}`)

// lookups writes a token in which there is nothing but lookups.
func (d *directly) lookups(token []byte) bool {
	if bytes.Contains(token, []byte("{%")) || bytes.Contains(token, []byte("{#")) || bytes.Contains(token, []byte("#}")) {
		return false
	}
	found := lookupPattern.FindAllSubmatchIndex(token, -1)
	if len(found) != bytes.Count(token, []byte("${{")) {
		return false
	}
	from := 0
	for _, at := range found {
		value, ok := d.lookup(string(token[at[2]:at[3]]))
		if !ok {
			return false
		}
		d.out = append(append(d.out, token[from:at[0]]...), value...)
		from = at[1]
	}
	d.out = append(d.out, token[from:]...)
	return true
}

// Names with a meaning of their own in the language, and those that it reserves.
var otherNames = []string{
	"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "null", "constructor", "prototype", "True", "False", "None",
}

// lookup is the inside of the JSON string that is at path in the variables.
func (d *directly) lookup(path string) ([]byte, bool) {
	names := strings.Split(path, ".")
	if !d.canSee(names[0]) || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(otherNames, name) }) {
		return nil, false
	}
	within, at := d.root, ""
	for _, name := range names[:len(names)-1] {
		at += "." + name
		object, known := d.objects[at]
		if !known {
			if json.Unmarshal(within[name], &object) != nil {
				return nil, false // not there, or no object
			}
			d.objects[at] = object
		}
		within = object
	}
	value := within[names[len(names)-1]]
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// canSee reports whether a variable is the same with and without the secrets, and reads the variables.
func (d *directly) canSee(name string) bool {
	switch name {
	case "parameters", "steps", "user", "context":
	case "each":
		if len(d.scope.Plain) > 0 {
			return false
		}
	default:
		return false
	}
	return d.root != nil || d.read()
}

func (d *directly) read() bool {
	for _, variables := range []json.RawMessage{d.scope.Variables, d.scope.Each} {
		if !isOrdinary(variables) || hasReserved(variables) || isDeep(variables) {
			return false
		}
	}
	if json.Unmarshal(d.scope.Variables, &d.root) != nil || d.root == nil {
		return false
	}
	if d.scope.Each != nil {
		d.root["each"] = d.scope.Each
	}
	d.objects = map[string]map[string]json.RawMessage{}
	return true
}

// hasReserved: a context with such a key is refused as a whole.
func hasReserved(variables []byte) bool {
	for _, name := range []string{`"__proto__"`, `"constructor"`, `"prototype"`} {
		if bytes.Contains(variables, []byte(name)) {
			return true
		}
	}
	return false
}

// deepest is well within what the machine takes.
const deepest = 100

// isDeep reports whether variables nest so deeply that the machine might refuse them.
func isDeep(variables []byte) bool {
	depth := 0
	for at := 0; at < len(variables); at++ {
		switch variables[at] {
		case '"':
			at += textLength(variables[at:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > deepest {
			return true
		}
	}
	return false
}
