package infrawallet

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// providers are what the frontend calls providers, for which it has icons, and what bills call them.
var providers = []struct {
	name  string
	known []string
}{
	{"AWS", []string{"AWS", "Amazon Web Services", "Amazon"}},
	{"Azure", []string{"Microsoft", "Microsoft Azure", "Azure", "Azure Cloud"}},
	{"GCP", []string{"Google Cloud", "Google Cloud Platform", "GCP", "Google"}},
	{"Kubecost", []string{"OpenCost", "Kubecost"}},
	{"MongoAtlas", []string{"MongoDB Atlas", "MongoDB", "MongoAtlas"}},
	{"ElasticCloud", []string{"Elastic Cloud", "Elastic", "ElasticCloud"}},
}

// providerName is what the frontend calls a provider; others it shows as they are.
func providerName(billed string) string {
	for _, p := range providers {
		if slices.Contains(p.known, billed) {
			return p.name
		}
	}
	if billed == "" {
		return "Unknown"
	}
	return billed
}

// billedNames are what bills may call a provider of the frontend's.
func billedNames(name string) []string {
	for _, p := range providers {
		if strings.EqualFold(p.name, name) {
			return p.known
		}
	}
	if name == "Unknown" {
		return []string{""}
	}
	return []string{name}
}

// categories are the frontend's words for FOCUS's service categories; the rest are the same, or shown as they are.
var categories = map[string]string{"Databases": "Database", "Management and Governance": "Operations", "": "Uncategorized"}

func categoryName(focus string) string {
	if name, ok := categories[focus]; ok {
		return name
	}
	return focus
}

func focusCategories(name string) []string {
	out := []string{name}
	for focus, shown := range categories {
		if shown == name {
			out = append(out, focus)
		}
	}
	return out
}

// place is an account, which bills name, number, or both.
type place struct{ name, id string }

func (p place) String() string {
	switch {
	case p.name == "" || p.name == p.id:
		return p.id
	case p.id == "":
		return p.name
	}
	return p.name + " (" + p.id + ")"
}

func (p place) empty() bool { return p.name == "" && p.id == "" }

// title is the name, else the id.
func (p place) title() string {
	if p.name != "" {
		return p.name
	}
	return p.id
}

// groups are what reports tell apart, beside tags.
var groups = []ledger.Dimension{
	ledger.Provider, ledger.BillingAccount, ledger.BillingAccountName, ledger.SubAccount, ledger.SubAccountName, ledger.Service, ledger.ServiceCategory,
}

// report is one line of a wallet.
type report struct {
	id, provider, kind         string
	account, service, category string
	project                    string
	tags                       map[string]string
	amounts                    map[string]number
	// spellings are further values that a filter by a member may name.
	spellings map[string][]string
}

// The kinds of providers.
const (
	integration = "Integration"
	custom      = "Custom"
)

// reportOf names a series as the frontend shows it. Project is never empty: the frontend warns of reports without one.
func reportOf(keys map[ledger.Dimension]string) report {
	provider := providerName(keys[ledger.Provider])
	sub, billing := place{keys[ledger.SubAccountName], keys[ledger.SubAccount]}, place{keys[ledger.BillingAccountName], keys[ledger.BillingAccount]}
	account := sub
	if account.empty() {
		account = billing
	}
	r := report{
		provider: provider, kind: integration, account: provider + "/" + account.String(), service: provider + "/" + keys[ledger.Service],
		category: categoryName(keys[ledger.ServiceCategory]), project: account.title(), tags: map[string]string{}, amounts: map[string]number{},
	}
	if r.project == "" {
		r.project = provider
	}
	var parts []string
	for _, d := range groups {
		if keys[d] != "" {
			parts = append(parts, keys[d])
		}
	}
	r.id = strings.Join(parts, "_")
	r.spellings = map[string][]string{
		"provider": {keys[ledger.Provider]}, "account": {sub.name, sub.id, billing.name, billing.id}, "project": {sub.name, sub.id},
		"service": {keys[ledger.Service]}, "category": {keys[ledger.ServiceCategory]},
	}
	for d, value := range keys {
		if key, ok := d.TagKey(); ok && value != "" {
			r.tags[key] = value
			r.id += "_" + value
		}
	}
	return r
}

// member is what a filter compares: one of the report's own, or a tag.
func (r report) member(name string) string {
	switch name {
	case "provider":
		return r.provider
	case "account":
		return r.account
	case "service":
		return r.service
	case "category":
		return r.category
	case "project":
		return r.project
	case "providerType":
		return r.kind
	case "id":
		return r.id
	}
	return r.tags[name]
}

// document is the report as the frontend reads it. Tags stand beside the members, and never in place of one.
func (r report) document() map[string]any {
	out := map[string]any{}
	for key, value := range r.tags {
		out[key] = value
	}
	out["id"], out["provider"], out["providerType"], out["reports"] = r.id, r.provider, r.kind, r.amounts
	out["account"], out["service"], out["category"], out["project"] = r.account, r.service, r.category, r.project
	return out
}
