package scm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

func createProjectVariable(l *lab, in struct {
	ProjectID                      json.RawMessage
	Key, Value                     string
	VariableType, EnvironmentScope string
	VariableProtected, Masked      bool
	MaskedAndHidden, Raw           bool
}) error {
	return l.makeVariable(text(in.ProjectID), gitlabVariable{
		Key: in.Key, Value: in.Value, VariableType: in.VariableType, EnvironmentScope: in.EnvironmentScope,
		Protected: in.VariableProtected, Masked: in.Masked, MaskedAndHidden: in.MaskedAndHidden, Raw: in.Raw,
	})
}

// triggerPipeline makes a trigger for the one pipeline and takes it away again, whatever came of it.
func triggerPipeline(l *lab, in struct {
	ProjectID                json.RawMessage
	TokenDescription, Branch string
	Variables                map[string]string
}) error {
	project := text(in.ProjectID)
	page, err := once(l.step, fmt.Sprintf("trigger.pipeline.%s.%s.%s", project, in.Branch, in.TokenDescription), func() (string, error) {
		var trigger struct {
			ID    int64
			Token string
		}
		if err := l.api.Post(l.Context, atProject(project, "triggers"), map[string]string{"description": in.TokenDescription}, &trigger); err != nil {
			return "", err
		}
		defer func() {
			if err := l.api.Delete(l.Context, atProject(project, "triggers", strconv.FormatInt(trigger.ID, 10))); err != nil {
				l.Logf("error", "Failed to delete pipeline trigger token %d: %s", trigger.ID, err)
			}
		}()
		body := map[string]any{"ref": in.Branch, "token": trigger.Token}
		if in.Variables != nil {
			body["variables"] = in.Variables
		}
		var pipeline struct {
			ID     int64
			WebURL string `json:"web_url"`
		}
		err := l.api.Post(l.Context, atProject(project, "trigger", "pipeline"), body, &pipeline)
		if err == nil && pipeline.ID == 0 {
			err = apierror.Inputf("Failed to trigger pipeline for project %s", project)
		}
		return pipeline.WebURL, err
	})
	if err != nil {
		return err
	}
	l.Output("pipelineUrl", page)
	return nil
}

type gitlabIssueInput struct {
	ProjectID                          json.RawMessage
	Title, Description, Labels         string
	Assignees                          []int64
	Confidential                       bool
	CreatedAt, DueDate                 string
	DiscussionToResolve                string
	EpicID                             int64
	IssueType                          *string
	MergeRequestToResolveDiscussionsOf *int64
	MilestoneID                        *int64
	Weight                             *float64
}

func createGitLabIssue(l *lab, in gitlabIssueInput) error {
	type issue struct {
		ID     int64  `json:"id"`
		IID    int64  `json:"iid"`
		WebURL string `json:"web_url"`
	}
	project := l.project()
	if in.ProjectID != nil {
		project = strings.TrimSpace(text(in.ProjectID))
	}
	body, err := l.issue(in, project)
	if err != nil {
		return apierror.Inputf("Failed to create GitLab issue: %s", err)
	}
	made, err := once(l.step, fmt.Sprintf("issue.%s.%s", project, in.Title), func() (made issue, err error) {
		return made, l.api.Post(l.Context, atProject(project, "issues"), body, &made)
	})
	if err != nil {
		return apierror.Inputf("Failed to create GitLab issue: %s", err)
	}
	l.Output("issueId", made.ID)
	l.Output("issueUrl", made.WebURL)
	l.Output("issueIid", made.IID)
	return nil
}

func (l *lab) issue(in gitlabIssueInput, project string) (map[string]any, error) {
	assignees := in.Assignees
	if assignees == nil {
		assignees = []int64{}
	}
	body := map[string]any{"title": in.Title, "description": in.Description, "assignee_ids": assignees, "confidential": in.Confidential, "labels": in.Labels}
	for name, date := range map[string]string{"created_at": in.CreatedAt, "due_date": in.DueDate} {
		if date == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, date)
		if err != nil {
			return nil, apierror.Inputf("Error converting input date - %s", date)
		}
		body[name] = at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if in.DiscussionToResolve != "" {
		body["discussion_to_resolve"] = in.DiscussionToResolve
	}
	set(body, "issue_type", in.IssueType)
	set(body, "merge_request_to_resolve_discussions_of", in.MergeRequestToResolveDiscussionsOf)
	set(body, "milestone_id", in.MilestoneID)
	set(body, "weight", in.Weight)
	if in.EpicID == 0 {
		return body, nil
	}
	scoped, err := l.epicIsAbove(project, in.EpicID)
	if err != nil {
		return nil, apierror.Inputf("Could not find epic scope: %s", err)
	}
	if !scoped {
		l.Warnf("Chosen epic is not within the Project Scope. The issue will be created without an associated epic.")
		return body, nil
	}
	l.Infof("Epic is within Project Scope")
	body["epic_id"] = in.EpicID
	return body, nil
}

type gitlabGroup struct {
	ID       int64
	ParentID int64  `json:"parent_id"`
	Name     string `json:"name"`
	FullPath string `json:"full_path"`
}

const maxGroupDepth = 20 // GitLab's own limit of nesting

// epicIsAbove reports whether an epic belongs to a group that the project is in.
func (l *lab) epicIsAbove(project string, id int64) (bool, error) {
	var p struct {
		Namespace struct{ ID int64 }
		Path      string `json:"path_with_namespace"`
	}
	if err := l.api.Get(l.Context, atProject(project), &p); err != nil {
		return false, err
	}
	group := gitlabGroup{ParentID: p.Namespace.ID}
	for depth := 0; group.ParentID != 0 && depth <= maxGroupDepth; depth++ {
		parent := group.ParentID
		group = gitlabGroup{}
		if err := l.api.Get(l.Context, rest.Path{"groups", strconv.FormatInt(parent, 10)}, &group); err != nil {
			return false, fmt.Errorf("Error finding top-level parent group ID: %w", err)
		}
	}
	type epic struct {
		ID      int64
		GroupID int64 `json:"group_id"`
	}
	epics, err := rest.List[epic](l.Context, l.api, rest.Path{"groups", strconv.FormatInt(group.ID, 10), "epics"}, nil)
	if err != nil {
		return false, err
	}
	for _, e := range epics {
		if e.ID == id {
			var owner gitlabGroup
			err := l.api.Get(l.Context, rest.Path{"groups", strconv.FormatInt(e.GroupID, 10)}, &owner)
			return strings.HasPrefix(p.Path, owner.FullPath+"/"), err
		}
	}
	return false, fmt.Errorf("Epic with id %d not found in the top-level parent group %s.", id, group.Name)
}
