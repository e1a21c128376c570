package pluginhost

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestRedactor_KnowsASecretInTheWaysThatProgramsWriteTexts(t *testing.T) {
	const core = "NOBODYMAYSEETHISATALL"
	for _, secret := range []string{core, "tab\t" + core + `"\/+ <&>=é😀!'(*)` + core, "-----BEGIN KEY-----\n" + core + `é"<` + "\n" + core + "\n-----END KEY-----\n"} {
		var r redactor
		r.add(secret)
		html, _ := json.Marshal(map[string]string{"a": secret})
		twice, _ := json.Marshal(string(html))
		for how, text := range map[string]string{
			"plain": secret, "JSON": string(html), "JSON in JSON": string(twice), "quoted": strconv.Quote(secret), "quoted ASCII": strconv.QuoteToASCII(secret),
			"Go": fmt.Sprintf("%#v", []string{secret}), "query": "?a=" + url.QueryEscape(secret) + "&", "path": "/" + url.PathEscape(secret),
			"hex": hex.EncodeToString([]byte(secret)), "HEX": fmt.Sprintf("%X", secret), "Base64": base64.StdEncoding.EncodeToString([]byte(secret)),
			"Base64 of URLs": base64.URLEncoding.EncodeToString([]byte(secret)), "Basic 1": base64.StdEncoding.EncodeToString([]byte("u:" + secret)),
			"Basic 2": base64.StdEncoding.EncodeToString([]byte("user:" + secret + "\n")), "Basic 3": base64.StdEncoding.EncodeToString([]byte("me:" + secret)),
		} {
			left := r.redact("before " + text + " after")
			decoded := strings.NewReplacer("<secret>", "", "[secret]", "").Replace(left)
			for _, trace := range []string{core, hex.EncodeToString([]byte(core)), strings.ToUpper(hex.EncodeToString([]byte(core))), "Tk9CT0RZTUFZU0VFVEhJU0FUQUxM"[4:20],
				base64.StdEncoding.EncodeToString([]byte(" " + core))[4:20], base64.StdEncoding.EncodeToString([]byte("  " + core))[4:20]} {
				if strings.Contains(decoded, trace) {
					t.Errorf("%s: %q leaves %q", how, text, left)
				}
			}
		}
	}
}

func TestRedactor_LeavesOtherTextsAlone(t *testing.T) {
	var r redactor
	r.add("abc", "", "password1234")
	for _, text := range []string{"abc", "pass word1234", "", "eXo="} {
		if got := r.redact(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
