package tryit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const formDefinition = `{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"UP/v1"}],"paths":{
"/photos":{"post":{"operationId":"upload","parameters":[{"name":"locale","in":"cookie","required":true,"schema":{"type":"string"}},{"name":"session","in":"cookie","schema":{"type":"string"}},{"name":"other","in":"cookie","required":true,"schema":{"type":"string"}}],
"requestBody":{"content":{"multipart/form-data":{"schema":{"type":"object","required":["photo"],"properties":{"photo":{"type":"string","format":"binary"},"title":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"place":{"type":"object","properties":{"lat":{"type":"number"}}}}}},
"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a b":{"type":"string"},"title":{"type":"string"}}}},"multipart/mixed":{},"application/json":{}}}}},
"/free":{"post":{"operationId":"free","requestBody":{"content":{"multipart/form-data":{}}}}}}}`

const formSettings = `
callboard:
  apiDocs:
    tryIt:
      enabled: true
      servers:
        - url: UP/v1
          methods: [GET, POST]
          cookies: [locale, session]
          credentials: [{ id: signed-in, header: Cookie, value: 'session=very-secret-session; theme=dark' }]
`

// send sends what changes something, as somebody who agrees to it.
func (r *rig) send(operation, ask string) (*Answer, Summary, error) {
	r.t.Helper()
	_, q, err := r.try(guest, operation, ask)
	if err != nil {
		return nil, Summary{}, err
	}
	a, again, err := r.try(guest, operation, strings.Replace(ask, "{", `{"confirm":"`+q.Token+`",`, 1))
	if again != nil {
		r.t.Fatalf("the same request is another one: %s", ask)
	}
	return a, q.Summary, err
}

func TestForm_IsSentAsABrowserSendsIt(t *testing.T) {
	r := startWith(t, formSettings, formDefinition)
	photo := []byte("\x89PNG\r\n\r\n--callboard\x00\xff")
	_, summary, err := r.send("upload", `{"contentType":"multipart/form-data","params":{"cookie":{"locale":"de-CH"}},"parts":[
		{"name":"photo","filename":"quay \"3\" ü.png","contentType":"image/png","base64":"`+base64.StdEncoding.EncodeToString(photo)+`"},
		{"name":"tags","text":"a"},{"name":"tags","text":"b\r\n--x--"},{"name":"place","contentType":"application/json","text":"{\"lat\":1}"},{"name":"title","text":""}]}`)
	if err != nil {
		t.Fatal(err)
	}
	got := r.up.requests()[0]
	kind, parameters, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if kind != partsType || got.Header.Get("Cookie") != "locale=de-CH" || got.ContentLength != int64(len(r.up.bodies[0])) {
		t.Errorf("sent: %v", got.Header)
	}
	form, err := multipart.NewReader(strings.NewReader(r.up.bodies[0]), parameters["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	file := form.File["photo"][0]
	f, _ := file.Open()
	sent, _ := io.ReadAll(f)
	if !bytes.Equal(sent, photo) || file.Filename != "quay %223%22 ü.png" || file.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the file: %q %q %v", sent, file.Filename, file.Header)
	}
	if fmt.Sprint(form.Value) != fmt.Sprint(map[string][]string{"tags": {"a", "b\r\n--x--"}, "place": {`{"lat":1}`}, "title": {""}}) {
		t.Errorf("fields: %q", form.Value)
	}
	want := []PartSummary{{"photo", "quay \"3\" ü.png", "image/png", len(photo)}, {"tags", "", "", 1}, {"tags", "", "", 8}, {"place", "", "application/json", 9}, {Name: "title"}}
	if fmt.Sprint(summary.Parts) != fmt.Sprint(want) || fmt.Sprint(summary.Cookies) != "map[locale:de-CH]" || summary.Bytes != len(r.up.bodies[0]) {
		t.Errorf("agreed to: %+v", summary)
	}
}

func TestForm_WithoutFilesIsNamesAndValues(t *testing.T) {
	r := startWith(t, formSettings, formDefinition)
	_, _, err := r.send("upload", `{"contentType":"application/x-www-form-urlencoded","params":{"cookie":{"locale":"de"}},"parts":[{"name":"a b","text":"1&2=3\r\n+ü"},{"name":"title","text":""},{"name":"a b","text":"4"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if kind := r.up.requests()[0].Header.Get("Content-Type"); kind != fieldsType || r.up.bodies[0] != "a+b=1%262%3D3%0D%0A%2B%C3%BC&title=&a+b=4" {
		t.Errorf("%s %q", kind, r.up.bodies[0])
	}
	values, err := url.ParseQuery(r.up.bodies[0])
	if err != nil || fmt.Sprint(values) != fmt.Sprint(url.Values{"a b": {"1&2=3\r\n+ü", "4"}, "title": {""}}) {
		t.Errorf("%q %v", values, err)
	}
}

func TestForm_RefusesWhatWouldBeReadAsSomethingElse(t *testing.T) {
	r := startWith(t, formSettings, formDefinition)
	const photo = `{"name":"photo","text":"x"}`
	large := strings.Repeat("x", mostBytes)
	for _, c := range []struct{ operation, contentType, parts, want string }{
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","filename":"a\r\nX-Evil: 1"}`, "filename"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","filename":"../../etc/passwd"}`, "without a path"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","filename":"..\\x"}`, "without a path"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","filename":"` + strings.Repeat("x", 256) + `"}`, "filename"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","contentType":"image/png\r\nX-Evil: 1"}`, "contentType"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","contentType":"multipart/mixed; boundary=x"}`, "none with parts"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"x","contentType":"png"}`, "contentType"},
		{"upload", "multipart/form-data", `{"name":"photo","base64":"???"}`, "base64"},
		{"upload", "multipart/form-data", `{"name":"photo","base64":"eA"}`, "base64"},
		{"upload", "multipart/form-data", `{"name":"photo","base64":"eA==","text":"x"}`, "either text or base64"},
		{"upload", "multipart/form-data", `{"name":"photo"}`, "either text or base64"},
		{"upload", "multipart/form-data", `{"name":"title","text":"x"}`, `"photo" is required`},
		{"upload", "multipart/form-data", photo + `,{"name":"place.lat","text":"x"}`, `no field "place.lat"`},
		{"upload", "multipart/form-data", photo + `,{"name":"other","text":"x"}`, `no field "other"`},
		{"upload", "multipart/form-data", photo + strings.Repeat(`,{"name":"tags","text":"x"}`, mostParts), "at most 100"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"` + large + `x"}`, "bytes together"},
		{"upload", "multipart/form-data", `{"name":"photo","text":"` + large + `"}`, "a body of at most"},
		{"upload", "application/x-www-form-urlencoded", `{"name":"title","text":"` + strings.Repeat("&", mostBytes/2) + `"}`, "a body of at most"},
		{"upload", "application/x-www-form-urlencoded", `{"name":"title","base64":"eA=="}`, "without files"},
		{"upload", "application/x-www-form-urlencoded", `{"name":"title","text":"x","filename":"a"}`, "without files"},
		{"upload", "application/json", photo, "is no form"},
		{"upload", "multipart/mixed", photo, "is no form"},
		{"upload", "text/plain", photo, "takes no body"},
		{"free", "multipart/form-data", `{"name":"a\r\nb","text":"x"}`, "control characters"},
		{"free", "multipart/form-data", `{"name":"","text":"x"}`, "a name of 1 to 200"},
		{"free", "multipart/form-data", `{"name":"` + strings.Repeat("x", 201) + `","text":"x"}`, "a name of 1 to 200"},
	} {
		cookie := `"params":{"cookie":{"locale":"de"}},`
		if c.operation == "free" {
			cookie = ""
		}
		_, _, err := r.try(guest, c.operation, `{`+cookie+`"contentType":`+quoted(c.contentType)+`,"parts":[`+c.parts+`]}`)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.100s: %v, want %q", c.parts, err, c.want)
		}
	}
	if _, _, err := r.try(guest, "upload", `{"params":{"cookie":{"locale":"de"}},"contentType":"multipart/form-data","body":"x","parts":[`+photo+`]}`); err == nil || !strings.Contains(err.Error(), "not beside it") {
		t.Errorf("a text and a form: %v", err)
	}
	if got := r.up.requests(); len(got) != 0 {
		t.Errorf("it was sent all the same: %v", got)
	}
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestCookies_AreThoseOfTheConfigurationAndOneEach(t *testing.T) {
	r := startWith(t, formSettings, formDefinition)
	for ask, want := range map[string]string{
		`{}`: `"locale" is required`,
		`{"params":{"cookie":{"locale":"de","other":"x"}}}`:                               "may not be set",
		`{"params":{"cookie":{"locale":"de","none":"x"}}}`:                                `no parameter "none"`,
		`{"params":{"cookie":{"locale":"de; session=mine"}}}`:                             "semicolon",
		`{"params":{"cookie":{"locale":"a\r\nX-Evil: 1"}}}`:                               "cookie's value",
		`{"params":{"cookie":{"locale":"\"de\""}}}`:                                       "quote",
		`{"params":{"cookie":{"locale":"ü"}}}`:                                            "cookie's value",
		`{"params":{"cookie":{"locale":"` + strings.Repeat("x", mostCookie+1) + `"}}}`:    "at most 4096",
		`{"credential":"signed-in","params":{"cookie":{"locale":"de","session":"mine"}}}`: "a cookie of the credential",
	} {
		if _, _, err := r.try(guest, "upload", ask); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", ask, err, want)
		}
	}
	r.up.answer = func(w http.ResponseWriter, q *http.Request) {
		c, _ := q.Cookie("session")
		_, _ = io.WriteString(w, q.Header.Get("Cookie")+" "+c.Value)
	}
	a, _, err := r.send("upload", `{"credential":"signed-in","params":{"cookie":{"locale":"de"}}}`)
	if err != nil || a.Body != "[removed]; locale=de [removed]" || r.up.requests()[0].Header.Get("Cookie") != "session=very-secret-session; theme=dark; locale=de" {
		t.Errorf("%v %+v", err, a)
	}
}

// FuzzForm holds that what comes out of a form is what went in, whatever its names, files and values hold.
func FuzzForm(f *testing.F) {
	f.Add("a", "b.png", "image/png", []byte("x"), true)
	f.Add("a\r\nb", "c\"; filename=\"d", "text/plain; x=\"\r\n\"", []byte("--x\r\n\r\n--"), true)
	f.Add("ü\u2028", "", "", []byte{}, false)
	f.Fuzz(func(t *testing.T, name, filename, contentType string, data []byte, parts bool) {
		encoded, kind := base64.StdEncoding.EncodeToString(data), partsType
		p := Part{Name: name, Filename: filename, ContentType: contentType, Base64: &encoded}
		if !parts {
			text := strings.ToValidUTF8(string(data), "")
			p, kind, data = Part{Name: name, Text: &text}, fieldsType, []byte(text)
		}
		c := &call{}
		if err := c.form(kind, nil, []Part{p, p}); err != nil {
			return
		}
		if !parts {
			values, err := url.ParseQuery(c.body)
			if err != nil || len(values[name]) != 2 || values[name][0] != string(data) {
				t.Fatalf("%q: %v %v", c.body, values, err)
			}
			return
		}
		_, parameters, err := mime.ParseMediaType(c.contentType)
		if err != nil {
			t.Fatal(err)
		}
		r := multipart.NewReader(strings.NewReader(c.body), parameters["boundary"])
		for range 2 {
			got, err := r.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			read, _ := io.ReadAll(got)
			if !bytes.Equal(read, data) || len(got.Header) != 2 {
				t.Fatalf("%q: %q %v", c.body, read, got.Header)
			}
		}
		if _, err := r.NextRawPart(); err != io.EOF {
			t.Fatalf("there is more: %q", c.body)
		}
	})
}

func TestForm_HasTheFieldsOfTheDocument(t *testing.T) {
	r := startWith(t, formSettings, formDefinition)
	op, _ := r.doc.Operation("upload")
	var top, inner []string
	for _, f := range op.Body.Content[0].Schema.Fields {
		if f.Inner {
			inner = append(inner, f.Name)
		} else {
			top = append(top, f.Name)
		}
	}
	if strings.Join(top, " ") != "photo title tags place" || strings.Join(inner, " ") != "place.lat" {
		t.Errorf("%v, inside %v", top, inner)
	}
}
