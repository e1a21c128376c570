package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// echo answers what it was sent, and redirects from /to?<address>.
func echo(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/to":
		w.Header().Set("Location", r.URL.Query().Get("u"))
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	case "/status/500":
		w.WriteHeader(http.StatusInternalServerError)
		return
	case "/long":
		_, _ = io.WriteString(w, strings.Repeat("x", maxBody+1))
		return
	case "/hang":
		<-r.Context().Done()
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "session=1")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "headers": r.Header, "body": string(body)})
}

type echoed struct {
	Method, Path, Query, Body string
	Headers                   http.Header
}

func serve(t *testing.T, h http.HandlerFunc) (address, host string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, strings.TrimPrefix(s.URL, "http://")
}

func requests(t *testing.T, allow string) action.Action {
	t.Helper()
	offered, _ := offer(t, "http: {allow: ["+allow+"]}")
	return offered["http:request"]
}

func TestHTTPRequest_SendsWhatTheTemplateSaysAndAnswersWhatCame(t *testing.T) {
	address, host := serve(t, echo)
	a := requests(t, "{host: '"+host+"'}")
	h, err := perform(t.Context(), a, action.Invocation{}, `{"method":"POST","url":"%s/services?a=1#top","params":{"b":"x&y"},"headers":{"authorization":"Bearer hush"},"body":{"big":9007199254740993}}`, address)
	if err != nil {
		t.Fatal(err)
	}
	var got echoed
	if err := json.Unmarshal(h.outputs["body"], &got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.Path != "/services" || got.Query != "a=1&b=x%26y" || got.Body != `{"big":9007199254740993}` ||
		got.Headers.Get("Authorization") != "Bearer hush" || got.Headers.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", got)
	}
	if h.text("code") != "201" || strings.Contains(h.text("headers"), "session") || !strings.Contains(h.text("headers"), `"content-type":"application/json"`) {
		t.Errorf("outputs %s, %s", h.text("code"), h.text("headers"))
	}
	if log := strings.Join(h.log, "\n"); strings.Contains(log, "hush") || strings.Contains(log, "x%26y") || !strings.Contains(log, "POST "+address+"/services") {
		t.Errorf("the log says %s", log)
	}
}

func TestHTTPRequest_TextIsSentAsItIs(t *testing.T) {
	address, host := serve(t, echo)
	h, err := perform(t.Context(), requests(t, "{host: '"+host+"'}"), action.Invocation{}, `{"method":"put","url":"%s/x","body":"a: <ü>","headers":{"content-type":"application/yaml"},"logRequestPath":false}`, address)
	var got echoed
	if err := errors.Join(err, json.Unmarshal(h.outputs["body"], &got)); err != nil {
		t.Fatal(err)
	}
	if got.Body != "a: <ü>" || got.Headers.Get("Content-Type") != "application/yaml" || h.said("/x") {
		t.Errorf("got %+v, log %v", got, h.log)
	}
}

func TestHTTPRequest_TheStatusDecidesUnlessToldOtherwise(t *testing.T) {
	address, host := serve(t, echo)
	a := requests(t, "{host: '"+host+"'}")
	for more, fails := range map[string]bool{
		``: true, `,"continueOnBadResponse":true`: false, `,"expectedStatus":[500]`: false, `,"expectedStatus":[404],"continueOnBadResponse":true`: true,
	} {
		h, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s/status/500"%s}`, address, more)
		if (err != nil) != fails || h.text("code") != "500" {
			t.Errorf("%s: %v, code %s", more, err, h.text("code"))
		}
	}
}

func TestHTTPRequest_OnlyWhatIsAllowedIsAsked(t *testing.T) {
	asked := 0
	address, host := serve(t, func(http.ResponseWriter, *http.Request) { asked++ })
	_, port, _ := strings.Cut(host, ":")
	for allow, list := range map[string][]string{
		"{host: '" + host + "', paths: [/v1], methods: [get]}": {
			"POST " + address + "/v1/x", "GET " + address + "/", "GET " + address + "/v10", "GET " + address + "/v1/../admin", "GET " + address + "/v1/%2e%2e/admin",
			"GET " + address + "/v1/..%2fadmin", "GET " + address + "/v1/%252e%252e/admin", "GET " + address + "/v1//admin", "GET " + address + `/v1/..%5cadmin`,
			"GET " + address + "/v1/..;/admin", "GET http://localhost:" + port + "/v1", "GET http://user:pass@" + host + "/v1", "GET https://" + host + "1/v1", "GET file:///etc/passwd", "GET http:///v1",
			"GET ftp://" + host + "/v1", "GET gopher://" + host + "/v1", "GET " + host + "/v1", "GET ::", "GET http://127.0.0.1/v1",
		},
		"{host: '*'}":                          {"GET " + address, "GET http://127.0.0.1", "GET http://[::1]", "GET http://169.254.169.254/latest/meta-data", "GET http://0.0.0.0", "GET http://[::ffff:127.0.0.1]", "GET http://localhost", "GET http://10.0.0.1"},
		"{host: '*.example.com:" + port + "'}": {"GET " + address, "GET http://example.com:" + port, "GET http://evilexample.com:" + port},
	} {
		a := requests(t, allow)
		for _, text := range list {
			method, target, _ := strings.Cut(text, " ")
			input, _ := json.Marshal(map[string]any{"method": method, "url": target, "timeout": 2000})
			_, err := perform(t.Context(), a, action.Invocation{}, "%s", input)
			if err == nil {
				t.Errorf("%s: %s was asked", allow, text)
			}
		}
	}
	if asked != 0 {
		t.Errorf("%d requests went through", asked)
	}
	if _, err := perform(t.Context(), requests(t, "{host: '"+host+"', paths: [/v1], methods: [get]}"), action.Invocation{}, `{"method":"GET","url":"%s/v1/a.b"}`, address); err != nil || asked != 1 {
		t.Errorf("what is allowed: %v", err)
	}
}

func TestHTTPRequest_AnAddressThatIsNotPublicIsToldAsSuch(t *testing.T) {
	address, _ := serve(t, echo)
	u, _ := url.Parse(address)
	offered := &requester{allow: []allowRule{{host: "*", port: u.Port()}}}
	offered.http = &http.Client{Transport: offered.transport(), CheckRedirect: offered.checkRedirect}
	_, err := perform(t.Context(), tool[requestInput]{run: offered.execute}, action.Invocation{}, `{"method":"GET","url":"%s/hush?token=hush"}`, address)
	if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), "is not public") || strings.Contains(err.Error(), "token") {
		t.Errorf("got %v", err)
	}
}

func TestHTTPRequest_ARedirectIsJudgedLikeTheFirstAddress(t *testing.T) {
	strange := 0
	other, _ := serve(t, func(http.ResponseWriter, *http.Request) { strange++ })
	address, host := serve(t, echo)
	a := requests(t, "{host: '"+host+"'}")
	for _, target := range []string{other, "http://169.254.169.254/", "file:///etc/passwd", address + "/to?u=" + url.QueryEscape(other)} {
		_, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s/to?u=%s"}`, address, url.QueryEscape(target))
		if err == nil {
			t.Errorf("%s was followed", target)
		}
	}
	if strange != 0 {
		t.Error("a host that is not allowed was asked")
	}
	h, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s/to?u=/end","headers":{"x-token":"hush"}}`, address)
	if err != nil || !strings.Contains(h.text("body"), "hush") {
		t.Errorf("within the host: %v, %s", err, h.text("body"))
	}
	loop := address + "/to?u=" + url.QueryEscape("/to?u="+url.QueryEscape("/to?u=/to"))
	if _, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s"}`, loop); err == nil {
		t.Error("it ended in a redirect to nowhere, and succeeded")
	}
}

func TestHTTPRequest_CredentialsAndBodiesStayWithTheirHost(t *testing.T) {
	var seen []string
	other, otherHost := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, fmt.Sprint(r.Method, r.Header, string(body)))
	})
	address, host := serve(t, echo)
	a := requests(t, "{host: '"+host+"'}, {host: '"+otherHost+"'}")
	_, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s/to?hush=1&u=%s","headers":{"authorization":"hush","x-api-key":"hush","cookie":"hush"}}`, address, other)
	if err != nil || len(seen) != 1 || strings.Contains(seen[0], "hush") {
		t.Errorf("%v, the other host saw %v", err, seen)
	}
	_, err = perform(t.Context(), a, action.Invocation{}, `{"method":"POST","url":"%s/to?u=%s","body":"hush"}`, address, other)
	if !apierror.Has(err, apierror.NotAllowed) || len(seen) != 1 {
		t.Errorf("%v, the other host saw %v", err, seen)
	}
}

func TestHTTPRequest_WhatCannotBeSentIsRefused(t *testing.T) {
	address, host := serve(t, echo)
	a := requests(t, "{host: '"+host+"'}")
	for more, want := range map[string]string{
		`"headers":{"Host":"other"}`:                         "Host cannot be set",
		`"headers":{"transfer-encoding":"chunked"}`:          "Transfer-Encoding cannot be set",
		`"headers":{"x-a":"1\r\nx-b: 2"}`:                    "must be one line",
		`"body":"` + strings.Repeat("x", maxBody+1) + `"`:    "the limit is",
		`"method":"GET /x HTTP/1.1","url":"` + address + `"`: "cannot be sent",
		`"url":"` + address + `/long"`:                       "the answer is longer than",
		`"url":"` + address + `/hang","timeout":20`:          "no answer within 20ms",
	} {
		_, err := perform(t.Context(), a, action.Invocation{}, `{"method":"GET","url":"%s/x",%s}`, address, more)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v", more, err)
		}
	}
}

func TestHTTPRequest_StopsWithItsTask(t *testing.T) {
	address, host := serve(t, echo)
	cancelled := errors.New("ann cancelled it")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := newHeard()
	h.onLog = func(string) { cancel(cancelled) }
	run := action.Invocation{Input: action.Input(fmt.Sprintf(`{"method":"GET","url":"%s/hang"}`, address))}
	if err := requests(t, "{host: '"+host+"'}").Execute(ctx, run, h); !errors.Is(err, cancelled) {
		t.Errorf("got %v", err)
	}
}

func FuzzAllowRule(f *testing.F) {
	for _, path := range []string{"/v1/x", "/v1/../x", "/v1/%2e%2e/x", "/v1\\..\\x", "/v1", "//v1"} {
		f.Add("http://a.example.com"+path, "/v1")
	}
	f.Fuzz(func(t *testing.T, address, prefix string) {
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(prefix, "/") {
			return
		}
		rule := allowRule{host: "a.example.com", paths: []string{prefix}}
		if !rule.matches("GET", u) {
			return
		}
		if !strings.EqualFold(u.Hostname(), "a.example.com") || !strings.HasPrefix(u.Path, strings.TrimSuffix(prefix, "/")) || strings.Contains(u.Path, "..") {
			t.Errorf("%q is allowed below %q", address, prefix)
		}
	})
}
