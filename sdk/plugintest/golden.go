package plugintest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
)

// Golden compares a value, written as JSON, with a file. CALLBOARD_UPDATE=1 writes the file, and so does a flag -update
// that the test package defines.
func Golden(t testing.TB, file string, value any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		t.Fatalf("golden file %s: %v", file, err)
	}
	if updating() {
		write(t, file, b.Bytes())
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; CALLBOARD_UPDATE=1 writes it", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; CALLBOARD_UPDATE=1 takes the new form over\n%s", file, difference(string(want), b.String()))
	}
}

// WantSettingsSchema compares the schema of the plugin's settings with the file that plugin.yaml names under config.
func (h *Harness) WantSettingsSchema(file string) {
	h.t.Helper()
	Golden(h.t, file, json.RawMessage(h.Describe().GetSettingsSchemaJson()))
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// updating looks the flag up when it is needed: defining it here would clash with packages that have one.
func updating() bool {
	f := flag.Lookup("update")
	return os.Getenv("CALLBOARD_UPDATE") == "1" || f != nil && f.Value.String() == "true"
}

func byRef(entities []sdk.Entity) []sdk.Entity {
	return slices.SortedStableFunc(slices.Values(entities), func(a, b sdk.Entity) int {
		return strings.Compare(a.Ref().String(), b.Ref().String())
	})
}

// difference is the first place where two texts part, with some lines around it.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	part := func(mark string, lines []string) string {
		var out strings.Builder
		for _, l := range lines[min(i, len(lines)):min(i+8, len(lines))] {
			out.WriteString(mark + l + "\n")
		}
		return out.String()
	}
	before := strings.Join(w[max(0, i-3):i], "\n  ")
	return "  " + before + "\n" + part("- ", w) + part("+ ", g)
}
