package trigger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

const (
	testSecret = "0123456789abcdef"
	testBody   = `{"a":1}`
)

func sign(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func standardHeaders(secret, id string, at time.Time) http.Header {
	stamp := fmt.Sprint(at.Unix())
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1a,other v1," + base64.StdEncoding.EncodeToString(sign(secret, id+"."+stamp+"."+testBody))}}
}

func TestVerify_TakesWhatIsSignedAndRefusesTheRest(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	const body = testBody
	standard, github := Webhook{Scheme: Standard, Secrets: []string{"a former secret", testSecret}}, Webhook{Scheme: GitHub, Secrets: []string{testSecret}}
	hub := func(signature string) http.Header {
		return http.Header{"X-Github-Delivery": {"d1"}, "X-Hub-Signature-256": {signature}}
	}
	signed := hex.EncodeToString(sign(testSecret, body))
	for name, c := range map[string]struct {
		w    Webhook
		h    http.Header
		body string
		want apierror.Name
	}{
		"standard":                 {standard, standardHeaders(testSecret, "d1", now), body, ""},
		"the former secret":        {standard, standardHeaders("a former secret", "d1", now), body, ""},
		"another secret":           {standard, standardHeaders("another secret!!", "d1", now), body, apierror.Authentication},
		"another body":             {standard, standardHeaders(testSecret, "d1", now), body + " ", apierror.Authentication},
		"an old request":           {standard, standardHeaders(testSecret, "d1", now.Add(-6*time.Minute)), body, apierror.Authentication},
		"a request of the future":  {standard, standardHeaders(testSecret, "d1", now.Add(6*time.Minute)), body, apierror.Authentication},
		"no headers":               {standard, http.Header{}, body, apierror.Authentication},
		"no id":                    {standard, standardHeaders(testSecret, "", now), body, apierror.Input},
		"github":                   {github, hub("sha256=" + signed), body, ""},
		"github, another body":     {github, hub("sha256=" + signed), "{}", apierror.Authentication},
		"github, sha1":             {github, hub("sha1=" + signed), body, apierror.Authentication},
		"github, nothing":          {github, hub(""), body, apierror.Authentication},
		"github headers, standard": {standard, hub("sha256=" + signed), body, apierror.Authentication},
		"no secret at all":         {Webhook{Scheme: Standard}, standardHeaders("", "d1", now), body, apierror.Authentication},
	} {
		t.Run(name, func(t *testing.T) {
			delivery, err := c.w.verify(c.h, []byte(c.body), now)
			if c.want == "" && (err != nil || delivery != "d1") || c.want != "" && !apierror.Has(err, c.want) {
				t.Errorf("got %q, %v; want %q", delivery, err, c.want)
			}
		})
	}
}

func TestVerify_ReadsSecretsInTheFormOfStandardWebhooks(t *testing.T) {
	w := Webhook{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString([]byte("raw bytes"))}}
	if !w.signs(sign("raw bytes", "x"), []byte("x")) {
		t.Error("the decoded key does not sign")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("v1,AAAA v1,", "1800000000", "d", `{}`)
	w := Webhook{Scheme: Standard, Secrets: []string{testSecret}}
	f.Fuzz(func(t *testing.T, signature, stamp, id, body string) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		if _, err := w.verify(h, []byte(body), time.Unix(1_800_000_000, 0)); err == nil {
			t.Errorf("a made-up signature fits: %q", signature)
		}
	})
}
