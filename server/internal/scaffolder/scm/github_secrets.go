package scm

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/crypto/nacl/box"

	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// sealingKey is a public key with which secrets are sealed before they are sent.
type sealingKey struct {
	Key   string `json:"key"`
	KeyID string `json:"key_id"`
}

func (k sealingKey) seal(secret string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil || len(raw) != 32 {
		return "", errors.New("seal a secret: the host's public key is not one of 32 bytes in base64")
	}
	sealed, err := box.SealAnonymous(nil, []byte(secret), (*[32]byte)(raw), rand.Reader)
	return base64.StdEncoding.EncodeToString(sealed), err
}

// putSecrets sets secrets below path, which also has the public key. Setting one again is harmless.
func (h *hub) putSecrets(path rest.Path, secrets map[string]string) error {
	var key sealingKey
	if err := h.api.Get(h.Context, append(slices.Clip(path), "public-key"), &key); err != nil {
		return err
	}
	for _, name := range sortedKeys(secrets) {
		if err := h.putSecret(path, key, name, secrets[name]); err != nil {
			return err
		}
	}
	return nil
}

func (h *hub) putSecret(path rest.Path, key sealingKey, name, value string) error {
	sealed, err := key.seal(value)
	if err != nil {
		return err
	}
	return h.api.Put(h.Context, append(slices.Clip(path), name), map[string]string{"encrypted_value": sealed, "key_id": key.KeyID}, nil)
}

// putVariables makes variables, or sets those that are there.
func (h *hub) putVariables(path rest.Path, variables map[string]string) error {
	for _, name := range sortedKeys(variables) {
		body := map[string]string{"name": name, "value": variables[name]}
		err := h.api.Post(h.Context, path, body, nil)
		if has(err, http.StatusConflict) {
			err = h.api.Patch(h.Context, append(slices.Clip(path), name), body, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func createDeployKey(h *hub, in struct {
	PublicKey, PrivateKey, DeployKeyName string
	PrivateKeySecretName                 *string
}) error {
	name := or(in.PrivateKeySecretName, strings.ToUpper(strings.ReplaceAll(in.DeployKeyName, " ", "_"))+"_PRIVATE_KEY")
	key := fmt.Sprintf("create.deploy.key.%s.%s.%s", h.owner, h.repo, in.PublicKey)
	err := h.createOnce(key, "key is already in use", func() error {
		return h.api.Post(h.Context, h.at("keys"), map[string]string{"title": in.DeployKeyName, "key": in.PublicKey}, nil)
	})
	if err != nil {
		return err
	}
	if err := h.putSecrets(h.at("actions", "secrets"), map[string]string{name: in.PrivateKey}); err != nil {
		return err
	}
	h.Output("privateKeySecretName", name)
	return nil
}

// createOnce makes a thing of which the host refuses a second one with the message exists. When an earlier run of the step
// may have made it, that refusal says that it did.
func (h *hub) createOnce(key, exists string, create func() error) error {
	return h.do(key, func() error {
		again, err := h.begin(key)
		if err != nil {
			return err
		}
		err = create()
		if again && err != nil && strings.Contains(err.Error(), exists) {
			return nil
		}
		return err
	})
}

type environmentInput struct {
	Name                    string
	DeploymentBranchPolicy  any
	CustomBranchPolicyNames []string
	CustomTagPolicyNames    []string
	EnvironmentVariables    map[string]string
	Secrets                 map[string]string
	WaitTimer               *float64
	PreventSelfReview       *bool
	Reviewers               []string
}

func createEnvironment(h *hub, in environmentInput) error {
	body := map[string]any{}
	if in.DeploymentBranchPolicy != nil {
		body["deployment_branch_policy"] = in.DeploymentBranchPolicy
	}
	if in.WaitTimer != nil {
		body["wait_timer"] = *in.WaitTimer
	}
	if in.PreventSelfReview != nil {
		body["prevent_self_review"] = *in.PreventSelfReview
	}
	reviewers, err := h.reviewers(in.Reviewers)
	if err != nil {
		return err
	}
	if len(reviewers) > 0 {
		body["reviewers"] = reviewers
	}
	if err := h.api.Put(h.Context, h.at("environments", in.Name), body, nil); err != nil {
		return err
	}
	for kind, names := range map[string][]string{"branch": in.CustomBranchPolicyNames, "tag": in.CustomTagPolicyNames} {
		if err := h.addPolicies(in.Name, kind, names); err != nil {
			return err
		}
	}
	if err := h.putVariables(h.at("environments", in.Name, "variables"), in.EnvironmentVariables); err != nil || in.Secrets == nil {
		return err
	}
	return h.putSecrets(h.at("environments", in.Name, "secrets"), in.Secrets)
}

func (h *hub) addPolicies(environment, kind string, names []string) error {
	for _, name := range names {
		key := fmt.Sprintf("create.deployment.branch.policy.%s.%s.%s.%s.%s", kind, h.owner, h.repo, environment, name)
		err := h.do(key, func() error {
			err := h.api.Post(h.Context, h.at("environments", environment, "deployment-branch-policies"), map[string]string{"name": name, "type": kind}, nil)
			if has(err, http.StatusSeeOther) { // there is such a policy already
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type reviewer struct {
	Type string `json:"type"`
	ID   int64  `json:"id"`
}

// reviewers finds the GitHub users and teams of catalog entities by name. One that GitHub does not know is left out with a
// line in the log.
func (h *hub) reviewers(refs []string) ([]reviewer, error) {
	if len(refs) == 0 || h.service.Entities == nil {
		return nil, nil
	}
	entities, err := h.service.Entities(h.Context, h.Initiator, refs)
	if err != nil {
		return nil, err
	}
	var found []reviewer
	for _, text := range entities {
		var e struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if text == nil || json.Unmarshal(text, &e) != nil {
			continue
		}
		r, path := reviewer{Type: "User"}, rest.Path{"users", e.Metadata.Name}
		switch e.Kind {
		case "User":
		case "Group":
			r.Type, path = "Team", rest.Path{"orgs", h.owner, "teams", e.Metadata.Name}
		default:
			continue
		}
		if err := h.api.Get(h.Context, path, &r); err != nil {
			h.Logf("error", "%s not found: %s", r.Type, err)
			continue
		}
		found = append(found, r)
	}
	return found, nil
}
