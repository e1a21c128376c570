package embedpage

import (
	"cmp"
	"errors"
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// The size of a frame for which neither its address nor the consumer says one. The height is for widgets that are as high as
// what is in them, such as tables; a picture is as high as it is drawn, so that nothing of the page moves when it comes.
const (
	usualWidth  = 640
	usualHeight = 320
)

// consolePages are the pages of the console that show one widget each, by its id.
const consolePages = "/console/widgets/"

// card is an answer of the oEmbed provider (oEmbed 1.0). It says what the address itself says, and the title of the
// widget, which is the same for every entity.
type card struct {
	Version      string `json:"version"`
	Type         string `json:"type"` // rich, or link where the address names no embedding app, without which nothing can be framed
	Title        string `json:"title"`
	ProviderName string `json:"provider_name"`
	ProviderURL  string `json:"provider_url"`
	CacheAge     int    `json:"cache_age"` // seconds
	HTML         string `json:"html,omitempty"`
	Width        int    `json:"width,omitempty"`
	Height       int    `json:"height,omitempty"`
}

// OEmbedAddress is where a page of this host, by its whole address, is described to consumers of oEmbed. It belongs into
// a link with rel="alternate" and type="application/json+oembed".
func (p *Pages) OEmbedAddress(page string) string {
	return p.settings.Backend.String() + widgetsAPI + "/oembed?" + url.Values{"format": {"json"}, "url": {page}}.Encode()
}

// oembed answers what is at an address. Nobody has asked who is calling.
func (p *Pages) oembed(query url.Values) (card, error) {
	if format := query.Get("format"); format != "" && format != "json" {
		return card{}, apierror.Newf(apierror.NotImplemented, "format: only json is answered")
	}
	if query.Get("url") == "" {
		return card{}, apierror.Inputf("url: must be the address of a widget of this host")
	}
	widget, framed, target := p.widgetAt(query.Get("url"))
	title, installed := p.title(widget)
	if !installed {
		return card{}, apierror.NotFoundf("url: there is no widget of this host at that address")
	}
	q, err := readQuestion(widget, target)
	if named, bad := errors.AsType[*apierror.Error](err); bad {
		return card{}, apierror.Inputf("url: its parameter %s", named.Message)
	}
	c := card{Version: "1.0", Type: "link", Title: cmp.Or(title, widget), ProviderName: "Callboard", ProviderURL: p.settings.Backend.String(), CacheAge: 3600}
	if q.App == "" && !framed {
		return c, nil
	}
	if _, _, known := p.apps.Find(q.App); !known {
		return card{}, apierror.NotFoundf("url: its parameter app names no embedding app of this host")
	}
	return p.rich(c, q, query)
}

// widgetAt is the id of the widget that an address shows, "" when it is none of this host's. framed tells addresses of
// frames from those of the console.
func (p *Pages) widgetAt(address string) (widget string, framed bool, query url.Values) {
	u, err := url.Parse(address)
	base := p.settings.Backend
	if err != nil || !sameOrigin(u, base) || u.User != nil || u.RawPath != "" {
		return "", false, nil
	}
	path, below := strings.CutPrefix(u.Path, base.Path)
	if !below {
		return "", false, nil
	}
	widget, framed = strings.CutPrefix(path, embedPrefix+"frame/")
	if !framed {
		if widget, below = strings.CutPrefix(path, consolePages); !below {
			return "", false, nil
		}
	}
	if !widgetForm.MatchString(widget) {
		return "", false, nil
	}
	return widget, framed, u.Query()
}

// sameOrigin reports whether both are addresses of one origin; an empty address is of none.
func sameOrigin(a, b *url.URL) bool {
	return a.Host != "" && a.Scheme == b.Scheme && strings.EqualFold(hostPort(a), hostPort(b))
}

// hostPort names the port also where it is the scheme's own.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Hostname() + ":" + port
}

var frameElement = template.Must(template.New("iframe").Parse(`<iframe src="{{.Src}}" title="{{.Title}}" width="{{.Width}}" height="{{.Height}}" ` +
	`loading="lazy" referrerpolicy="no-referrer" sandbox="allow-scripts allow-same-origin allow-forms allow-popups" style="border:0"></iframe>`))

// rich adds the frame, no larger than the consumer takes.
func (p *Pages) rich(c card, q question, query url.Values) (card, error) {
	c.Type, c.Width, c.Height = "rich", usualWidth, cmp.Or(p.height(q.Widget), usualHeight)
	if q.Height != "" {
		c.Height, _ = strconv.Atoi(q.Height) // it is a number
	}
	for name, size := range map[string]*int{"maxwidth": &c.Width, "maxheight": &c.Height} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		most, err := strconv.Atoi(text)
		if err != nil || most < 1 || most > 100_000 {
			return card{}, apierror.Inputf("%s: must be a number of pixels", name)
		}
		*size = min(*size, most)
	}
	var b strings.Builder
	err := frameElement.Execute(&b, struct {
		Src, Title    string
		Width, Height int
	}{p.frameAddress(q), c.Title, c.Width, c.Height})
	c.HTML = b.String()
	return c, err
}

// frameAddress is the whole address of a frame.
func (p *Pages) frameAddress(q question) string {
	return p.settings.Backend.String() + embedPrefix + "frame/" + q.Widget + "?" + q.query().Encode()
}
