package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"time"
)

// Sample are projects with half a year of weekly analyses up to now: a healthy one, one that fails its gate, one that has no
// tests, and one that was never analysed. The same time gives the same data.
func Sample(now time.Time) []*Project {
	gate := []Condition{{"new_coverage", true, 80}, {"reliability_rating", false, 1}, {"security_rating", false, 1}, {"duplicated_lines_density", false, 3}}
	return []*Project{
		{Key: "acme_checkout", Name: "Checkout", Gate: gate, Analyses: Weekly(now, Analysis{
			Bugs: 3, Reliability: 3, Security: 1, Maintainability: 1, HotReview: 2, CodeSmells: 41, Hotspots: 2, HotspotsReviewed: 75,
			Coverage: 82.4, Duplications: 1.2, NewCoverage: 71.5, GateFailed: true,
		})},
		{Key: "acme_catalogue", Name: "Catalogue", Gate: gate, Analyses: Weekly(now, Analysis{
			Reliability: 1, Security: 1, Maintainability: 1, HotReview: 1, CodeSmells: 12, HotspotsReviewed: 100, Coverage: 91.3, Duplications: 0, NewCoverage: 94,
		})},
		{Key: "org.acme:billing", Name: "Billing", Gate: gate[1:], Analyses: Weekly(now, Analysis{
			Bugs: 17, Vulnerabilities: 4, Reliability: 4, Security: 5, Maintainability: 2, HotReview: 5, CodeSmells: 380, Hotspots: 23,
			HotspotsReviewed: 12.5, Coverage: -1, Duplications: 11.8, GateFailed: true,
		})},
		{Key: "acme_new", Name: "New"},
	}
}

// Weekly are the analyses of half a year, which end in the last one two hours ago.
func Weekly(now time.Time, last Analysis) []Analysis {
	const weeks = 26
	list := make([]Analysis, weeks)
	for week := range list {
		a, left := last, float64(weeks-1-week)
		a.At = now.Add(-2*time.Hour).AddDate(0, 0, -7*(weeks-1-week)).Truncate(time.Second)
		a.Version = "1." + string(rune('a'+week))
		a.CodeSmells += int(left * 3)
		a.Hotspots += int(left / 4)
		if a.Coverage >= 0 {
			a.Coverage = math.Round((a.Coverage-left*0.6+math.Sin(left))*10) / 10
		}
		if left == 0 {
			a.Coverage = last.Coverage
		}
		list[week] = a
	}
	return list
}

// Webhook is the body that SonarQube sends after an analysis of a project, and its signature with a secret.
func Webhook(key, secret string, at time.Time) (body []byte, signature string) {
	body, _ = json.Marshal(map[string]any{ // texts can be encoded
		"serverUrl": "https://sonar.example.com", "taskId": "AVh21JS2JepAEhwQ-b3u", "status": "SUCCESS", "analysedAt": stamp(at),
		"project": map[string]any{"key": key, "name": key, "url": "https://sonar.example.com/dashboard?id=" + key},
		"branch":  map[string]any{"name": "main", "type": "BRANCH", "isMain": true},
	})
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return body, hex.EncodeToString(mac.Sum(nil))
}

// HTMLPage answers a page, as proxies, logins and wrong addresses do.
func HTMLPage(status int) http.HandlerFunc {
	return Raw(status, "text/html; charset=utf-8", "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in</body></html>")
}

// Raw answers a body as it is.
func Raw(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // to a caller who may have gone
	}
}
