package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/estimate"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// settings are what an operator writes. Without any, charges come by uploads and get to entities by the usual tags.
type settings struct {
	Assignments    []assignment       `json:"assignments,omitempty" max:"20" desc:"Which dimensions name entities, the first one first; without any: tag:service a component, resource or API, tag:system a system, tag:team a group"`
	Folders        []folderSettings   `json:"folders,omitempty" max:"20" desc:"Folders with FOCUS files, beside inbox in the plugin's data folder"`
	Buckets        []bucketSettings   `json:"buckets,omitempty" max:"20" desc:"Buckets with FOCUS files, of S3 or of what speaks its protocol"`
	OpenCost       []opencostSettings `json:"openCost,omitempty" max:"20" desc:"Servers of OpenCost or Kubecost, whose days are collected; OpenCost's frontend is answered by the first"`
	Counted        string             `json:"counted,omitempty" default:"" desc:"Filter of the charges that count, where the same costs come from two sources; everything unless set. provider!=OpenCost leaves out what OpenCost says about nodes that the cloud's bill has as well"`
	Anomalies      anomalySettings    `json:"anomalies,omitzero" desc:"What counts as an anomaly where the question does not say"`
	NotifyOwners   *bool              `json:"notifyOwners" default:"true" desc:"Tell owners in the portal when a budget crosses a threshold"`
	Estimates      estimate.Settings  `json:"estimates,omitzero" desc:"Prices for estimates of Terraform plans"`
	CatalogRefresh sdk.Duration       `json:"catalogRefresh" default:"2m" desc:"How long what the catalog says about costs is used before it is read again"`
}

type folderSettings struct {
	Path   string       `json:"path" min:"1" desc:"The folder, in the plugin's data folder unless absolute; outside of it the sandbox lets nothing be read, so mount the folder there"`
	Source string       `json:"source,omitempty" max:"100" desc:"Name of the source; without it each folder in it is a source by its name"`
	Every  sdk.Duration `json:"every" default:"1m" desc:"How often to look for new files; they are imported when they were seen twice alike"`
}

type bucketSettings struct {
	Endpoint     string       `json:"endpoint" format:"uri" example:"https://s3.eu-north-1.amazonaws.com" desc:"Address of the storage, before the name of the bucket"`
	Bucket       string       `json:"bucket" min:"1" max:"255" desc:"Name of the bucket"`
	Prefix       string       `json:"prefix,omitempty" max:"1000" desc:"Only what begins so; with a slash at its end a folder" example:"exports/focus/data/"`
	Region       string       `json:"region" default:"us-east-1" desc:"Region for the signature"`
	AccessKey    string       `json:"accessKey,omitempty" desc:"Id of the key, with s3:ListBucket and s3:GetObject; without it the bucket must be open"`
	SecretKey    sdk.Secret   `json:"secretKey,omitempty" desc:"The key"`
	SessionToken sdk.Secret   `json:"sessionToken,omitempty" desc:"Token of temporary keys"`
	Source       string       `json:"source,omitempty" max:"100" desc:"Name of the source; without it each folder is a source by its name"`
	Every        sdk.Duration `json:"every" default:"15m" desc:"How often to look for new objects"`
}

type opencostSettings struct {
	URL      string       `json:"url" format:"uri" example:"http://opencost.opencost:9003" desc:"Address of OpenCost, or of Kubecost with /model at its end"`
	Token    sdk.Secret   `json:"token,omitempty" desc:"Bearer token, where a proxy wants one: OpenCost itself knows no callers"`
	Source   string       `json:"source" min:"1" max:"100" default:"opencost" desc:"Name of the source; each server needs its own"`
	Currency string       `json:"currency" pattern:"^[A-Z]{3}$" default:"USD" desc:"Currency of its prices"`
	Every    sdk.Duration `json:"every" default:"1h" desc:"How often to ask for days that are over"`
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
	if err := s.checkPlaces(); err != nil {
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

// leastEvery keeps a place from being looked at without a pause.
const leastEvery = 10 * time.Second

func (s settings) checkPlaces() error {
	for i, f := range s.Folders {
		if f.Every.Std() < leastEvery {
			return fmt.Errorf("folders[%d].every: %s must be at least %s", i, f.Every, leastEvery)
		}
	}
	for i, b := range s.Buckets {
		if b.Every.Std() < leastEvery {
			return fmt.Errorf("buckets[%d].every: %s must be at least %s", i, b.Every, leastEvery)
		}
		if (b.AccessKey == "") != (b.SecretKey == "") {
			return fmt.Errorf("buckets[%d]: accessKey and secretKey must both be there, or neither", i)
		}
		if err := checkAddress(b.Endpoint); err != nil {
			return fmt.Errorf("buckets[%d].endpoint: %w", i, err)
		}
	}
	return s.checkOpenCost()
}

func (s settings) checkOpenCost() error {
	seen := map[string]bool{}
	for i, o := range s.OpenCost {
		if o.Every.Std() < leastEvery {
			return fmt.Errorf("openCost[%d].every: %s must be at least %s", i, o.Every, leastEvery)
		}
		if seen[o.Source] {
			return fmt.Errorf("openCost[%d].source: %q is there twice; each server needs its own", i, o.Source)
		}
		seen[o.Source] = true
		if err := checkAddress(o.URL); err != nil {
			return fmt.Errorf("openCost[%d].url: %w", i, err)
		}
	}
	return nil
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("it must be an address that begins with https:// or http://")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("it must have no user, query or fragment")
	}
	return nil
}
