package httpx

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// id names the request in the log: what the caller sent as X-Request-Id if that is a plain word, else made up.
func (x *exchange) id() string {
	if x.requestID == "" {
		x.requestID = x.r.Header.Get("X-Request-Id")
		if !plainWord(x.requestID) {
			var b [8]byte
			_, _ = rand.Read(b[:])
			x.requestID = hex.EncodeToString(b[:])
		}
	}
	return x.requestID
}

func plainWord(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// logAccess writes one line per answered request. The query is left out: codes and states of sign-ins travel in it.
func (s *Server) logAccess(x *exchange) {
	level := slog.LevelDebug
	if s.logAll || x.status >= http.StatusBadRequest {
		level = slog.LevelInfo
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, level) {
		return
	}
	s.log.LogAttrs(ctx, level, "request",
		slog.String("request", x.id()),
		slog.String("method", printable(x.r.Method)),
		slog.String("path", printable(x.loggedPath())),
		slog.Int("status", x.status),
		slog.Int64("bytes", x.size),
		slog.Duration("took", time.Since(x.began).Round(time.Microsecond)),
		slog.String("remote", s.proxies.clientAddress(x.r)),
		slog.String("agent", printable(x.r.UserAgent())))
}

// loggedPath is the path as it came, without what is a credential.
func (x *exchange) loggedPath() string {
	if x.router == nil || len(x.path) < x.mountLen {
		return x.path
	}
	for _, prefix := range x.router.feature.SecretPaths {
		if underPath(prefix, x.path[x.mountLen:]) {
			return x.path[:x.mountLen] + prefix + "/[secret]"
		}
	}
	return x.path
}

// printable makes foreign text safe for a terminal and a log line: line breaks, escapes and everything that is not
// printable ASCII appear quoted, and long text is cut.
func printable(s string) string {
	const longest = 512
	clean := len(s) <= longest
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= 0x20 && s[i] < 0x7f
	}
	if clean {
		return s
	}
	cut := ""
	if len(s) > longest {
		s, cut = s[:longest], "…"
	}
	return strings.Trim(strconv.QuoteToASCII(s), `"`) + cut
}
