package describe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/describe"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const head = "apiVersion: callboard.dev/v1\nid: hello\nversion: 1.0.0\ntitle: Hello\nrun: {command: [./hello]}\n"

// program makes a plugin of a shell script.
func program(t *testing.T, script string) (*manifest.Manifest, []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"plugin.yaml": head, "hello": "#!/bin/sh\n" + script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	argv, err := m.Argv("linux", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	return m, argv
}

func TestRun_ReadsWhatTheProgramPrints(t *testing.T) {
	t.Setenv("SECRET_OF_THE_CALLER", "x")
	m, argv := program(t, `echo "{\"id\":\"$CALLBOARD_PLUGIN_ID\",\"title\":\"$SECRET_OF_THE_CALLER\",\"newInV9\":[1],\"provides\":{\"widgets\":[\"w\"]}}"`)
	d, err := describe.Run(t.Context(), m, argv, "")
	if err != nil {
		t.Fatal(err)
	}
	if d.GetId() != "hello" || d.GetTitle() != "" || d.GetProvides().GetWidgets()[0] != "w" {
		t.Errorf("got %v", d)
	}
}

func TestRun_SaysWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"fails":  {"echo no luck >&2; exit 3", "describe plugin hello: exit status 3; it printed:\nno luck"},
		"noise":  {"echo Listening on 8080", `it must print its description as JSON and nothing else; it printed "Listening on 8080"`},
		"floods": {"head -c 9000000 /dev/zero", "it must print its description as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			m, argv := program(t, c.script)
			if _, err := describe.Run(t.Context(), m, argv, ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	m, _ := program(t, "")
	if _, err := describe.Run(t.Context(), m, []string{"python9"}, "/usr/bin"); err == nil || !strings.Contains(err.Error(), `the interpreter "python9" is not on the PATH`) {
		t.Errorf("got %v", err)
	}
}

func TestUpdate_ChangesWhatIsProvidedAndNothingElse(t *testing.T) {
	described := &pluginv1.DescribeResponse{Provides: &pluginv1.Provides{
		Http: true, HttpUnauthenticated: []string{"/hook"}, CatalogProviders: []string{"projects"}, Widgets: []string{"a", "b"},
	}}
	const block = "provides:\n  http:\n    unauthenticated: [/hook]\n  catalog:\n    providers: [projects]\n  widgets: [a, b]\n"
	for name, c := range map[string]struct{ before, after string }{
		"none":        {head, head + block},
		"before need": {head + "# why it needs that\nneeds: {catalog: [read]} # all\n", head + block + "# why it needs that\nneeds: {catalog: [read]} # all\n"},
		"in the middle": {
			head + "provides:\n  widgets:\n    - a\n\n# why\nneeds: {}\n",
			head + block + "\n# why\nneeds: {}\n",
		},
		"in braces":  {head + "provides: {\n  widgets: [a],\n}\nneeds: {}", head + block + "needs: {}\n"},
		"good order": {head + "provides: {http: {unauthenticated: [/hook]}, catalog: {providers: [projects]}, widgets: [b, a]}\n", head + "provides: {http: {unauthenticated: [/hook]}, catalog: {providers: [projects]}, widgets: [b, a]}\n"},
		"what is not described stays": {
			head + "provides: {http: {openapi: o.yaml}, catalog: {annotations: [x/y]}}\n",
			head + strings.NewReplacer("http:\n", "http:\n    openapi: o.yaml\n", "[projects]\n", "[projects]\n    annotations: [x/y]\n").Replace(block),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse("plugin.yaml", []byte(c.before))
			if err != nil {
				t.Fatal(err)
			}
			got, err := describe.Update([]byte(c.before), m, described)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(got)); diff != "" {
				t.Error(diff)
			}
			again, err := manifest.Parse("plugin.yaml", got)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Within(&pluginv1.DescribeResponse{Id: "hello", Version: "1.0.0", Provides: described.GetProvides()}); err != nil {
				t.Error(err)
			}
		})
	}
}
