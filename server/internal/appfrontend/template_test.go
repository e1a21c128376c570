package appfrontend

import (
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/config"
)

func TestRenderTemplate_EvaluatesWhatFrontendTemplatesUse(t *testing.T) {
	c := config.FromYAML("app: {title: Portal, empty: {}, on: true, n: 5, s: five}")
	for source, want := range map[string]string{
		`plain $ {x} % text`:                                       `plain $ {x} % text`,
		`<%= publicPath %>/x`:                                      `/base/x`,
		`<%= config.getString('app.title') %>`:                     `Portal`,
		`<%=config.getOptionalString("app.nope") ?? 'Backstage'%>`: `Backstage`,
		`<%= config.getOptionalString('app.nope') || config.getString("app.title") %>`: `Portal`,
		`<%= config.getOptionalString('app.title') || config.getString('app.nope') %>`: `Portal`,
		`<%= config.getConfig('app').getString('title') %>`:                            `Portal`,
		`<%= config.has('app.title') ? 'yes' : config.getString('nope') %>`:            `yes`,
		`<%= !config.has('app.title') ? 'yes' : 'no' %>`:                               `no`,
		`<%= 'a' + "b" + 1 + (1 + 2) %>`:                                               `ab13`,
		`<%= config.getNumber('app.n') === 5 && config.get('app.s') !== 'six' %>`:      `true`,
		`<%= config.getBoolean('app.on') %>`:                                           `true`,
		`<%= config.getOptionalString('app.nope') %>`:                                  ``,
		`<%- 'it\'s <b>' %>`:                                                                    `it&#39;s &lt;b&gt;`,
		`<% if (config.has('app.title')) { %>A<% } %>B`:                                         `AB`,
		`<% if (config.has('no')) { %>A<%= config.getString('no') %><% } %>B`:                   `B`,
		`<% if (false) { %>A<% } else if (config.has('app.title')) { %>B<% } else { %>C<% } %>`: `B`,
		`<% if (false) { %>A<% } else if (false) { %>B<% } else { %>C<% } %>`:                   `C`,
		`<% if (true) { %>A<% } else if (config.getString('no')) { %>B<% } else { %>C<% } %>`:   `A`,
		`<% if (false) { %><% if (true) { %>A<% } else { %>B<% } %><% } else { %>C<% } %>`:      `C`,
		"<script>x('<%= '</script>\\'' %>')</script><%= '<' %>":                                 "<script>x('\\u003C/script\\u003E\\'')</script>&lt;",
		"<%=\n  config.getString(\n 'app.title'\n)\n%>":                                         `Portal`,
	} {
		got, err := renderTemplate(source, "/base", c)
		if err != nil || got != want {
			t.Errorf("%s\ngot  %q, %v\nwant %q", source, got, err, want)
		}
	}
}

func TestRenderTemplate_RefusesTheRestWithItsLine(t *testing.T) {
	for source, want := range map[string]string{
		"\n<%= process.env %>":                     "index.html.tmpl:2",
		"<%= config.getString('nope') %>":          "no value at 'nope'",
		"<%= config.getString('a.b') %>":           "must be a string",
		"<%= config.getStringArray('a') %>":        "not understood",
		"<%= config.constructor('x') %>":           "not understood",
		"<%= config.get('a') %>":                   "not understood",
		"<% for (;;) { %>":                         "only if, else",
		"<% if (true) { %>":                        "not closed",
		"<% } %>":                                  "no block",
		"<% if (true) %>":                          "opened with {",
		"<% } else { %>":                           "no if",
		"<%= 'a":                                   "without %>",
		"<%>":                                      "without %>",
		"<%= 'a %>":                                "not understood",
		"<%= 1 2 %>":                               "not understood here",
		"<%= (1 %>":                                `")" expected`,
		"<%= true ? 1 %>":                          `":" expected`,
		"<%= publicPath.length %>":                 "not understood",
		"<%= " + strings.Repeat("(", 1000) + " %>": "too deeply",
		"<%= config.getString('a.c').getString('b') %>": "not a configuration",
		"<%= '\\u003c' %>": "numeric escapes",
	} {
		got, err := renderTemplate(source, "", config.FromYAML("a: {b: 5, c: x}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %q, %v; want %q", source, got, err, want)
		}
	}
}

func FuzzRenderTemplate(f *testing.F) {
	for _, seed := range []string{stockTemplate, "<%= 'a' ?? 1 %>", "<% if (x) { %>", "<%=!!!!!1%>", "<% } else if ( { %>"} {
		f.Add(seed)
	}
	c := config.FromYAML("app: {title: Portal}")
	f.Fuzz(func(t *testing.T, source string) {
		got, err := renderTemplate(source, "/base", c)
		if err == nil && !strings.Contains(source, "<%") && got != source {
			t.Fatalf("%q became %q", source, got)
		}
	})
}
