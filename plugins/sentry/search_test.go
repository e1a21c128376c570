package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestSearch_FindsOpenIssuesOfAnnotatedEntities(t *testing.T) {
	r := start(t)
	r.Catalog.Put(annotated("odd", "a b/c d")) // an annotation that names no project
	found, err := r.Collect(documentType)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]sdk.Document{}
	for _, d := range found {
		of[d.EntityRef] = append(of[d.EntityRef], d)
	}
	shopped := of["component:default/shop"]
	if len(shopped) == 0 || len(of["component:default/front"]) == 0 || len(of["component:default/gone"]) != 0 || len(of["component:default/odd"]) != 0 {
		t.Fatalf("%+v", of)
	}
	for _, d := range shopped {
		if !strings.HasPrefix(d.Location, "https://") || d.Title == "" || !strings.Contains(d.Text, "shop") {
			t.Errorf("%+v", d)
		}
	}
}

func TestSearch_KeepsWhatItHasWhileSentryIsDown(t *testing.T) {
	r := start(t)
	r.sentry.Fail("/issues/", -1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if _, err := r.Collect(documentType); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("the documents of before would be dropped: %v", err)
	}
}

func TestSearch_LeadsToTheEntityWhereSentryHasNoSafeAddress(t *testing.T) {
	for _, permalink := range []string{"", "http://sentry.intranet/1", "javascript:alert(1)"} {
		if d := (issue{title: "x", permalink: permalink}).found(annotated("Shop", "p")); d.Location != "/catalog/default/component/Shop" {
			t.Errorf("%q: %s", permalink, d.Location)
		}
	}
}
