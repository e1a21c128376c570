package apidocs

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/docsite"
	"github.com/callboard/callboard/server/internal/apidocs/page"
	"github.com/callboard/callboard/server/internal/markdown"
)

// Sites are the sites of documentation that are published for entities.
type Sites interface {
	// File is a file of an entity's site. [fs.ErrNotExist] when there is none of that name, or it has more than most bytes.
	File(ref entity.Ref, name string, most int64) ([]byte, error)
}

// Texts answers the text that stands for an entity without a site: the README beside its description.
type Texts interface {
	// Readme is Markdown and where it stands. [fs.ErrNotExist] when there is none. It is asked on the goroutine of a request
	// and must not take longer than ctx.
	Readme(ctx context.Context, of entity.Entity) (text, source string, err error)
}

// DocsWidget is what an embedding page must be allowed to show documentation.
const DocsWidget = "techdocs/page"

// Bounds of what one page of documentation is made of.
const (
	mostPage     = 4 << 20
	mostPicture  = 256 << 10
	mostPictures = 2 << 20 // bytes that are put into one page
)

// documentation draws the pages of one site.
type documentation struct {
	sites Sites
	of    entity.Ref
	// embedded pages are shown in other origins, where pictures come without credentials and so must be in the page.
	embedded bool
	static   string // address of the site's files
	base     string // address of its pages
	pictures int    // bytes of pictures that are in the page
}

// file finds the file of a page: a path without an ending is that of a folder.
func (d *documentation) file(name string) (raw []byte, at string, err error) {
	name = strings.Trim(name, "/")
	candidates := []string{path.Join(name, "index.html")}
	if ext := strings.ToLower(path.Ext(name)); ext == ".html" || ext == ".htm" {
		candidates = []string{name}
	}
	for _, at = range candidates {
		if raw, err = d.sites.File(d.of, at, mostPage); err == nil {
			return raw, at, nil
		}
	}
	return nil, "", err
}

// page draws a page of the site; [fs.ErrNotExist] when there is none.
func (d *documentation) page(name string, o page.Options) (string, error) {
	raw, at, err := d.file(name)
	if err != nil {
		return "", err
	}
	p, err := docsite.Read(raw, docsite.Options{Path: at, Level: levelOf(o), Page: func(to string) string { return page.DocAddress(d.base, to) },
		File: func(to string) string { return page.DocAddress(d.static, to) }, Image: d.image})
	if err != nil {
		return "", apierror.NotFoundf("The page %q cannot be shown: %v", name, err)
	}
	title := p.Title
	if title == "" {
		title = d.of.Name
	}
	return page.Doc(page.Text{Title: title, HTML: p.HTML, Headings: p.Headings, Pages: p.Pages}, o), nil
}

func levelOf(o page.Options) int {
	switch {
	case o.Level > 0:
		return o.Level
	case o.Fragment:
		return 2
	}
	return 1
}

// pictureTypes are what browsers draw without running anything. The host serves SVG as text, so that is always in the page.
var pictureTypes = map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml"}

func (d *documentation) image(name string) string {
	ext := strings.ToLower(path.Ext(name))
	kind := pictureTypes[ext]
	if kind == "" {
		return ""
	}
	if !d.embedded && ext != ".svg" {
		return page.DocAddress(d.static, name)
	}
	raw, err := d.sites.File(d.of, name, mostPicture)
	if err != nil || d.pictures+len(raw) > mostPictures {
		return ""
	}
	d.pictures += len(raw)
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(raw)
}

// readme draws the text beside an entity's description. Its links lead nowhere but to the web: its other files are not here.
func readme(ctx context.Context, texts Texts, of entity.Entity, o page.Options) (string, error) {
	text, source, err := texts.Readme(ctx, of)
	if err != nil {
		return "", err
	}
	r := markdown.Document(text, markdown.Options{Level: levelOf(o), Link: besides(source), Code: true})
	title := of.Name()
	for _, h := range r.Headings {
		if h.Level == 1 {
			title = h.Text
			break
		}
	}
	return page.Doc(page.Text{Title: title, HTML: r.HTML, Headings: r.Headings, Footer: "From " + source}, o), nil
}

// besides resolves a link of a text against where it stands on the web. What comes of it is a whole address, which the
// renderer takes as one; nil where the text stands elsewhere.
func besides(source string) func(string) (string, bool) {
	base, err := url.Parse(source)
	if err != nil || !markdown.Followable(source) {
		return nil
	}
	return func(address string) (string, bool) {
		u, err := url.Parse(address)
		if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(address, `\`) {
			return "", false
		}
		to := base.ResolveReference(u).String()
		return to, markdown.Followable(to)
	}
}

// absent reports whether there is nothing to show, as opposed to something that went wrong.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
