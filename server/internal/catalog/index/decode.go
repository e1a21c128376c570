package index

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unsafe"

	"github.com/callboard/callboard/sdk/apierror"
)

// decoder reads serialised JSON in one pass. It trusts the outer form (the host serialised it) as far as never to read
// outside the data or to loop; what it cannot read is an InputError.
type decoder struct {
	data []byte
	pos  int
}

// maxDepth is far beyond what ingestion lets through; it keeps a hostile document from exhausting the stack.
const maxDepth = 1000

var (
	errDepth  = apierror.Inputf("Entity is nested deeper than %d levels", maxDepth)
	errSyntax = apierror.Inputf("Entity is not valid JSON")
)

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

func (d *decoder) colon() error {
	d.space()
	if d.peek() != ':' {
		return errSyntax
	}
	d.pos++
	d.space()
	return nil
}

// next moves to the next member or element; done when the container ends with closing, which it consumes.
func (d *decoder) next(closing byte, first bool) (done bool, err error) {
	d.space()
	c := d.peek()
	if c == closing {
		d.pos++
		return true, nil
	}
	if first {
		return false, nil
	}
	if c != ',' {
		return false, errSyntax
	}
	d.pos++
	d.space()
	return false, nil
}

// string reads a string; without escapes it is a view of the data.
func (d *decoder) string() (string, error) {
	if d.peek() != '"' {
		return "", errSyntax
	}
	start := d.pos + 1
	end := bytes.IndexByte(d.data[start:], '"')
	if end < 0 {
		return "", errSyntax
	}
	text := d.data[start : start+end]
	if bytes.IndexByte(text, '\\') < 0 {
		d.pos = start + end + 1
		return unsafe.String(unsafe.SliceData(text), len(text)), nil //nolint:gosec // the document outlives the text and is never changed
	}
	if err := d.skipString(); err != nil {
		return "", err
	}
	var s string
	if err := json.Unmarshal(d.data[start-1:d.pos], &s); err != nil {
		return "", errSyntax
	}
	return s, nil
}

// skipString passes over a string: it ends with the first quote that an even number of backslashes precedes.
func (d *decoder) skipString() error {
	if d.peek() != '"' {
		return errSyntax
	}
	for i := d.pos + 1; ; {
		n := bytes.IndexByte(d.data[i:], '"')
		if n < 0 {
			return errSyntax
		}
		quote := i + n
		slashes := 0
		for d.data[quote-1-slashes] == '\\' {
			slashes++ // stops at the opening quote at the latest
		}
		if i = quote + 1; slashes%2 == 0 {
			d.pos = i
			return nil
		}
	}
}

// scalar reads a string, number, boolean or null as the text that JavaScript's String() makes of it.
func (d *decoder) scalar() (scalar, error) {
	switch c := d.peek(); {
	case c == '"':
		s, err := d.string()
		return scalar{text: s}, err
	case c == 't' && d.word("true"):
		return scalar{text: "true"}, nil
	case c == 'f' && d.word("false"):
		return scalar{text: "false"}, nil
	case c == 'n' && d.word("null"):
		return scalar{null: true}, nil
	case c == '-' || c >= '0' && c <= '9':
		text := string(d.number())
		return scalar{text: numberText(text)}, nil
	}
	return scalar{}, errSyntax
}

func (d *decoder) word(w string) bool {
	if len(d.data)-d.pos < len(w) || string(d.data[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

func (d *decoder) number() []byte {
	start := d.pos
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.pos++
		default:
			return d.data[start:d.pos]
		}
	}
	return d.data[start:]
}

// skip passes over a value.
func (d *decoder) skip(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch d.peek() {
	case '"':
		return d.skipString()
	case '{':
		return d.skipMembers('}', depth)
	case '[':
		return d.skipMembers(']', depth)
	}
	_, err := d.scalar()
	return err
}

func (d *decoder) skipMembers(closing byte, depth int) error {
	d.pos++
	for first := true; ; first = false {
		done, err := d.next(closing, first)
		if done || err != nil {
			return err
		}
		if closing == '}' {
			if err := d.skipString(); err != nil {
				return err
			}
			if err := d.colon(); err != nil {
				return err
			}
		}
		if err := d.skip(depth + 1); err != nil {
			return err
		}
	}
}

// numberText is a JSON number as JavaScript prints it: through double precision, exponents from 1e21 and below 1e-6.
func numberText(literal string) string {
	if plainInteger(literal) {
		return literal
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil && !math.IsInf(v, 0) {
		return literal
	}
	return NumberText(v)
}

func plainInteger(s string) bool {
	if len(s) > 15 || s == "-0" || s == "" {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (i > 0 || s[i] != '-') {
			return false
		}
	}
	return true
}

// NumberText is a number as it is searched for: the way JavaScript prints it.
func NumberText(v float64) string {
	switch abs := math.Abs(v); {
	case v == 0:
		return "0"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case abs < 1e21 && abs >= 1e-6:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	s := []byte(strconv.FormatFloat(v, 'e', -1, 64))
	// Go pads exponents to two digits, JavaScript does not.
	if n := len(s); n >= 4 && s[n-2] == '0' && (s[n-3] == '-' || s[n-3] == '+') {
		s = append(s[:n-2], s[n-1])
	}
	return string(s)
}
