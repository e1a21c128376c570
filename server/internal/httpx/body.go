package httpx

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
)

const defaultBodyLimit = 100 << 10 // the reference's JSON parser

// BindJSON decodes the request body into v. As with the reference's parser, a body that is missing, empty or not
// declared as JSON is an empty object, an undecodable one is the caller's error, and so is one over the feature's
// limit. The same body can be bound several times.
func BindJSON(c *gin.Context, v any) error {
	body, err := exchangeOf(c).jsonBody()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		body = emptyObject
	}
	err = json.Unmarshal(body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at := "request/body"
		if wrong.Field != "" {
			at += "/" + strings.ReplaceAll(wrong.Field, ".", "/")
		}
		return apierror.Inputf("%s must be %s", at, jsonTypeName(wrong))
	}
	if err != nil {
		return apierror.Inputf("request/body: %s", err)
	}
	return nil
}

var emptyObject = []byte("{}")

func jsonTypeName(e *json.UnmarshalTypeError) string {
	switch k := e.Type.Kind().String(); {
	case k == "bool":
		return "boolean"
	case k == "slice" || k == "array":
		return "array"
	case k == "struct" || k == "map":
		return "object"
	case strings.HasPrefix(k, "int") || strings.HasPrefix(k, "uint"):
		return "integer"
	case strings.HasPrefix(k, "float"):
		return "number"
	default:
		return k
	}
}

// jsonBody reads the body once. nil = there is none, or none that is declared as JSON.
func (x *exchange) jsonBody() ([]byte, error) {
	if !x.bodyRead {
		x.bodyRead = true
		x.body, x.bodyErr = x.readJSON()
		if e, ok := errors.AsType[*apierror.Error](x.bodyErr); ok && x.router.spec != nil && !ownParser(x.routedPath()) {
			x.bodyErr = apierror.New(apierror.Input, e.Message) // the reference's OpenAPI routers keep the text alone
		}
	}
	return x.body, x.bodyErr
}

// permissionsPath and actionsPath are served in front of a feature's own router, with a parser of their own that knows no
// other limit than the default.
const (
	permissionsPath = "/.well-known/backstage/permissions"
	actionsPath     = "/.backstage/actions"
)

func ownParser(path string) bool {
	return underPath(permissionsPath, path) || underPath(actionsPath, path)
}

// hasBody holds for an empty body too, if its length is told.
func (x *exchange) hasBody() bool {
	return x.r.ContentLength != 0 || x.r.Header["Content-Length"] != nil
}

func (x *exchange) readJSON() ([]byte, error) {
	if !x.hasBody() {
		return nil, nil
	}
	contentType := x.r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" || strings.HasSuffix(strings.TrimSpace(contentType), ";") {
		return nil, nil //nolint:nilerr // not a media type, so not JSON
	}
	charset := strings.ToLower(params["charset"])
	switch charset {
	case "", "utf-8", "utf-16", "utf-16le", "utf-16be":
	default:
		return nil, &apierror.Error{
			Name: "UnsupportedMediaTypeError", Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("unsupported charset %q", strings.ToUpper(charset)),
			Fields:  map[string]any{"charset": charset, "type": "charset.unsupported"},
		}
	}
	body, err := x.readLimited()
	if err != nil {
		return nil, err
	}
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{}) // or a long answer would end as a lost connection
	if strings.HasPrefix(charset, "utf-16") {
		body = fromUTF16(body, charset == "utf-16be")
	}
	body = bytes.TrimPrefix(body, byteOrderMark)
	if len(body) == 0 {
		return nil, nil
	}
	return body, checkSyntax(body)
}

var byteOrderMark = []byte("\ufeff")

// fromUTF16 follows a byte order mark, if there is one, and drops an odd byte at the end.
func fromUTF16(b []byte, bigEndian bool) []byte {
	order := binary.ByteOrder(binary.LittleEndian)
	if bigEndian || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		order = binary.BigEndian
	}
	wide := make([]uint16, len(b)/2)
	for i := range wide {
		wide[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(wide)))
}

func (x *exchange) readLimited() ([]byte, error) {
	limit := x.router.feature.BodyLimit
	if limit <= 0 || ownParser(x.routedPath()) {
		limit = defaultBodyLimit
	}
	plain, coding := x.r.ContentLength, strings.ToLower(x.r.Header.Get("Content-Encoding"))
	source := io.Reader(x.r.Body)
	switch coding {
	case "", "identity":
		if plain > limit {
			return nil, tooLarge(map[string]any{"expected": plain, "length": plain, "limit": limit})
		}
	case "gzip", "deflate":
		plain = -1
		inflated, err := inflate(coding, source)
		if err != nil {
			return nil, badBody(err)
		}
		source = inflated
	default:
		return nil, &apierror.Error{
			Name: "UnsupportedMediaTypeError", Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("unsupported content encoding %q", coding),
			Fields:  map[string]any{"encoding": coding, "type": "encoding.unsupported"},
		}
	}
	var body bytes.Buffer
	if plain > 0 {
		body.Grow(int(plain) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(source, limit+1))
	if err != nil && plain < 0 && source != io.Reader(x.r.Body) {
		return nil, badBody(err)
	}
	if err != nil {
		return nil, errAborted
	}
	if n > limit {
		return nil, tooLarge(map[string]any{"limit": limit, "received": n})
	}
	return body.Bytes(), nil
}

func inflate(coding string, r io.Reader) (io.Reader, error) {
	if coding == "gzip" {
		return gzip.NewReader(r)
	}
	return zlib.NewReader(r)
}

func tooLarge(fields map[string]any) error {
	fields["type"] = "entity.too.large"
	return &apierror.Error{
		Name: "PayloadTooLargeError", Status: http.StatusRequestEntityTooLarge, Message: "request entity too large", Fields: fields,
	}
}

var errAborted = &apierror.Error{Name: "BadRequestError", Status: http.StatusBadRequest, Message: "request aborted"}

// badBody is a body that does not inflate, in the words of zlib.
func badBody(err error) error {
	zlibError := func(message, code string, number int) error {
		return &apierror.Error{
			Name: apierror.Generic, Status: http.StatusBadRequest, Message: message,
			Fields: map[string]any{"errno": number, "code": code, "expose": true, "statusCode": 400, "status": 400},
		}
	}
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zlib.ErrHeader):
		return zlibError("incorrect header check", "Z_DATA_ERROR", -3)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrChecksum):
		return zlibError("incorrect data check", "Z_DATA_ERROR", -3)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return zlibError("unexpected end of file", "Z_BUF_ERROR", -5)
	}
	return errAborted
}

// checkSyntax accepts an object, an array, or nothing, as the reference's parser in its strict mode.
func checkSyntax(body []byte) error {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	strict := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	if len(body) == 0 || strict && json.Valid(body) {
		return nil
	}
	message := syntaxMessage(string(body), len(body)-len(trimmed), "")
	if strict {
		message = SyntaxProblem(body)
	}
	return &apierror.Error{
		Name: "SyntaxError", Status: http.StatusBadRequest, Message: message,
		Fields: map[string]any{"expose": true, "statusCode": 400, "status": 400, "body": string(body), "type": "entity.parse.failed"},
	}
}

// SyntaxProblem is what JavaScript engines say about a text that is not JSON, "" when it is.
func SyntaxProblem(text []byte) string {
	syntax := syntaxError(text)
	if syntax == nil {
		return ""
	}
	at := int(syntax.Offset) - 1
	// The decoder ends a text by reading a blank.
	blank := strings.HasPrefix(syntax.Error(), "invalid character ' '") && text[at] != ' '
	if blank || strings.HasPrefix(syntax.Error(), "unexpected end") {
		at = len(text)
		// What was missing shows when something impossible stands at the end.
		if syntax = syntaxError(append(slices.Clip(text), 0)); syntax == nil {
			return syntaxMessage(string(text), at, "")
		}
	}
	return syntaxMessage(string(text), at, expectation(syntax.Error(), text, at))
}

func syntaxError(text []byte) *json.SyntaxError {
	var discard json.RawMessage
	syntax, _ := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &discard))
	return syntax
}

// expectation is what JavaScript engines say was expected at byte at, "" where they name the token instead.
func expectation(problem string, body []byte, at int) string {
	switch {
	case at > 0 && at < len(body) && body[at-1] == '0' && body[at] >= '0' && body[at] <= '9':
		return "Unexpected number in JSON"
	case strings.HasSuffix(problem, "in numeric literal"):
		return numberExpectation(problem)
	case strings.HasSuffix(problem, "in exponent of numeric literal"):
		return "Exponent part is missing a number in JSON"
	case strings.HasSuffix(problem, "in string literal"):
		if at == len(body) {
			return "Unterminated string in JSON"
		}
		return "Bad control character in string literal in JSON"
	case strings.HasSuffix(problem, "in string escape code") && at < len(body):
		return "Bad escaped character in JSON"
	case strings.HasSuffix(problem, `in \u hexadecimal character escape`):
		return "Bad Unicode escape in JSON"
	case strings.HasSuffix(problem, "after top-level value"):
		return "Unexpected non-whitespace character after JSON"
	case strings.HasSuffix(problem, "after object key"):
		return "Expected ':' after property name in JSON"
	case strings.HasSuffix(problem, "after object key:value pair"):
		return "Expected ',' or '}' after property value in JSON"
	case strings.HasSuffix(problem, "after array element"):
		return "Expected ',' or ']' after array element in JSON"
	case strings.HasSuffix(problem, "looking for beginning of object key string"):
		if before := bytes.TrimRight(body[:at], " \t\r\n"); len(before) > 0 && before[len(before)-1] == ',' {
			return "Expected double-quoted property name in JSON"
		}
		return "Expected property name or '}' in JSON"
	default:
		return ""
	}
}

func numberExpectation(problem string) string {
	if strings.HasSuffix(problem, "after decimal point in numeric literal") {
		return "Unterminated fractional number in JSON"
	}
	return "No number after minus sign in JSON"
}

// syntaxMessage words a syntax error at byte at in the manner of JavaScript engines.
func syntaxMessage(text string, at int, expected string) string {
	if expected != "" {
		line := strings.Count(text[:at], "\n")
		column := units(text[strings.LastIndexByte(text[:at], '\n')+1:at]) + 1
		return fmt.Sprintf("%s at position %d (line %d column %d)", expected, units(text[:at]), line+1, column)
	}
	if at >= len(text) {
		return "Unexpected end of JSON input"
	}
	token, around, before, after := []rune(text[at:])[0], text, "", ""
	const shown = 20
	if len(text) > shown {
		from, to := max(at-10, 0), min(at+10, len(text))
		if from > 0 {
			before = "..."
		}
		if to < len(text) {
			after = "..."
		}
		around = strings.ToValidUTF8(text[from:to], "")
	}
	return fmt.Sprintf("Unexpected token '%c', %s\"%s\"%s is not valid JSON", token, before, around, after)
}

// units is the length of a text as JavaScript counts it.
func units(text string) (n int) {
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}
