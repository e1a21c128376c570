package main

import (
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/sentry/fake"
)

func sentry(now func() time.Time) service {
	s := fake.New(fake.Options{ //nolint:gosec // a token of nothing real
		Organization: "marram-line", Token: "sntrys_sample", URL: "https://sentry.marram.example", Now: now, Empty: true,
		Teams: []string{"booking-crew", "quayside-web", "bridge-systems"},
	})
	return service{name: "sentry", handler: s, fill: func(now time.Time) {
		for i, p := range sentryProjects {
			s.Put(p.at(i, now))
		}
		s.PutReleases(sentryReleases(now)...)
	}}
}

// sentryProject is a project of the sample, whose issues have ages instead of dates.
type sentryProject struct {
	slug, platform string
	crashFree      float64 // 0 = it reports no sessions
	issues         []sentryIssue
}

type sentryIssue struct {
	kind, value, culprit, file string
	level, status              string
	events, users              int
	days                       int           // since it was first seen
	quiet                      time.Duration // since it was last seen
}

var sentryProjects = []sentryProject{
	{"booking-service", "go", 0.9962, []sentryIssue{
		{"TimeoutError", "payment-gateway did not answer within 2s", "payments.client in Authorize", "client.go", "error", "unresolved", 184, 162, 21, 3 * time.Minute},
		{"HoldExpired", "seat hold 4f1c ran out before the payment", "holds.store in Confirm", "store.go", "warning", "unresolved", 57, 49, 90, 12 * time.Minute},
		{"panic", "runtime error: index out of range [3] with length 3", "fares.rules in Discount", "rules.go", "fatal", "unresolved", 6, 4, 2, 2 * time.Hour},
		{"ConstraintError", "duplicate key value violates unique constraint \"tickets_pkey\"", "tickets.store in Print", "store.go", "error", "unresolved", 2, 2, 35, 5 * 24 * time.Hour},
		{"DeadlockError", "deadlock detected", "bookings.store in Commit", "store.go", "error", "resolved", 31, 28, 40, 26 * time.Hour},
	}},
	{"booking-web", "javascript-react", 0.9871, []sentryIssue{
		{"TypeError", "Cannot read properties of undefined (reading 'price')", "CabinCard(src/cabins)", "CabinCard.tsx", "error", "unresolved", 942, 311, 9, time.Minute},
		{"ChunkLoadError", "Loading chunk 42 failed", "app:///static/main.js", "main.js", "error", "unresolved", 120, 118, 4, 40 * time.Minute},
		{"AbortError", "The user aborted a request", "searchCrossings(src/search)", "search.ts", "info", "ignored", 3310, 2804, 120, time.Minute},
	}},
	{"mobile-app", "react-native", 0.9934, []sentryIssue{
		{"ApplicationNotResponding", "Background ANR of the ticket wallet", "TicketWallet in open", "TicketWallet.kt", "error", "unresolved", 76, 71, 14, 25 * time.Minute},
		{"NetworkError", "Network request failed", "gates in refresh", "gates.ts", "warning", "unresolved", 410, 388, 200, 4 * time.Minute},
	}},
	{"payment-gateway", "go", 0, []sentryIssue{
		{"SchemeUnavailable", "card scheme answered 91: issuer not reachable", "schemes.cards in Authorize", "cards.go", "warning", "unresolved", 23, 23, 60, 17 * time.Minute},
	}},
	{"vessel-tracker", "rust", 0, []sentryIssue{
		{"ConnectError", "error connecting to positions-db: Connection refused (os error 111)", "positions::store::refresh", "store.rs", "error", "unresolved", 14, 0, 1, 50 * time.Minute},
	}},
	// No entity of the catalog names it, so nobody may see it in the portal.
	{"payroll", "java", 0, []sentryIssue{
		{"IllegalStateException", "salary band of employee 4711 is missing", "payroll.bands in lookup", "Bands.java", "error", "unresolved", 8, 1, 3, 30 * time.Minute},
	}},
}

// at is the project at a time; n tells its numbers from those of other projects.
func (p sentryProject) at(n int, now time.Time) fake.Project {
	project := fake.Project{ID: strconv.Itoa(41 + n), Slug: p.slug, Name: p.slug, Platform: p.platform}
	if p.crashFree > 0 {
		project.CrashFree = &p.crashFree
	}
	for i, one := range p.issues {
		project.Issues = append(project.Issues, &fake.Issue{
			ID:    strconv.Itoa(700100200 + 100*n + i),
			Title: one.kind + ": " + one.value, Kind: one.kind, Value: one.value, Culprit: one.culprit, File: one.file,
			Level: one.level, Status: one.status, Count: one.events, Users: one.users,
			FirstSeen: now.AddDate(0, 0, -one.days), LastSeen: now.Add(-one.quiet),
		})
	}
	return project
}

func sentryReleases(now time.Time) []fake.Release {
	release := func(days int, project, version string) fake.Release {
		at := now.AddDate(0, 0, -days)
		return fake.Release{Version: project + "@" + version, Projects: []string{project}, CreatedAt: at, Released: &at}
	}
	return []fake.Release{
		release(1, "booking-service", "4.12.1"), release(1, "booking-web", "2026.11.3"), release(3, "booking-service", "4.12.0"),
		release(5, "mobile-app", "8.3.0"), release(8, "booking-web", "2026.11.2"), release(20, "payment-gateway", "2.0.4"),
	}
}
