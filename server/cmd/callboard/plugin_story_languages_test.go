package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/machinetest"
)

// language is one of the examples, which are the same plugin in different languages.
type language struct {
	id, prefix, source string
	// missing says what this machine lacks for it; "" = nothing.
	missing func() string
}

func languages(t *testing.T, w *workshop) []language {
	t.Helper()
	python, node := folderOf(t, "hello-python"), folderOf(t, "hello-node")
	return []language{
		{"hello-go", "go", filepath.Join(w.dir, "hello-go"), func() string { return "" }},
		{"hello-python", "python", python, func() string {
			if err := exec.Command("/usr/bin/python3", "-c", "import grpc, google.protobuf").Run(); err != nil {
				return "Python's grpc is not installed: make languages"
			}
			return ""
		}},
		{"hello-node", "node", node, func() string {
			if _, err := os.Stat(filepath.Join(node, "node_modules", "@grpc", "grpc-js")); err != nil {
				return "the Node example's modules are not installed: make languages"
			}
			return ""
		}},
	}
}

func folderOf(t *testing.T, example string) string {
	t.Helper()
	dir, err := filepath.Abs(examples(example))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// greeting configures the plugins that have a word, each with its own.
func greeting(o *operated, all []language, words map[string]string) string {
	text := "  pluginHost: {dataDir: 'DIR/d'}\n  plugins:\n"
	for _, l := range all {
		if words[l.id] == "" {
			continue
		}
		text += fmt.Sprintf("    %s: {source: '%s', development: true, settings: {greeting: %s}}\n", l.id, l.source, words[l.id])
	}
	return text + `
catalog:
  processingInterval: {seconds: 1}
  rules: [{allow: [Component, Group, Location]}]
  locations: [{type: file, target: '` + filepath.Join(o.dir, "catalog.yaml") + `'}]
`
}

const greetersFile = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop, annotations: {hello.callboard.dev/greet: shop}}
spec: {type: service, lifecycle: production, owner: greeters}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: greeters}
spec: {type: team, children: []}
`

func tellLanguages(t *testing.T, w *workshop) {
	o := w.operate(t)
	writeText(t, filepath.Join(o.dir, "catalog.yaml"), greetersFile)
	var here []language
	for _, l := range languages(t, w) {
		if lacks := l.missing(); lacks != "" {
			t.Run(l.id, func(t *testing.T) { machinetest.Lacks(t, lacks) })
			continue
		}
		here = append(here, l)
	}
	words := map[string]string{}
	for _, l := range here {
		words[l.id] = "Moin" + l.prefix
	}
	o.configure(t, greeting(o, here, words))
	o.start(t)
	for _, l := range here {
		o.await(t, l.id, "ready")
	}
	for _, l := range here {
		t.Run(l.id, func(t *testing.T) {
			o.hasRoutes(t, l, words[l.id])
			o.hasCapabilities(t, l)
			o.helpsTemplates(t, l, words[l.id])
			o.takesSettings(t, here, l, words)
			o.isOperated(t, l, words[l.id])
		})
	}
	t.Run("EachProcessesWhatFilesBring", func(t *testing.T) { o.processesFiles(t, here, words) })
	o.end(t)
}

func (o *operated) hasRoutes(t *testing.T, l language, word string) {
	t.Helper()
	base := "/api/" + l.id
	for _, c := range []struct {
		path, token string
		status      int
		want        string
	}{
		{base + "/greeting/ann", "", http.StatusUnauthorized, `"AuthenticationError"`},
		{base + "/greeting/ann", "wrong", http.StatusUnauthorized, `"AuthenticationError"`},
		{base + "/greeting/ann", token, http.StatusOK, word + ", ann!"},
		{base + "/greeting/ann%2Fb", token, http.StatusOK, word + ", ann/b!"},
		{base + "/greeting/%61%20%25", token, http.StatusOK, word + ", a %!"},
		{base + "/nothing", token, http.StatusNotFound, ""},
		{base + "/health", "", http.StatusOK, `"ok"`},
		{base + "/health/%2e%2e/greeting/ann", "", http.StatusUnauthorized, `"AuthenticationError"`},
		{base + "/.backstage/auth/v1/jwks.json", "", http.StatusOK, `"keys"`},
	} {
		if status, body := o.get(t, c.path, c.token); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("GET %s with token %q: %d %.300s, want %d and %s", c.path, c.token, status, body, c.status, c.want)
		}
	}
	o.streams(t, base+"/ticks?count=60")
}

// streams reads the first event of a stream that goes on for a minute: it comes when it is sent.
func (o *operated) streams(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := single.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if kind := res.Header.Get("Content-Type"); err != nil || !strings.HasPrefix(line, `data: {"tick":`) || !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("GET %s begins with %q (%s, %v)", path, line, kind, err)
	}
}

func (o *operated) hasCapabilities(t *testing.T, l language) {
	t.Helper()
	var hello, group *story
	eventually(t, "the provider's entity is in the catalog, processed and related", func() bool {
		hello, group = o.entity(t, "component", l.prefix+"-hello"), o.entity(t, "group", "greeters")
		return hello != nil && group != nil && strings.HasSuffix(hello.Metadata.Annotations["hello.callboard.dev/greeted"], ", hello!") &&
			slices.Contains(hello.related("ownedBy"), "group:default/greeters") &&
			slices.Contains(group.related("ownerOf"), "component:default/"+l.prefix+"-hello")
	})
	if at := hello.Metadata.Annotations["backstage.io/managed-by-location"]; at != "plugin:"+l.id+"/greetings" {
		t.Errorf("the entity is managed by %s", at)
	}
	eventually(t, "the action is listed with its schema", func() bool {
		_, body := o.get(t, "/api/scaffolder/v2/actions", token)
		var actions []struct {
			ID, Description string
			Schema          struct{ Input struct{ Required []string } }
		}
		if err := json.Unmarshal([]byte(body), &actions); err != nil {
			t.Fatalf("%v: %.300s", err, body)
		}
		for _, a := range actions {
			if a.ID == l.id+":greet" {
				return a.Description == "Greets somebody" && slices.Equal(a.Schema.Input.Required, []string{"name"})
			}
		}
		return false
	})
}

// helpsTemplates runs a template dry that uses the plugin's action, and its filter in a step and in the output.
func (o *operated) helpsTemplates(t *testing.T, l language, word string) {
	t.Helper()
	shout := l.prefix + "Shout"
	eventually(t, "the filter is listed", func() bool {
		_, body := o.get(t, "/api/scaffolder/v2/templating-extensions", token)
		return strings.Contains(body, `"`+shout+`":{"description":"Says it loudly"`)
	})
	request := map[string]any{
		"template": map[string]any{
			"apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template", "metadata": map[string]any{"name": "greeting"},
			"spec": map[string]any{
				"owner": "greeters", "type": "service",
				"steps":  []any{map[string]any{"id": "greet", "action": l.id + ":greet", "input": map[string]any{"name": "${{ parameters.name | " + shout + "('?') }}"}}},
				"output": map[string]any{"said": "${{ steps.greet.output.greeting }}", "loud": "${{ parameters.name | " + shout + " }}", "wrong": "${{ 5 | " + shout + " }}"},
			},
		},
		"values": map[string]any{"name": "ann"}, "directoryContents": []any{},
	}
	var report struct {
		Output map[string]string
		Log    []struct{ Body struct{ Message string } }
	}
	o.post(t, "/api/scaffolder/v2/dry-run", request, &report)
	want := map[string]string{"said": word + ", ANN?!", "loud": "ANN!", "wrong": "${{ 5 | " + shout + " }}"}
	if diff := cmp.Diff(want, report.Output); diff != "" {
		t.Errorf("the outputs of the template:\n%s", diff)
	}
	var log []string
	for _, line := range report.Log {
		log = append(log, line.Body.Message)
	}
	if text := strings.Join(log, "\n"); !strings.Contains(text, "greeting ANN?") || !strings.Contains(text, "dry run: nobody hears it") {
		t.Errorf("the log of the template:\n%s", text)
	}
}

func (o *operated) post(t *testing.T, path string, body, into any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.base+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := single.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(answer, into) != nil {
		t.Fatalf("POST %s: %d %s (%v)", path, res.StatusCode, answer, err)
	}
}

// takesSettings changes the configuration file while requests are on their way.
func (o *operated) takesSettings(t *testing.T, here []language, l language, words map[string]string) {
	t.Helper()
	before := o.view(t, l.id)
	stop := o.steadily("/api/" + l.id + "/greeting/ann")
	words[l.id] = "Servus" + l.prefix
	o.configure(t, greeting(o, here, words))
	eventually(t, "the new greeting is spoken", func() bool {
		_, body := o.get(t, "/api/"+l.id+"/greeting/ann", token)
		return strings.Contains(body, words[l.id]+", ann!")
	})
	stop(t, "a change of settings")
	if after := o.view(t, l.id); after.PID != before.PID || after.Restarts != 0 {
		t.Errorf("the process %d was replaced by %d for new settings", before.PID, after.PID)
	}
	// What does not fit is not taken, and what serves goes on.
	words[l.id] = `"` + strings.Repeat("x", 41) + `"`
	o.configure(t, greeting(o, here, words))
	eventually(t, "the wrong setting is named", func() bool {
		return strings.Contains(o.view(t, l.id).Remark(), "greeting must have at most 40 characters")
	})
	if list := o.must(t, "list"); !strings.Contains(list, l.id) || !strings.Contains(list, "needs-config: callboard.plugins."+l.id+".settings.greeting") {
		t.Errorf("the list does not say which setting is wrong:\n%s", list)
	}
	words[l.id] = "Servus" + l.prefix
	if status, body := o.get(t, "/api/"+l.id+"/greeting/ann", token); status != http.StatusOK || !strings.Contains(body, words[l.id]) {
		t.Errorf("after wrong settings: %d %s", status, body)
	}
	o.configure(t, greeting(o, here, words))
	eventually(t, "the wrong setting is forgotten", func() bool { return o.view(t, l.id).Remark() == "" })
}

// isOperated uses the commands on a plugin that serves.
func (o *operated) isOperated(t *testing.T, l language, word string) {
	t.Helper()
	line := o.followLogs(t, l.id, "plugin replaced")
	before := o.view(t, l.id)
	stop := o.steadily("/api/" + l.id + "/greeting/ann")
	if out := o.must(t, "restart", l.id); out != l.id+" 0.1.0 is ready\n" {
		t.Errorf("restart says %q", out)
	}
	stop(t, "a restart")
	if after := o.view(t, l.id); after.PID == before.PID || after.PID == 0 {
		t.Errorf("after a restart the process is %d, before it was %d", after.PID, before.PID)
	}
	line(t)

	var inspected struct {
		Describe struct{ ID string }
		Lists    map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(o.must(t, "inspect", l.id)), &inspected); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{"ListProviders": "greetings", "ListProcessors": "greeted", "ListActions": l.id + ":greet", "ListWidgets": "hello"} {
		if !strings.Contains(string(inspected.Lists[list]), `"`+want+`"`) {
			t.Errorf("inspect: %s is %s, want %s in it", list, inspected.Lists[list], want)
		}
	}
	for who, args := range map[string][]string{
		"user:default/ann":  {"call", "--as", "ann", l.id, "GET", "/greeting/x"},
		"external:operator": {"call", l.id, "GET", "/greeting/x"},
	} {
		var spoken struct{ Greeting, Principal string }
		if err := json.Unmarshal([]byte(o.must(t, args...)), &spoken); err != nil || spoken.Greeting != word+", x!" || spoken.Principal != who {
			t.Errorf("%v answers %+v %v, want principal %s", args, spoken, err, who)
		}
	}
	if out, code := o.plugin(t, "call", l.id, "GET", "/nothing"); code == 0 || !strings.Contains(out, "the answer is 404") {
		t.Errorf("a call that fails ends with %d: %s", code, out)
	}
}

// followLogs begins `logs -f` and waits until it follows; the function that it returns waits for a line.
func (o *operated) followLogs(t *testing.T, id, text string) (await func(t *testing.T)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, o.binary, "plugin", "logs", "-f", id, "--config", o.config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	await = func(t *testing.T) {
		t.Helper()
		defer func() { cancel(); _ = cmd.Wait() }()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Errorf("the log ended without %q: %v", text, lines.Err())
	}
	if !lines.Scan() { // one of the lines that are there already
		t.Errorf("there is no log of %s: %v", id, lines.Err())
	}
	return await
}

// processesFiles removes one after another: the entity of a file bears the greeting of one that is left, and what a
// removed one brought is gone.
func (o *operated) processesFiles(t *testing.T, here []language, words map[string]string) {
	t.Helper()
	on := slices.Clone(here)
	for range here {
		var last int
		eventually(t, "an entity of a file is greeted by a plugin that is there", func() bool {
			shop := o.entity(t, "component", "shop")
			last = slices.IndexFunc(on, func(l language) bool {
				return shop != nil && shop.Metadata.Annotations["hello.callboard.dev/greeted"] == words[l.id]+", shop!"
			})
			return last >= 0
		})
		l := on[last]
		words[l.id] = ""
		on = slices.Delete(on, last, last+1)
		o.configure(t, greeting(o, here, words))
		eventually(t, l.id+" has left", func() bool {
			status, _ := o.get(t, "/api/"+l.id+"/greeting/ann", token)
			_, actions := o.get(t, "/api/scaffolder/v2/actions", token)
			return status == http.StatusNotFound && !strings.Contains(actions, l.id) && o.entity(t, "component", l.prefix+"-hello") == nil
		})
	}
	eventually(t, "nobody greets the entity any more", func() bool {
		shop := o.entity(t, "component", "shop")
		return shop != nil && shop.Metadata.Annotations["hello.callboard.dev/greeted"] == ""
	})
	if list := o.must(t, "list"); !strings.Contains(list, "This host has no plugins") {
		t.Errorf("the list is not empty:\n%s", list)
	}
}
