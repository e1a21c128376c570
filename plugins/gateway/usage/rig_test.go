package usage

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 28, 12, 0, 7, 0, time.UTC)

// prometheus answers queries by what they begin with, and remembers them.
type prometheus struct {
	t       *testing.T
	url     string
	answers map[string]string // begin of the query → data of the answer
	handler http.HandlerFunc  // instead of answers, when it is set

	mu    sync.Mutex
	asked []url.Values
}

func start(t *testing.T) *prometheus {
	p := &prometheus{t: t, answers: map[string]string{}}
	s := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *prometheus) serve(w http.ResponseWriter, r *http.Request) {
	if p.handler != nil {
		p.handler(w, r)
		return
	}
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	query := r.Form.Get("query")
	p.mu.Lock()
	p.asked = append(p.asked, r.Form)
	p.mu.Unlock()
	data, kind := `[]`, "matrix"
	if !strings.HasSuffix(r.URL.Path, "_range") {
		kind = "vector"
	}
	for _, begin := range slices.Backward(slices.Sorted(maps.Keys(p.answers))) { // the longest first
		if strings.HasPrefix(query, begin) {
			data = p.answers[begin]
			break
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"success","warnings":["a store is  slow"],"data":{"resultType":"`+kind+`","result":`+data+`}}`)
}

// queries are all that were asked.
func (p *prometheus) queries() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, form := range p.asked {
		all = append(all, form.Get("query"))
	}
	return all
}

func (p *prometheus) source(change ...func(*Options)) *Source {
	p.t.Helper()
	kong, err := ProfileOf(Kong)
	if err != nil {
		p.t.Fatal(err)
	}
	transport := &http.Transport{}
	p.t.Cleanup(transport.CloseIdleConnections)
	o := Options{
		Name: "eu", URL: p.url + "/", Profile: kong, HTTP: &http.Client{Transport: transport}, Token: sdk.Secret("token-of-prometheus"),
		Now: func() time.Time { return noon },
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// quarter asks for three steps of five minutes.
var quarter = Query{From: noon.Add(-15 * time.Minute), To: noon, Step: 5 * time.Minute}

// shown are values as people read them; "-" = none.
func shown(values []*float64) string {
	var out []string
	for _, v := range values {
		if v == nil {
			out = append(out, "-")
		} else {
			out = append(out, decimal(*v))
		}
	}
	return strings.Join(out, " ")
}
