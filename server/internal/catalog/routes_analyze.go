package catalog

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

type analyzeRequest struct {
	Location LocationSpec `json:"location"`
}

// analysis answers what a repository could be registered as.
type analysis struct {
	ExistingEntityFiles []any             `json:"existingEntityFiles"`
	GenerateEntities    []generatedEntity `json:"generateEntities"`
}

type generatedEntity struct {
	Entity map[string]any   `json:"entity"`
	Fields []generatedField `json:"fields"`
}

// generatedField is a member of the entity that somebody should look at; the reference's AnalyzeLocationEntityField.
type generatedField struct {
	Field       string  `json:"field"`
	State       string  `json:"state"`
	Value       *string `json:"value"`
	Description string  `json:"description"`
}

// analyzeLocation proposes a Component named after the repository.
func (a *api) analyzeLocation(c *gin.Context) error {
	var req analyzeRequest
	if err := bindStrict(c, a.analyze, &req); err != nil {
		return err
	}
	target, err := url.Parse(req.Location.Target)
	if err != nil || target.Scheme == "" || (target.Host == "" && target.Opaque == "") {
		return apierror.Inputf("The given location.target is not a URL")
	}
	if err := a.require(c, PermissionLocationAnalyze); err != nil {
		return err
	}
	owner, name := repository(target)
	metadata := map[string]any{"name": name}
	if prefix := scmAnnotation(target.Hostname()); prefix != "" {
		metadata["annotations"] = map[string]string{prefix + "/project-slug": owner + "/" + name}
	}
	return httpx.JSON(c, http.StatusOK, analysis{
		ExistingEntityFiles: []any{},
		GenerateEntities: []generatedEntity{{
			Entity: map[string]any{
				"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata,
				"spec": map[string]string{"type": "other", "lifecycle": "unknown"},
			},
			Fields: a.offered(),
		}},
	})
}

// offered are the annotations that plugins read: what to fill in is known to people alone.
func (a *api) offered() []generatedField {
	fields := []generatedField{}
	if a.Annotations == nil {
		return fields
	}
	for _, read := range a.Annotations() {
		plugin := strings.TrimPrefix(read.Source, "plugin:")
		fields = append(fields, generatedField{
			Field: "metadata.annotations." + read.Key, State: "needsUserInput",
			Description: "Ties the entity to what the plugin " + plugin + " shows of it; leave it out where there is nothing",
		})
	}
	return fields
}

// repository is the owner and the name of the repository that a URL points into.
func repository(u *url.URL) (owner, name string) {
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i, p := range parts {
		switch p {
		case "_git": // Azure DevOps: organisation/project/_git/repository
			if i > 0 && i+1 < len(parts) {
				return parts[i-1], strings.TrimSuffix(parts[i+1], ".git")
			}
		case "-", "tree", "blob", "edit", "raw", "src":
			if i >= 2 {
				parts = parts[:i]
			}
		}
		if i >= len(parts)-1 {
			break
		}
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "/"), strings.TrimSuffix(parts[last], ".git")
}

// scmAnnotation is the annotation prefix of the hosts that every installation knows.
func scmAnnotation(host string) string {
	switch host = strings.ToLower(host); host {
	case "github.com", "gitlab.com", "dev.azure.com":
		return host
	}
	return ""
}
