package index

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Row is one searchable fact of an entity. Key is lower case. Null rows answer existence only.
type Row struct {
	Key      string
	Value    string // lower case
	Original string // as written
	Null     bool
}

// maxRowText is the length, in UTF-16 units as the reference counts, beyond which a key is dropped and a value becomes
// null.
const maxRowText = 200

// Rows flattens a final entity into its searchable rows. Two keys that differ only in case are an InputError:
// such an entity must not be published.
func Rows(e entity.Entity) ([]Row, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, apierror.Inputf("Entity cannot be serialised: %v", err)
	}
	return RowsOf(data)
}

// RowsOf is [Rows] for an entity that is already serialised. The rows may be views of data.
func RowsOf(data []byte) ([]Row, error) {
	return newFlattener().rows(data)
}

// flattener turns serialised entities into rows without building maps of them. It remembers the key texts it has seen,
// which are the same few hundred for all entities. Not for concurrent use; rows are valid until the next call.
type flattener struct {
	keys  map[string]*keyText // by raw path
	lower map[string]*lowerKey
	entry uint64 // number of the entity being flattened

	out      []Row
	path     []byte
	clashes  []string
	dataRows map[rowID]struct{} // rows of crowded keys

	name, namespace, uid capture
	relations            []byte
}

// keyText is one raw path; its rows go to the key in lower case.
type keyText struct {
	key  *lowerKey
	seen uint64 // last entity that used this spelling
}

type lowerKey struct {
	text      string // "" beyond the length limit
	seen      uint64 // last entity that used any spelling
	inMap     uint64 // last entity whose rows of the key went to dataRows
	asElement uint64 // last entity that used it as "path.<element>"
	first     int    // index in out of this entity's first row, while few
	rows      int
}

type rowID struct{ key, value string }

// nullValue cannot be a value: values are valid UTF-8.
const nullValue = "\xff"

// capture is a scalar of metadata that is skipped on the way and added at the end.
type capture struct {
	set    bool
	scalar scalar
}

// scalar is a JSON scalar as text; null when it has no searchable value.
type scalar struct {
	text string
	null bool
}

// keyMemory bounds what a flattener remembers: keys contain array elements, so there is no end of them.
const keyMemory = 1 << 16

// Beyond so many rows of one key in one entity, or rows to look through, repeats are found by a map.
const (
	crowded     = 8
	crowdedSpan = 256
)

func newFlattener() *flattener {
	return &flattener{keys: map[string]*keyText{}, lower: map[string]*lowerKey{}}
}

func (f *flattener) rows(data []byte) ([]Row, error) {
	if len(f.keys) > keyMemory {
		clear(f.keys)
		clear(f.lower)
	}
	f.entry++
	f.out, f.path, f.clashes, f.dataRows = f.out[:0], f.path[:0], nil, nil
	f.name, f.namespace, f.uid, f.relations = capture{}, capture{}, capture{}, nil

	d := decoder{data: data}
	d.space()
	if d.peek() != '{' {
		return nil, apierror.Inputf("Entity is not an object")
	}
	if err := f.object(&d, 1, false); err != nil {
		return nil, err
	}
	f.add("metadata.name", f.name.scalarOrNull())
	f.add("metadata.namespace", f.namespace.scalarOrNull())
	f.add("metadata.uid", f.uid.scalarOrNull())
	if !f.namespace.set || f.namespace.scalar.null || f.namespace.scalar.text == "" {
		f.add("metadata.namespace", scalar{text: entity.DefaultNamespace})
	}
	if err := f.addRelations(); err != nil {
		return nil, err
	}
	if len(f.clashes) > 0 {
		return nil, apierror.Inputf("Entity has duplicate keys that vary only in casing, '%s'", strings.Join(f.clashes, "', '"))
	}
	return f.out, nil
}

func (c capture) scalarOrNull() scalar {
	if !c.set {
		return scalar{null: true}
	}
	return c.scalar
}

// object visits the members of the object at d; f.path is the path of the object.
func (f *flattener) object(d *decoder, depth int, inMetadata bool) error {
	d.pos++ // '{'
	base := len(f.path)
	for first := true; ; first = false {
		done, err := d.next('}', first)
		if done || err != nil {
			return err
		}
		key, err := d.string()
		if err != nil {
			return err
		}
		if err := d.colon(); err != nil {
			return err
		}
		if base > 0 {
			f.path = append(f.path, '.')
		}
		f.path = append(f.path, key...)
		if skipped, err := f.special(d, depth, inMetadata); err != nil {
			return err
		} else if !skipped {
			if err := f.value(d, depth, depth == 1 && key == "metadata"); err != nil {
				return err
			}
		}
		f.path = f.path[:base]
	}
}

// special handles the members that are not searched as they stand.
func (f *flattener) special(d *decoder, depth int, inMetadata bool) (skipped bool, err error) {
	if len(f.path) > len("metadata.namespace") {
		return false, nil
	}
	var into *capture
	switch string(f.path) {
	case "attachments", "status", "metadata.etag":
	case "relations":
		start := d.pos
		if err := d.skip(depth); err != nil {
			return false, err
		}
		if depth == 1 {
			f.relations = d.data[start:d.pos]
		}
		return true, nil
	case "metadata.name":
		into = &f.name
	case "metadata.namespace":
		into = &f.namespace
	case "metadata.uid":
		into = &f.uid
	default:
		return false, nil
	}
	// A root key "metadata.name" is skipped as well, but is not the name.
	if into != nil && depth == 2 && inMetadata {
		if c := d.peek(); c != '{' && c != '[' {
			into.set = true
			into.scalar, err = d.scalar()
			return true, err
		}
	}
	return true, d.skip(depth)
}

// value visits the value at d under f.path.
func (f *flattener) value(d *decoder, depth int, isMetadata bool) error {
	if depth > maxDepth {
		return errDepth
	}
	switch d.peek() {
	case '{':
		return f.object(d, depth+1, isMetadata)
	case '[':
		return f.array(d, depth+1)
	}
	s, err := d.scalar()
	if err == nil {
		f.addPath(s)
	}
	return err
}

// array visits every element under the path of the array; a text element is a key of its own as well.
func (f *flattener) array(d *decoder, depth int) error {
	d.pos++ // '['
	for first := true; ; first = false {
		done, err := d.next(']', first)
		if done || err != nil {
			return err
		}
		if d.peek() != '"' {
			if err := f.value(d, depth, false); err != nil {
				return err
			}
			continue
		}
		text, err := d.string()
		if err != nil {
			return err
		}
		f.addPath(scalar{text: text})
		f.addElement(text)
	}
}

func (f *flattener) addElement(text string) {
	base := len(f.path)
	f.path = append(append(f.path, '.'), text...)
	defer func() { f.path = f.path[:base] }()
	k := f.keyAt(f.path)
	if k.key.asElement == f.entry {
		return
	}
	k.key.asElement = f.entry
	f.addTo(k, scalar{text: "true"})
}

// keyAt is the key of a raw path.
func (f *flattener) keyAt(path []byte) *keyText {
	k, ok := f.keys[string(path)]
	if ok {
		return k
	}
	raw := string(path)
	text := strings.ToLower(raw)
	l, ok := f.lower[text]
	if !ok {
		l = &lowerKey{text: text}
		if longText(text) {
			l.text = ""
		}
		f.lower[text] = l
	}
	k = &keyText{key: l}
	f.keys[raw] = k
	return k
}

func (f *flattener) add(path string, s scalar) { f.addTo(f.keyAt([]byte(path)), s) }

func (f *flattener) addPath(s scalar) { f.addTo(f.keyAt(f.path), s) }

func (f *flattener) addTo(k *keyText, s scalar) {
	l := k.key
	if l.seen != f.entry {
		l.seen, l.first, l.rows = f.entry, len(f.out), 0
	} else if k.seen != f.entry {
		f.clashes = append(f.clashes, lowerOf(f.keys, k))
	}
	k.seen = f.entry
	if l.text == "" {
		return
	}
	row := Row{Key: l.text, Null: true}
	if !s.null && (len(s.text) <= maxRowText || !longText(s.text)) {
		if value := strings.ToLower(s.text); len(value) <= maxRowText || !longText(value) {
			row = Row{Key: l.text, Value: value, Original: s.text}
		}
	}
	if f.repeats(l, row) {
		return
	}
	l.rows++
	f.out = append(f.out, row)
}

// repeats reports whether the entity has that value of the key already.
func (f *flattener) repeats(l *lowerKey, row Row) bool {
	if l.rows == 0 {
		return false
	}
	if l.rows < crowded && len(f.out)-l.first < crowdedSpan {
		for i, left := l.first, l.rows; left > 0; i++ {
			if r := &f.out[i]; r.Key == row.Key {
				if left--; r.Null == row.Null && r.Value == row.Value {
					return true
				}
			}
		}
		return false
	}
	return f.repeatsCrowded(l, row)
}

func (f *flattener) repeatsCrowded(l *lowerKey, row Row) bool {
	if f.dataRows == nil {
		f.dataRows = map[rowID]struct{}{}
	}
	if l.inMap != f.entry {
		l.inMap = f.entry
		for _, r := range f.out[l.first:] {
			if r.Key == row.Key {
				f.dataRows[r.id()] = struct{}{}
			}
		}
	}
	if _, ok := f.dataRows[row.id()]; ok {
		return true
	}
	f.dataRows[row.id()] = struct{}{}
	return false
}

func (r Row) id() rowID {
	if r.Null {
		return rowID{r.Key, nullValue}
	}
	return rowID{r.Key, r.Value}
}

// lowerOf finds the full lower-case text of a key, which is not kept for those beyond the length limit.
func lowerOf(keys map[string]*keyText, k *keyText) string {
	if k.key.text != "" {
		return k.key.text
	}
	for raw, other := range keys {
		if other == k {
			return strings.ToLower(raw)
		}
	}
	return ""
}

// addRelations adds "relations.<type>" = target for each relation.
func (f *flattener) addRelations() error {
	if len(f.relations) == 0 || f.relations[0] != '[' {
		return nil
	}
	d := decoder{data: f.relations, pos: 1}
	for first := true; ; first = false {
		done, err := d.next(']', first)
		if done || err != nil {
			return err
		}
		if d.peek() != '{' {
			if err := d.skip(1); err != nil {
				return err
			}
			continue
		}
		if err := f.addRelation(&d); err != nil {
			return err
		}
	}
}

func (f *flattener) addRelation(d *decoder) error {
	d.pos++ // '{'
	kind, target := scalar{text: "undefined"}, scalar{null: true}
	for first := true; ; first = false {
		done, err := d.next('}', first)
		if err != nil {
			return err
		}
		if done {
			break
		}
		key, err := d.string()
		if err != nil {
			return err
		}
		if err := d.colon(); err != nil {
			return err
		}
		if c := d.peek(); c == '{' || c == '[' || (key != "type" && key != "targetRef") {
			err = d.skip(1)
		} else if key == "type" {
			kind, err = d.scalar()
		} else {
			target, err = d.scalar()
		}
		if err != nil {
			return err
		}
	}
	f.path = append(append(f.path[:0], "relations."...), kind.text...)
	f.addPath(target)
	f.path = f.path[:0]
	return nil
}

// longText reports whether s has more than maxRowText UTF-16 units.
func longText(s string) bool {
	if len(s) <= maxRowText {
		return false
	}
	if len(s) > maxRowText*3 {
		return true
	}
	n := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if n++; r > 0xFFFF {
			n++
		}
		i += size
	}
	return n > maxRowText
}
