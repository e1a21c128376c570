package task

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestEngine_ATaskRunsAndTellsWhatBecameOfIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e, _ := newRig(t, db).engine(Options{Run: succeed})
		made := create(t, e, oneStep)
		got := ended(t, e, made.ID)
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		times := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
		want := `{"id":"` + made.ID + `","spec":` + oneStep + `,"status":"completed","lastHeartbeatAt":"T","createdAt":"T","createdBy":"user:default/ann"}`
		if s := times.ReplaceAllString(string(text), "T"); s != want {
			t.Errorf("got  %s\nwant %s", s, want)
		}
		events := eventsOf(t, e, made.ID)
		gapless(t, events)
		var lines []string
		for _, ev := range events {
			text, _ := ev.MarshalJSON()
			lines = append(lines, times.ReplaceAllString(strings.ReplaceAll(string(text), made.ID, "ID"), "T"))
		}
		event := func(n int, kind, body string) string {
			return fmt.Sprintf(`{"id":%d,"isTaskRecoverable":false,"taskId":"ID","body":%s,"type":"%s","createdAt":"T"}`, n, body, kind)
		}
		wantLines := []string{
			event(1, "log", `{"message":"Beginning step A","stepId":"a","status":"processing"}`),
			event(2, "log", `{"message":"<working> on ID","stepId":"a"}`),
			event(3, "log", `{"message":"Finished step A","stepId":"a","status":"completed"}`),
			event(4, "completion", `{"message":"Run completed with status: completed","output":{"x":1}}`),
		}
		if strings.Join(lines, "\n") != strings.Join(wantLines, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(wantLines, "\n"))
		}
		if events, err := e.Events(context.Background(), made.ID, 99); err != nil || len(events) != 1 || events[0].Type != EventCompletion {
			t.Errorf("after the last number: %v, %v", events, err)
		}
	})
}
