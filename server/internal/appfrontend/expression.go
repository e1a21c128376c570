package appfrontend

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// evaluate computes one expression of a template; see [renderTemplate] for what it knows.
func evaluate(source string, t *templateRun) (any, error) {
	tokens, err := tokenize(source)
	if err != nil {
		return nil, err
	}
	e := &expression{tokens: tokens, run: t}
	value, err := e.ternary()
	if err != nil {
		return nil, err
	}
	if e.peek() != "" {
		return nil, fmt.Errorf("%q is not understood here", e.peek())
	}
	return value, nil
}

var tokenPattern = regexp.MustCompile(`^(?:[A-Za-z_$][A-Za-z0-9_$]*|\d+(?:\.\d+)?|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\?\?|\|\||&&|===|!==|==|!=|[().,?:!+])`)

func tokenize(source string) ([]string, error) {
	var tokens []string
	for {
		source = strings.TrimLeft(source, " \t\r\n;")
		if source == "" {
			return tokens, nil
		}
		token := tokenPattern.FindString(source)
		if token == "" {
			return nil, fmt.Errorf("%.20q is not understood", source)
		}
		tokens = append(tokens, token)
		source = source[len(token):]
	}
}

// expression parses and evaluates at once, by recursive descent. skip is above 0 in operands that JavaScript would not
// evaluate, so that they may ask for values that are absent.
type expression struct {
	tokens []string
	run    *templateRun
	skip   int
	depth  int
}

func (e *expression) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *expression) next() string {
	token := e.peek()
	if token != "" {
		e.tokens = e.tokens[1:]
	}
	return token
}

func (e *expression) expect(token string) error {
	if got := e.next(); got != token {
		return fmt.Errorf("%q expected, got %q", token, got)
	}
	return nil
}

// operand evaluates with f, without effect unless wanted.
func (e *expression) operand(wanted bool, f func() (any, error)) (any, error) {
	if !wanted {
		e.skip++
		defer func() { e.skip-- }()
	}
	return f()
}

func (e *expression) ternary() (any, error) {
	if e.depth++; e.depth > 50 {
		return nil, errors.New("is nested too deeply")
	}
	defer func() { e.depth-- }()
	condition, err := e.either()
	if err != nil || e.peek() != "?" {
		return condition, err
	}
	e.next()
	yes, err := e.operand(truthy(condition), e.ternary)
	if err != nil {
		return nil, err
	}
	if err := e.expect(":"); err != nil {
		return nil, err
	}
	no, err := e.operand(!truthy(condition), e.ternary)
	if truthy(condition) {
		return yes, err
	}
	return no, err
}

// either reads chains of ?? and ||, which JavaScript does not let mix without parentheses.
func (e *expression) either() (any, error) {
	left, err := e.both()
	for err == nil && (e.peek() == "??" || e.peek() == "||") {
		keep := left != nil
		if e.next() == "||" {
			keep = truthy(left)
		}
		var right any
		right, err = e.operand(!keep, e.both)
		if !keep {
			left = right
		}
	}
	return left, err
}

func (e *expression) both() (any, error) {
	left, err := e.equality()
	for err == nil && e.peek() == "&&" {
		e.next()
		keep := !truthy(left)
		var right any
		right, err = e.operand(!keep, e.equality)
		if !keep {
			left = right
		}
	}
	return left, err
}

func (e *expression) equality() (any, error) {
	left, err := e.sum()
	for err == nil && len(e.peek()) >= 2 && e.peek()[len(e.peek())-1] == '=' {
		operator := e.next()
		var right any
		right, err = e.sum()
		left = (left == right) == (operator[0] == '=')
	}
	return left, err
}

func (e *expression) sum() (any, error) {
	left, err := e.unary()
	for err == nil && e.peek() == "+" {
		e.next()
		var right any
		right, err = e.unary()
		a, aNumber := left.(float64)
		b, bNumber := right.(float64)
		if aNumber && bNumber {
			left = a + b
		} else {
			left = jsString(left) + jsString(right)
		}
	}
	return left, err
}

func (e *expression) unary() (any, error) {
	if e.peek() != "!" {
		return e.primary()
	}
	e.next()
	value, err := e.unary()
	return !truthy(value), err
}

func (e *expression) primary() (any, error) {
	switch token := e.next(); {
	case token == "(":
		value, err := e.ternary()
		if err != nil {
			return nil, err
		}
		return value, e.expect(")")
	case token == "publicPath":
		return e.run.publicPath, nil
	case token == "config":
		return e.calls(e.run.config)
	case token == "true" || token == "false":
		return token == "true", nil
	case token == "undefined" || token == "null":
		return nil, nil
	case token != "" && (token[0] == '\'' || token[0] == '"'):
		return unquote(token)
	case token != "" && token[0] >= '0' && token[0] <= '9':
		return strconv.ParseFloat(token, 64)
	default:
		return nil, fmt.Errorf("%q is not understood", token)
	}
}

// calls reads .method('key') after config, several in a row for nested configurations.
func (e *expression) calls(section *config.Section) (any, error) {
	var value any = section
	for e.peek() == "." {
		e.next()
		method := e.next()
		if err := e.expect("("); err != nil {
			return nil, err
		}
		key, err := unquote(e.next())
		if err != nil {
			return nil, err
		}
		if err := e.expect(")"); err != nil {
			return nil, err
		}
		current, ok := value.(*config.Section)
		if !ok && e.skip == 0 {
			return nil, fmt.Errorf("%s is asked of a value that is not a configuration", method)
		}
		if e.skip > 0 {
			continue
		}
		if value, err = call(current, method, key); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func call(s *config.Section, method, key string) (any, error) {
	optional := strings.HasPrefix(method, "getOptional")
	kind := strings.TrimPrefix(strings.TrimPrefix(method, "get"), "Optional")
	if method == "has" {
		return s.Has(key), nil
	}
	if !strings.HasPrefix(method, "get") {
		return nil, fmt.Errorf("config.%s is not understood", method)
	}
	if !s.Has(key) {
		if optional {
			return nil, nil
		}
		return nil, fmt.Errorf("the configuration has no value at '%s' that a frontend may see", key)
	}
	switch kind {
	case "String":
		return s.String(key, ""), nil
	case "Number":
		return s.Float(key, 0), nil
	case "Boolean":
		return s.Bool(key, false), nil
	case "Config":
		return s.Section(key), nil
	case "":
		switch value := s.Value(key).(type) {
		case string, float64, bool:
			return value, nil
		}
		return nil, fmt.Errorf("config.%s of an object or list is not understood", method)
	default:
		return nil, fmt.Errorf("config.%s is not understood", method)
	}
}

var escapeSequence = regexp.MustCompile(`\\(.)`)

func unquote(token string) (string, error) {
	if len(token) < 2 || token[0] != '\'' && token[0] != '"' {
		return "", fmt.Errorf("a string is expected, got %q", token)
	}
	inner := token[1 : len(token)-1]
	if strings.Contains(inner, `\u`) || strings.Contains(inner, `\x`) {
		return "", errors.New("numeric escapes are not understood")
	}
	return escapeSequence.ReplaceAllStringFunc(inner, func(s string) string {
		switch s[1] {
		case 'n':
			return "\n"
		case 't':
			return "\t"
		default:
			return s[1:]
		}
	}), nil
}
