package draw

import (
	_ "embed"
	"strings"
)

// Theme is the colour scheme of what is drawn.
type Theme string

// The themes. The zero value is the page's: what CSS calls its color-scheme.
const (
	Inherit Theme = ""
	Light   Theme = "light"
	Dark    Theme = "dark"
	Auto    Theme = "auto" // the viewer's
)

// token is a part of the look that pages may set as a custom property, --callboard-<name>, on a widget or around it.
type token struct {
	name        string
	light, dark string // the same for both if dark is ""
}

// colours are the tokens that are colours. Contrast of each pair that is shown together is held by a test.
var colours = []token{
	{"bg", "#ffffff", "#161b22"}, {"surface", "#f4f6f8", "#1e242c"}, {"text", "#1c2128", "#e6e9ee"}, {"text-muted", "#59636e", "#9aa4b0"},
	{"border", "#d8dde3", "#39414b"}, {"accent", "#0b62c4", "#6cb0ff"}, {"focus", "#0b62c4", "#6cb0ff"},
	{"ok", "#1a7f37", "#4cc46a"}, {"warn", "#8a5a00", "#e3b341"}, {"danger", "#c22b2b", "#ff7b72"}, {"info", "#0b62c4", "#6cb0ff"},
	{"c1", "#2166ac", "#6aa9e0"}, {"c2", "#b35806", "#f0a04b"}, {"c3", "#1b7837", "#66c27c"}, {"c4", "#762a83", "#c48bd0"},
	{"c5", "#01665e", "#4fbdb1"}, {"c6", "#c51b7d", "#f078b5"}, {"c7", "#6b5b00", "#cdbb4e"}, {"c8", "#4d4d4d", "#b5b5b5"},
}

// measures are the other tokens.
var measures = []token{
	{"font", `system-ui,-apple-system,"Segoe UI",Roboto,sans-serif`, ""}, {"font-mono", "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace", ""},
	{"size", "13px", ""}, {"radius", "6px", ""}, {"space", "8px", ""},
}

//go:embed chart.css
var chartCSS string

//go:embed draw.css
var pageCSS string

//go:embed form.css
var formCSS string

// Stylesheet is the CSS that charts, tables, states and forms need in a page. All of it is below the class cb-widget. Its colours
// and measures are custom properties, --callboard-text and others, which a page sets where it likes; the aliases --cb-text
// and so on are the package's own.
var Stylesheet = aliases() + chartCSS + pageCSS + formCSS

// pictureStyle is what a picture needs that is a document of its own.
var pictureStyle = strings.ReplaceAll(aliases()+chartCSS, "\n", "")

// aliases gives each token its default.
func aliases() string {
	var b strings.Builder
	b.WriteString(".cb-widget{")
	for _, t := range colours {
		b.WriteString("--cb-" + t.name + ":var(--callboard-" + t.name + ",light-dark(" + t.light + "," + t.dark + "));")
	}
	for _, t := range measures {
		b.WriteString("--cb-" + t.name + ":var(--callboard-" + t.name + "," + t.light + ");")
	}
	b.WriteString("}\n")
	return b.String()
}

// class is the class of a root element in that theme.
func (t Theme) class() string {
	switch t {
	case Light:
		return " cb-light"
	case Dark:
		return " cb-dark"
	case Auto:
		return " cb-auto"
	}
	return ""
}

// Known reports whether there is such a theme.
func (t Theme) Known() bool { return t == Inherit || t.class() != "" }
