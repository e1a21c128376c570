package usage

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

// answer is what an expression evaluated to.
type answer struct {
	series   []sampled
	warnings []string
}

// sampled is one series: of a vector with one point, of a matrix with as many as there are.
type sampled struct {
	labels map[string]string
	points []point
}

// point is a value at a moment; nil = NaN or infinite, which is how PromQL says that there is none.
type point struct {
	at    time.Time
	value *float64
}

func (s sampled) last() *float64 {
	if len(s.points) == 0 {
		return nil
	}
	return s.points[len(s.points)-1].value
}

// failure is what Prometheus says when it refuses a query.
type failure struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
}

type envelope struct {
	failure

	Warnings []string `json:"warnings"`
	Data     struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"` // its shape depends on the type
	} `json:"data"`
}

type resultSeries struct {
	Metric map[string]string `json:"metric"`
	Value  *pair             `json:"value"`  // of a vector
	Values []pair            `json:"values"` // of a matrix
}

// pair is [seconds, "value"].
type pair point

// parse reads the body of an answer; want is the type of result that the query has.
func parse(body []byte, want string) (answer, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return answer{}, err
	}
	switch {
	case e.Status == "error":
		return answer{}, fmt.Errorf("%s: %s", e.ErrorType, excerpt.Of(e.Error, longestWarning))
	case e.Status != "success":
		return answer{}, errors.New("it has no status")
	case e.Data.ResultType != want:
		return answer{}, fmt.Errorf("it is a %q, not a %s", excerpt.Of(e.Data.ResultType, longestWarning), want)
	}
	var found []resultSeries
	if err := json.Unmarshal(e.Data.Result, &found); err != nil {
		return answer{}, err
	}
	return answer{collect(found), e.Warnings}, nil
}

func collect(found []resultSeries) []sampled {
	var all []sampled
	for _, r := range found {
		s := sampled{labels: r.Metric}
		if r.Value != nil {
			s.points = append(s.points, point(*r.Value))
		}
		for _, v := range r.Values {
			s.points = append(s.points, point(v))
		}
		all = append(all, s)
	}
	return all
}

// latest is where seconds since 1970 stop being a time that arithmetic works with: the year 2286.
const latest = 1e10

// UnmarshalJSON implements [json.Unmarshaler].
func (p *pair) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("a sample has a time and a value, not %d parts", len(parts))
	}
	var seconds float64
	var value string
	if err := json.Unmarshal(parts[0], &seconds); err != nil {
		return fmt.Errorf("time of a sample: %w", err)
	}
	if err := json.Unmarshal(parts[1], &value); err != nil {
		return fmt.Errorf("value of a sample: %w", err)
	}
	if math.Abs(seconds) > latest {
		return fmt.Errorf("time of a sample: %v is none", seconds)
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("value of a sample: %q is no number", excerpt.Of(value, 20))
	}
	p.at, p.value = time.UnixMilli(int64(math.Round(seconds*1000))), nil
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		p.value = &v
	}
	return nil
}
