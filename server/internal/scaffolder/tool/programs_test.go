package tool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

func fakeHelm(args []string) int {
	c := record(args)
	if slices.Contains(args, "broken") {
		fmt.Fprintln(os.Stderr, "Error: execution error at (shop/templates/a.yaml:1:3): nil pointer")
		return 1
	}
	fmt.Fprintf(os.Stdout, "---\n# Source: shop/templates/a.yaml\nname: %s\n---\nvalues: %s\n", args[1], c.Files["values.json"])
	return 0
}

func fakeAnsible(args []string) int {
	record(args)
	fmt.Fprint(os.Stdout, "\nPLAY [all] ***\n\nTASK [x] ***\nchanged: [web1]\n\nPLAY RECAP ********\nweb1                       : ok=2    changed=1    unreachable=0    failed=0\n")
	if strings.Contains(strings.Join(args, " "), "failing") {
		return 2
	}
	return 0
}

func TestHelmTemplate_RendersAChartIntoAFile(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "calls")
	offered, _ := offer(t, "helm: {path: "+impersonate(t, "helm")+", environment: {FAKE_CALLS: "+ledger+"}, repositories: {stable: 'https://charts.example.com/'}}")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"chart/Chart.yaml": "name: shop", "base.yaml": "a: 1"}), DryRun: true}
	h, err := perform(t.Context(), offered["helm:template"], run, `{"chart":"./chart","release":"shop","namespace":"web","values":{"replicas":2},"valueFiles":["base.yaml"],"outputPath":"out/all.yaml"}`)
	if err != nil || h.text("manifests") != "2" || h.text("path") != "out/all.yaml" {
		t.Fatal(err, h.outputs)
	}
	got, _ := os.ReadFile(filepath.Join(run.Workspace, "out", "all.yaml"))
	if want := "---\n# Source: shop/templates/a.yaml\nname: shop\n---\nvalues: {\"replicas\":2}\n"; string(got) != want {
		t.Errorf("got %s", got)
	}
	if _, err := perform(t.Context(), offered["helm:template"], run, `{"chart":"stable/nginx","version":"1.2.3","release":"proxy","outputPath":"out/proxy.yaml"}`); err != nil {
		t.Error(err)
	}
	all := calls(t, ledger)
	first := all[0].Args
	if diff := cmp.Diff([]string{"template", "shop", filepath.Join(run.Workspace, "chart"), "--include-crds", "--namespace=web", "--values=" + filepath.Join(run.Workspace, "base.yaml")}, first[:6]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"template", "proxy", "nginx", "--repo=https://charts.example.com/", "--version=1.2.3", "--include-crds"}, all[1].Args); diff != "" {
		t.Error(diff)
	}
	if all[0].Env["KUBECONFIG"] != "/dev/null" || strings.HasPrefix(all[0].Dir, run.Workspace+"/") {
		t.Errorf("in %s with %v", all[0].Dir, all[0].Env)
	}
}

func TestHelmTemplate_WhatIsNotAllowedOrBrokenIsTold(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "calls")
	offered, _ := offer(t, "helm: {path: "+impersonate(t, "helm")+", environment: {FAKE_CALLS: "+ledger+"}, repositories: {stable: 'https://charts.example.com/'}}")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"chart/Chart.yaml": "name: shop"})}
	for input, want := range map[string]string{
		`{"chart":"other/nginx","version":"1","release":"a","outputPath":"x"}`:       `no repository "other"`,
		`{"chart":"chart","release":"a","outputPath":"x"}`:                           "is written ./chart",
		`{"chart":"stable/nginx","release":"a","outputPath":"x"}`:                    "say which version",
		`{"chart":"./../..","release":"a","outputPath":"x"}`:                         "NotAllowedError",
		`{"chart":"./chart","release":"a","outputPath":"../x"}`:                      "NotAllowedError",
		`{"chart":"./chart","release":"a","outputPath":"x","valueFiles":["/etc/x"]}`: "NotAllowedError",
		`{"chart":"./chart","release":"broken","outputPath":"x"}`:                    "helm failed: exit status 1: Error: execution error at (shop/templates/a.yaml:1:3)",
	} {
		if _, err := perform(t.Context(), offered["helm:template"], run, "%s", input); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", input, err)
		}
	}
}

func playbooks(t *testing.T, more string) (action.Action, string) {
	t.Helper()
	ledger := filepath.Join(t.TempDir(), "calls")
	offered, _ := offer(t, "ansible: {path: "+impersonate(t, "ansible-playbook")+", environment: {FAKE_CALLS: "+ledger+"}"+more+"}")
	return offered["ansible:playbook"], ledger
}

func TestAnsiblePlaybook_RunsWithoutAnybodysConfiguration(t *testing.T) {
	t.Setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/root/vault")
	a, ledger := playbooks(t, ", privateKey: /etc/callboard/id, knownHosts: /etc/callboard/known_hosts, remoteUser: deploy")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"plays/site.yaml": "- hosts: all", "plays/ansible.cfg": "[defaults]\nlibrary=/tmp"})}
	h, err := perform(t.Context(), a, run, `{"playbook":"plays/site.yaml","inventory":["web1","web2"],"extraVars":{"password":"hush"},"tags":["a","b"],"limit":"web1"}`)
	if err != nil || h.text("changed") != "true" || h.text("hosts") != `[{"host":"web1","counts":{"changed":1,"failed":0,"ok":2,"unreachable":0}}]` {
		t.Fatal(err, h.outputs)
	}
	c := calls(t, ledger)[0]
	for _, want := range []string{"--inventory=web1,web2,", "--tags=a,b", "--limit=web1", "--private-key=/etc/callboard/id", "--user=deploy"} {
		if !slices.Contains(c.Args, want) {
			t.Errorf("%s is missing in %v", want, c.Args)
		}
	}
	if c.Args[len(c.Args)-1] != filepath.Join(run.Workspace, "plays", "site.yaml") || strings.Contains(strings.Join(c.Args, " "), "hush") || c.Files["vars.json"] != `{"password":"hush"}` {
		t.Errorf("arguments %v, variables %s", c.Args, c.Files["vars.json"])
	}
	if c.Files["ansible.cfg"] != "" || strings.HasPrefix(c.Env["ANSIBLE_CONFIG"], run.Workspace+"/") || c.Env["ANSIBLE_VAULT_PASSWORD_FILE"] != "" || !strings.Contains(c.Env["ANSIBLE_SSH_ARGS"], "UserKnownHostsFile=/etc/callboard/known_hosts") {
		t.Errorf("environment %v", c.Env)
	}
}

func TestAnsiblePlaybook_TellsWhatBecameOfHostsWhenItFails(t *testing.T) {
	a, _ := playbooks(t, "")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"failing.yaml": "", "hosts.ini": "web1"})}
	h, err := perform(t.Context(), a, run, `{"playbook":"failing.yaml","inventory":"hosts.ini"}`)
	if err == nil || err.Error() != "ansible-playbook failed: exit status 2" || !strings.Contains(h.text("hosts"), "web1") {
		t.Errorf("%v, %v", err, h.outputs)
	}
}

func TestAnsiblePlaybook_ADryRunOnlyChecks(t *testing.T) {
	if a, _ := playbooks(t, ""); a.Description().SupportsDryRun {
		t.Error("whoever may dry run a template runs playbooks")
	}
	a, ledger := playbooks(t, ", dryRun: true")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"site.yaml": ""}), DryRun: true}
	if _, err := perform(t.Context(), a, run, `{"playbook":"site.yaml","inventory":["web1"]}`); err != nil || !slices.Contains(calls(t, ledger)[0].Args, "--check") {
		t.Errorf("%v, %v", err, calls(t, ledger))
	}
}

func TestAnsiblePlaybook_WhatAWorkspaceMayNotBringIsRefused(t *testing.T) {
	a, _ := playbooks(t, "")
	for _, file := range []string{"library/shell.py", "roles/web/callback_plugins/x.py", "filter_plugins/x.py", "plays/module_utils/x.py", "collections/x"} {
		run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"site.yaml": "", file: ""})}
		if _, err := perform(t.Context(), a, run, `{"playbook":"site.yaml","inventory":["web1"]}`); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("%s: %v", file, err)
		}
	}
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{"site.yaml": ""})}
	for _, input := range []string{`"../site.yaml","inventory":["a"]`, `"site.yaml","inventory":[]`, `"site.yaml","inventory":["-e"]`, `"site.yaml","inventory":["a,b"]`, `"site.yaml","inventory":"/etc/hosts"`, `"site.yaml","inventory":{}`, `"site.yaml"`} {
		if _, err := perform(t.Context(), a, run, `{"playbook":%s}`, input); err == nil {
			t.Errorf("%s ran", input)
		}
	}
}

func FuzzReadRecap(f *testing.F) {
	f.Add("\nPLAY RECAP ****\nweb1 : ok=1 changed=0\nweb2\t:  ok=99999999999999999999 failed=1\n")
	f.Fuzz(func(t *testing.T, output string) {
		for _, h := range readRecap(output) {
			if h.Host == "" || strings.ContainsAny(h.Host, " \n") {
				t.Errorf("a host %q", h.Host)
			}
		}
	})
}
