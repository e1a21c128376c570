package builtin

import "bytes"

// probe is how much of a file decides whether it is text.
const (
	probe        = 512
	probeReserve = 3 // of a character that begins within the probe
)

// isBinary decides as npm isbinaryfile does, so that the same files of a skeleton are rendered: marks of known encodings,
// a NUL, or more than a tenth of bytes that are no UTF-8 text.
func isBinary(data []byte) bool {
	data = data[:min(len(data), probe+probeReserve)]
	switch {
	case len(data) == 0, hasTextMark(data):
		return false
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return true
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}), bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return false // UTF-16
	}
	scan := min(len(data), probe)
	suspicious := 0
	for i := 0; i < scan; i++ {
		b := data[i]
		if b == 0 {
			return true
		}
		if b >= 7 && b <= 14 || b >= 32 && b <= 127 {
			continue
		}
		size, ok := sequence(data[i:])
		if i += size; ok {
			continue
		}
		if suspicious++; i >= 32 && suspicious*100 > scan*10 {
			return true
		}
	}
	return suspicious*100 > scan*10 || suspicious > 1 && isProtobuf(data[:scan])
}

func hasTextMark(data []byte) bool {
	for _, mark := range [][]byte{{0xef, 0xbb, 0xbf}, {0, 0, 0xfe, 0xff}, {0xff, 0xfe, 0, 0}, {0x84, 0x31, 0x95, 0x33}} {
		if bytes.HasPrefix(data, mark) {
			return true
		}
	}
	return false
}

// sequence reports whether data begins with a character of several bytes, and how many bytes after the first are used up;
// as in isbinaryfile a broken character uses one up.
func sequence(data []byte) (more int, ok bool) {
	var length int
	switch b := data[0]; {
	case b >= 0xc0 && b <= 0xdf:
		length = 1
	case b >= 0xe0 && b <= 0xef:
		length = 2
	case b >= 0xf0 && b <= 0xf7:
		length = 3
	}
	if length == 0 || len(data) <= length {
		return 0, false
	}
	for _, b := range data[1 : length+1] {
		if b&0xc0 != 0x80 {
			return 1, false
		}
	}
	return length, true
}

// isProtobuf reports whether data reads as a sequence of protobuf fields up to its end.
func isProtobuf(data []byte) bool {
	for fields := 0; ; fields++ {
		key, rest, ok := varint(data)
		if !ok {
			return fields > 0
		}
		var skip uint64
		switch key & 7 {
		case 0:
			_, rest, ok = varint(rest)
		case 1:
			skip = 8
		case 2:
			skip, rest, ok = varint(rest)
		case 5:
			skip = 4
		default:
			return false
		}
		if !ok || skip > uint64(len(rest)) {
			return fields > 0
		}
		data = rest[skip:]
	}
}

func varint(data []byte) (v uint64, rest []byte, ok bool) {
	for i, b := range data {
		if i > 10 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return v, data[i+1:], true
		}
	}
	return 0, nil, false
}
