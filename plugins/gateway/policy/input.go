package policy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/callboard/callboard/sdk"
)

// Input is what rules see, as "input". Its JSON names are the contract; input.schema.json tells them to the compiler.
type Input struct {
	Request Request `json:"request"`
	Caller  Caller  `json:"caller"`
	// Plan is the one of the request, as the gateway describes it.
	Plan Plan `json:"plan"`
	// App and API are entities: metadata and spec are what rules read of them.
	App sdk.Entity `json:"app"`
	API sdk.Entity `json:"api"`
	// Now is the time of the request, and that of time.now_ns.
	Now time.Time `json:"now"`
}

// Request is what is asked for.
type Request struct {
	App  string `json:"app"`
	API  string `json:"api"`
	Plan string `json:"plan"`
	// TTLDays is how long the key is to work; 0 = without an end.
	TTLDays     int    `json:"ttlDays"`
	Reason      string `json:"reason"`
	Environment string `json:"environment"`
}

// Caller is who asks.
type Caller struct {
	Ref    string   `json:"ref"`
	Groups []string `json:"groups"` // refs that own what the caller owns
}

// Plan is what the application would be given.
type Plan struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Limits   []Limit `json:"limits"`
	Approval bool    `json:"approval"` // the gateway itself waits for somebody's approval
}

// Limit is a number of requests in a window.
type Limit struct {
	Requests      int64 `json:"requests"`
	WindowSeconds int64 `json:"windowSeconds"`
}

//go:embed input.schema.json
var inputSchema []byte

// maxInput bounds the document; an API's definition is part of its entity.
const maxInput = 8 << 20

// value is the input as Rego's. Lists are there even when empty, so that rules can count them.
func (in Input) value() (*ast.Term, error) {
	if in.Caller.Groups == nil {
		in.Caller.Groups = []string{}
	}
	if in.Plan.Limits == nil {
		in.Plan.Limits = []Limit{}
	}
	in.Now = in.Now.UTC()
	doc, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("write the input: %w", err)
	}
	if len(doc) > maxInput {
		return nil, fmt.Errorf("the input has %d bytes, more than %d: is the API's definition that large?", len(doc), maxInput)
	}
	value, err := ast.ValueFromReader(bytes.NewReader(doc))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return ast.NewTerm(value), nil
}
