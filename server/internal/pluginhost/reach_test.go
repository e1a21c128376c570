package pluginhost

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

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

func TestFiles_AreReadWhereTheOperatorLetsThePlugin(t *testing.T) {
	bills := openDir(t)
	put(t, filepath.Join(bills, "november"), "12 crowns")
	dir := shopFolder(t, "1.0.0", "")
	settings := func(read string) string {
		return fmt.Sprintf("shop: {source: %s, development: true, files: {read: [%s]}}", dir, read)
	}
	r := run(t, settings(""))
	if v := r.await("shop", supervise.Ready); v.Sandbox == nil || v.Sandbox.Landlock == 0 {
		t.Skip("files are not confined on this machine")
	}
	bill := func() string {
		return r.get("/shop/bill?file=" + url.QueryEscape(filepath.Join(bills, "november"))).Body.String()
	}
	if got := bill(); !strings.Contains(got, "permission denied") {
		t.Errorf("the plugin reads what it was not given: %s", got)
	}
	r.Reload(r.config(settings(bills))) // which takes another process
	for n := 0; bill() != "12 crowns<nil>"; n++ {
		if n == 6000 { // a minute
			t.Fatalf("the plugin does not read what it was given: %s\n%s", bill(), r.log)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
