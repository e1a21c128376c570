package scaffolder

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// listedAction is an action as the reference lists it.
type listedAction struct {
	ID          string          `json:"id"`
	Description string          `json:"description,omitempty"`
	Examples    []listedExample `json:"examples,omitempty"`
	Schema      *listedSchema   `json:"schema,omitempty"`
}

type listedExample struct {
	Description string `json:"description"`
	Example     string `json:"example"`
}

type listedSchema struct {
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
}

func (s *Service) getActions(c *gin.Context) error {
	actions, err := s.listed(c.Request.Context(), httpx.Principal(c))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, actions)
}

// discreet is an action that exists for some callers only.
type discreet interface {
	Visible(ctx context.Context, p *principal.Principal) (bool, error)
}

// listed is the actions that p may know of.
func (s *Service) listed(ctx context.Context, p *principal.Principal) ([]listedAction, error) {
	list := []listedAction{}
	for _, a := range s.Actions.List() {
		if d, ok := a.(discreet); ok {
			visible, err := d.Visible(ctx, p)
			if err != nil {
				return nil, err
			}
			if !visible {
				continue
			}
		}
		list = append(list, listedOf(a.Description()))
	}
	return list, nil
}

func listedOf(d action.Description) listedAction {
	l := listedAction{ID: d.ID, Description: d.Description}
	for _, e := range d.Examples {
		l.Examples = append(l.Examples, listedExample(e))
	}
	if d.Input != nil || d.Output != nil {
		l.Schema = &listedSchema{Input: d.Input, Output: d.Output}
	}
	return l
}

func (s *Service) getTemplatingExtensions(c *gin.Context) error {
	known, err := s.Language.Extensions()
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, known)
}

// Completion is one choice for a field of a form.
type Completion struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
}

// Autocompleter asks a host of repositories for choices, with the token of the user who fills in a form. Safe for
// concurrent use. An unknown resource is an InputError.
type Autocompleter func(ctx context.Context, resource, token string, context map[string]string) ([]Completion, error)

func (s *Service) postAutocomplete(c *gin.Context) error {
	var body struct {
		Token   string
		Context map[string]string
	}
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	if body.Token == "" {
		return apierror.Inputf("Missing token query parameter")
	}
	complete := s.Autocompleters[c.Param("provider")]
	if complete == nil {
		return apierror.Inputf("Unsupported provider: %s", c.Param("provider"))
	}
	results, err := complete(c.Request.Context(), c.Param("resource"), body.Token, body.Context)
	if err != nil {
		return err
	}
	if results == nil {
		results = []Completion{}
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"results": results})
}
