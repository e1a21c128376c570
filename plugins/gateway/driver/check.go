package driver

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

var (
	apiName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	operation = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// Check finds what no gateway can publish, and answers the address of what serves the API, whose port is set.
func (p Publication) Check() (*url.URL, error) {
	u, err := url.Parse(p.Upstream)
	switch {
	case !apiName.MatchString(string(p.ID)):
		return nil, apierror.Inputf("API id %q must be 1 to 63 letters, digits, dots, hyphens or underscores, and begin with a letter or digit", p.ID)
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, apierror.Inputf("upstream of API %s must be an address such as https://orders.internal:8080/v1", p.ID)
	case len(p.Paths) == 0:
		return nil, apierror.Inputf("API %s needs a path", p.ID)
	}
	for _, path := range p.Paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*?# ") {
			return nil, apierror.Inputf("path %q of API %s must begin with /, and have no blanks, asterisks, ? or #", path, p.ID)
		}
	}
	port := map[string]int{"http": 80, "https": 443}[u.Scheme]
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, apierror.Inputf("upstream of API %s has no such port: %s", p.ID, u.Port())
		}
	}
	u.Host = u.Hostname() + ":" + strconv.Itoa(port)
	if strings.Contains(u.Hostname(), ":") {
		u.Host = "[" + u.Hostname() + "]:" + strconv.Itoa(port)
	}
	return u, nil
}

// Check finds what no gateway can issue.
func (r KeyRequest) Check(now time.Time) error {
	switch {
	case r.App == "":
		return apierror.Inputf("a key needs an application")
	case !IsOperation(r.Operation):
		return apierror.Inputf("operation %q is no UUID", r.Operation)
	case !r.Expires.IsZero() && !r.Expires.After(now):
		return apierror.Inputf("a key that has expired already cannot be issued")
	}
	return nil
}

// IsOperation reports whether s has the form of an operation's UUID.
func IsOperation(s string) bool { return operation.MatchString(s) }
