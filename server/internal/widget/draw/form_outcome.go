package draw

import "github.com/callboard/callboard/sdk/frame"

// Outcome is what became of a form that was sent.
type Outcome struct {
	Message string
	Frames  []*frame.Frame
	// Secret: the frames hold something that is not shown again.
	Secret bool
	// Link leads on, with a title; "" = nowhere.
	Link, LinkTitle string
}

// HTML is what the sender sees in place of the form. It is told at once to who does not see the page.
func (r Outcome) HTML(o Options, entityPath func(ref string) string) string {
	words := lexiconOf(o.Language)
	o = o.withDefaults()
	var m markup
	m.open("div", "class", "cb-outcome", "role", "status", "tabindex", "-1")
	m.element("p", r.Message)
	for _, f := range r.Frames {
		if f.Rows() == 1 {
			m.facts(f, r.Secret, o, entityPath)
			continue
		}
		m.raw(Table(f, o, entityPath))
	}
	if r.Secret {
		m.element("p", words.ask(askSecret), "class", "cb-hint")
	}
	if local(r.Link) || followable(r.Link) {
		m.open("p")
		m.element("a", r.LinkTitle, "class", "cb-button", "href", r.Link, "rel", "noopener noreferrer")
		m.close("p")
	}
	m.close("div")
	return m.String()
}

// facts are the values of one row below each other, which a small screen has room for.
func (m *markup) facts(f *frame.Frame, secret bool, o Options, entityPath func(string) string) {
	w := o.formatter()
	m.open("dl", "class", "cb-facts")
	for _, c := range f.Columns {
		m.element("dt", name(c))
		m.open("dd")
		if text, ok := c.Values[0].(string); ok && secret && c.Type == frame.String {
			m.element("code", text, "class", "cb-secret", "translate", "no")
		} else {
			m.cell(c, 0, w, entityPath)
		}
		m.close("dd")
	}
	m.close("dl")
}
