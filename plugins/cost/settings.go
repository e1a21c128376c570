package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/callboard/callboard/plugins/cost/estimate"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// settings are what an operator writes. Without any, charges come by uploads and get to entities by the usual tags.
type settings struct {
	Assignments    []assignment      `json:"assignments,omitempty" max:"20" desc:"Which dimensions name entities, the first one first; without any: tag:service a component, resource or API, tag:system a system, tag:team a group"`
	Counted        string            `json:"counted,omitempty" default:"" desc:"Filter of the charges that count, where the same costs come from two sources; everything unless set. provider!=OpenCost leaves out what OpenCost says about nodes that the cloud's bill has as well"`
	Anomalies      anomalySettings   `json:"anomalies,omitzero" desc:"What counts as an anomaly where the question does not say"`
	NotifyOwners   *bool             `json:"notifyOwners" default:"true" desc:"Tell owners in the portal when a budget crosses a threshold"`
	Estimates      estimate.Settings `json:"estimates,omitzero" desc:"Prices for estimates of Terraform plans"`
	CatalogRefresh sdk.Duration      `json:"catalogRefresh" default:"2m" desc:"How long what the catalog says about costs is used before it is read again"`
}

type assignment struct {
	Dimension string   `json:"dimension" example:"tag:service" desc:"What names an entity: tag:<key>, or a dimension such as subAccountName"`
	Kinds     []string `json:"kinds" min:"1" max:"10" desc:"Kinds of the entities, in the order in which a name is looked for"`
}

type anomalySettings struct {
	Threshold float64 `json:"threshold" min:"1" max:"100" default:"3.5" desc:"How many robust standard deviations (1.4826 × MAD) a day must be away from the median of its weekday"`
	Minimum   float64 `json:"minimum" min:"0" default:"10" desc:"The least difference, in the currency of the charges"`
}

// usualAssignments hold where the operator names none.
var usualAssignments = []insight.Assignment{
	{Dimension: ledger.Tag("service"), Kinds: []string{"component", "resource", "api"}},
	{Dimension: ledger.Tag("system"), Kinds: []string{"system"}},
	{Dimension: ledger.Tag("team"), Kinds: []string{"group"}},
}

func (s settings) assignments() ([]insight.Assignment, error) {
	if len(s.Assignments) == 0 {
		return usualAssignments, nil
	}
	var out []insight.Assignment
	for i, a := range s.Assignments {
		d, err := insight.ParseDimension(strings.TrimSpace(a.Dimension))
		if err != nil {
			return nil, fmt.Errorf("assignments[%d].dimension: %s", i, rpcerror.Message(err))
		}
		one := insight.Assignment{Dimension: d}
		for _, kind := range a.Kinds {
			one.Kinds = append(one.Kinds, strings.ToLower(kind))
		}
		out = append(out, one)
	}
	return out, nil
}

// Validate says what the schema cannot.
func (s settings) Validate(context.Context) error {
	if s.CatalogRefresh <= 0 {
		return fmt.Errorf("catalogRefresh: %s must be longer than nothing", s.CatalogRefresh)
	}
	if _, err := s.counted(); err != nil {
		return err
	}
	_, err := s.assignments()
	return err
}

// counted selects the charges that count.
func (s settings) counted() (ledger.Filter, error) {
	if s.Counted == "" {
		return ledger.Filter{}, nil
	}
	f, err := insight.ParseFilter(s.Counted)
	if err != nil {
		return f, fmt.Errorf("counted: %s", rpcerror.Message(err))
	}
	return f, nil
}

// detection is how anomalies are found unless a question says otherwise.
func (s settings) detection() insight.Detection {
	d := insight.DefaultDetection
	if s.Anomalies.Threshold > 0 {
		d.Threshold, d.Minimum = s.Anomalies.Threshold, s.Anomalies.Minimum
	}
	return d
}

// notifies reports whether owners are told.
func (s settings) notifies() bool { return s.NotifyOwners == nil || *s.NotifyOwners }
