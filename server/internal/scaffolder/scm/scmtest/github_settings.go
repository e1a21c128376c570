package scmtest

import (
	"encoding/base64"
	"net/http"
	"slices"

	"golang.org/x/crypto/nacl/box"
)

func (g *GitHub) routeSettings(mux *http.ServeMux) {
	g.change(mux, "PUT", "/topics", func(c *call, r *GitHubRepository) (int, any) {
		r.Topics = c.texts("names")
		return http.StatusOK, map[string]any{"names": r.Topics}
	})
	g.change(mux, "PUT", "/subscription", func(c *call, r *GitHubRepository) (int, any) {
		r.Subscribed = c.flag("subscribed")
		return http.StatusOK, map[string]any{}
	})
	g.change(mux, "PUT", "/actions/oidc/customization/sub", func(c *call, r *GitHubRepository) (int, any) {
		r.OIDC = c.body
		return http.StatusCreated, map[string]any{}
	})
	g.change(mux, "PUT", "/actions/permissions/access", func(c *call, r *GitHubRepository) (int, any) {
		r.WorkflowAccess = c.text("access_level")
		return http.StatusNoContent, nil
	})
	g.routeVaults(mux)
	g.routeEnvironments(mux)
	g.routeProtection(mux)
	g.routeExtras(mux)
}

// vault is where variables and secrets are.
type vault func(c *call, r *GitHubRepository) (variables, secrets map[string]string)

func (g *GitHub) routeVaults(mux *http.ServeMux) {
	g.routeVault(mux, "/actions", func(_ *call, r *GitHubRepository) (map[string]string, map[string]string) {
		return r.Variables, r.Secrets
	})
	g.routeVault(mux, "/environments/{environment}", func(c *call, r *GitHubRepository) (map[string]string, map[string]string) {
		e := r.Environments[c.PathValue("environment")]
		if e == nil {
			return nil, nil
		}
		return e.Variables, e.Secrets
	})
}

func (g *GitHub) routeVault(mux *http.ServeMux, below string, of vault) {
	within := func(method, path string, f func(c *call, variables, secrets map[string]string) (int, any)) {
		g.change(mux, method, below+path, func(c *call, r *GitHubRepository) (int, any) {
			variables, secrets := of(c, r)
			if variables == nil {
				return http.StatusNotFound, "Not Found"
			}
			return f(c, variables, secrets)
		})
	}
	within("POST", "/variables", func(c *call, variables, _ map[string]string) (int, any) {
		if _, ok := variables[c.text("name")]; ok {
			return http.StatusConflict, "Already exists - Variable already exists"
		}
		variables[c.text("name")] = c.text("value")
		return http.StatusCreated, map[string]any{}
	})
	within("PATCH", "/variables/{name}", func(c *call, variables, _ map[string]string) (int, any) {
		variables[c.PathValue("name")] = c.text("value")
		return http.StatusNoContent, nil
	})
	within("GET", "/secrets/public-key", func(*call, map[string]string, map[string]string) (int, any) {
		return http.StatusOK, map[string]any{"key_id": "key-1", "key": base64.StdEncoding.EncodeToString(g.public[:])}
	})
	within("PUT", "/secrets/{name}", func(c *call, _, secrets map[string]string) (int, any) {
		sealed, err := base64.StdEncoding.DecodeString(c.text("encrypted_value"))
		opened, ok := box.OpenAnonymous(nil, sealed, g.public, g.private)
		if err != nil || !ok || c.text("key_id") != "key-1" {
			return http.StatusUnprocessableEntity, "Bad request - the secret is not sealed with the public key"
		}
		secrets[c.PathValue("name")] = string(opened)
		return http.StatusCreated, map[string]any{}
	})
}

func (g *GitHub) routeEnvironments(mux *http.ServeMux) {
	g.change(mux, "PUT", "/environments/{environment}", func(c *call, r *GitHubRepository) (int, any) {
		e := r.Environments[c.PathValue("environment")]
		if e == nil {
			e = &GitHubEnvironment{Variables: map[string]string{}, Secrets: map[string]string{}}
			r.Environments[c.PathValue("environment")] = e
		}
		e.Settings = c.body
		return http.StatusOK, map[string]any{}
	})
	g.change(mux, "POST", "/environments/{environment}/deployment-branch-policies", func(c *call, r *GitHubRepository) (int, any) {
		e := r.Environments[c.PathValue("environment")]
		if e == nil {
			return http.StatusNotFound, "Not Found"
		}
		policy := c.text("type") + " " + c.text("name")
		if slices.Contains(e.Policies, policy) {
			return http.StatusSeeOther, "Resource already exists"
		}
		e.Policies = append(e.Policies, policy)
		return http.StatusOK, map[string]any{}
	})
}

func (g *GitHub) routeProtection(mux *http.ServeMux) {
	g.change(mux, "PUT", "/branches/{branch}/protection", func(c *call, r *GitHubRepository) (int, any) {
		branch := c.PathValue("branch")
		if g.repos[r.Owner+"/"+r.Name].branch(branch) == "" {
			return http.StatusNotFound, "Branch not found"
		}
		for _, required := range []string{"required_status_checks", "restrictions", "enforce_admins", "required_pull_request_reviews"} {
			if _, ok := c.body[required]; !ok {
				return http.StatusUnprocessableEntity, "Invalid request.\n\n\"" + required + "\" wasn't supplied."
			}
		}
		r.Protections[branch] = c.body
		return http.StatusOK, map[string]any{}
	})
	g.change(mux, "POST", "/branches/{branch}/protection/required_signatures", func(c *call, r *GitHubRepository) (int, any) {
		if r.Protections[c.PathValue("branch")] == nil {
			return http.StatusNotFound, "Branch not protected"
		}
		r.SignedBranches = append(r.SignedBranches, c.PathValue("branch"))
		return http.StatusOK, map[string]any{}
	})
}

// routeExtras are things of which there can be no second one that is equal.
func (g *GitHub) routeExtras(mux *http.ServeMux) {
	add := func(path, name string, key func(body map[string]any) any, list func(r *GitHubRepository) *[]map[string]any, refusal any) {
		g.change(mux, "POST", path, func(c *call, r *GitHubRepository) (int, any) {
			all := list(r)
			if slices.ContainsFunc(*all, func(other map[string]any) bool { return key(other) == key(c.body) }) {
				return http.StatusUnprocessableEntity, refusal
			}
			*all = append(*all, c.body)
			return http.StatusCreated, map[string]any{"id": g.id(), "name": name}
		})
	}
	add("/hooks", "web", func(body map[string]any) any { config, _ := body["config"].(map[string]any); return config["url"] },
		func(r *GitHubRepository) *[]map[string]any { return &r.Hooks }, invalid("Validation Failed", "Hook", "url", "Hook already exists on this repository"))
	add("/keys", "key", func(body map[string]any) any { return body["key"] },
		func(r *GitHubRepository) *[]map[string]any { return &r.Keys }, invalid("Validation Failed", "PublicKey", "key", "key is already in use"))
	add("/autolinks", "autolink", func(body map[string]any) any { return body["key_prefix"] },
		func(r *GitHubRepository) *[]map[string]any { return &r.Autolinks },
		map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"resource": "KeyLink", "code": "already_exists", "field": "key_prefix"}}})
	g.change(mux, "POST", "/pages", func(c *call, r *GitHubRepository) (int, any) {
		if r.Pages != nil {
			return http.StatusConflict, "GitHub Pages is already enabled."
		}
		r.Pages = c.body
		return http.StatusCreated, map[string]any{}
	})
	g.change(mux, "POST", "/actions/workflows/{workflow}/dispatches", func(c *call, r *GitHubRepository) (int, any) {
		if g.repos[r.Owner+"/"+r.Name].branch(c.text("ref")) == "" {
			return http.StatusUnprocessableEntity, "No ref found for: " + c.text("ref")
		}
		c.body["workflow"] = c.PathValue("workflow")
		r.Dispatches = append(r.Dispatches, c.body)
		if !c.flag("return_run_details") {
			return http.StatusNoContent, nil
		}
		page := g.URL + "/" + r.Owner + "/" + r.Name + "/actions/runs/7"
		return http.StatusOK, map[string]any{"workflow_run_id": 7, "run_url": g.API() + "/runs/7", "html_url": page}
	})
}
