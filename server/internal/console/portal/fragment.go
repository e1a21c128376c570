package portal

import (
	"bytes"
	"context"
	"html/template"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

func timeout(v *visit, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(v.Context(), d)
}

// addresses are the attributes of fragments that lead somewhere.
var addresses = map[string]bool{"href": true, "action": true, "formaction": true, "src": true}

// fragment is HTML that the host has made, with its addresses replaced by where to send them instead. The host's features
// escape and sanitise what they draw; nothing else may be given to it.
func fragment(body []byte, to func(string) string) template.HTML {
	var out bytes.Buffer
	tokens := html.NewTokenizer(bytes.NewReader(body))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return template.HTML(out.String()) //nolint:gosec // made by the host's own features, as the comment says
		}
		raw := bytes.Clone(tokens.Raw())
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.Write(raw)
			continue
		}
		token, changed := tokens.Token(), false
		for i, a := range token.Attr {
			if !addresses[a.Key] {
				continue
			}
			if next := to(a.Val); next != a.Val {
				token.Attr[i].Val, changed = next, true
			}
		}
		if changed {
			out.WriteString(token.String())
		} else {
			out.Write(raw)
		}
	}
}

// consoleLinks leads from pages of the frontend to those of the console, to entities and their documentation, and from the
// API's address of a form to the console's, where a browser sends it with the cookie.
func consoleLinks(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return address
	}
	path, suffix := u.EscapedPath(), strings.TrimPrefix(address, u.EscapedPath())
	if rest, ok := strings.CutPrefix(path, "/api/widgets/v1/forms/"); ok {
		return "/console/forms/" + rest + suffix
	}
	if rest, ok := strings.CutPrefix(path, "/catalog/"); ok {
		return catalogPath + "/" + rest + suffix
	}
	if rest, ok := strings.CutPrefix(path, "/docs/"); ok {
		parts := strings.SplitN(rest, "/", 4)
		if len(parts) < 3 {
			return address
		}
		below := ""
		if len(parts) == 4 {
			below = "/" + parts[3]
		}
		return catalogPath + "/" + strings.Join(parts[:3], "/") + "/docs" + strings.TrimSuffix(below, "/") + suffix
	}
	return address
}
