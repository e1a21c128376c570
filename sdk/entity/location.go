package entity

import (
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Location is where entities are read from: a type, such as "url" or "file", and a target.
type Location struct{ Type, Target string }

// String is "<type>:<target>".
func (l Location) String() string { return l.Type + ":" + l.Target }

// ParseLocation reads "<type>:<target>". Errors are the reference's TypeErrors, word for word. A bare URL is refused
// with the advice to prefix it, and so is a target that a browser would run as script.
func ParseLocation(s string) (Location, error) {
	typ, target, found := strings.Cut(s, ":")
	l := Location{Type: strings.TrimSpace(typ), Target: strings.TrimSpace(target)}
	switch {
	case !found || l.Type == "" || l.Target == "":
		return Location{}, apierror.TypeErrorf(
			"Unable to parse location ref '%s', expected '<type>:<target>', e.g. 'url:https://host/path'", s)
	case l.Type == "http" || l.Type == "https":
		return Location{}, apierror.TypeErrorf(
			"Invalid location ref '%s', please prefix it with 'url:', e.g. 'url:%s'", s, s)
	case IsScriptURL(l.Target):
		return Location{}, apierror.TypeErrorf("Invalid location ref '%s', target is a javascript: URL", s)
	}
	return l, nil
}

// IsScriptURL reports whether a browser would take s for a javascript: URL: the scheme in any case, after control
// characters and blanks, with line breaks and tabs between its letters.
func IsScriptURL(s string) bool {
	return hasScheme(s, "javascript")
}

func hasScheme(s, scheme string) bool {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r <= ' ' })
	i := 0
	for _, c := range []byte(s) {
		switch {
		case i > 0 && (c == '\r' || c == '\n' || c == '\t'):
		case i == len(scheme):
			return c == ':'
		case c|0x20 == scheme[i]:
			i++
		default:
			return false
		}
	}
	return false
}
