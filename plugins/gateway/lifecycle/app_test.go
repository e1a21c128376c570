package lifecycle

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var appForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func FuzzNewAppID_IsOneThatGatewaysTake(f *testing.F) {
	for _, name := range []string{"Web Shop", "", "42", "---", "Käse & Brot", strings.Repeat("very long ", 20), "a", "\x00\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if id := newAppID(name); !appForm.MatchString(string(id)) || strings.Contains(string(id), "--") {
			t.Errorf("%q becomes %q", name, id)
		}
	})
}

func TestNewID_IsAUUIDAndSortsByTime(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	last := ""
	for n := range 3 {
		id := newID(time.Date(2026, 11, 2, 9, 0, n, 0, time.UTC))
		if !form.MatchString(id) || id <= last {
			t.Errorf("%s after %s", id, last)
		}
		last = id
	}
}
