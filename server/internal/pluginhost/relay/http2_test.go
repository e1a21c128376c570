package relay_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// Callers that come over HTTP/2 get the same: only the edge speaks it.
func TestRelay_CarriesHTTP2(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		w.Header().Set("Trailer", "X-Sum")
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				break
			}
			_, _ = io.WriteString(w, r.RequestURI+" "+line)
			_ = control.Flush()
		}
		w.Header().Set("X-Sum", "42")
	})))
	server := httptest.NewUnstartedServer(h.edge)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	body, out := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/demo/a%2fb//c?d", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", httpxtest.Guest)
	go func() { _, _ = io.WriteString(out, "1\n") }()
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	for _, line := range []string{"2\n", "3\n", ""} {
		if got, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(got, "/a%2fb//c?d ") {
			t.Fatal(got, err)
		}
		if line != "" {
			_, _ = io.WriteString(out, line)
		}
	}
	_ = out.Close()
	if rest, err := io.ReadAll(in); err != nil || len(rest) != 0 || res.Trailer.Get("X-Sum") != "42" || res.ProtoMajor != 2 {
		t.Error(res.Proto, rest, err, res.Trailer)
	}
}
