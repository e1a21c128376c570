package plugintest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Notifications are the messages that the plugin sent to people.
type Notifications struct {
	mu   sync.Mutex
	sent []sdk.Notification
}

// Sent are the messages so far, in order.
func (n *Notifications) Sent() []sdk.Notification {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.sent)
}

func (n *Notifications) post(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+PluginToken("notifications", "") {
		sdk.WriteError(w, r, apierror.New(apierror.Authentication, "the token is none of the plugin for the notifications"))
		return
	}
	var m struct {
		Recipients struct{ EntityRef []string }
		Payload    sdk.Notification
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Payload.Title == "" {
		sdk.WriteError(w, r, apierror.Inputf("payload.title is missing: %v", err))
		return
	}
	m.Payload.To = m.Recipients.EntityRef
	n.mu.Lock()
	n.sent = append(n.sent, m.Payload)
	n.mu.Unlock()
	sdk.WriteJSON(w, http.StatusOK, []any{})
}
