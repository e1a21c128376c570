package appfrontend

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"

	"github.com/callboard/callboard/server/internal/config"
)

// RemotesKey is the configuration key by which the served build, as it is, gets the features that the host has for it:
// its page then loads [Options.FeatureLoader] first.
const RemotesKey = "callboard.frontend.remotes"

// loaderPackage is the name under which an app's own list of packages, app.packages, lets the loader in.
const loaderPackage = "@callboard/backstage-feature-loader"

// firstScript finds the first of the build's own scripts: what stands before src, where static/ is, what stands after.
var firstScript = regexp.MustCompile(`(?i)<script\b([^>]*?)\ssrc="([^"]*?)static/[^"]+\.js"([^>]*)>`)

// deferredScript tells that a script runs after the page is parsed, in the order of the page.
var deferredScript = regexp.MustCompile(`(?i)\sdefer\b|\stype="module"`)

// withLoader puts the feature loader before the first script of the build, which it must run before: it waits for that
// build to name its features. It is a file of the page's own folder, static, so that the path of app.baseUrl and the
// content security policy hold for it as for the build's own. Pages without scripts stay as they are.
func (p *page) withLoader(html string) string {
	m := firstScript.FindStringSubmatchIndex(html)
	if p.loader == nil || m == nil {
		return html
	}
	attributes, folder := html[m[2]:m[3]]+html[m[6]:m[7]], html[m[4]:m[5]]
	waits := ""
	if deferredScript.MatchString(attributes) {
		waits = "defer "
	}
	return html[:m[0]] + `<script ` + waits + `src="` + folder + p.loaderName + `"></script>` + html[m[0]:]
}

// readLoader keeps the loader for a page whose configuration asks for it.
func (f *Frontend) readLoader(p *page, c *config.Config) {
	if !c.Root().Bool(RemotesKey, false) {
		return
	}
	if len(f.loader) == 0 {
		f.log.Warn("the frontend gets no features of this host: the program was built without the browser files; run make build", "key", RemotesKey)
		return
	}
	if !detects(c.Root()) {
		f.log.Warn("the frontend takes no features of this host: app.packages must be all, or include the loader", "key", RemotesKey, "include", loaderPackage)
	}
	sum := sha256.Sum256(f.loader)
	p.loaderName = "static/callboard-feature-loader." + hex.EncodeToString(sum[:8]) + ".js"
	p.loader = newDocument(contentType(p.loaderName), longCache, f.loader)
}

// detects tells whether the frontend looks at the features that it finds, and at the loader among them. What is wrong
// with app.packages is the frontend's own business.
func detects(c *config.Section) bool {
	chosen, some := c.Value("app.packages").(map[string]any)
	if !some {
		return c.Has("app.packages")
	}
	lists := func(key string) bool {
		names, _ := chosen[key].([]any)
		return slices.Contains(names, any(loaderPackage))
	}
	return !lists("exclude") && (chosen["include"] == nil || lists("include"))
}
