package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// maxWebhook bounds what SonarQube may send; its calls take a few kilobytes.
const maxWebhook = 256 << 10

// webhook is called by SonarQube after each analysis, and has what is known of the project read again. It is open to
// everybody: the signature over the body says that SonarQube sent it.
func (q *plugin) webhook(w http.ResponseWriter, r *http.Request) {
	e := q.engine.Load()
	i, err := e.instance(r.PathValue("instance"))
	if err != nil || i.webhookSecret == "" {
		sdk.WriteError(w, r, apierror.NotFoundf("there is no such webhook; set webhookSecret of the instance"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		sdk.WriteError(w, r, apierror.Inputf("the body cannot be read, or has more than %d bytes", maxWebhook))
		return
	}
	if !signed(body, i.webhookSecret, r.Header.Get("X-Sonar-Webhook-HMAC-SHA256")) {
		sdk.WriteError(w, r, apierror.New(apierror.Authentication, "X-Sonar-Webhook-HMAC-SHA256 is not the signature of the body"))
		return
	}
	key, err := analysed(body)
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	slog.InfoContext(r.Context(), "analysis finished", "instance", i.name, "project", key)
	e.outdate(project{instance: i.name, key: key})
	w.WriteHeader(http.StatusNoContent)
}

// signed compares in constant time.
func signed(body []byte, secret sdk.Secret, signature string) bool {
	given, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// analysed is the project that a call is about.
func analysed(body []byte) (string, error) {
	var call struct {
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
	}
	err := json.Unmarshal(body, &call)
	if err == nil && call.Project.Key == "" {
		err = errors.New("project.key is missing")
	}
	if err != nil {
		return "", apierror.Inputf("the body is no call of SonarQube's webhook: %v", err)
	}
	return call.Project.Key, nil
}
