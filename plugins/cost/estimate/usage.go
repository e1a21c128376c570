package estimate

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/cost/estimate/rules"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// Usage is what a usage file says, in the form of Infracost's: how much resources are used, which no plan tells.
//
//	version: 0.1
//	resource_usage:
//	  aws_lambda_function.resize:
//	    monthly_requests: 100000
//	    request_duration_ms: 250
//	  module.web.aws_instance.app[*]: # all of a count or a for_each
//	    …
//	resource_type_default_usage:
//	  aws_nat_gateway: { monthly_data_processed_gb: 100 }
type Usage struct {
	resources, types *yaml.Node
}

// maxUsage bounds usage files.
const maxUsage = 1 << 20

// ReadUsage reads a usage file, YAML or JSON. An empty one says nothing.
func ReadUsage(text []byte) (*Usage, error) {
	if len(text) > maxUsage {
		return nil, apierror.Inputf("usage: it is longer than %d KiB", maxUsage>>10)
	}
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &Usage{}, nil
	case err != nil:
		return nil, apierror.Inputf("usage: it is no YAML: %v", err)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return &Usage{}, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, apierror.Inputf("usage: it must have resource_usage or resource_type_default_usage")
	}
	u := &Usage{resources: member(root, "resource_usage"), types: member(root, "resource_type_default_usage")}
	for _, n := range []*yaml.Node{u.resources, u.types} {
		if err := checkNumbers(n); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// member is the value of a key; nil = none. Aliases are not followed: they are no part of the format.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// checkNumbers refuses numbers that are no quantities. The parser has bounded how deep nodes are.
func checkNumbers(n *yaml.Node) error {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float") {
		if a, err := money.Parse(n.Value); err != nil || a.Sign() < 0 {
			return apierror.Inputf("usage: line %d: %q is no quantity: it takes decimal numbers that are not negative", n.Line, n.Value)
		}
	}
	for _, c := range n.Content {
		if err := checkNumbers(c); err != nil {
			return err
		}
	}
	return nil
}

var index = regexp.MustCompile(`\[(?:\d+|"(?:[^"\\]|\\.)*")\]`)

// of looks values up for one resource: what is said of it, of all of its count, of its type.
func (u *Usage) of(address, resourceType string) rules.Usage {
	var places []*yaml.Node
	if u != nil {
		places = []*yaml.Node{member(u.resources, address), member(u.resources, index.ReplaceAllString(address, "[*]")), member(u.types, resourceType)}
	}
	return func(path string) (string, bool) {
		for _, n := range places {
			for step := range strings.SplitSeq(path, ".") {
				n = member(n, step)
			}
			if n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
				return n.Value, true
			}
		}
		return "", false
	}
}
