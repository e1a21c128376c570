package usage

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// skeleton is a query whose strings are empty; false = one does not end.
func skeleton(query string) (string, bool) {
	var out strings.Builder
	for query != "" {
		at := strings.IndexByte(query, '"')
		if at < 0 {
			out.WriteString(query)
			break
		}
		literal, err := strconv.QuotedPrefix(query[at:])
		if err != nil {
			return "", false
		}
		out.WriteString(query[:at] + `""`)
		query = query[at+len(literal):]
	}
	return out.String(), true
}

// Whatever applications, APIs and labels are called, it stays within the strings of a query.
func FuzzQuery_KeepsNamesInStrings(f *testing.F) {
	for _, name := range []string{`a"} or vector(1) #`, `\`, `a\"`, "a\nb", "a\x00b", "\xff", "`", `.*|x`, "é", `{{`, "'"} {
		f.Add(name, name, name)
	}
	s := &Source{profile: profiles[Kong], scrape: 15 * time.Second, now: func() time.Time { return noon }}
	query := func(t *testing.T, app, api, label string) string {
		s := *s
		s.match = map[string]string{"job": label}
		p, err := s.plan(Query{Apps: []string{app}, APIs: []string{api, "b"}, By: ByApp}, "requests", nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.selector(&s, p.metric, p.among([]string{app, api}), noneOf(p.label, []string{label}))
	}
	f.Fuzz(func(t *testing.T, app, api, label string) {
		got, ended := skeleton(query(t, app, api, label))
		want, _ := skeleton(query(t, "a", "b", "c"))
		if !ended || got != want {
			t.Errorf("%s\nis not\n%s", query(t, app, api, label), want)
		}
	})
}

func FuzzParse_TakesAnyAnswer(f *testing.F) {
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1795866600.5,"12.5"],[1,"NaN"]]}]}}`)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"values":[null,[1e300,"1"],[],["1",1]]}]}}`)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":null}}`)
	f.Add(`[1`)
	f.Fuzz(func(t *testing.T, body string) {
		a, err := parse([]byte(body), "matrix")
		if err != nil {
			return
		}
		p := plan{from: noon, to: noon.Add(time.Minute), step: time.Minute, result: Result{Times: []time.Time{noon.Add(time.Minute)}}}
		for _, s := range a.series {
			for _, point := range s.points {
				if v := point.value; v != nil && *v-*v != 0 {
					t.Errorf("a value that is none: %v", *v)
				}
				if n := p.index(point.at); n > 0 {
					t.Errorf("a place beyond the table: %d", n)
				}
			}
		}
	})
}
