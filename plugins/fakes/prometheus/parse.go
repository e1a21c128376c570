package prometheus

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/scanner"
	"time"
)

// parse reads an expression.
func parse(text string) (e expression, err error) {
	p := &parser{}
	p.s.Init(strings.NewReader(text))
	p.s.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanStrings
	p.s.Error = func(_ *scanner.Scanner, message string) { p.fail(message) }
	p.next()
	e = p.product()
	if p.token != scanner.EOF {
		p.fail("unexpected " + p.s.TokenText())
	}
	return e, p.err
}

// deepest is how many expressions may stand in each other.
const deepest = 20

// parser goes on after a mistake, with nothing more to read, and keeps the first one.
type parser struct {
	s     scanner.Scanner
	token rune
	depth int
	err   error
}

func (p *parser) next() {
	if p.err == nil {
		p.token = p.s.Scan()
	}
}

func (p *parser) fail(message string) {
	if p.err == nil {
		p.err = fmt.Errorf("%d: %s", p.s.Column, message)
	}
	p.token = scanner.EOF
}

// take reads a token that must stand there.
func (p *parser) take(token rune) string {
	text := p.s.TokenText()
	if p.token != token {
		p.fail(fmt.Sprintf("%s expected, %q found", scanner.TokenString(token), text))
		return ""
	}
	p.next()
	return text
}

func (p *parser) product() expression {
	e := p.factor()
	for p.token == '*' {
		p.next()
		e = scaled{e, p.number()}
	}
	return e
}

func (p *parser) number() float64 {
	text := p.s.TokenText()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fail(fmt.Sprintf("a number expected, %q found", text))
	}
	p.next()
	return n
}

func (p *parser) factor() expression {
	if p.depth++; p.depth > deepest {
		p.fail("too many expressions in each other")
	}
	defer func() { p.depth-- }()
	if p.token == '(' {
		return p.inParentheses(p.product)
	}
	switch name := p.take(scanner.Ident); name {
	case "sum":
		var by []string
		if p.token == scanner.Ident && p.s.TokenText() == "by" {
			p.next()
			by = p.names()
		}
		return sum{p.inParentheses(p.product), by}
	case "count":
		return count{p.inParentheses(p.product)}
	case "rate":
		return p.inParentheses(p.rate)
	case "topk":
		return p.inParentheses(func() expression {
			n := p.number()
			p.take(',')
			return topk{p.product(), int(min(n, 1000))}
		})
	case "histogram_quantile":
		return p.inParentheses(func() expression {
			q := p.number()
			p.take(',')
			return quantile{p.product(), q}
		})
	default:
		return p.selector(name)
	}
}

func (p *parser) inParentheses(read func() expression) expression {
	p.take('(')
	e := read()
	p.take(')')
	return e
}

func (p *parser) names() []string {
	p.take('(')
	names := []string{p.take(scanner.Ident)}
	for p.token == ',' {
		p.next()
		names = append(names, p.take(scanner.Ident))
	}
	p.take(')')
	return names
}

// rate reads selector[15000ms].
func (p *parser) rate() expression {
	of := p.selector(p.take(scanner.Ident))
	p.take('[')
	length := p.s.TokenText()
	p.next()
	if p.token == scanner.Ident { // the scanner parts a number from its unit
		length += p.s.TokenText()
		p.next()
	}
	d, err := time.ParseDuration(length)
	if err != nil || d <= 0 {
		p.fail(fmt.Sprintf("%q is no range", length))
	}
	p.take(']')
	return rate{of, d}
}

func (p *parser) selector(name string) selector {
	s := selector{name: name}
	if p.token != '{' {
		return s
	}
	p.next()
	for p.token != '}' && p.err == nil {
		s.matchers = append(s.matchers, p.matcher())
		if p.token != '}' {
			p.take(',')
		}
	}
	p.take('}')
	return s
}

// matcher reads label="value" and its like.
func (p *parser) matcher() matcher {
	m := matcher{label: p.take(scanner.Ident)}
	operator := string(p.token)
	p.next()
	if p.token == '=' || p.token == '~' {
		operator += string(p.token)
		p.next()
	}
	value, err := strconv.Unquote(p.take(scanner.String))
	if err != nil {
		p.fail("a text in quotes expected")
	}
	switch operator {
	case "=", "!=":
		m.pattern = "^(?:" + regexp.QuoteMeta(value) + ")$"
	case "=~", "!~":
		m.pattern = "^(?:" + value + ")$"
	default:
		p.fail(operator + " is no way to match")
	}
	m.not = strings.HasPrefix(operator, "!")
	if m.regexp, err = regexp.Compile(m.pattern); err != nil {
		p.fail(err.Error())
	}
	return m
}
