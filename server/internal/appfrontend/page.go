package appfrontend

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

const (
	templateName = "index.html.tmpl"

	noStore    = "no-store, max-age=0"
	longCache  = "public, max-age=1209600"
	revalidate = "no-cache"
)

// page is what depends on the configuration, rendered once per configuration.
type page struct {
	basePath  string // path of app.baseUrl without the last slash; requests may come with or without it
	index     *document
	chunkName string    // of the script that carries the configuration in builds without a template
	chunk     *document // nil when there is none
	scripts   []string  // files that the page loads
	// loaderName is the script before all others, loader its content; nil when the page loads no features of the host.
	loaderName string
	loader     *document
}

// document is a rendered body with its headers.
type document struct {
	contentType, cacheControl, etag string
	body, gz                        []byte
}

func newDocument(contentType, cacheControl string, body []byte) *document {
	sum := sha1.Sum(body) //nolint:gosec // the reference's tag; it protects nothing
	etag := fmt.Sprintf(`W/"%x-%s"`, len(body), base64.StdEncoding.EncodeToString(sum[:])[:27])
	return &document{contentType: contentType, cacheControl: cacheControl, etag: etag, body: body, gz: compress(body)}
}

func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.contentType)
	h.Set("Cache-Control", d.cacheControl)
	h.Set("ETag", d.etag)
	serveBody(w, r, d.etag, d.body, d.gz)
}

// render makes the page for a configuration: from the template if there is one, else from index.html and the script
// that waits for its configuration.
func (f *Frontend) render(c *config.Config) (*page, error) {
	visible := c.Frontend(f.schema)
	base := baseURL(visible)
	p := &page{basePath: strings.TrimRight(base.Path, "/")}
	f.readLoader(p, c)
	if c.Root().Bool("app.disableConfigInjection", false) {
		return p, f.renderPlain(p, nil)
	}
	for _, key := range []string{"app.baseUrl", "backend.baseUrl"} {
		if !visible.Root().Has(key) {
			f.log.Warn("the frontend cannot start without this key", "key", key)
		}
	}
	injected, err := injection(visible)
	if err != nil {
		return nil, err
	}
	source, err := f.root.ReadFile(templateName)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.renderChunk(p, injected); err != nil {
			return nil, err
		}
		return p, f.renderPlain(p, nil)
	}
	if err != nil {
		return nil, err
	}
	html, err := renderTemplate(string(source), strings.TrimRight(base.EscapedPath(), "/"), visible.Config)
	if err != nil {
		f.log.Warn("the frontend's template uses more of JavaScript than is understood; its index.html is served instead, with the configuration put in", "error", err)
		return p, f.renderPlain(p, injected)
	}
	p.finish(insertConfig(html, injected))
	return p, nil
}

// renderPlain serves index.html, with the configuration in place of the one from its build if injected is not nil.
func (f *Frontend) renderPlain(p *page, injected []byte) error {
	html, err := f.root.ReadFile("index.html")
	if err != nil {
		return fmt.Errorf("there is no usable page: %w", err)
	}
	text := string(html)
	if injected != nil {
		text = insertConfig(builtConfig.ReplaceAllLiteralString(text, ""), injected)
	}
	p.finish(text)
	return nil
}

var (
	builtConfig = regexp.MustCompile(`(?s)<script type="backstage\.io/config">.*?</script>`)
	scriptFile  = regexp.MustCompile(`(?:src|href)="[^"]*?/?(static/[^"?#]+\.(?:js|css))"`)
)

func (p *page) finish(html string) {
	for _, m := range scriptFile.FindAllStringSubmatch(html, -1) {
		p.scripts = append(p.scripts, m[1])
	}
	p.index = newDocument("text/html; charset=utf-8", noStore, []byte(p.withLoader(html)))
}

// injection is the JSON text that the frontend looks for: a list of configurations, later ones win.
func injection(visible config.FrontendConfig) ([]byte, error) {
	var data strings.Builder
	if err := visible.Print(&data, config.JSON, false); err != nil {
		return nil, err
	}
	deprecated := visible.Deprecated
	if deprecated == nil {
		deprecated = []config.DeprecatedKey{}
	}
	return json.MarshalIndent([]struct {
		Context        string                 `json:"context"`
		DeprecatedKeys []config.DeprecatedKey `json:"deprecatedKeys"`
		Data           json.RawMessage        `json:"data"`
	}{{"app", deprecated, json.RawMessage(data.String())}}, "", "  ")
}

// insertConfig puts the configuration at the end of the head. No value can end the element early: in JSON, "<" can only
// stand in a string, and package json writes it as an escape there.
func insertConfig(html string, injected []byte) string {
	script := "\n<script type=\"backstage.io/config\">\n" + string(injected) + "\n</script>\n"
	if head := strings.Index(html, "</head>"); head >= 0 {
		return html[:head] + script + html[head:]
	}
	return html + script
}

const (
	runtimeConfig = `"__APP_INJECTED_RUNTIME_CONFIG__"`
	markerStart   = "/*__APP_INJECTED_CONFIG_MARKER__*/"
	markerEnd     = "/*__INJECTED_END__*/"
)

var injectedBefore = regexp.MustCompile(regexp.QuoteMeta(markerStart) + `.*?` + regexp.QuoteMeta(markerEnd))

// renderChunk finds the script of older builds that holds a placeholder for the configuration and keeps a copy with the
// configuration in it. The file itself stays as it is.
func (f *Frontend) renderChunk(p *page, injected []byte) error {
	names, err := fs.Glob(f.root.FS(), "static/*.js")
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, injected); err != nil {
		return err
	}
	text, err := json.Marshal(compact.String())
	if err != nil {
		return err
	}
	replacement := markerStart + string(text) + markerEnd
	for _, name := range names {
		script, err := f.root.ReadFile(name)
		if err != nil {
			return err
		}
		content := string(script)
		switch {
		case strings.Contains(content, runtimeConfig):
			content = strings.ReplaceAll(content, runtimeConfig, replacement)
		case strings.Contains(content, markerStart):
			content = injectedBefore.ReplaceAllLiteralString(content, replacement)
		default:
			continue
		}
		p.chunkName, p.chunk = name, newDocument(contentType(name), revalidate, []byte(content))
		return nil
	}
	f.log.Info("the frontend has neither a template nor a script that takes configuration: it runs with the one of its build")
	return nil
}

// baseURL is app.baseUrl; without a valid one the frontend lives at the root.
func baseURL(visible config.FrontendConfig) *url.URL {
	u, err := url.Parse(visible.Root().String("app.baseUrl", "/"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// strip removes the path of app.baseUrl, for proxies that leave it on.
func (p *page) strip(urlPath string) string {
	if rest, ok := strings.CutPrefix(urlPath, p.basePath); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	return urlPath
}
