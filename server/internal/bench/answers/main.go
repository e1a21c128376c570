// Command answers is a plugin that costs nothing itself: what bench measures with it is the way there and back. Its id is
// the one it is installed under, so that several of it can run in one host.
package main

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

func main() {
	id := os.Getenv("CALLBOARD_PLUGIN_ID")
	p := sdk.New(id, sdk.About{Version: "1.0.0", Title: "Answers", License: "Apache-2.0"})
	p.HandleFunc("GET /small", constant(100))
	p.HandleFunc("GET /large", constant(100<<10))
	p.StagedProcessor(sdk.Stages{Name: "same", Kinds: []string{"component"}, PreProcess: same})
	p.Widget(sdk.Widget{ID: "one", Title: "One", View: sdk.ViewStat, For: "*", Data: one})
	sdk.Action(p, id+":lines", logLines)
	p.Serve()
}

func constant(size int) http.HandlerFunc {
	body := []byte(`{"text":"` + strings.Repeat("x", size) + `"}`)
	length := strconv.Itoa(len(body))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(body) // the caller may have gone
	}
}

func same(_ context.Context, _ *sdk.Processing, e sdk.Entity) (sdk.Entity, error) { return e, nil }

type lines struct {
	Count        int `json:"count"`
	Milliseconds int `json:"milliseconds"`
}

// logLines logs the time as it is when it logs it, in nanoseconds, at a pace.
func logLines(a sdk.ActionContext[lines]) (struct{}, error) {
	pace := time.NewTicker(time.Duration(a.Input.Milliseconds) * time.Millisecond)
	defer pace.Stop()
	for range a.Input.Count {
		select {
		case <-a.Done():
			return struct{}{}, context.Cause(a)
		case <-pace.C:
			a.Log.Info(strconv.FormatInt(time.Now().UnixNano(), 10))
		}
	}
	return struct{}{}, nil
}

func one(context.Context, sdk.WidgetQuery) (*frame.Frame, error) {
	return frame.New("one", frame.Strings("text", "one")), nil
}
