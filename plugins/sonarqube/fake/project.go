package fake

import (
	"cmp"
	"strconv"
	"time"
)

// Project is what is analysed.
type Project struct {
	Key, Name string
	// Hidden projects are not for the token: it lacks the permission Browse.
	Hidden bool
	// MainBranch is the name of the main branch; "" = main.
	MainBranch string
	// Analyses of the main branch, oldest first. None = it was never analysed.
	Analyses []Analysis
	// Branches are the analyses of other branches.
	Branches map[string][]Analysis
	// Gate are the conditions of its quality gate.
	Gate []Condition
}

func (p *Project) mainBranch() string { return cmp.Or(p.MainBranch, "main") }

// Analysis is what one analysis measured. Ratings are 1 to 5 for A to E; a negative Coverage means that none was measured.
type Analysis struct {
	At      time.Time
	Version string

	Bugs, Vulnerabilities, CodeSmells                 int
	Reliability, Security, Maintainability, HotReview int
	Hotspots                                          int
	HotspotsReviewed, Coverage, Duplications          float64
	NewCoverage                                       float64
	// GateFailed has the metric alert_status say ERROR.
	GateFailed bool
}

// Condition is one of a quality gate.
type Condition struct {
	Metric string
	// Less = it fails below the threshold, else above.
	Less      bool
	Threshold float64
}

// judge is the condition as the API tells it, and whether it failed.
func (c Condition) judge(a Analysis) (map[string]any, bool) {
	status, comparator := "OK", "GT"
	if c.Less {
		comparator = "LT"
	}
	judged := map[string]any{"metricKey": c.Metric, "comparator": comparator, "errorThreshold": decimal(c.Threshold)}
	v, measured := a.value(c.Metric)
	if measured {
		judged["actualValue"] = v.text
		actual, err := strconv.ParseFloat(v.text, 64)
		if err == nil && (c.Less && actual < c.Threshold || !c.Less && actual > c.Threshold) {
			status = "ERROR"
		}
	}
	judged["status"] = status
	return judged, status == "ERROR"
}

// value is a measured value as the API writes it.
type value struct {
	metric, text string
	best         bool // the best there is
	period       bool // of new code: it stands under period
}

func (v value) measure() map[string]any {
	if v.period {
		return map[string]any{"metric": v.metric, "period": map[string]any{"index": 1, "value": v.text, "bestValue": v.best}}
	}
	return map[string]any{"metric": v.metric, "value": v.text, "bestValue": v.best}
}

// value finds a metric by its key.
func (a Analysis) value(key string) (value, bool) {
	switch key {
	case "alert_status":
		return value{metric: key, text: map[bool]string{true: "ERROR", false: "OK"}[a.GateFailed]}, true
	case "bugs", "software_quality_reliability_issues":
		return count(key, a.Bugs), true
	case "vulnerabilities", "software_quality_security_issues":
		return count(key, a.Vulnerabilities), true
	case "code_smells", "software_quality_maintainability_issues":
		return count(key, a.CodeSmells), true
	case "security_hotspots":
		return count(key, a.Hotspots), true
	case "reliability_rating", "software_quality_reliability_rating":
		return rating(key, a.Reliability), true
	case "security_rating", "software_quality_security_rating":
		return rating(key, a.Security), true
	case "sqale_rating", "software_quality_maintainability_rating":
		return rating(key, a.Maintainability), true
	case "security_review_rating", "software_quality_security_review_rating":
		return rating(key, a.HotReview), true
	case "security_hotspots_reviewed":
		return percent(key, a.HotspotsReviewed, 100), true
	case "coverage":
		return percent(key, a.Coverage, 100), a.Coverage >= 0
	case "duplicated_lines_density":
		return percent(key, a.Duplications, 0), true
	case "new_coverage":
		v := percent(key, a.NewCoverage, 100)
		v.period = true
		return v, a.NewCoverage > 0
	}
	return value{}, false
}

func count(key string, n int) value {
	return value{metric: key, text: strconv.Itoa(n), best: n == 0}
}

func rating(key string, n int) value {
	return value{metric: key, text: strconv.Itoa(max(n, 1)) + ".0", best: n <= 1}
}

func percent(key string, v, best float64) value {
	return value{metric: key, text: decimal(v), best: v == best}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// metric is one that servers know. replaced ones have a software quality in their place.
type metric struct {
	key, name, kind string
	replaced        bool
}

var metrics = []metric{
	{"alert_status", "Quality Gate Status", "LEVEL", false},
	{"bugs", "Bugs", "INT", true},
	{"reliability_rating", "Reliability Rating", "RATING", true},
	{"vulnerabilities", "Vulnerabilities", "INT", true},
	{"security_rating", "Security Rating", "RATING", true},
	{"security_hotspots", "Security Hotspots", "INT", false},
	{"security_hotspots_reviewed", "Security Hotspots Reviewed", "PERCENT", false},
	{"security_review_rating", "Security Review Rating", "RATING", true},
	{"code_smells", "Code Smells", "INT", true},
	{"sqale_rating", "Maintainability Rating", "RATING", true},
	{"coverage", "Coverage", "PERCENT", false},
	{"new_coverage", "Coverage on New Code", "PERCENT", false},
	{"duplicated_lines_density", "Duplicated Lines (%)", "PERCENT", false},
	{"software_quality_reliability_issues", "Software Quality Reliability Issues", "INT", false},
	{"software_quality_reliability_rating", "Software Quality Reliability Rating", "RATING", false},
	{"software_quality_security_issues", "Software Quality Security Issues", "INT", false},
	{"software_quality_security_rating", "Software Quality Security Rating", "RATING", false},
	{"software_quality_security_review_rating", "Software Quality Security Review Rating", "RATING", false},
	{"software_quality_maintainability_issues", "Software Quality Maintainability Issues", "INT", false},
	{"software_quality_maintainability_rating", "Software Quality Maintainability Rating", "RATING", false},
	{"ncloc", "Lines of Code", "INT", false},
}
