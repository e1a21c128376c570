// Package gatewayfake has what the fakes of gateways share, so that each of them holds only what is its gateway's own:
//
//	fault.go    answers that go wrong on demand: error pages, broken off, slow, lost
//	history.go  the state as a data plane sees it, some time after it was written
//	window.go   limits by calendar window
//	metrics.go  counters and histograms as Prometheus reads them
package gatewayfake
