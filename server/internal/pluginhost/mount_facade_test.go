package pluginhost

import (
	"net/http"
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
