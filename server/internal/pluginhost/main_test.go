package pluginhost

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// The test binary is also the launcher and the plugins of the tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin-exec" {
		os.Exit(sandbox.Exec(os.Args[2:]))
	}
	if os.Getenv(launch.CookieKey) != "" {
		runShop()
		return
	}
	goleak.VerifyTestMain(m)
}
