package spec

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request is a call of an operation, as an example.
type request struct {
	method, url string
	headers     [][2]string
	body        string
}

// exampleHost stands in where a document names no server of its own.
const exampleHost = "https://api.example.com"

// request makes a call of what the operation demands: its required parameters, the first way to be let in, the first body.
func (a *openAPI) request(o *Operation, path string, params []parameter) request {
	r := request{method: o.Verb, url: a.address(o, path, params)}
	if o.Body != nil && len(o.Body.Content) > 0 {
		m := o.Body.Content[0]
		r.headers = append(r.headers, [2]string{"Content-Type", m.Type})
		if len(m.Examples) > 0 && len(m.Examples[0].Text) <= sampleBytes {
			r.body = m.Examples[0].Text
		}
	}
	for _, p := range params {
		if p.in == "header" && p.v.Get("required").True() && len(r.headers) < mostExamples {
			r.headers = append(r.headers, [2]string{short(p.name), a.argument(p)})
		}
	}
	query := url.Values{}
	a.credentials(o, &r, query)
	for _, p := range params {
		if p.in == "query" && p.v.Get("required").True() && len(query) < mostExamples {
			query.Set(short(p.name), a.argument(p))
		}
	}
	if len(query) > 0 {
		r.url += "?" + query.Encode()
	}
	for i, h := range r.headers {
		r.headers[i] = [2]string{oneLine(h[0]), oneLine(h[1])}
	}
	return r
}

// address is the URL with values in the place of its parameters; one without a value keeps its braces.
func (a *openAPI) address(o *Operation, path string, params []parameter) string {
	base := exampleHost
	if len(o.Servers) > 0 {
		base = o.Servers[0].URL
		if strings.HasPrefix(base, "/") && !strings.HasPrefix(base, "//") {
			base = exampleHost + base
		}
	}
	path = short(path)
	for _, p := range params {
		if value := a.argument(p); p.in == "path" && value != "" {
			path = strings.ReplaceAll(path, "{"+cut(p.name, 100)+"}", url.PathEscape(cut(value, 200)))
		}
	}
	return oneLine(short(strings.TrimSuffix(base, "/") + path))
}

// argument is a value for a parameter.
func (a *openAPI) argument(p parameter) string {
	for _, e := range examplesOf(a.refs, p.place) {
		return cut(e.Text, 200)
	}
	schema, away := a.follow(a.schemaOf(p.place))
	if away != "" {
		return ""
	}
	if v := givenValue(schema.v); v != nil && v.Len() == 0 {
		return cut(v.Scalar(), 200)
	}
	switch typeNames(schema.v)[0] {
	case "integer", "number":
		return "1"
	case "boolean":
		return "true"
	default:
		return ""
	}
}

// credentials adds what the first way to be let in wants, with a word in capitals for the secret.
func (a *openAPI) credentials(o *Operation, r *request, query url.Values) {
	if len(o.Security) == 0 || o.Security[0] == "none" {
		return
	}
	name, _, _ := strings.Cut(o.Security[0], " ")
	scheme, _ := a.follow(a.schemes().to(name))
	v := scheme.v
	switch kind := v.Get("type").Text(); {
	case kind == "apiKey" && v.Get("in").Text() == "query":
		query.Set(short(v.Get("name").Text()), "API_KEY")
	case kind == "apiKey" && v.Get("in").Text() == "header":
		r.headers = append(r.headers, [2]string{short(v.Get("name").Text()), "API_KEY"})
	case kind == "basic", kind == "http" && strings.EqualFold(v.Get("scheme").Text(), "basic"):
		r.headers = append(r.headers, [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("USER:PASSWORD"))})
	case kind == "oauth2", kind == "openIdConnect", kind == "http":
		r.headers = append(r.headers, [2]string{"Authorization", "Bearer TOKEN"})
	}
}

// oneLine drops control characters: a line break in a header or an address is never meant.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, s)
}

// snippets are the call in four languages, each with the quoting of its own.
func snippets(r request) []Snippet {
	return []Snippet{{"curl", curl(r)}, {"Go", golang(r)}, {"JavaScript", javaScript(r)}, {"Python", python(r)}}
}

func curl(r request) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	lines := []string{"curl --request " + r.method, "--url " + quote(r.url)}
	for _, h := range r.headers {
		lines = append(lines, "--header "+quote(h[0]+": "+h[1]))
	}
	if r.body != "" {
		lines = append(lines, "--data-raw "+quote(r.body))
	}
	return strings.Join(lines, " \\\n  ")
}

func golang(r request) string {
	var b strings.Builder
	body := "nil"
	if r.body != "" {
		body = "strings.NewReader(" + goText(r.body) + ")"
	}
	b.WriteString("req, err := http.NewRequestWithContext(ctx, " + strconv.Quote(r.method) + ", " + strconv.Quote(r.url) + ", " + body + ")\n")
	b.WriteString("if err != nil {\n\treturn err\n}\n")
	for _, h := range r.headers {
		b.WriteString("req.Header.Set(" + strconv.Quote(h[0]) + ", " + strconv.Quote(h[1]) + ")\n")
	}
	b.WriteString("res, err := http.DefaultClient.Do(req)\nif err != nil {\n\treturn err\n}\ndefer res.Body.Close()")
	return b.String()
}

// goText is a raw literal where there can be one: JSON reads badly with its quotes escaped.
func goText(s string) string {
	if strings.ContainsAny(s, "`\r\ufeff") || !printableGo(s) {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

func printableGo(s string) bool {
	return !slices.ContainsFunc([]rune(s), func(r rune) bool { return r != '\n' && r != '\t' && !strconv.IsPrint(r) })
}

func javaScript(r request) string {
	var b strings.Builder
	b.WriteString("const response = await fetch(" + scriptText(r.url) + ", {\n  method: " + scriptText(r.method) + ",\n")
	if len(r.headers) > 0 {
		b.WriteString("  headers: {\n")
		for _, h := range r.headers {
			b.WriteString("    " + scriptText(h[0]) + ": " + scriptText(h[1]) + ",\n")
		}
		b.WriteString("  },\n")
	}
	if r.body != "" {
		b.WriteString("  body: " + scriptText(r.body) + ",\n")
	}
	b.WriteString("});")
	return b.String()
}

func python(r request) string {
	var b strings.Builder
	b.WriteString("import requests\n\nresponse = requests.request(\n    " + scriptText(r.method) + ",\n    " + scriptText(r.url) + ",\n")
	if len(r.headers) > 0 {
		b.WriteString("    headers={\n")
		for _, h := range r.headers {
			b.WriteString("        " + scriptText(h[0]) + ": " + scriptText(h[1]) + ",\n")
		}
		b.WriteString("    },\n")
	}
	if r.body != "" {
		b.WriteString("    data=" + scriptText(r.body) + ".encode(),\n")
	}
	b.WriteString("    timeout=30,\n)")
	return b.String()
}

// scriptText is a literal that JavaScript and Python read alike: JSON, which escapes nothing above U+FFFF.
func scriptText(s string) string { return jsonText(s) }
