package auth

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// Discovery tells under which address a plugin is reached: by browsers, and by this host when the plugin runs
// elsewhere (discovery.endpoints).
type Discovery struct {
	base      string
	endpoints []endpoint
}

// endpoint is one entry of discovery.endpoints; an empty pattern is not given.
type endpoint struct {
	plugins            map[string]bool
	internal, external string
}

var pluginIDPlaceholder = regexp.MustCompile(`\{\{\s*pluginId\s*\}\}`)

// NewDiscovery reads backend.baseUrl and discovery.endpoints.
func NewDiscovery(cfg *config.Config) *Discovery {
	backend := cfg.Section("backend")
	base := backend.String("baseUrl", "http://localhost:7007")
	if u, err := url.Parse(base); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		backend.Problem("baseUrl", "must be an absolute http or https URL")
		base = "http://localhost:7007"
	}
	d := &Discovery{base: strings.TrimRight(base, "/")}
	for _, s := range cfg.Section("discovery").Sections("endpoints") {
		e := endpoint{plugins: map[string]bool{}}
		for _, p := range s.Strings("plugins") {
			e.plugins[p] = true
		}
		if target, ok := s.Value("target").(string); ok {
			e.internal, e.external = target, target
		} else {
			e.internal, e.external = s.String("target.internal", ""), s.String("target.external", "")
		}
		for _, pattern := range []string{e.internal, e.external} {
			if strings.Contains(pattern, "+srv://") {
				s.Problem("target", "SRV addresses are not supported: name the host and port")
			}
		}
		d.endpoints = append(d.endpoints, e)
	}
	return d
}

// External is the address of a plugin as browsers know it, such as "https://portal.example.com/api/catalog".
func (d *Discovery) External(plugin string) string {
	if pattern := d.find(plugin, func(e endpoint) string { return e.external }); pattern != "" {
		return expand(pattern, plugin)
	}
	return d.base + "/api/" + url.PathEscape(plugin)
}

// Elsewhere is the address of a plugin that is configured to run outside this host; false when it is not.
func (d *Discovery) Elsewhere(plugin string) (string, bool) {
	pattern := d.find(plugin, func(e endpoint) string { return e.internal })
	return expand(pattern, plugin), pattern != ""
}

// find takes the last entry that names the plugin, then the last that names all, as the reference does.
func (d *Discovery) find(plugin string, side func(endpoint) string) string {
	for _, name := range []string{plugin, "*"} {
		for _, e := range slices.Backward(d.endpoints) {
			if e.plugins[name] && side(e) != "" {
				return side(e)
			}
		}
	}
	return ""
}

func expand(pattern, plugin string) string {
	return strings.TrimRight(pluginIDPlaceholder.ReplaceAllLiteralString(pattern, url.PathEscape(plugin)), "/")
}
