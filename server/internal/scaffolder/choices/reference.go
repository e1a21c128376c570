package choices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/theory/jsonpath"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// Limits of what a valuesRef may ask for.
const (
	defaultTimeout = 3 * time.Second
	maxTimeout     = 10 * time.Second
	defaultCache   = time.Minute
	maxCache       = time.Hour
	maxExpression  = 500 // bytes of one JSONPath
)

// reference is a valuesRef that was read.
type reference struct {
	source               source
	items, value, title  *jsonpath.Path // value and title are nil for the item itself
	timeout, cache       time.Duration
	itemsText, valueText string
	titleText            string
}

// source is where a document comes from: a URL, or a route of a plugin.
type source struct{ url, plugin, path string }

func (s source) String() string {
	if s.url != "" {
		return s.url
	}
	return "plugin " + s.plugin + " " + s.path
}

// about tells which source err is of, unless err tells it.
func (s source) about(err error) error {
	if strings.Contains(err.Error(), s.String()) {
		return err
	}
	return fmt.Errorf("%s: %w", s, err)
}

// readReference reads the value of valuesRef. Errors name the key and the rule.
func readReference(data []byte) (reference, error) {
	var text struct{ URL, Plugin, Path, Select, Value, Title, Timeout, Cache string }
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&text); err != nil {
		return reference{}, apierror.Inputf("valuesRef: %s; it takes url, or plugin and path, and select, value, title, timeout, cache, which are strings", err)
	}
	r := reference{source: source{text.URL, text.Plugin, text.Path}, itemsText: text.Select, valueText: text.Value, titleText: text.Title}
	if r.itemsText == "" {
		r.itemsText = "$[*]"
	}
	if err := r.source.check(); err != nil {
		return reference{}, err
	}
	return r, r.parse(text.Timeout, text.Cache)
}

func (s source) check() error {
	switch {
	case (s.url == "") == (s.plugin == ""):
		return apierror.Inputf("valuesRef: give either url, or plugin and path")
	case s.plugin != "" && (!strings.HasPrefix(s.path, "/") || strings.HasPrefix(s.path, "//") || strings.ContainsAny(s.path, "\\#\r\n")):
		return apierror.Inputf("valuesRef.path: %q is not a path of the plugin, such as /regions", s.path)
	case s.plugin != "" && strings.ContainsAny(s.plugin, "/\\.%?# "):
		return apierror.Inputf("valuesRef.plugin: %q is not the id of a plugin", s.plugin)
	}
	return nil
}

func (r *reference) parse(timeout, cache string) (err error) {
	if r.items, err = expression("select", r.itemsText); err != nil {
		return err
	}
	if r.value, err = expression("value", r.valueText); err != nil {
		return err
	}
	if r.title, err = expression("title", r.titleText); err != nil {
		return err
	}
	if r.timeout, err = span("timeout", timeout, defaultTimeout, maxTimeout); err != nil {
		return err
	}
	r.cache, err = span("cache", cache, defaultCache, maxCache)
	return err
}

// expression parses a JSONPath. More than one descendant step could take time beyond any bound on the document, and
// evaluation cannot be interrupted.
func expression(key, text string) (*jsonpath.Path, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxExpression {
		return nil, apierror.Inputf("valuesRef.%s: more than %d bytes", key, maxExpression)
	}
	if strings.Count(text, "..") > 1 {
		return nil, apierror.Inputf("valuesRef.%s: more than one .. in %q", key, text)
	}
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, apierror.Inputf("valuesRef.%s: %q is not a JSONPath: %s", key, text, err)
	}
	return p, nil
}

func span(key, text string, def, limit time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 || d > limit {
		return 0, apierror.Inputf("valuesRef.%s: %q is not a duration of at most %s", key, text, limit)
	}
	return d, nil
}

// choice is one value and what the form shows for it.
type choice struct {
	value json.RawMessage // a JSON string, number or boolean
	title string
}

// pick takes the choices out of a document. Values that come twice count once; what has no title shows its value.
func (r reference) pick(document any) ([]choice, error) {
	items := r.items.Select(document)
	if len(items) > maxChoices {
		return nil, fmt.Errorf("%s selects %d items; a field takes at most %d", r.itemsText, len(items), maxChoices)
	}
	list := make([]choice, 0, len(items))
	seen := map[string]bool{}
	for i, item := range items {
		value, err := scalar(r.value, item)
		if err != nil {
			return nil, fmt.Errorf("item %d: value %s: %w", i, r.valueText, err)
		}
		title := value
		if r.title != nil && len(r.title.Select(item)) > 0 {
			if title, err = scalar(r.title, item); err != nil {
				return nil, fmt.Errorf("item %d: title %s: %w", i, r.titleText, err)
			}
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		if !seen[string(data)] {
			seen[string(data)] = true
			list = append(list, choice{data, fmt.Sprint(title)})
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s selects nothing", r.itemsText)
	}
	return list, nil
}

func scalar(path *jsonpath.Path, item any) (any, error) {
	if path != nil {
		found := path.Select(item)
		if len(found) != 1 {
			return nil, fmt.Errorf("selects %d values, not one", len(found))
		}
		item = found[0]
	}
	switch item.(type) {
	case string, bool, json.Number, float64:
		return item, nil
	}
	return nil, fmt.Errorf("not a string, number or boolean but %T", item)
}
