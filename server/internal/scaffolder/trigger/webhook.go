package trigger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// tolerance is how old a signed request may be, and how far ahead its sender's clock.
const tolerance = 5 * time.Minute

const maxDelivery = 200 // bytes of a delivery's id

// verify checks the signature of a request and gives the id of its delivery. It answers alike whatever is wrong with the
// signature.
func (w Webhook) verify(h http.Header, body []byte, now time.Time) (delivery string, err error) {
	refused := apierror.New(apierror.Authentication, "The signature of the request does not fit")
	switch w.Scheme {
	case GitHub:
		delivery = h.Get("X-GitHub-Delivery")
		given, hexErr := hex.DecodeString(strings.TrimPrefix(h.Get("X-Hub-Signature-256"), "sha256="))
		if hexErr != nil || !w.signs(given, body) {
			return "", refused
		}
	default:
		delivery = h.Get("Webhook-Id")
		stamp := h.Get("Webhook-Timestamp")
		if !w.signedStandard(h.Get("Webhook-Signature"), delivery, stamp, body) {
			return "", refused
		}
		seconds, numErr := strconv.ParseInt(stamp, 10, 64)
		if age := now.Sub(time.Unix(seconds, 0)); numErr != nil || age > tolerance || age < -tolerance {
			return "", apierror.New(apierror.Authentication, "The request was signed too long ago: webhook-timestamp must be within five minutes")
		}
	}
	if delivery == "" || len(delivery) > maxDelivery {
		return "", apierror.Inputf("The request has no id of its delivery, or one of more than %d bytes", maxDelivery)
	}
	return delivery, nil
}

// signedStandard checks the header of Standard Webhooks: signatures "v1,<base64>", separated by spaces.
func (w Webhook) signedStandard(header, delivery, stamp string, body []byte) bool {
	text := append([]byte(delivery+"."+stamp+"."), body...)
	for signature := range strings.FieldsSeq(header) {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err == nil && strings.HasPrefix(signature, "v1,") && w.signs(given, text) {
			return true
		}
	}
	return false
}

func (w Webhook) signs(given, text []byte) bool {
	for _, secret := range w.Secrets {
		mac := hmac.New(sha256.New, key(secret))
		mac.Write(text)
		if hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// key is the bytes behind a secret. Those of Standard Webhooks are base64 after "whsec_".
func key(secret string) []byte {
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if data, err := base64.StdEncoding.DecodeString(text); err == nil {
			return data
		}
	}
	return []byte(secret)
}
