package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// canaries are secrets of many shapes.
var canaries = []string{
	"hunter2", "ghp_Zx81kQmP0aVbC3dEfG7hIjKlMnOpQr", "p@ss w0rd/with+marks&more=\"'<>", "Pässwörd-Ünïcode-日本語-🔑", "abcd",
	"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END KEY-----", `back\slash%percent$dollar`, "a--b__c~~d..e!!f",
}

// encoders write a text as programs do.
var encoders = map[string]func(string) string{
	"raw":            func(s string) string { return s },
	"upper":          strings.ToUpper,
	"lower":          strings.ToLower,
	"reversed":       reversed,
	"hex":            func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":            func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw":     func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64url":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64url raw":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 at 1":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s + "y")) },
	"base64url at 2": func(s string) string { return base64.URLEncoding.EncodeToString([]byte("xy" + s + "tail")) },
	"basic":          func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("some-user:"+s)) },
	"query":          url.QueryEscape,
	"path":           url.PathEscape,
	"URL's path":     func(s string) string { return (&url.URL{Path: "/" + s}).EscapedPath() },
	"URL's user": func(s string) string {
		return (&url.URL{Scheme: "https", Host: "x", User: url.UserPassword("u", s)}).String()
	},
	"query twice":      func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"every byte":       func(s string) string { return "%" + strings.ReplaceAll(fmt.Sprintf("% X", s), " ", "%") },
	"JSON":             marshal,
	"JSON twice":       func(s string) string { return marshal(marshal(s)) },
	"Go":               strconv.Quote,
	"Go in ASCII":      strconv.QuoteToASCII,
	"shell":            func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	"HTML":             html.EscapeString,
	"HTML with names":  strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace,
	"wrapped at 5":     func(s string) string { return wrap(s, 5, "\n") },
	"spread":           func(s string) string { return wrap(s, 1, " ") },
	"wrapped, CRLF":    func(s string) string { return wrap(s, 3, "\r\n\t") },
	"base64, wrapped":  func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte("u:"+s)), 4, "\n    ") },
	"JSON four times":  func(s string) string { return marshal(marshal(marshal(marshal(s)))) },
	"wrapped, in JSON": func(s string) string { return marshal(wrap(s, 5, "\n  ")) },
	"base64, wrapped, in JSON twice": func(s string) string {
		return marshal(marshal(wrap(base64.StdEncoding.EncodeToString([]byte(s)), 4, "\r\n")))
	},
	"HTML, in JSON":                 func(s string) string { return marshal(html.EscapeString(s)) },
	"path, in JSON for HTML":        func(s string) string { return asHTML(url.PathEscape(s)) },
	"HTML, in JSON for HTML, twice": func(s string) string { return asHTML(asHTML(html.EscapeString(s))) },
	"reversed, in JSON":             func(s string) string { return marshal(reversed(s)) },
	"shell, in JSON":                func(s string) string { return marshal("'" + strings.ReplaceAll(s, "'", `'\''`) + "'") },
	"first line alone":              func(s string) string { return strings.Split(s, "\n")[0] },
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// asHTML is JSON as encoding/json writes it unless it is told otherwise.
func asHTML(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func marshal(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func wrap(s string, width int, with string) string {
	var b strings.Builder
	for line := range slices.Chunk([]rune(s), width) {
		b.WriteString(string(line) + with)
	}
	return b.String()
}

// leaks says in which way canary is still in text, blanks and line breaks aside; "" = it is not.
func leaks(text, canary string) string {
	squeezed := func(s string) string {
		return strings.ToLower(strings.NewReplacer("\n", "", "\r", "", "\t", "", " ", "").Replace(s))
	}
	for name, encode := range encoders {
		if name == "first line alone" || strings.HasPrefix(name, "basic") || strings.Contains(name, " at ") || strings.HasPrefix(name, "URL's") {
			continue // they add something of their own
		}
		encoded := squeezed(encode(canary))
		if len(encoded) >= 4 && strings.Contains(squeezed(text), strings.Trim(encoded, `"'=`)) {
			return name
		}
	}
	return ""
}

func TestRedactor_FindsASecretHoweverItIsWritten(t *testing.T) {
	for _, canary := range canaries {
		r := secret.NewRedactor(secret.New(canary))
		for name, encode := range encoders {
			text := "before " + encode(canary) + " after"
			got := r.Redact(text)
			if !strings.Contains(got, secret.Mask) || leaks(got, canary) != "" {
				t.Errorf("%q as %s: %q is %q", canary, name, text, got)
			}
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Errorf("%q as %s: the text around it is gone: %q", canary, name, got)
			}
		}
	}
}

func TestRedactor_LeavesOtherTextAlone(t *testing.T) {
	r := secret.NewRedactor(secret.New("hunter2"), secret.New("x"), secret.New(""), secret.New(" \n"))
	for _, text := range []string{"", "hunter", "hunter 3", "unter2", "x marks the spot", "\n\n  line\n", "hunhunter"} {
		if got := r.Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := r.Redact("hunhunter2hunter2!"); got != "hun******!" {
		t.Errorf("got %q", got)
	}
}

func TestRedactor_AShorterSecretWithinALongerOneDoesNotShowItsRest(t *testing.T) {
	r := secret.NewRedactor(secret.New("token"), secret.New("my-token-long"), secret.New("long-tail"))
	if got := r.Redact("a my-token-long-tail b token c"); got != "a *** b *** c" {
		t.Errorf("got %q", got)
	}
}

func TestRedactor_TextBesideEscapesStays(t *testing.T) {
	r := secret.NewRedactor(secret.New("nightly-key"), secret.New(`"quoted"`))
	for text, want := range map[string]string{
		`C:\nightly-key`:         `C:\***`,
		`a\nnightly-key\nb`:      `a\n***\nb`,
		`a\\nnight\\nly-key\\nb`: `a\\n***\\nb`,
		`{"x":"\"quoted\"!"}`:    `{"x":"***!"}`,
		`C:\new\table\nightly`:   `C:\new\table\nightly`,
	} {
		if got := r.Redact(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestRedactor_JSONStaysJSON(t *testing.T) {
	r := secret.NewRedactor(secret.New(`a","b`), secret.New("12345"), secret.New("hunter2"))
	in := `{"z":"a\",\"b","hunter2":[12345,1,true,null,{"k":"say hunter2 <now>"}],"a":1.50}`
	want := `{"z":"***","***":["***",1,true,null,{"k":"say *** <now>"}],"a":1.50}`
	if got := string(r.RedactJSON(json.RawMessage(in))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, broken := range []string{`{"a": hunter2`, "hunter2", strings.Repeat("[", 20_000), `{} {}`, ""} {
		if got := r.RedactJSON(json.RawMessage(broken)); !json.Valid(got) || bytes.Contains(got, []byte("hunter2")) {
			t.Errorf("%.20q became %.40q", broken, got)
		}
	}
}

func TestRedactorMessages_FindSecretsThatAreSplitOverMessages(t *testing.T) {
	for _, canary := range canaries {
		r := secret.NewRedactor(secret.New(canary))
		for at := 3; at < len(canary); at++ {
			if strings.TrimSpace(canary[at:]) != canary[at:] || strings.TrimSpace(canary[:at]) != canary[:at] {
				continue // the blank beside the border stays
			}
			m := r.Messages()
			got := append(m.Add("it is "+canary[:at]), m.Add(canary[at:]+" indeed")...)
			got = append(got, m.Flush()...)
			if len(got) != 2 || got[0] != "it is ***" || got[1] != "*** indeed" {
				t.Errorf("%q split at %d: %q", canary, at, got)
			}
		}
	}
}

func TestRedactorMessages_TheRestOfASecretIsTakenOutEvenWhenItsBeginningWasSeen(t *testing.T) {
	m := secret.NewRedactor(secret.New("hunter2")).Messages()
	if got := m.Add("ends with hu"); len(got) != 1 || got[0] != "ends with hu" {
		t.Errorf("got %q", got)
	}
	if got := m.Add("nter2 goes on"); len(got) != 1 || got[0] != "*** goes on" {
		t.Errorf("got %q", got)
	}
	m.Add("held hunt")
	if got := m.Flush(); len(got) != 1 || got[0] != "held hunt" {
		t.Errorf("a flush gives %q", got)
	}
	if got := append(m.Add("er2"), m.Flush()...); len(got) != 1 || got[0] != "***" {
		t.Errorf("after a flush: %q", got)
	}
}

func FuzzRedactor(f *testing.F) {
	for _, canary := range canaries {
		f.Add(canary, "some "+canary+" text", 3)
	}
	f.Add("aaaa", "aaaaaaaaa\naaaa", 1)
	f.Fuzz(func(t *testing.T, canary, around string, size int) {
		if len(canary) > 256 || len(around) > 2048 {
			return
		}
		r := secret.NewRedactor(secret.New(canary))
		size = min(max(size, 1), 64)
		for name, encode := range encoders {
			text := around + encode(canary) + around
			whole := r.Redact(text)
			if trimmed := strings.TrimSpace(canary); len(trimmed) > 1 && name == "raw" && strings.Contains(whole, trimmed) && !strings.Contains(trimmed, "*") {
				t.Fatalf("%q is in %q", trimmed, whole)
			}
			messages, told := r.Messages(), []string(nil)
			for chunk := range slices.Chunk([]byte(text), size) {
				told = append(told, messages.Add(string(chunk))...)
			}
			told = append(told, messages.Flush()...)
			if pieces := (len(text) + size - 1) / size; len(told) != pieces {
				t.Fatalf("as %s, %d messages of %d are told", name, len(told), pieces)
			}
		}
		if quoted, _ := json.Marshal(around); !json.Valid(r.RedactJSON(quoted)) || !json.Valid(r.RedactJSON(json.RawMessage(around))) {
			t.Fatal("no JSON any more")
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	var values []secret.Value
	for i := range 40 {
		values = append(values, secret.New(fmt.Sprintf("canary-%d-%x", i, i*7919)+"Zx81kQmP0aVbC3dEfG7hIjKlMn"))
	}
	r := secret.NewRedactor(values...)
	text := strings.Repeat("info: Writing file src/main/java/com/example/App.java to template output path with mode 33188.\n", 100)
	r.Redact(text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Redact(text)
	}
}

func BenchmarkNewRedactor(b *testing.B) {
	var values []secret.Value
	for i := range 40 {
		values = append(values, secret.New(fmt.Sprintf("canary-%d-%x", i, i*7919)+"Zx81kQmP0aVbC3dEfG7hIjKlMn"))
	}
	for b.Loop() {
		secret.NewRedactor(values...).Redact("")
	}
}
