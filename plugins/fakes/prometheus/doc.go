// Package prometheus is a Prometheus for demonstrations: the queries of its HTTP API, and the little of PromQL that the plugin
// gateway asks, over counters that are functions of time. So there is a past from the first moment on, and nothing is stored.
//
//	server.go  the HTTP API
//	parse.go   PromQL: sum, topk, count, rate, histogram_quantile, selectors, and products with numbers
//	eval.go    what an expression is at a time
//	traffic.go counters and histograms of a gateway
//
// Whatever else is asked is refused, rather than answered wrongly.
package prometheus
