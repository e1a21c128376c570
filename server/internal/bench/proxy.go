package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"time"
)

// serveProxy is the bare limit of a way through another process: the library's reverse proxy, which knows no callers, no
// credentials and no limits.
func serveProxy(address, socket string) {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "plugin" },
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			}},
	}
	server := &http.Server{Addr: address, Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
