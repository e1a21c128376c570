package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// Hook is a webhook as an integration of the server sends it.
type Hook struct {
	Header http.Header
	Body   []byte
}

// IssueHook is what is sent about an issue; action is "created", "resolved", "assigned" or "unresolved".
func (s *Server) IssueHook(id, action, secret string) Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.state.projects {
		for _, i := range p.Issues {
			if i.ID == id {
				return sign("issue", secret, map[string]any{"action": action, "data": map[string]any{"issue": i.document(p, "24h", s.options.Now())}})
			}
		}
	}
	panic("fake: no issue " + id)
}

// AlertHook is what is sent when a rule about the events of a project fires.
func (s *Server) AlertHook(project, title, secret string) Hook {
	return sign("event_alert", secret, map[string]any{"action": "triggered", "data": map[string]any{
		"triggered_rule": "Too many errors",
		"event": map[string]any{
			"event_id": "e4874d664c3540c1a32eab185f12c5ab", "issue_id": "700100201", "project": 41, "title": title, "level": "error",
			"url":     s.options.URL + "/api/0/projects/" + s.options.Organization + "/" + project + "/events/e4874d664c3540c1a32eab185f12c5ab/",
			"web_url": s.pages() + "/issues/700100201/events/e4874d664c3540c1a32eab185f12c5ab/",
		},
	}})
}

func sign(resource, secret string, content map[string]any) Hook {
	content["installation"] = map[string]string{"uuid": "7a485448-a9e2-4c85-8a3c-4f44175783c9"}
	body, err := json.Marshal(content)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Sentry-Hook-Resource", resource)
	h.Set("Sentry-Hook-Signature", hex.EncodeToString(mac.Sum(nil)))
	return Hook{h, body}
}
