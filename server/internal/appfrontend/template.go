package appfrontend

import (
	"errors"
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// renderTemplate renders the small part of lodash templates that frontends use: <%= expression %> and <%- expression %>,
// and <% if (expression) { %> … <% } else if (…) { %> … <% } else { %> … <% } %>. Expressions know publicPath, config
// with its has and get methods, literals, ( ) ! && || ?? + == === != !== and ?:. Everything else is an error that names
// the line.
//
// Unlike lodash it escapes what it inserts, for HTML or, within a script element, for a string of JavaScript.
func renderTemplate(source, publicPath string, visible *config.Config) (string, error) {
	t := &templateRun{publicPath: publicPath, config: visible.Root()}
	rest, line := source, 1
	for {
		start := strings.Index(rest, "<%")
		if start < 0 {
			break
		}
		t.text(rest[:start])
		line += strings.Count(rest[:start], "\n")
		tag, after, closed := strings.Cut(rest[start+2:], "%>")
		if !closed {
			return "", fmt.Errorf("%s:%d: <%% without %%>", templateName, line)
		}
		if err := t.tag(tag); err != nil {
			return "", fmt.Errorf("%s:%d: <%%%s%%>: %w", templateName, line, tag, err)
		}
		line += strings.Count(tag, "\n")
		rest = after
	}
	t.text(rest)
	if len(t.blocks) > 0 {
		return "", fmt.Errorf("%s:%d: a block is not closed", templateName, line)
	}
	// A value of another type than the template asks for.
	return t.out.String(), visible.Err()
}

type templateRun struct {
	publicPath string
	config     *config.Section
	out        strings.Builder
	blocks     []ifBlock
	inScript   bool
}

// ifBlock is one open if. taken tells that one of its branches has been rendered, active that the current one is.
type ifBlock struct{ active, taken bool }

func (t *templateRun) active() bool {
	for _, b := range t.blocks {
		if !b.active {
			return false
		}
	}
	return true
}

func (t *templateRun) text(s string) {
	if !t.active() {
		return
	}
	t.out.WriteString(s)
	lower := strings.ToLower(s)
	open, closed := strings.LastIndex(lower, "<script"), strings.LastIndex(lower, "</script")
	if open >= 0 || closed >= 0 {
		t.inScript = open > closed
	}
}

func (t *templateRun) tag(tag string) error {
	if strings.HasPrefix(tag, "=") || strings.HasPrefix(tag, "-") {
		return t.insert(tag[1:])
	}
	statement := strings.TrimSpace(tag)
	switch {
	case strings.HasPrefix(statement, "if"):
		return t.openIf(strings.TrimPrefix(statement, "if"))
	case statement == "}":
		return t.closeIf()
	case strings.HasPrefix(statement, "}"):
		return t.elseBranch(strings.TrimSpace(statement[1:]))
	default:
		return errors.New("only if, else and insertions are understood")
	}
}

// insert does not look at expressions in branches that are not rendered: they may ask for values that are absent.
func (t *templateRun) insert(source string) error {
	if !t.active() {
		return nil
	}
	value, err := evaluate(source, t)
	if err != nil {
		return err
	}
	if t.inScript {
		t.out.WriteString(template.JSEscapeString(jsString(value)))
	} else {
		t.out.WriteString(html.EscapeString(jsString(value)))
	}
	return nil
}

func (t *templateRun) openIf(statement string) error {
	block := ifBlock{}
	if t.active() {
		holds, err := t.condition(statement)
		if err != nil {
			return err
		}
		block = ifBlock{active: holds, taken: holds}
	}
	t.blocks = append(t.blocks, block)
	return nil
}

func (t *templateRun) elseBranch(statement string) error {
	rest, ok := strings.CutPrefix(statement, "else")
	if !ok || len(t.blocks) == 0 {
		return errors.New("there is no if to continue")
	}
	last := len(t.blocks) - 1
	block := t.blocks[last]
	t.blocks = t.blocks[:last]
	next := ifBlock{taken: block.taken}
	if rest = strings.TrimSpace(rest); rest == "{" {
		next.active = !block.taken
	} else if rest, ok = strings.CutPrefix(rest, "if"); !ok {
		return errors.New("only else and else if are understood")
	} else if t.active() && !block.taken {
		holds, err := t.condition(rest)
		if err != nil {
			return err
		}
		next.active = holds
	}
	next.taken = next.taken || next.active
	t.blocks = append(t.blocks, next)
	return nil
}

func (t *templateRun) closeIf() error {
	if len(t.blocks) == 0 {
		return errors.New("there is no block to close")
	}
	t.blocks = t.blocks[:len(t.blocks)-1]
	return nil
}

func (t *templateRun) condition(statement string) (bool, error) {
	source, ok := strings.CutSuffix(strings.TrimSpace(statement), "{")
	if !ok {
		return false, errors.New("a block must be opened with {")
	}
	value, err := evaluate(source, t)
	return truthy(value), err
}

// Values of expressions are nil (undefined), bool, float64, string and *config.Section: all can be compared.

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	default:
		return true
	}
}

func jsString(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}
