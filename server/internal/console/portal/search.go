package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

type searchView struct {
	Notices    []string
	Term       string
	Types      []choice
	Results    []result
	Total      int
	Counted    bool
	Prev, Next string
}

// result is one thing that was found.
type result struct {
	link

	HTML, Body template.HTML // the title and the text, with what was found marked
	Kind, Type string
	Owner      link
}

// found is an answer of the search.
type found struct {
	NumberOfResults                    *int
	NextPageCursor, PreviousPageCursor string
	Results                            []struct {
		Type     string
		Document struct {
			Title, Text, Location, Kind, ComponentType, Owner, Namespace string
		}
		Highlight struct {
			PreTag, PostTag string
			Fields          map[string]string
		}
	}
}

const searchPath = "/console/search"

// maxTerm is what the API takes of a term.
const maxTerm = 100

// search finds entities and pages of documentation.
func (p *Portal) search(v *visit) {
	q := v.URL.Query()
	term := []rune(strings.TrimSpace(q.Get("term")))
	view := searchView{Term: string(term[:min(len(term), maxTerm)])}
	for _, t := range []struct{ value, text string }{{"", "Everything"}, {"software-catalog", "Catalog"}, {"techdocs", "Documentation"}} {
		view.Types = append(view.Types, choice{Value: t.value, Text: t.text, Chosen: t.value == q.Get("type")})
	}
	if view.Term != "" {
		if err := v.find(&view, q); err != nil {
			v.fail(err)
			return
		}
	}
	v.render(http.StatusOK, "search", shell.Page{Title: "Search", Query: view.Term, Data: view})
}

func (v *visit) find(view *searchView, q url.Values) error {
	query := url.Values{"term": {view.Term}}
	if t := q.Get("type"); t != "" {
		query.Set("types[0]", t)
	}
	if cursor := q.Get("cursor"); cursor != "" {
		query.Set("pageCursor", cursor)
	}
	var answer found
	if err := v.api.get(v.Context(), "/search/query", query, &answer); err != nil {
		return err
	}
	if answer.NumberOfResults != nil {
		view.Total, view.Counted = *answer.NumberOfResults, true
	}
	for target, cursor := range map[*string]string{&view.Prev: answer.PreviousPageCursor, &view.Next: answer.NextPageCursor} {
		if cursor != "" {
			*target = searchPath + "?" + with(q, "cursor", cursor)
		}
	}
	for _, r := range answer.Results {
		d := r.Document
		one := result{link: web(consoleLinks(d.Location), d.Title), Kind: strings.ToLower(d.Kind), Type: d.ComponentType}
		if d.Owner != "" {
			one.Owner = link{Text: d.Owner}
		}
		one.HTML = marked(d.Title, r.Highlight.Fields["title"], r.Highlight.PreTag, r.Highlight.PostTag)
		one.Body = marked(clip(d.Text), r.Highlight.Fields["text"], r.Highlight.PreTag, r.Highlight.PostTag)
		view.Results = append(view.Results, one)
	}
	return nil
}

// maxText bounds what is shown of a text.
const maxText = 300

func clip(s string) string {
	if r := []rune(s); len(r) > maxText {
		return strings.TrimSpace(string(r[:maxText])) + "…"
	}
	return s
}

// marked is plain text in which what stands between the tags is marked: the text is escaped, the tags are not part of it.
func marked(plain, highlighted, pre, post string) template.HTML {
	if highlighted == "" || pre == "" || post == "" {
		return template.HTML(template.HTMLEscapeString(plain)) //nolint:gosec // escaped
	}
	var b strings.Builder
	open := false
	for rest := highlighted; rest != ""; {
		tag, mark := pre, "<mark>"
		if open {
			tag, mark = post, "</mark>"
		}
		before, after, found := strings.Cut(rest, tag)
		b.WriteString(template.HTMLEscapeString(before))
		if found {
			b.WriteString(mark)
			open = !open
		}
		rest = after
	}
	if open {
		b.WriteString("</mark>")
	}
	return template.HTML(b.String()) //nolint:gosec // escaped, but for the marks
}
