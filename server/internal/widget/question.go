package widget

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// span is a range that ends now. Its end is rounded up to a step, so that questions of the same time are the same question.
type span struct {
	name         string
	length, step time.Duration
}

var spans = []span{
	{"1h", time.Hour, time.Minute}, {"24h", 24 * time.Hour, 5 * time.Minute}, {"7d", 7 * 24 * time.Hour, 15 * time.Minute},
	{"30d", 30 * 24 * time.Hour, time.Hour}, {"90d", 90 * 24 * time.Hour, 6 * time.Hour}, {"365d", 365 * 24 * time.Hour, 24 * time.Hour},
}

// readQuestion reads the parameters of a question, which are those of the API. What can be read of the options is answered
// beside an error as well, for whoever tells of it.
func readQuestion(id ID, q url.Values, now time.Time) (r Request, o draw.Options, err error) {
	r = Request{ID: id, Entity: q.Get("entityRef"), Locale: q.Get("lang"), TimeZone: q.Get("tz")}
	if o, err = drawOptions(q); err != nil {
		return r, o, err
	}
	if r.From, r.To, err = times(q, now); err != nil {
		return r, o, err
	}
	if r.MaxPoints, err = count(q, "maxPoints", 0, 100_000); err != nil {
		return r, o, err
	}
	if args := q.Get("args"); args != "" {
		r.Args = json.RawMessage(args)
	}
	return r, o, nil
}

// times are from and to, or a range.
func times(q url.Values, now time.Time) (from, to time.Time, err error) {
	if name := q.Get("range"); name != "" {
		if q.Get("from")+q.Get("to") != "" {
			return from, to, apierror.Inputf("range: cannot be given beside from and to")
		}
		return spanOf(name, now)
	}
	if from, err = moment(q.Get("from"), "from"); err != nil {
		return from, to, err
	}
	if to, err = moment(q.Get("to"), "to"); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, apierror.Inputf("from: must be before to")
	}
	return from, to, nil
}

func spanOf(name string, now time.Time) (from, to time.Time, err error) {
	i := slices.IndexFunc(spans, func(s span) bool { return s.name == name })
	if i < 0 {
		var names []string
		for _, s := range spans {
			names = append(names, s.name)
		}
		return from, to, apierror.Inputf("range: must be one of %s", strings.Join(names, ", "))
	}
	to = now.UTC().Add(spans[i].step - 1).Truncate(spans[i].step)
	return to.Add(-spans[i].length), to, nil
}

// moment reads RFC 3339, or milliseconds since 1970.
func moment(text, name string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 1<<53 {
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return t, apierror.Inputf("%s: must be a time such as 2026-11-01T00:00:00Z, or milliseconds since 1970", name)
	}
	return t.UTC(), nil
}

func count(q url.Values, name string, least, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, apierror.Inputf("%s: must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

// drawOptions reads the language first: what is wrong with the others is told in it.
func drawOptions(q url.Values) (o draw.Options, err error) {
	if lang := q.Get("lang"); lang != "" {
		if o.Language, err = language.Parse(lang); err != nil || len(lang) > 64 {
			o.Language = language.Und
			return o, apierror.Inputf("lang: must be a language such as en or pt-BR")
		}
	}
	if theme := draw.Theme(q.Get("theme")); theme.Known() {
		o.Theme = theme
	} else {
		return o, apierror.Inputf("theme: must be light, dark or auto")
	}
	if zone := q.Get("tz"); zone != "" {
		if len(zone) > 64 {
			zone = "too long"
		}
		if o.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			o.Zone = nil
			return o, apierror.Inputf("tz: must be a time zone such as Europe/Berlin")
		}
	}
	for _, n := range []struct {
		name        string
		least, most int
		into        *int
	}{{"w", 160, 4096, &o.Width}, {"h", 60, 4096, &o.Height}, {"level", 2, 6, &o.Level}, {"scale", 1, 3, &o.Scale}} {
		if *n.into, err = count(q, n.name, n.least, n.most); err != nil {
			return o, err
		}
	}
	return o, nil
}
