package proxy

import (
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/config"
)

func TestCheckConfig_NamesTheEndpointTheKeyAndTheRule(t *testing.T) {
	for yaml, want := range map[string]string{
		`{/a: 7}`:                                                        `proxy.endpoints./a: must be a URL`,
		`{/a: {}}`:                                                       `/a.target: must be a URL as a string`,
		`{/a: {target: 'example.com'}}`:                                  `is not a valid URL`,
		`{/a: {target: 'ftp://example.com'}}`:                            `must be an http or https URL`,
		`{/a: 'http://h/x?key=1'}`:                                       `must have no query`,
		`{/a: 'http://h/x/%2e%2e/y'}`:                                    `must have a path without parent segments`,
		`{/a: 'plugin://No_Such/x'}`:                                     `must name a plugin`,
		`{a: 'http://h'}`:                                                `must be a path that begins with /`,
		`{'/a/:id': 'http://h'}`:                                         `holds no patterns`,
		`{'/a/../b': 'http://h'}`:                                        `dot segments`,
		`{'/a%2fb': 'http://h'}`:                                         `escapes`,
		`{/a: 'http://h', /A/: 'http://i'}`:                              `is the same route as another one`,
		`{/a: {target: 'http://h', credentials: sometimes}}`:             `/a.credentials: must be 'require', 'forward'`,
		`{/a: {target: 'http://h', headers: [x]}}`:                       `must be an object of strings`,
		`{/a: {target: 'http://h', headers: {X-Key: 7}}}`:                `must be a string; put numbers`,
		`{/a: {target: 'http://h', headers: {'X Key': a}}}`:              `is not the name of a header`,
		`{/a: {target: 'http://h', headers: {X-Key: "a\r\nX-Evil: b"}}}`: `holds a line break`,
		`{/a: {target: 'http://h', headers: {Transfer-Encoding: gzip}}}`: `belongs to the connection`,
		`{/a: {target: 'http://h', pathRewrite: {'^/(?=x)': /}}}`:        `is not a regular expression that works here`,
		`{/a: {target: 'http://h', pathRewrite: {'^/x': 7}}}`:            `must be a string`,
		`{/a: {target: 'http://h', allowedMethods: {GET: true}}}`:        `must be a list of strings`,
		`{/a: {target: 'http://h', changeOrigin: maybe}}`:                `must be true or false`,
		`{/a: {target: 'http://h', proxyTimeout: -1}}`:                   `must be a number of milliseconds`,
	} {
		c := config.FromYAML("proxy: {endpoints: " + yaml + "}")
		CheckConfig(c)
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
		skipping := config.FromYAML("proxy: {skipInvalidProxies: true, endpoints: " + yaml + "}")
		CheckConfig(skipping)
		if err := skipping.Err(); err != nil {
			t.Errorf("%s with skipInvalidProxies: %v", yaml, err)
		}
	}
	limits := config.FromYAML(`callboard: {proxy: {maxInFlight: 0}}`)
	if CheckConfig(limits); limits.Err() == nil {
		t.Error("no request at all may be in flight, and nobody says so")
	}
}

func TestCheckConfig_TellsNoSecret(t *testing.T) {
	c := config.FromYAML(`proxy: {endpoints: {/a: {target: 'http://u:s3cret@ho st', headers: {Authorization: "Bearer s3cret\n"}}}}`)
	CheckConfig(c)
	if err := c.Err(); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestReadEndpoints_TakesBothFormsAndSkipsWhatIsWrong(t *testing.T) {
	for yaml, want := range map[string]string{
		`{endpoints: {/a: 'http://h', /a/b/c: 'http://h', /a/b/: 'http://h', /: 'http://h'}}`: "/a/b/c /a/b /a ",
		`{/a: 'http://h', /b: {target: 'http://h'}, skipInvalidProxies: true}`:                "/a /b",
		`{/a: 'http://h', endpoints: {/b: 'http://h'}}`:                                       "/b",
		`{endpoints: {/a: nonsense, /b: 'http://h'}}`:                                         "/b",
		`{}`: "",
	} {
		var routes []string
		for _, e := range readEndpoints(config.FromYAML("proxy: " + yaml).Section("proxy")).endpoints {
			routes = append(routes, e.route)
		}
		if got := strings.Join(routes, " "); got != want {
			t.Errorf("%s: %q, want %q", yaml, got, want)
		}
	}
}

func TestReadEndpoints_SaysWhatHasNoEffect(t *testing.T) {
	read := readEndpoints(config.FromYAML(`proxy: {/a: {target: 'http://user:pass@h', followRedirects: true, logLevel: debug}}`).Section("proxy"))
	all := strings.Join(read.notes, "\n")
	for _, want := range []string{"user and password in the target are not sent", `"followRedirects" has no effect`, "deprecated"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the notes:\n%s", want, all)
		}
	}
	if strings.Contains(all, "pass@") || strings.Contains(all, "logLevel") || read.endpoints[0].target.User != nil {
		t.Errorf("notes:\n%s\ntarget: %v", all, read.endpoints[0].target)
	}
}
