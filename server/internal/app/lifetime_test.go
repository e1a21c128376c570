package app_test

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestAHostThatEndedLeavesNothingRunning(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := write(t, map[string]string{"catalog/a.yaml": named("a"), "dist/index.html": "<html><head></head></html>", "dist/static/main.js": "1"})
	text := strings.Replace(everything, "callboard: {", "callboard: {frontend: {dist: '"+dir+"/dist'}, ", 1)
	for range 2 { // a second life in the same process finds everything as the first did
		h := launch(t, dir, text)
		guest := h.guestToken(t)
		for _, r := range h.server().Routes() {
			if r.Method == http.MethodGet {
				h.fetch(t, r.Method, example(r), guest, "")
			}
		}
		h.end(t)
	}
}

// A host whose configuration is refused has opened nothing that stays open.
func TestAHostThatCannotStartLeavesNothingRunning(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, mistake := range []string{"auth: {keyStore: {provider: paper}}\n", "callboard: {frontend: {dist: /nowhere}}\n", "techdocs: {publisher: {local: {publishDirectory: 5}}}\n"} {
		key, _, _ := strings.Cut(mistake, ":")
		kept := ""
		for line := range strings.Lines(basicConfig) {
			if !strings.HasPrefix(line, key+":") {
				kept += line
			}
		}
		if err := tryToStart(t, kept+mistake); err == nil {
			t.Errorf("%s: started", mistake)
		}
	}
}

func TestTwoHostsInOneProcessDoNotKnowEachOther(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ours := launch(t, write(t, map[string]string{"catalog/a.yaml": named("ours")}), basicConfig)
	theirs := launch(t, write(t, map[string]string{"catalog/a.yaml": named("theirs")}), strings.Replace(basicConfig, serviceToken, "another-token-5678", 1))
	if got := ours.names(t, "kind=component"); len(got) != 1 || got[0] != "ours" {
		t.Errorf("ours has %v", got)
	}
	if status, body := theirs.fetch(t, http.MethodGet, "/api/catalog/entities/by-name/component/default/theirs", "another-token-5678", ""); status != http.StatusOK {
		t.Errorf("theirs: %d %s", status, body)
	}
	for name, token := range map[string]string{"a user token": ours.guestToken(t), "a service token": serviceToken} {
		if status, body := theirs.fetch(t, http.MethodGet, "/api/catalog/entities", token, ""); status != http.StatusUnauthorized {
			t.Errorf("%s of the other host: %d %s", name, status, body)
		}
	}
	guest := ours.guestToken(t)
	if status, _ := ours.fetch(t, http.MethodPut, "/api/user-settings/buckets/a/keys/b", guest, `{"value":1}`); status != http.StatusOK {
		t.Error("the setting was not stored")
	}
	if status, body := theirs.fetch(t, http.MethodGet, "/api/user-settings/buckets/a/keys/b", theirs.guestToken(t), ""); status != http.StatusNotFound {
		t.Errorf("the setting is at the other host: %d %s", status, body)
	}
	ours.end(t)
	if status, body := theirs.fetch(t, http.MethodGet, "/api/catalog/entities", "another-token-5678", ""); status != http.StatusOK {
		t.Errorf("after the other has ended: %d %s", status, body)
	}
	theirs.end(t)
}
