package embedpage

import (
	"net/url"
	"time"
)

// Hurry shortens how long another backend is waited for.
func (p *Pages) Hurry(d time.Duration) { p.features.upstream.client.Timeout = d }

// ReadList is readList.
var ReadList = readList

// Describe is what the oEmbed provider answers.
func (p *Pages) Describe(query url.Values) (kind, title, html string, width, height int, err error) {
	c, err := p.oembed(query)
	return c.Type, c.Title, c.HTML, c.Width, c.Height, err
}
