package main

import (
	"math"
	"slices"
	"strconv"
)

// wantedMetrics are what the frontend shows, in the order in which they are answered.
var wantedMetrics = []string{
	"alert_status", "bugs", "reliability_rating", "vulnerabilities", "security_rating", "security_hotspots_reviewed",
	"security_review_rating", "code_smells", "sqale_rating", "coverage", "duplicated_lines_density",
}

// hotspotsMetric counts the hotspots that nobody has reviewed yet.
const hotspotsMetric = "security_hotspots"

// softwareQualities are the metrics of Multi-Quality Rule mode that stand for standard ones: the frontend knows only these.
var softwareQualities = map[string]string{
	"bugs":                   "software_quality_reliability_issues",
	"reliability_rating":     "software_quality_reliability_rating",
	"vulnerabilities":        "software_quality_security_issues",
	"security_rating":        "software_quality_security_rating",
	"security_review_rating": "software_quality_security_review_rating",
	"code_smells":            "software_quality_maintainability_issues",
	"sqale_rating":           "software_quality_maintainability_rating",
}

// The modes of an instance; any other is auto.
const (
	modeStandard = "standard"
	modeMQR      = "mqr"
)

// askedMetrics are all that one request asks for, as far as the server knows them.
func askedMetrics() []string {
	asked := append(slices.Clone(wantedMetrics), hotspotsMetric)
	for _, standard := range wantedMetrics {
		if quality := softwareQualities[standard]; quality != "" {
			asked = append(asked, quality)
		}
	}
	return asked
}

// inStandardTerms renames software qualities to the standard metrics: where there is no standard one, or all of them in
// mode mqr, in which SonarQube's own pages show them.
func inStandardTerms(found map[string]measure, mode string) map[string]measure {
	out := map[string]measure{}
	for _, key := range append(slices.Clone(wantedMetrics), hotspotsMetric) {
		m, standard := found[key]
		q, quality := found[softwareQualities[key]]
		if quality && mode != modeStandard && (mode == modeMQR || !standard) {
			m, standard = q, true
		}
		if standard {
			m.Metric = key
			m.Value = m.Value.rating(key)
			out[key] = m
		}
	}
	return out
}

// list is the measures that the frontend wants, in its order.
func (s *snapshot) list() []measure {
	list := []measure{}
	for _, key := range wantedMetrics {
		if m, ok := s.measures[key]; ok {
			list = append(list, m)
		}
	}
	return list
}

func isRating(key string) bool {
	switch key {
	case "reliability_rating", "security_rating", "security_review_rating", "sqale_rating":
		return true
	}
	return false
}

// rating writes a rating as "1.0" to "5.0", the only form that the frontend has a letter for; other values stay.
func (t text) rating(key string) text {
	if isRating(key) && len(t) == 1 && t >= "1" && t <= "5" {
		return t + ".0"
	}
	return t
}

// number reads a value; what JSON has no number for is none.
func (t text) number() (float64, bool) {
	v, err := strconv.ParseFloat(string(t), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// letter is A to E for "1.0" to "5.0", and "" for anything else.
func (t text) letter() string {
	v, ok := t.number()
	if !ok || v < 1 || v > 5 || v != math.Trunc(v) {
		return ""
	}
	return ratings[int(v)-1]
}

var ratings = []string{"A", "B", "C", "D", "E"}

// duplicationLetter rates duplicated lines in percent as the frontend does.
func duplicationLetter(percent float64) string {
	for i, limit := range []float64{3, 5, 10, 20} {
		if percent < limit {
			return ratings[i]
		}
	}
	return "E"
}
