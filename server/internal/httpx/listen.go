package httpx

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Listen opens backend.listen, with TLS when backend.https asks for it.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	address := s.settings.Address
	if address == "" {
		address = ":7007"
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("backend.listen: %s is in use by another process; choose another port or stop that process", address)
	case err != nil:
		return nil, fmt.Errorf("backend.listen: %w", err)
	}
	if !s.settings.HTTPS.Enabled {
		return ln, nil
	}
	certificate, err := s.settings.HTTPS.certificate()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backend.https: %w", err), ln.Close())
	}
	return tls.NewListener(ln, &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}

// Serve serves on ln until ctx ends, then answers what has begun and returns: readiness fails at once, features are
// refused after Settings.ShutdownDelay, and connections that are still busy after grace are cut.
func (s *Server) Serve(ctx context.Context, ln net.Listener, grace time.Duration) error {
	server := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	s.Draining()
	select {
	case <-time.After(s.settings.ShutdownDelay):
	case err := <-failed:
		return fmt.Errorf("serve http: %w", err)
	}
	s.ShuttingDown()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.WarnContext(ctx, "connections were cut at shutdown", slog.Duration("after", grace))
		err = server.Close()
	}
	<-failed //nolint:errcheck // says only that the server was closed
	return err
}

// httpServer has limits on everything that happens before a handler; what comes later has no common limit, because
// event streams and web sockets stay open.
func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: orDefault(s.settings.HeadersTimeout, 5*time.Second),
		IdleTimeout:       orDefault(s.settings.KeepAliveTimeout, 75*time.Second),
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 128},
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

func (h HTTPS) certificate() (tls.Certificate, error) {
	if h.Cert != "" || h.Key != "" {
		return tls.X509KeyPair([]byte(h.Cert), []byte(h.Key))
	}
	return selfSigned(h.HostName, time.Now())
}

// selfSigned makes a certificate for development; browsers will warn.
func selfSigned(host string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if host != "" && host != "localhost" {
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
