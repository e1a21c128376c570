package docsite

import (
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/callboard/callboard/server/internal/markdown"
)

// kind is what an address leads to.
type kind uint8

const (
	nowhere kind = iota
	web          // a whole address
	here         // a part of the same page
	page         // another page of the site
	file         // a file of the site
)

type address struct {
	kind     kind
	path     string // in the site; of the web the whole address
	fragment string // id, "" = none
}

// resolve reads an address of a page. Those that begin with a slash, and those that would lead out of the site, lead nowhere.
func (w *writer) resolve(text string) address {
	text = strings.TrimSpace(text)
	if markdown.Followable(text) {
		return address{kind: web, path: text}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(u.Path, "\\\x00") || strings.HasPrefix(u.Path, "/") {
		return address{}
	}
	fragment := ""
	if u.Fragment != "" {
		fragment = idOf(u.Fragment)
	}
	if u.Path == "" {
		if fragment == "" {
			return address{}
		}
		return address{here, "", fragment}
	}
	joined := path.Join(path.Dir(w.o.Path), u.Path)
	if joined == ".." || strings.HasPrefix(joined, "../") || strings.HasPrefix(joined, "/") {
		return address{}
	}
	if joined == "." {
		joined = ""
	}
	for part := range strings.SplitSeq(joined, "/") {
		if strings.HasPrefix(part, ".") {
			return address{}
		}
	}
	extension := strings.ToLower(path.Ext(joined))
	if extension != "" && extension != ".html" && extension != ".htm" && !strings.HasSuffix(u.Path, "/") {
		return address{file, joined, ""}
	}
	return address{page, strings.TrimSuffix(joined, "index.html"), fragment}
}

// idOf is the id that a part gets here.
func idOf(id string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '.' || r == ':' {
			return r
		}
		return '-'
	}, id))
	return "cb-md-" + string(runes[:min(len(runes), 100)])
}

// escaped is a path of the site for an address.
func escaped(p string) string { return (&url.URL{Path: p}).EscapedPath() }
