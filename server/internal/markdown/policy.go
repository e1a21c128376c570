package markdown

import (
	"net/url"
	"regexp"

	"github.com/microcosm-cc/bluemonday"

	"github.com/callboard/callboard/server/internal/weblink"
)

// Followable holds for whole addresses of the web. Relative ones would lead into the host's own pages.
func Followable(address string) bool {
	scheme := weblink.Scheme(address)
	return (scheme == "https" || scheme == "http") && weblink.Check(address) == nil
}

func absolute(u *url.URL) bool { return u.Host != "" && Followable(u.String()) }

var (
	ownClass = regexp.MustCompile(`^cb-md-(heading|scroll)$`)
	// ownParts are the classes of parts of code.
	ownParts = regexp.MustCompile(`^cb-md-[knscaid]$`)
	ownID    = regexp.MustCompile(`^cb-md-[\p{L}\p{N}_-]+$`) // slugOf bounds it; counted, the classes of Unicode make megabytes
	ownLabel = regexp.MustCompile(`^(Code|Table)$`)
	// inside are addresses of this host and within the page: one slash, and nothing that a browser reads as two.
	inside = regexp.MustCompile(`^(?:https?://[^\s\\]+|#cb-md-[^\s\\]+|/(?:[^\s/\\][^\s\\]*)?)$`)
	zero   = regexp.MustCompile(`^0$`)
	group  = regexp.MustCompile(`^group$`)
)

// basicPolicy is for descriptions: links are whole.
func basicPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "em", "strong", "del", "code", "ul", "ol", "li", "blockquote", "hr", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowElements("pre", "div")
	p.AllowAttrs("class").Matching(ownClass).OnElements("p", "div")
	p.AllowAttrs("class").Matching(ownParts).OnElements("span")
	p.AllowAttrs("tabindex").Matching(zero).OnElements("pre", "div")
	p.AllowAttrs("role").Matching(group).OnElements("pre", "div")
	p.AllowAttrs("aria-label").Matching(ownLabel).OnElements("pre", "div")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemeWithCustomPolicy("https", absolute)
	p.AllowURLSchemeWithCustomPolicy("http", absolute)
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// documentPolicy also knows headings with ids, links to them and to pages of this host, and pictures.
func documentPolicy() *bluemonday.Policy {
	p := basicPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("id").Matching(ownID).OnElements("h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("href").Matching(inside).OnElements("a")
	p.AllowAttrs("src").Matching(inside).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowRelativeURLs(true)
	return p
}
