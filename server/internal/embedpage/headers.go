package embedpage

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// inert is the beginning of every answer: whatever it turns out to be, it runs nothing when it is opened as a page, cannot
// be framed, and is not taken for another type.
func inert(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// everyOrigin lets the pages of every origin read the answer, without credentials, whatever backend.cors says.
func everyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Del("Access-Control-Allow-Credentials")
	h.Del("Vary")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

func preflight(w http.ResponseWriter) {
	everyOrigin(w.Header())
	w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func text(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(message)) // the caller is gone; nobody to tell
}

func notFound(w http.ResponseWriter) { text(w, http.StatusNotFound, "Not found\n") }

// framePolicy is what a shell may do: run and show what this host serves, inside pages of these origins.
func framePolicy(nonce string, origins []string) string {
	return "default-src 'none'; script-src 'self' 'nonce-" + nonce + "'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; " + ancestors(origins) + "; " +
		"require-trusted-types-for 'script'; trusted-types callboard"
}

// messagePolicy is of pages that say something and run nothing.
func messagePolicy(origins []string) string {
	return "default-src 'none'; base-uri 'none'; form-action 'none'; " + ancestors(origins) + "; sandbox allow-popups"
}

// ancestors leaves out what is no origin, so that no entry can widen the list or begin another directive.
func ancestors(origins []string) string {
	fit := slices.DeleteFunc(slices.Clone(origins), func(o string) bool { return !isOrigin(o) })
	if len(fit) == 0 {
		return "frame-ancestors 'none'"
	}
	return "frame-ancestors " + strings.Join(fit, " ")
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && text == u.Scheme+"://"+u.Host &&
		!strings.ContainsAny(text, " \t\r\n;,'\"*")
}

// permissionsPolicy turns off every power of the browser that pages ask for or have without asking.
var permissionsPolicy = strings.Join(func() (off []string) {
	for _, feature := range []string{
		"accelerometer", "autoplay", "camera", "clipboard-read", "clipboard-write", "compute-pressure",
		"display-capture", "encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid",
		"identity-credentials-get", "idle-detection", "keyboard-map", "local-fonts", "magnetometer", "microphone", "midi",
		"otp-credentials", "payment", "picture-in-picture", "publickey-credentials-create", "publickey-credentials-get",
		"screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
	} {
		off = append(off, feature+"=()")
	}
	return off
}(), ", ")
