package embedpage

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// question is what the address of a frame asks for. Every value has the form of its kind; whether anything of it exists
// is for those to say who have a token. "" = not given.
type question struct {
	Widget, App                   string
	Entity, Args, Range, From, To string
	Zone, Theme, Language, Height string
	HeadingLevel                  string
}

// widgetForm is the form of a widget's id.
var widgetForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,49}/[a-z0-9][a-z0-9._-]{0,63}$`)

// parameter is one value of the query: where it is kept, and the rule for it, which answers what is wrong, "" = nothing.
type parameter struct {
	name  string
	into  func(*question) *string
	wrong func(string) string
}

var parameters = []parameter{
	{"entityRef", func(q *question) *string { return &q.Entity }, wrongEntity},
	{"args", func(q *question) *string { return &q.Args }, wrongArgs},
	{"range", func(q *question) *string { return &q.Range }, oneOf("1h", "24h", "7d", "30d", "90d", "365d")},
	{"from", func(q *question) *string { return &q.From }, wrongMoment},
	{"to", func(q *question) *string { return &q.To }, wrongMoment},
	{"tz", func(q *question) *string { return &q.Zone }, wrongZone},
	{"theme", func(q *question) *string { return &q.Theme }, oneOf("light", "dark", "auto")},
	{"lang", func(q *question) *string { return &q.Language }, wrongLanguage},
	{"height", func(q *question) *string { return &q.Height }, number(60, 4096)},
	{"headingLevel", func(q *question) *string { return &q.HeadingLevel }, number(1, 6)},
}

// readQuestion reads the query of a frame's address. Other parameters, which pages add for their own ends, are left alone.
func readQuestion(widget string, query url.Values) (question, error) {
	q := question{Widget: widget, App: query.Get("app")}
	for _, p := range parameters {
		value := query.Get(p.name)
		if value == "" {
			continue
		}
		if rule := p.wrong(value); rule != "" {
			return q, apierror.Inputf("%s: must be %s", p.name, rule)
		}
		*p.into(&q) = value
	}
	return q, nil
}

// query is the question as the query of an address.
func (q question) query() url.Values {
	out := url.Values{}
	if q.App != "" {
		out.Set("app", q.App)
	}
	for _, p := range parameters {
		if value := *p.into(&q); value != "" {
			out.Set(p.name, value)
		}
	}
	return out
}

func wrongEntity(text string) string {
	ref, err := entity.ParseRef(text, entity.Defaults{Namespace: "default"})
	if err != nil || len(text) > 256 || !entity.ValidKind(ref.Kind) || !entity.ValidDNSLabel(strings.ToLower(ref.Namespace)) || !entity.ValidName(ref.Name) {
		return "an entity such as component:default/payments"
	}
	return ""
}

func wrongArgs(text string) string {
	var object map[string]json.RawMessage
	if len(text) > 4096 || json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return "a JSON object of at most 4096 characters"
	}
	return ""
}

func wrongMoment(text string) string {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 1<<53 {
		return ""
	}
	if _, err := time.Parse(time.RFC3339, text); err != nil || len(text) > 40 {
		return "a time such as 2026-11-01T00:00:00Z, or milliseconds since 1970"
	}
	return ""
}

func wrongZone(text string) string {
	if len(text) <= 64 && text != "Local" {
		if _, err := time.LoadLocation(text); err == nil {
			return ""
		}
	}
	return "a time zone such as Europe/Berlin"
}

func wrongLanguage(text string) string {
	if _, err := language.Parse(text); err != nil || len(text) > 64 {
		return "a language such as en or pt-BR"
	}
	return ""
}

func oneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
}

func number(least, most int) func(string) string {
	return func(text string) string {
		if n, err := strconv.Atoi(text); err == nil && n >= least && n <= most && strconv.Itoa(n) == text {
			return ""
		}
		return "a number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	}
}

// direction is the value of the attribute dir for a language.
func direction(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		return "ltr"
	}
	script, _ := tag.Script()
	if slices.Contains([]string{"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}
