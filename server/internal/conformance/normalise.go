package conformance

import (
	"regexp"
	"strings"
)

var (
	uuids        = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times        = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?`)
	httpDates    = regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 2[01]\d\d \d\d:\d\d:\d\d GMT`)
	tokens       = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
	generated    = regexp.MustCompile(`generated-([0-9a-f]{40})`)
	hexEtag      = regexp.MustCompile(`^[0-9a-f]{40}$`)
	logIDs       = regexp.MustCompile(`logId=[0-9a-f]+`)
	stackLines   = regexp.MustCompile(`(\n\s+at [^\n]+)+`)
	dryRunDirs   = regexp.MustCompile(`(/[\w.-]+)+/(dry-run(?:-content)?-<uid>)`)
	writtenTo    = regexp.MustCompile(`(written to )(/[\w.-]+)*/<uid>`)
	afterCursor  = regexp.MustCompile(`after=[^&>]+`)
	scriptHashes = regexp.MustCompile(`script-src 'sha256-[^']+'`)
)

// normaliser replaces what differs from run to run by fixed marks, as it was done when the cases were recorded.
type normaliser struct {
	fixtures, base, host, hostname, run string
	names                               map[string]string // sha1 of a configured location -> its name in the suite
}

func (n normaliser) value(v any, key string) any {
	switch v := v.(type) {
	case string:
		return n.text(v, key)
	case float64: // epoch milliseconds
		if v > 1.6e12 && v < 4e12 && v == float64(int64(v)) {
			return "<time>"
		}
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = n.value(x, "")
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if k == "stack" && isError(v) {
				continue
			}
			out[n.text(k, "")] = n.value(x, k)
		}
		return out
	}
	return v
}

func isError(v map[string]any) bool {
	_, stack := v["stack"].(string)
	return stack && (v["name"] != nil || v["message"] != nil)
}

func (n normaliser) text(s, key string) string {
	if key == "nextCursor" || key == "prevCursor" {
		return "<cursor>"
	}
	if key == "etag" && hexEtag.MatchString(s) {
		return "<etag>"
	}
	s = strings.NewReplacer(n.fixtures, "${FIXTURES}", n.base, "${BASE}", n.run, "${RUN}").Replace(s)
	s = strings.ReplaceAll(s, n.host, "${HOST}")
	s = tokens.ReplaceAllString(s, "<jwt>")
	s = generated.ReplaceAllStringFunc(s, func(m string) string {
		if name, ok := n.names[strings.TrimPrefix(m, "generated-")]; ok {
			return "generated-<" + name + ">"
		}
		return "generated-<sha1>"
	})
	s = times.ReplaceAllString(uuids.ReplaceAllString(s, "<uid>"), "<time>")
	s = httpDates.ReplaceAllStringFunc(s, func(m string) string {
		if strings.Contains(m, "2015") {
			return m
		}
		return "<date>"
	})
	s = stackLines.ReplaceAllString(logIDs.ReplaceAllString(s, "logId=<id>"), "")
	return writtenTo.ReplaceAllString(dryRunDirs.ReplaceAllString(s, "<tmp>/$2"), "$1<tmp>/<uid>")
}

func (n normaliser) header(name string, values []string) *string {
	if len(values) == 0 {
		return nil
	}
	separator := ", " // as Node joins repeated headers
	if name == "set-cookie" {
		separator = "\n"
	}
	s := n.text(strings.Join(values, separator), name)
	s = scriptHashes.ReplaceAllString(afterCursor.ReplaceAllString(s, "after=<cursor>"), "script-src 'sha256-<hash>'")
	s = regexp.MustCompile(`(?i)Domain=`+regexp.QuoteMeta(n.hostname)).ReplaceAllString(s, "Domain=<hostname>")
	return &s
}
