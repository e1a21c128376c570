package workflow

import (
	"encoding/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// variables are what templates of a task see. The documents are made once after each step.
type variables struct {
	parameters, user, context, environment json.RawMessage
	// secrets is {"secrets":{…},"environment":{"secrets":{…}}}; nil = there are none.
	secrets json.RawMessage
	// starred are the same with three stars for every value.
	starredSecrets, starredEnvironment json.RawMessage
	steps                              []jsvalue.Member
	plainDocument, secretDocument      json.RawMessage
}

func newVariables(run Run, e Environment) *variables {
	v := &variables{
		parameters: orEmpty(run.Spec.Parameters), user: json.RawMessage("{}"), environment: orEmpty(e.Parameters),
		context:        jsvalue.Object(member("task", jsvalue.Object(member("id", jsvalue.Quote(run.TaskID))))),
		starredSecrets: starred(run.Secrets), starredEnvironment: starred(e.Secrets),
	}
	if run.Spec.User != nil {
		v.user = marshal(run.Spec.User)
	}
	if run.DryRun {
		e.Secrets = nil // as in the reference: they are of no use to somebody who tries a template
	}
	if len(run.Secrets)+len(e.Secrets) > 0 {
		v.secrets = jsvalue.Object(member("secrets", run.Secrets.Reveal()),
			member("environment", jsvalue.Object(member("secrets", e.Secrets.Reveal()))))
	}
	return v
}

func starred(s secret.Set) json.RawMessage {
	stars := make(map[string]string, len(s))
	for name := range s {
		stars[name] = "***"
	}
	return marshal(stars)
}

// setOutput makes the outputs of a step known.
func (v *variables) setOutput(id string, output json.RawMessage) {
	entry := member(id, jsvalue.Object(member("output", orEmpty(output))))
	v.plainDocument, v.secretDocument = nil, nil
	for i := range v.steps {
		if v.steps[i].Key == id {
			v.steps[i] = entry
			return
		}
	}
	v.steps = append(v.steps, entry)
}

// plain is for conditions and outputs: there are no secrets in it.
func (v *variables) plain() json.RawMessage {
	if v.plainDocument == nil {
		v.plainDocument = v.document(json.RawMessage("{}"))
	}
	return v.plainDocument
}

// withSecrets is for inputs and each.
func (v *variables) withSecrets() templating.Scope {
	if v.secretDocument == nil {
		v.secretDocument = v.document(json.RawMessage("{}"), member("secrets", json.RawMessage("{}")))
	}
	return templating.Scope{Variables: v.secretDocument, Secrets: v.secrets}
}

// withStars is for telling what an input would be.
func (v *variables) withStars() json.RawMessage {
	return v.document(v.starredEnvironment, member("secrets", v.starredSecrets))
}

func (v *variables) document(environmentSecrets json.RawMessage, more ...jsvalue.Member) json.RawMessage {
	environment := jsvalue.Object(member("parameters", v.environment), member("secrets", environmentSecrets))
	return jsvalue.Object(append([]jsvalue.Member{
		member("parameters", v.parameters),
		member("environment", environment),
		member("steps", jsvalue.Object(v.steps...)),
		member("user", v.user),
		member("context", v.context),
	}, more...)...)
}
