package pluginhost

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

func TestFacade_AnswersAsThePathThatItStandsFor(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	if w := r.get("/till/health"); w.Body.String() != "well" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := r.get("/till/greeting/x"); w.Code != http.StatusNotFound {
		t.Errorf("a facade shows more than its path: %d %s", w.Code, w.Body)
	}
}

func TestFacade_GivesWayToAPluginOfItsID(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", ""))+"\ntill: {source: /nowhere, development: true}")
	r.await("shop", supervise.Ready)
	if w := r.get("/till/health"); w.Body.String() == "well" {
		t.Error("the facade has the id of a plugin")
	}
	if !strings.Contains(r.log.String(), "there is a plugin of the id till") {
		t.Error("nobody is told")
	}
}

func TestEgress_FollowsTheServersThatSettingsName(t *testing.T) {
	till := func(sum string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, sum) }))
		t.Cleanup(s.Close)
		return s
	}
	first, second := till("7 crowns"), till("9 crowns")
	dir := shopFolder(t, "1.0.0", "")
	settings := func(address string) string {
		return fmt.Sprintf("shop: {source: %s, development: true, egress: {allowPrivate: [127.0.0.1]}, settings: {till: %s, greeting: %q}}", dir, address, address)
	}
	r := run(t, settings(first.URL+"/base"))
	r.await("shop", supervise.Ready)
	sum := func(of string) string { return r.get("/till/sum?from=" + url.QueryEscape(of)).Body.String() }
	if got := sum(first.URL); got != "7 crowns" {
		t.Error(got)
	}
	if got := sum(second.URL); !strings.Contains(got, "neither in needs.egress") {
		t.Errorf("a server that no setting names: %s", got)
	}
	events := r.Events(t.Context())
	r.Reload(r.config(settings(second.URL)))
	for r.greeting().Greeting != second.URL {
		<-events
	}
	if got := sum(second.URL); got != "9 crowns" {
		t.Error(got)
	}
	if got := sum(first.URL); !strings.Contains(got, "neither in needs.egress") {
		t.Errorf("a server that settings name no more: %s", got)
	}
}
