package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var _ = json.Valid
var _ = protojson.Marshal
var _ pluginv1.Provides

func TestTry(t *testing.T) {
	dir := os.Getenv("TRY_DIR")
	var cmd []string
	_ = json.Unmarshal([]byte(os.Getenv("TRY_CMD")), &cmd)
	abs, _ := filepath.Abs(dir)
	report, err := conformance.Check(t.Context(), conformance.Target{Command: cmd, Dir: abs, Only: only(), Routes: []conformance.Route{{Path: "/greeting/ann"}, {Path: "/ticks"}}}, func(r conformance.Result) {
		_ = r.Line(os.Stdout)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report.Summary())
	for _, r := range report.Results {
		if r.Took.Seconds() > 0.5 {
			t.Log(r.Rule.ID, r.Took)
		}
		if r.Status == conformance.Skipped {
			t.Log(r.Rule.ID, r.Saw)
		}
	}
}

func only() []string {
	if o := os.Getenv("TRY_ONLY"); o != "" {
		return strings.Split(o, ",")
	}
	return nil
}
