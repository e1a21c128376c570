package main

import (
	"time"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
)

func sonarqube(now func() time.Time) service {
	s := fake.New(fake.Options{Token: "squ_sample", Now: now})
	return service{name: "sonarqube", handler: s, fill: func(now time.Time) { s.Put(sonarProjects(now)...) }}
}

// sonarProjects are one that fails its quality gate by the coverage of new code, ones that pass it, one in a bad state, one
// that was never analysed, and one that the token may not see.
func sonarProjects(now time.Time) []*fake.Project {
	gate := []fake.Condition{
		{Metric: "new_coverage", Less: true, Threshold: 80}, {Metric: "reliability_rating", Threshold: 3},
		{Metric: "security_rating", Threshold: 1}, {Metric: "duplicated_lines_density", Threshold: 3},
	}
	project := func(key, name string, last fake.Analysis) *fake.Project {
		return &fake.Project{Key: key, Name: name, Gate: gate, Analyses: fake.Weekly(now, last)}
	}
	return []*fake.Project{
		project("marram_booking-service", "Booking Service", fake.Analysis{
			Bugs: 3, Reliability: 3, Security: 1, Maintainability: 1, HotReview: 2, CodeSmells: 41, Hotspots: 2, HotspotsReviewed: 75,
			Coverage: 82.4, Duplications: 1.2, NewCoverage: 71.5, GateFailed: true,
		}),
		project("marram_booking-web", "Web Shop", fake.Analysis{
			Reliability: 1, Security: 1, Maintainability: 1, HotReview: 1, CodeSmells: 12, HotspotsReviewed: 100, Coverage: 91.3, NewCoverage: 94,
		}),
		project("marram_fare-rules", "fare-rules", fake.Analysis{
			Reliability: 1, Security: 1, Maintainability: 1, HotReview: 1, CodeSmells: 4, HotspotsReviewed: 100, Coverage: 98.6, NewCoverage: 100,
		}),
		project("example.marram:payment-gateway", "Payment Gateway", fake.Analysis{
			Bugs: 17, Vulnerabilities: 4, Reliability: 4, Security: 5, Maintainability: 2, HotReview: 5, CodeSmells: 380, Hotspots: 23,
			HotspotsReviewed: 12.5, Coverage: -1, Duplications: 11.8, GateFailed: true,
		}),
		{Key: "marram_timetable-service", Name: "timetable-service"},
		{Key: "marram_crew-roster", Name: "crew-roster-service", Hidden: true},
		project("marram_payroll", "Payroll", fake.Analysis{Reliability: 1, Security: 2, Maintainability: 1, HotReview: 1, Coverage: 61}),
	}
}
