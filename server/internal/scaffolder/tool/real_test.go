package tool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
)

// Tests with the real programs run where those are installed.

func installed(t *testing.T, name string) {
	t.Helper()
	if testing.Short() {
		t.Skip("real programs take their time")
	}
	if _, err := program.Find(name); err != nil {
		t.Skip(err)
	}
}

// builtinOnly uses terraform's built-in provider, which is in the binary: nothing is downloaded.
const builtinOnly = `
variable "size" { type = number }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "store" {
  input            = { size = var.size }
  triggers_replace = var.password
}
output "size" { value = terraform_data.store.output.size }
output "password" {
  value     = var.password
  sensitive = true
}
`

func realStack(t *testing.T, files map[string]string) *stack {
	t.Helper()
	installed(t, "terraform")
	offered, d := offer(t, "terraform: {providers: {mirror: "+t.TempDir()+"}}")
	return &stack{offered, d.DataDir, action.Invocation{Task: "t1", Workspace: workspaceWith(t, files)}, ""}
}

func TestRealTerraform_PlansAppliesShowsAndDestroys(t *testing.T) {
	s := realStack(t, map[string]string{"infra/main.tf": builtinOnly})
	const input = `{"workingDirectory":"infra","variables":{"size":3,"password":"hush-variable"}}`
	plan, err := s.perform(t, "terraform:plan", input)
	if err != nil || plan.text("summary") != `{"add":1,"change":0,"destroy":0}` || !strings.Contains(plan.text("text"), "terraform_data.store will be created") {
		t.Fatal(err, plan.outputs, plan.log)
	}
	apply, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, plan.text("planId"), plan.text("planHash"))
	if err != nil || apply.text("outputs") != `{"size":3}` || !apply.said("Apply complete! Resources: 1 added") {
		t.Fatal(err, apply.outputs, apply.log)
	}
	again, err := s.perform(t, "terraform:plan", input)
	if err != nil || again.text("changed") != "false" {
		t.Errorf("nothing is left to do: %v, %v", err, again.log)
	}
	state, err := s.perform(t, "terraform:show", `{"workingDirectory":"infra"}`)
	if err != nil || !strings.Contains(state.text("text"), "terraform_data.store") {
		t.Errorf("the state: %v, %v", err, state.log)
	}
	gone, err := s.perform(t, "terraform:destroy", `{"confirm":true,"workingDirectory":"infra","variables":{"size":3,"password":"hush-variable"}}`)
	if err != nil || gone.text("summary") != `{"add":0,"change":0,"destroy":1}` || !gone.said("Resources: 0 added, 0 changed, 1 destroyed") {
		t.Errorf("%v, %v", err, gone.log)
	}
	for _, h := range []*heard{plan, apply, again, state, gone} {
		if said := strings.Join(h.log, "\n"); strings.Contains(said, "hush") || strings.Contains(plan.text("json")+plan.text("text"), "hush") {
			t.Errorf("a sensitive value is told: %s", said)
		}
	}
}

func TestRealTerraform_ALaterTaskAppliesAPlanAndNoStaleOne(t *testing.T) {
	s := realStack(t, map[string]string{"main.tf": `resource "terraform_data" "a" { input = 1 }`})
	first, err := s.perform(t, "terraform:plan", `{}`)
	if err != nil {
		t.Fatal(err, first.log)
	}
	second, err := s.perform(t, "terraform:plan", `{}`)
	if err != nil {
		t.Fatal(err, second.log)
	}
	later := *s // another task with the same template
	later.run.Task, later.run.Workspace = "t2", workspaceWith(t, map[string]string{"main.tf": `resource "terraform_data" "a" { input = 1 }`})
	for i, h := range []*heard{first, second} {
		h, err := later.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, h.text("planId"), h.text("planHash"))
		if (err == nil) != (i == 0) || (i == 1 && !h.said("Saved plan is stale")) {
			t.Errorf("plan %d: %v, %v", i+1, err, h.log)
		}
	}
}

func TestRealTerraform_AnApplyThatIsCancelledKeepsItsState(t *testing.T) {
	s := realStack(t, map[string]string{"main.tf": `
resource "terraform_data" "quick" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" { command = "echo working; sleep 10" }
}
resource "terraform_data" "never" { depends_on = [terraform_data.slow] }
`})
	plan, err := s.perform(t, "terraform:plan", `{}`)
	if err != nil {
		t.Fatal(err, plan.log)
	}
	cancelled := errors.New("ann cancelled it")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := newHeard()
	h.onLog = func(message string) {
		if strings.Contains(message, "): working") {
			cancel(cancelled)
		}
	}
	run := s.run
	run.Input = action.Input(`{"planId":"` + plan.text("planId") + `","planHash":"` + plan.text("planHash") + `"}`)
	if err := s.actions["terraform:apply"].Execute(ctx, run, h); !errors.Is(err, cancelled) {
		t.Errorf("got %v", err)
	}
	state, err := os.ReadFile(filepath.Join(s.run.Workspace, "terraform.tfstate"))
	if err != nil || !strings.Contains(string(state), `"slow"`) || strings.Contains(string(state), `"never"`) {
		t.Errorf("the state is %s, %v", state, err)
	}
}

func TestRealTerraform_WhatATemplateBringsInItsOwnFoldersIsNotUsed(t *testing.T) {
	s := realStack(t, map[string]string{
		"main.tf":                         `resource "terraform_data" "a" {}`,
		".terraform/terraform.tfstate":    `{"backend":{"type":"http","config":{"address":"http://127.0.0.1:9/state"}}}`,
		".terraformrc":                    `not hcl {{{`,
		".terraform/modules/modules.json": `{"Modules":[{"Key":"","Source":"","Dir":"/etc"}]}`,
	})
	if h, err := s.perform(t, "terraform:plan", `{}`); err != nil || h.text("summary") != `{"add":1,"change":0,"destroy":0}` {
		t.Errorf("%v, %v", err, h.log)
	}
}

func TestRealTerraform_AProviderThatTheMirrorLacksIsNotFetchedElsewhere(t *testing.T) {
	s := realStack(t, map[string]string{"main.tf": `
terraform { 
  required_providers { 
    null = { source = "hashicorp/null" }
  } 
}`})
	h, err := s.perform(t, "terraform:plan", `{}`)
	if err == nil || err.Error() != "terraform failed: exit status 1" || !h.said("error: ") || !h.said("hashicorp/null") {
		t.Errorf("%v, %v", err, h.log)
	}
}

func TestRealAnsible_RunsAPlaybookAndTellsWhatChanged(t *testing.T) {
	installed(t, "ansible-playbook")
	offered, _ := offer(t, "ansible: {}")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{
		"site.yaml": `
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - name: Write what was asked for
      ansible.builtin.copy:
        content: "{{ greeting }}, {{ inventory_hostname }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.txt"
`,
		"ansible.cfg": "[defaults]\nstdout_callback = no_such_callback\ncallbacks_enabled = no_such\n",
		"hosts.sh":    "#!/bin/sh\ntouch ran\necho '{}'\n",
	})}
	h, err := perform(t.Context(), offered["ansible:playbook"], run, `{"playbook":"site.yaml","inventory":["web1"],"extraVars":{"greeting":"hello"}}`)
	if err != nil || h.text("hosts") != `[{"host":"web1","counts":{"changed":1,"failed":0,"ignored":0,"ok":1,"rescued":0,"skipped":0,"unreachable":0}}]` {
		t.Fatal(err, h.outputs, h.log)
	}
	if h.said("WARNING") || h.said("no_such") {
		t.Errorf("log %v", h.log)
	}
	if got, _ := os.ReadFile(filepath.Join(run.Workspace, "web1.txt")); string(got) != "hello, web1" {
		t.Errorf("got %s", got)
	}
	if err := os.Chmod(filepath.Join(run.Workspace, "hosts.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, _ = perform(t.Context(), offered["ansible:playbook"], run, `{"playbook":"site.yaml","inventory":"hosts.sh"}`)
	if _, err := os.Stat(filepath.Join(run.Workspace, "ran")); err == nil {
		t.Error("an inventory was run as a program")
	}
}

func TestRealHelm_RendersAChart(t *testing.T) {
	installed(t, "helm")
	offered, _ := offer(t, "helm: {}")
	run := action.Invocation{Workspace: workspaceWith(t, map[string]string{
		"chart/Chart.yaml":        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"chart/values.yaml":       "replicas: 1\n",
		"chart/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  replicas: {{ .Values.replicas | quote }}\n",
	})}
	h, err := perform(t.Context(), offered["helm:template"], run, `{"chart":"./chart","release":"web","values":{"replicas":7},"outputPath":"out.yaml"}`)
	if err != nil {
		t.Fatal(err, h.log)
	}
	if got, _ := os.ReadFile(filepath.Join(run.Workspace, "out.yaml")); !strings.Contains(string(got), `replicas: "7"`) {
		t.Errorf("got %s", got)
	}
	if _, err := perform(t.Context(), offered["helm:template"], run, `{"chart":"other/x","release":"web","outputPath":"out.yaml"}`); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("got %v", err)
	}
}
