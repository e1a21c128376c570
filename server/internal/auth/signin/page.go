package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"

	"github.com/callboard/callboard/sdk/apierror"
)

// message is what the popup tells the page that opened it.
type message struct {
	Type     string   `json:"type"` // "authorization_response"
	Response *Session `json:"response,omitempty"`
	Error    *failure `json:"error,omitempty"`
}

type failure struct {
	Name    apierror.Name `json:"name"`
	Message string        `json:"message"`
}

// The script's only variable parts are percent-encoded, so nothing in them can end a text or the script.
const script = `{
  const page = window.opener || window.parent;
  const target = decodeURIComponent('%s');
  page.postMessage({type: 'config_info', targetOrigin: target}, '*');
  page.postMessage(JSON.parse(decodeURIComponent('%s')), target);
  setTimeout(() => window.close(), 100); // frontends look at popups this often
}`

// tell answers with the page in the popup. Who looks at it without a page that waits reads how it went.
func tell(w http.ResponseWriter, origin string, session *Session, failed *failure) error {
	text, err := json.Marshal(message{Type: "authorization_response", Response: session, Error: failed})
	if err != nil {
		return fmt.Errorf("write the answer of a sign-in: %w", err)
	}
	shown := "Signed in. This window can be closed."
	if failed != nil {
		shown = "Sign-in failed: " + failed.Message
	}
	code := fmt.Sprintf(script, encodeComponent(origin), encodeComponent(string(text)))
	hash := sha256.Sum256([]byte(code))
	h := w.Header()
	h.Set("Content-Type", "text/html")
	h.Set("X-Frame-Options", "sameorigin")
	h.Set("Content-Security-Policy", "script-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, err = fmt.Fprintf(w, "<!doctype html><html><head><meta charset=\"utf-8\"><title>Sign-in</title></head><body><p>%s</p><script>%s</script></body></html>",
		html.EscapeString(shown), code)
	return err
}
