package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/urlreader"
)

// placeholders replaces objects with exactly one key, $text, $json or $yaml, by what is read from the URL they name.
// Files of the host cannot be reached: everything goes through the URL reader, and only http and https leave here.
type placeholders struct {
	urls         URLReader
	integrations Integrations
	limits       cataloginfo.Limits
}

func (placeholders) Name() string { return "PlaceholderProcessor" }

func (ph placeholders) PreProcess(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	v, err := ph.walk(ctx, p, map[string]any(e))
	if err != nil {
		return nil, err
	}
	replaced, ok := v.(map[string]any)
	if !ok {
		return nil, apierror.New(apierror.Generic, "the entity as a whole cannot be a placeholder")
	}
	return replaced, nil
}

// walk changes v in place; a replaced value is not searched again.
func (ph placeholders) walk(ctx context.Context, p *Processing, v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			replaced, err := ph.walk(ctx, p, item)
			if err != nil {
				return nil, err
			}
			v[i] = replaced
		}
	case map[string]any:
		return ph.walkObject(ctx, p, v)
	}
	return v, nil
}

func (ph placeholders) walkObject(ctx context.Context, p *Processing, m map[string]any) (any, error) {
	for key, value := range m {
		if !strings.HasPrefix(key, "$") {
			continue
		}
		// An object with any $ key is a placeholder or is left alone as a whole.
		if name := key[1:]; len(m) == 1 && (name == "text" || name == "json" || name == "yaml") {
			return ph.resolve(ctx, p, name, value)
		}
		return m, nil
	}
	for key, value := range m {
		replaced, err := ph.walk(ctx, p, value)
		if err != nil {
			return nil, err
		}
		m[key] = replaced
	}
	return m, nil
}

func (ph placeholders) resolve(ctx context.Context, p *Processing, name string, value any) (any, error) {
	p.reads = true
	target, ok := value.(string)
	if !ok {
		return nil, genericf("Placeholder $%s expected a string value parameter, in the form of an absolute URL or a relative path", name)
	}
	url, err := ph.absolute(target, p.Location.Target)
	if err != nil {
		return nil, genericf("Placeholder $%s could not form a URL out of %s and %s, %s", name, p.Location.Target, target, apierror.Describe(err))
	}
	doc, err := ph.read(ctx, url)
	if err == nil && len(doc.Data) > ph.limits.FileBytes {
		err = tooLarge(len(doc.Data), ph.limits.FileBytes)
	}
	if err != nil {
		return nil, genericf("Placeholder $%s could not read location %s, %s", name, target, apierror.Describe(err))
	}
	p.RefreshKey("url:" + url)
	switch name {
	case "json":
		return parseJSONPlaceholder(target, doc.Data)
	case "yaml":
		return ph.parseYAMLPlaceholder(target, doc.Data)
	}
	return cataloginfo.DecodeUTF8(doc.Data), nil
}

// read leaves for http and https alone, whatever the reader could do.
func (ph placeholders) read(ctx context.Context, url string) (URLDocument, error) {
	if scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(url)), ":"); scheme != "http" && scheme != "https" {
		return URLDocument{}, urlreader.NotAllowed(url)
	}
	return ph.urls.ReadURL(ctx, url, "")
}

func (ph placeholders) absolute(target, base string) (string, error) {
	if ph.integrations == nil {
		return "", apierror.TypeErrorf("Invalid URL")
	}
	url, err := ph.integrations.ResolveURL(target, base)
	if err != nil {
		return "", err
	}
	from, to := ph.integrations.Repository(base), ph.integrations.Repository(url)
	if from != "" && to != "" && from != to {
		return "", errors.New("Placeholder may only reference files from the same repository as the entity")
	}
	return url, nil
}

// parseJSONPlaceholder reads numbers as JavaScript has them: rounded, and nothing where they are too large.
func parseJSONPlaceholder(target string, data []byte) (any, error) {
	if problem := httpx.SyntaxProblem(data); problem != "" {
		return nil, genericf("Placeholder $json failed to parse JSON data at %s, SyntaxError: %s", target, problem)
	}
	v, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	return roundNumbers(v), nil
}

// roundNumbers changes v in place.
func roundNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := strconv.ParseFloat(v.String(), 64)
		if math.IsInf(f, 0) {
			return nil
		}
		return f
	case []any:
		for i := range v {
			v[i] = roundNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = roundNumbers(v[k])
		}
	}
	return v
}

// parseYAMLPlaceholder counts the documents before it looks at what is wrong in them.
func (ph placeholders) parseYAMLPlaceholder(target string, data []byte) (any, error) {
	var value any
	var failed error
	documents := 0
	for doc, err := range cataloginfo.ReadValues(data, target, ph.limits) {
		documents++
		if err == nil {
			value = doc.Value
		} else if failed == nil {
			failed = err
		}
	}
	switch {
	case documents != 1:
		return nil, genericf("Placeholder $yaml expected to find exactly one document of data at %s, found %d", target, documents)
	case failed != nil:
		text := strings.TrimPrefix(failed.Error(), "YAML error at "+target+", ")
		return nil, genericf("Placeholder $yaml found an error in the data at %s, %s", target, text)
	}
	return value, nil
}

func genericf(format string, args ...any) error {
	return apierror.Newf(apierror.Generic, format, args...)
}

var _ PreProcessor = placeholders{}
