// Package e2e runs the drivers of gateways against the real programs, where examples/gateways/run.sh has installed them:
// Express Gateway, nginx, Caddy where there is one, and Prometheus. Its tests are skipped elsewhere.
package e2e
