package proxy

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// rawPath is the escaped path below the mount, as it came.
func rawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// cutRoute takes a route's segments off the front of an escaped path. Letters match in any case, as in the reference, and
// slashes may be repeated; an escaped letter or slash matches nothing.
func cutRoute(path string, route []string) (rest string, ok bool) {
	for _, want := range route {
		trimmed := strings.TrimLeft(path, "/")
		if trimmed == path {
			return "", false
		}
		end := strings.IndexByte(trimmed, '/')
		if end < 0 {
			end = len(trimmed)
		}
		if !sameSegment(trimmed[:end], want) {
			return "", false
		}
		path = trimmed[end:]
	}
	return path, true
}

// sameSegment folds case; a letter that folds to one of another length, as U+212A does to k, is another letter.
func sameSegment(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// maxDecodings is how often a path may be escaped over and over.
const maxDecodings = 8

// understood is a path as the most generous server would read it: decoded until nothing changes, back slashes as slashes,
// without what follows a semicolon, empty segments and single dots. ok is false for paths that are refused: with parent
// segments in any spelling, or that are not escaped UTF-8.
func understood(path string) (segments []string, ok bool) {
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) {
		return nil, false
	}
	for n := 1; ; n++ {
		again := decodeOnce(decoded)
		if again == decoded {
			break
		}
		if n == maxDecodings {
			return nil, false
		}
		decoded = again
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(decoded, `\`, "/"), "/") {
		name, _, _ := strings.Cut(segment, ";")
		name = strings.TrimFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
		switch name {
		case "..":
			return nil, false
		case "", ".":
		default:
			segments = append(segments, name)
		}
	}
	return segments, true
}

// decodeOnce decodes what is an escape and leaves the rest.
func decodeOnce(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if isEscape(s[i:]) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isEscape(s string) bool { return len(s) > 2 && s[0] == '%' && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	default:
		return c - 'A' + 10
	}
}

// under reports whether segments begin with those of a route.
func under(segments, route []string) bool {
	return len(segments) >= len(route) && slices.EqualFunc(segments[:len(route)], route, sameSegment)
}

// joinPath puts the target's path before a request's. Repeated slashes become one, as in the reference.
func joinPath(base, path string) string {
	joined := base + "/" + path
	var b strings.Builder
	b.Grow(len(joined))
	for i := range len(joined) {
		if joined[i] != '/' || i == 0 || joined[i-1] != '/' {
			b.WriteByte(joined[i])
		}
	}
	return b.String()
}

// The bytes that stay as they are in a path and in a query, besides letters, digits and escapes.
const (
	plainInPath  = "-._~!$&'()*+,;=:@/[]"
	plainInQuery = plainInPath + "?|{}^`\\"
)

// escape escapes what may not stand in a request target. Escapes are left as they are, so that nothing changes its meaning.
func escape(s, plain string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		case c == '%' && (isEscape(s[i:]) || plain == plainInQuery): // a lone % in a query means itself
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
