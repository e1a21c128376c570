package idptest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxSteps bounds the redirects of one visit.
const maxSteps = 10

// SignIn does what a browser does in the hands of somebody: it opens an address of the provider's authorization endpoint,
// fills in the form as that user, and answers where it is sent back to, which it does not open.
func (s *Server) SignIn(address, username string) (*url.URL, error) {
	return s.visit(address, url.Values{"username": {username}, "password": {Password}, "answer": {"sign-in"}})
}

// Refuse is SignIn by somebody who says no.
func (s *Server) Refuse(address string) (*url.URL, error) {
	return s.visit(address, url.Values{"answer": {"refuse"}})
}

func (s *Server) visit(address string, form url.Values) (*url.URL, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	browser := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range maxSteps {
		at, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("idptest: %w", err)
		}
		if !strings.HasPrefix(address, s.Issuer+"/") {
			return at, nil
		}
		var answer *http.Response
		if at.Path == "/login" {
			form.Set("request", at.Query().Get("request"))
			answer, err = browser.PostForm(address, form)
		} else {
			answer, err = browser.Get(address)
		}
		if err != nil {
			return nil, fmt.Errorf("idptest: %w", err)
		}
		_ = answer.Body.Close() // nothing of it is read
		next, err := answer.Location()
		if err != nil {
			return nil, fmt.Errorf("idptest: %s answered %s and leads nowhere", at.Path, answer.Status)
		}
		address = next.String()
	}
	return nil, fmt.Errorf("idptest: more than %d redirects", maxSteps)
}
