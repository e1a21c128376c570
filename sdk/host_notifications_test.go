package sdk_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestNotifications_AreSentAsThePluginItself(t *testing.T) {
	status := http.StatusOK
	h := inside(t, func(h *plugintest.Harness) {
		h.Outgoing.HandleFunc("http://callboard.internal", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("payload.title is missing"))
		})
	}, func(ctx context.Context, host *sdk.Host) {
		send := func(n sdk.Notification) error { return host.Notifications.Send(ctx, n) }
		if err := send(sdk.Notification{To: []string{"group:default/web"}, Title: "Budget", Severity: "high", Topic: "cost", Scope: "budget-1", Link: "/cost"}); err != nil {
			t.Error(err)
		}
		if err := send(sdk.Notification{Title: "All"}); err != nil {
			t.Error(err)
		}
		status = http.StatusBadRequest
		if err := send(sdk.Notification{}); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "payload.title is missing") {
			t.Error(err)
		}
		status = http.StatusForbidden
		if err := send(sdk.Notification{Title: "No"}); !errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Error(err)
		}
	})
	sent := h.Outgoing.Requests()
	for i, want := range []string{
		`{"recipients":{"type":"entity","entityRef":["group:default/web"]},"payload":{"title":"Budget","link":"/cost","severity":"high","topic":"cost","scope":"budget-1"}}`,
		`{"recipients":{"type":"broadcast"},"payload":{"title":"All"}}`,
	} {
		if got := sent[i]; string(got.Body) != want || got.URL != "http://callboard.internal/api/notifications/notifications" ||
			got.Header.Get("Authorization") != "Bearer "+plugintest.PluginToken("notifications", "") {
			t.Errorf("sent %s %s %v", got.URL, got.Body, got.Header)
		}
	}
}
