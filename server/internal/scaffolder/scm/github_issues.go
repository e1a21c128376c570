package scm

import (
	"encoding/json"
	"fmt"
	"strconv"
)

func createIssue(h *hub, in struct {
	Title             string
	Body              *string
	Assignees, Labels []string
	Milestone         any
}) error {
	h.Infof(`Creating issue "%s" on repo %s`, in.Title, h.repo)
	if h.DryRun {
		h.Infof(`Performing dry run of creating issue "%s"`, in.Title)
		h.Output("issueUrl", fmt.Sprintf("https://github.com/%s/%s/issues/42", h.owner, h.repo))
		h.Output("issueNumber", 42)
		h.Infof("Dry run complete")
		return nil
	}
	type issue struct {
		HTMLURL string `json:"html_url"`
		Number  int64  `json:"number"`
	}
	body := map[string]any{"title": in.Title}
	set(body, "body", in.Body)
	for name, list := range map[string][]string{"assignees": in.Assignees, "labels": in.Labels} {
		if list != nil {
			body[name] = list
		}
	}
	if in.Milestone != nil {
		body["milestone"] = in.Milestone
	}
	made, err := once(h.step, fmt.Sprintf("github.issues.create.%s.%s.%s", h.owner, h.repo, in.Title), func() (made issue, err error) {
		return made, h.api.Post(h.Context, h.at("issues"), body, &made)
	})
	if err != nil {
		h.Warnf("Failed: creating issue '%s' on repo: '%s', %s", in.Title, h.repo, err)
		return err
	}
	h.Output("issueUrl", made.HTMLURL)
	h.Output("issueNumber", made.Number)
	h.Infof("Successfully created issue #%d: %s", made.Number, made.HTMLURL)
	return nil
}

// labelIssue warns when labels cannot be added: the step has succeeded all the same, as in the reference.
func labelIssue(h *hub, in struct {
	Number json.RawMessage
	Labels []string
}) error {
	number := text(in.Number)
	h.Infof("Adding labels to %s issue on repo %s", number, h.repo)
	err := h.do(fmt.Sprintf("github.issues.add.label.%s.%s.%s", h.owner, h.repo, number), func() error {
		return h.api.Post(h.Context, h.at("issues", number, "labels"), map[string]any{"labels": in.Labels}, nil)
	})
	if err != nil {
		h.Warnf("Failed: adding labels to issue: '%s' on repo: '%s', %s", number, h.repo, err)
	}
	return nil
}

// createWebhook warns when GitHub refuses, as the reference does. GitHub refuses an equal one, so a second run is harmless.
func createWebhook(h *hub, in struct {
	WebhookURL    string
	WebhookSecret *string
	Events        []string
	Active        *bool
	ContentType   *string
	InsecureSSL   bool
}) error {
	h.Infof("Creating webhook %s for repo %s", in.WebhookURL, h.repoURL)
	if h.DryRun {
		h.Infof("Dry run complete")
		return nil
	}
	settings := map[string]any{"url": in.WebhookURL, "content_type": or(in.ContentType, "form"), "insecure_ssl": "0"}
	if in.InsecureSSL {
		settings["insecure_ssl"] = "1"
	}
	set(settings, "secret", in.WebhookSecret)
	events := in.Events
	if events == nil {
		events = []string{"push"}
	}
	err := h.createOnce(fmt.Sprintf("create.webhook.%s.%s.%s", h.owner, h.repo, in.WebhookURL), "Hook already exists", func() error {
		return h.api.Post(h.Context, h.at("hooks"), map[string]any{"config": settings, "events": events, "active": or(in.Active, true)}, nil)
	})
	if err != nil {
		h.Warnf("Failed: create webhook '%s' on repo: '%s', %s", in.WebhookURL, h.repo, err)
		return nil
	}
	h.Infof("Webhook '%s' created successfully", in.WebhookURL)
	return nil
}

func createAutolink(h *hub, in struct {
	KeyPrefix, URLTemplate string
	IsAlphanumeric         *bool
}) error {
	h.Infof("Creating autolink reference for repo %s", h.repoURL)
	body := map[string]any{"key_prefix": in.KeyPrefix, "url_template": in.URLTemplate}
	if in.IsAlphanumeric != nil {
		body["is_alphanumeric"] = *in.IsAlphanumeric
	}
	return h.createOnce(fmt.Sprintf("create.auto.link.%s.%s.%s", h.owner, h.repo, in.KeyPrefix), "already_exists", func() error {
		err := h.api.Post(h.Context, h.at("autolinks"), body, nil)
		if err == nil {
			h.Infof("Autolink reference created successfully")
		}
		return err
	})
}

func enablePages(h *hub, in struct{ BuildType, SourceBranch, SourcePath *string }) error {
	build, branch, path := or(in.BuildType, "workflow"), or(in.SourceBranch, "main"), or(in.SourcePath, "/")
	h.Infof(`Attempting to enable GitHub Pages for %s/%s with "%s" build type, on source branch "%s" and source path "%s"`, h.owner, h.repo, build, branch, path)
	body := map[string]any{"build_type": build, "source": map[string]string{"branch": branch, "path": path}}
	err := h.createOnce(fmt.Sprintf("enabled.github.pages.%s.%s", h.owner, h.repo), "already enabled", func() error {
		return h.api.Post(h.Context, h.at("pages"), body, nil)
	})
	if err != nil {
		return err
	}
	h.Infof("Completed enabling GitHub Pages")
	return nil
}

func dispatchWorkflow(h *hub, in struct {
	WorkflowID, BranchOrTagName string
	WorkflowInputs              map[string]any
	ReturnWorkflowRunDetails    bool
}) error {
	type workflowRun struct {
		ID      int64  `json:"workflow_run_id"`
		URL     string `json:"run_url"`
		HTMLURL string `json:"html_url"`
	}
	h.Infof("Dispatching workflow %s for repo %s on %s", in.WorkflowID, h.repoURL, in.BranchOrTagName)
	body := map[string]any{"ref": in.BranchOrTagName}
	if in.WorkflowInputs != nil {
		body["inputs"] = in.WorkflowInputs
	}
	if in.ReturnWorkflowRunDetails {
		body["return_run_details"] = true
	}
	made, err := once(h.step, fmt.Sprintf("create.workflow.dispatch.%s.%s.%s", h.owner, h.repo, in.WorkflowID), func() (made *workflowRun, err error) {
		if err = h.api.Post(h.Context, h.at("actions", "workflows", in.WorkflowID, "dispatches"), body, &made); err == nil {
			h.Infof("Workflow %s dispatched successfully", in.WorkflowID)
		}
		return made, err
	})
	if err != nil {
		h.Warnf("Failed: dispatching workflow '%s' on repo: '%s', %s", in.WorkflowID, h.repo, err)
		return err
	}
	if !in.ReturnWorkflowRunDetails || made == nil {
		return nil
	}
	h.Output("workflowRunId", made.ID)
	h.Output("workflowRunUrl", made.URL)
	h.Output("workflowRunHtmlUrl", made.HTMLURL)
	if made.HTMLURL != "" {
		h.Infof("Workflow run url: %s", made.HTMLURL)
	}
	return nil
}

// text is a JSON string or number as text.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n int64
	if json.Unmarshal(raw, &n) == nil {
		return strconv.FormatInt(n, 10)
	}
	return string(raw)
}

// set adds a value that is there.
func set[T any](body map[string]any, name string, value *T) {
	if value != nil {
		body[name] = *value
	}
}
