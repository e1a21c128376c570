package builtin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/urlreader"
)

const templateURL = "https://github.test/o/r/blob/main/template.yaml"

func TestFetch_TakesWhatIsBesideATemplateThatCameByURL(t *testing.T) {
	s := newStep(t)
	s.Template.BaseURL = templateURL
	skeleton := "https://github.test/o/r/blob/main/skel"
	s.reader.files = map[string]string{"https://github.test/o/r/blob/main/file.txt": "a file of ${{ values.name }}"}
	tree := func() {
		s.reader.trees = map[string]urlreader.Tree{skeleton: packed(map[string]string{
			"skel/${{ values.name }}.txt": "${{ values.name }}!", "skel/run.sh": "run", "skel/bin": "\x00${{ values.name }}", "skel/link": "-> run.sh",
			"skel/out": "-> ../../../../etc/passwd", "other/x": "x",
		})}
	}
	tree()
	s.must("fetch:plain", object{"url": "./skel", "targetPath": "plain", "token": "mine"})
	tree()
	s.must("fetch:template", object{"url": "skel", "targetPath": "rendered", "values": object{"name": "shop"}, "token": "mine"})
	s.must("fetch:plain:file", object{"url": "./file.txt", "targetPath": "new/file.txt"})
	s.must("fetch:template:file", object{"url": "./file.txt", "targetPath": "new/rendered.txt", "values": object{"name": "shop"}})
	s.holds(map[string]string{
		"plain/${{ values.name }}.txt": "${{ values.name }}!", "plain/run.sh": "run (executable)", "plain/bin": "\x00${{ values.name }}", "plain/link": "-> run.sh",
		"rendered/shop.txt": "shop!", "rendered/run.sh": "run (executable)", "rendered/bin": "\x00${{ values.name }}", "rendered/link": "-> run.sh",
		"new/file.txt": "a file of ${{ values.name }}", "new/rendered.txt": "a file of shop",
	})
	for _, asked := range s.reader.asked[:2] {
		if asked != skeleton+" mine" {
			t.Errorf("asked %s", asked)
		}
	}
	if told := strings.Join(s.Lines, "\n"); !strings.Contains(told, "warn: repo-abc123/skel/out was left out: it is a link that leads out") {
		t.Errorf("the user was not told:\n%s", told)
	}
}

func TestFetch_WhatCannotBeLocatedSaysWhy(t *testing.T) {
	for _, c := range []struct{ base, url, want string }{
		{"", "./skel", "InputError: Failed to fetch, template location could not be determined and the fetch URL is relative, ./skel"},
		{"https://elsewhere.test/t.yaml", "./skel", "InputError: No integration found for location https://elsewhere.test/t.yaml"},
		{templateURL, "https://elsewhere.test/x", "Reading from 'https://elsewhere.test/x' is not allowed"},
		{templateURL, "file:///etc", "Reading from 'file:///etc' is not allowed"},
		{"file:///etc/template.yaml", "./ssl", "NotAllowedError: The template template:default/t says that it is the file /etc/template.yaml, which no configured location names"},
	} {
		for _, id := range []string{"fetch:plain", "fetch:template", "fetch:plain:file", "fetch:template:file", "callboard:gotemplate"} {
			s := newStep(t)
			s.Template = action.Template{EntityRef: "template:default/t", BaseURL: c.base}
			input := object{"url": c.url, "targetPath": "to"}
			err := s.execute(id, input)
			if strings.HasSuffix(id, ":file") && strings.HasPrefix(c.want, "Reading") {
				c.want = "" // the fake has no file of that name
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s in %s: %v", id, c.url, c.base, err)
			}
			s.holds(map[string]string{})
		}
	}
}

// An entity can claim to be any file of the host, so that only what the host itself knows opens files to a template.
func TestFetch_LocalTemplatesReadTheirNeighboursWhereTheHostSaysSo(t *testing.T) {
	place := t.TempDir()
	for name, text := range map[string]string{"templates/t.yaml": "t", "templates/skel/a": "a", "secret": "s", "templates/skel/run.sh": "run"} {
		at := filepath.Join(place, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"templates/out": "../secret", "templates/skel/out": "../../secret", "templates/up": ".."} {
		if err := os.Symlink(target, filepath.Join(place, name)); err != nil {
			t.Fatal(err)
		}
	}
	local := func(s *step) {
		s.Template.BaseURL = "file://" + place + "/templates/t.yaml"
		s.LocalTemplate = func(_ context.Context, t action.Template) (bool, error) { return t.BaseURL == s.Template.BaseURL, nil }
	}
	s := newStep(t)
	local(s)
	s.must("fetch:plain", object{"url": "./skel"})
	s.must("fetch:template", object{"url": "skel", "targetPath": "t"})
	s.must("fetch:plain:file", object{"url": "skel/run.sh", "targetPath": "one.sh"})
	s.holds(map[string]string{"a": "a (executable)", "run.sh": "run (executable)", "one.sh": "run (executable)", "t/a": "a (executable)", "t/run.sh": "run (executable)"})

	for _, url := range []string{"../secret", "..", "../../etc", "/etc/passwd", "/etc", place, "out", "up", "up/secret", "skel/../../secret", "skel/out", "."} {
		for _, id := range []string{"fetch:plain", "fetch:template", "fetch:plain:file", "fetch:template:file"} {
			s := newStep(t)
			local(s)
			err := s.execute(id, object{"url": url, "targetPath": "to"})
			if data, _ := os.ReadFile(filepath.Join(s.Workspace, "to")); string(data) == "s" {
				t.Errorf("%s %s read what is outside", id, url)
			}
			if url != "." && (err == nil || !apierror.Has(err, apierror.NotAllowed)) {
				t.Errorf("%s %s: %v", id, url, err)
			}
			_ = filepath.WalkDir(s.Workspace, func(at string, _ os.DirEntry, _ error) error {
				if data, _ := os.ReadFile(at); string(data) == "s" {
					t.Errorf("%s %s brought what is outside as %s", id, url, at)
				}
				return nil
			})
		}
	}
}

func TestFetch_NeedsTheUsersCredentialsWhereThatIsConfigured(t *testing.T) {
	for _, c := range []struct {
		base, url, token string
		refused          bool
	}{
		{templateURL, "./skel", "", true}, {templateURL, "./skel", "mine", false}, {templateURL, "https://github.test/o/other/tree/main", "", true},
		{templateURL, "https://azure.test/x", "", false}, {"", "https://github.test/o/r/tree/main", "", true}, {templateURL, "https://elsewhere.test/x", "", false},
	} {
		for _, id := range []string{"fetch:plain", "fetch:template", "fetch:plain:file", "fetch:template:file"} {
			s := newStep(t)
			s.RequireUserCredentials = true
			s.Template.BaseURL = c.base
			err := s.execute(id, object{"url": c.url, "targetPath": "to", "token": c.token})
			const want = "InputError: No user credentials provided for host github.test, but scaffolder.requireScmUserCredentials is enabled"
			if refused := err != nil && err.Error() == want; refused != c.refused {
				t.Errorf("%s %s in %s with %q: %v", id, c.url, c.base, c.token, err)
			}
		}
	}
}

func TestFetchTemplate_ErrorsLeaveNothingBeside(t *testing.T) {
	s := newStep(t)
	s.Template.BaseURL = templateURL
	s.reader.trees = map[string]urlreader.Tree{"https://github.test/o/r/blob/main/skel": packed(map[string]string{"skel/a": "a", "skel/sub/b": "${{ error }}"})}
	if err := s.execute("fetch:template", object{"url": "skel"}); !apierror.Has(err, "TemplateRenderError") {
		t.Errorf("got %v", err)
	}
	s.holds(map[string]string{"a": "a"})
	s.Refuse = errors.New("the database is full")
	if err := s.execute("fetch:template", object{"url": "skel"}); err == nil || !strings.Contains(err.Error(), "the database is full") {
		t.Errorf("got %v", err)
	}
	s.holds(map[string]string{"a": "a"})
}

// Names are rendered with what users enter: whatever that is, files stay in the target's folder.
func TestFetchTemplate_NoNameLeadsOut(t *testing.T) {
	for _, name := range []string{"../x", "../../x", "a/../../x", "..", "link/x", "deep/../../x", "\x00", strings.Repeat("x", 300), strings.Repeat("a/", 3000)} {
		s := newStep(t)
		s.Template.BaseURL = templateURL
		s.put(map[string]string{"target/link": "-> ../neighbour", "neighbour/kept": "kept"})
		s.reader.trees = map[string]urlreader.Tree{"https://github.test/o/r/blob/main/skel": packed(map[string]string{"skel/${{ values.name }}": "changed"})}
		if err := s.execute("fetch:template", object{"url": "skel", "targetPath": "target", "replace": true, "values": object{"name": name}}); err == nil {
			t.Errorf("%.50q was accepted", name)
		}
		s.holds(map[string]string{"target/link": "-> ../neighbour", "neighbour/kept": "kept"})
	}
	for name, want := range map[string]string{"/x": "", "a//b": "", "": "", "a/b": "target/a/b", "..x": "target/..x"} {
		s := newStep(t)
		s.Template.BaseURL = templateURL
		s.reader.trees = map[string]urlreader.Tree{"https://github.test/o/r/blob/main/skel": packed(map[string]string{"skel/${{ values.name }}": "new"})}
		s.must("fetch:template", object{"url": "skel", "targetPath": "target", "values": object{"name": name}})
		if want == "" {
			s.holds(map[string]string{})
			continue
		}
		s.holds(map[string]string{want: "new"})
	}
}

func TestGoTemplate_RendersNamesAndTheFilesOfItsEnding(t *testing.T) {
	skeleton := map[string]string{
		"skel/{{ .name }}/main.go.tmpl": "package {{ .name | lower }}\n", "skel/kept.go": "{{ .name }}", "skel/{{ if .docs }}docs.md.tmpl{{ end }}": "docs", "skel/run.sh.tmpl": "#!{{ .shell }}",
		"skel/bin.tmpl": "\x00{{",
	}
	values := object{"name": "Shop", "docs": false, "shell": "/bin/sh"}
	for what, c := range map[string]struct {
		input object
		want  map[string]string
	}{
		"by default":        {object{}, map[string]string{"Shop/main.go": "package shop\n", "kept.go": "{{ .name }}", "run.sh": "#!/bin/sh", "bin": "\x00{{"}},
		"all files":         {object{"templateFileExtension": false}, map[string]string{"Shop/main.go.tmpl": "package shop\n", "kept.go": "Shop", "run.sh.tmpl": "#!/bin/sh", "bin.tmpl": "\x00{{"}},
		"an ending without": {object{"templateFileExtension": "go"}, map[string]string{"Shop/main.go.tmpl": "package {{ .name | lower }}\n", "kept": "Shop", "run.sh.tmpl": "#!{{ .shell }}", "bin.tmpl": "\x00{{"}},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStep(t)
			s.Template.BaseURL = templateURL
			s.reader.trees = map[string]urlreader.Tree{"https://github.test/o/r/blob/main/skel": packed(skeleton)}
			c.input["url"], c.input["values"] = "skel", values
			s.must("callboard:gotemplate", c.input)
			s.holds(c.want)
		})
	}

	s := newStep(t)
	s.put(map[string]string{"fetched/a.tmpl": "{{ .name }}", "out/a": "old", "fetched/b.tmpl": "{{ .missing }}"})
	if err := s.execute("callboard:gotemplate", object{"sourcePath": "fetched", "targetPath": "out", "values": values}); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), `no entry for key "missing"`) {
		t.Errorf("got %v", err)
	}
	s.must("callboard:gotemplate", object{"sourcePath": "fetched", "targetPath": "out", "replace": true, "values": object{"name": "Shop", "missing": ""}})
	s.holds(map[string]string{"fetched/a.tmpl": "{{ .name }}", "fetched/b.tmpl": "{{ .missing }}", "out/a": "Shop", "out/b": ""})
	for what, input := range map[string]object{
		"neither": {}, "both": {"url": "skel", "sourcePath": "fetched"}, "over itself": {"sourcePath": "fetched", "targetPath": "fetched"}, "into itself": {"sourcePath": "fetched", "targetPath": "fetched/x"},
		"all": {"sourcePath": "."}, "outside": {"sourcePath": "../x"}, "to outside": {"sourcePath": "fetched", "targetPath": ".."}, "a list": {"sourcePath": "fetched", "targetPath": "x", "values": []int{}},
	} {
		if err := s.execute("callboard:gotemplate", input); !apierror.Has(err, apierror.Input) && !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
