package index

import (
	"bytes"
	"strconv"
)

// Member is one member of a serialised object. Both parts may be views of it.
type Member struct {
	Key string
	Raw []byte
}

// Members appends the members of a serialised object to into, without decoding their values. What is not an object, or
// not valid JSON up to its end, has those read so far.
func Members(into []Member, object []byte) []Member {
	d := decoder{data: object}
	d.space()
	if d.peek() != '{' {
		return into
	}
	d.pos++
	for first := true; ; first = false {
		if done, err := d.next('}', first); done || err != nil {
			return into
		}
		key, err := d.string()
		if err != nil || d.colon() != nil {
			return into
		}
		start := d.pos
		if d.skip(1) != nil {
			return into
		}
		into = append(into, Member{Key: key, Raw: bytes.TrimRight(object[start:d.pos:d.pos], " \t\r\n")})
	}
}

// Elements appends the elements of a serialised list as members whose keys are their indexes, as [Members] does.
func Elements(into []Member, list []byte) []Member {
	d := decoder{data: list}
	d.space()
	if d.peek() != '[' {
		return into
	}
	d.pos++
	for i := 0; ; i++ {
		if done, err := d.next(']', i == 0); done || err != nil {
			return into
		}
		d.space()
		start := d.pos
		if d.skip(1) != nil {
			return into
		}
		into = append(into, Member{Key: strconv.Itoa(i), Raw: bytes.TrimRight(list[start:d.pos:d.pos], " \t\r\n")})
	}
}
