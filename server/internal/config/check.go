package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// known are keys of the reference and of the host with the type that each must have. Keys that are not listed are
// never looked at: a configuration may hold anything.
var known = []struct {
	key  string
	read func(s *Section, key string)
}{
	{"app.baseUrl", readURL}, {"app.title", readString}, {"app.disableConfigInjection", readBool},
	{"organization.name", readString},
	{"backend.baseUrl", readURL}, {"backend.listen", readListen}, {"backend.csp", readObject}, {"backend.cors", readObject},
	{"backend.cors.methods", readStrings}, {"backend.cors.allowedHeaders", readStrings},
	{"backend.cors.exposedHeaders", readStrings}, {"backend.cors.credentials", readBool},
	{"backend.cors.maxAge", readNumber}, {"backend.database", readObject}, {"backend.database.client", readString},
	{"backend.database.prefix", readString}, {"backend.cache", readObject}, {"backend.reading.allow", readObjects},
	{"backend.auth", readObject}, {"backend.auth.keys", readObjects}, {"backend.auth.externalAccess", readObjects},
	{"backend.lifecycle.startupRequestPauseTimeout", readDuration},
	{"backend.lifecycle.serverShutdownDelay", readDuration},
	{"auth.environment", readString}, {"auth.providers", readObject}, {"auth.session.secret", readString},
	{"catalog.locations", readObjects}, {"catalog.rules", readObjects}, {"catalog.processingInterval", readIntervalOrOff},
	{"catalog.orphanStrategy", readString}, {"catalog.readonly", readBool}, {"catalog.import.entityFilename", readString},
	{"discovery.endpoints", readObjects},
	{"integrations.github", readObjects}, {"integrations.gitlab", readObjects}, {"integrations.azure", readObjects},
	{"integrations.bitbucketCloud", readObjects}, {"integrations.bitbucketServer", readObjects},
	{"integrations.gerrit", readObjects}, {"integrations.gitea", readObjects}, {"integrations.awsS3", readObjects},
	{"permission.enabled", readBool}, {"proxy.endpoints", readObject}, {"search.maxTermLength", readNumber},
	{"search.maxPageLimit", readNumber}, {"techdocs.builder", readString},
	{"callboard.frontend.dist", readString}, {"callboard.frontend.remotes", readBool}, {"callboard.frontend.upstreamRemotes", readURL},
	{"callboard.console.enabled", readBool},
	{"callboard.console.access", readConsoleAccess}, {"callboard.widgets.requestAccess", readURL},
}

// ownSections are sections under callboard: whose features check their keys themselves.
var ownSections = []string{"callboard.catalog", "callboard.http", "callboard.log", "callboard.operations", "callboard.reading",
	"callboard.signals"}

func readString(s *Section, key string)   { s.String(key, "") }
func readStrings(s *Section, key string)  { s.Strings(key) }
func readNumber(s *Section, key string)   { s.Float(key, 0) }
func readBool(s *Section, key string)     { s.Bool(key, false) }
func readDuration(s *Section, key string) { s.Duration(key, 0) }
func readObject(s *Section, key string)   { s.Section(key) }
func readObjects(s *Section, key string)  { s.Sections(key) }

func readURL(s *Section, key string) {
	text := s.String(key, "")
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		s.Problem(key, "must be an absolute http or https URL")
	}
}

func readListen(s *Section, key string) {
	switch n := s.find(key); {
	case n == nil:
	case n.kind == objectKind:
		s.Section(key).String("host", "")
		readPort(s.Section(key), "port")
	case n.kind == stringKind && strings.Contains(n.text, ":"):
	default:
		readPort(s, key)
	}
}

func readPort(s *Section, key string) {
	if port := s.Int(key, 0); port < 0 || port > 65535 {
		s.Problem(key, "must be a port from 0 to 65535")
	}
}

// readIntervalOrOff accepts false, which switches catalog processing off.
func readIntervalOrOff(s *Section, key string) {
	if n := s.find(key); n != nil && n.kind != boolKind {
		s.Duration(key, 0)
	}
}

func readConsoleAccess(s *Section, key string) {
	switch s.String(key, "authenticated") {
	case "authenticated", "public-on-loopback":
	default:
		s.Problem(key, "must be authenticated or public-on-loopback")
	}
}

// Check is everything that can be said about c without running it: values of well-known keys that have the wrong type,
// what the sections read so far have found, variables that are not set, and keys under callboard: that mean nothing.
// callboardKeys are more known keys under callboard:, with "*" for any name ("callboard.tenants.*"); everything below a
// known key is known. Errors come before warnings, each in the order of files and lines.
func (c *Config) Check(callboardKeys ...string) []*Problem {
	trial := &Config{root: c.root}
	c.mu.Lock()
	trial.problems = slices.Clone(c.problems)
	c.mu.Unlock()
	root := trial.Root()
	accepted := slices.Concat(callboardKeys, ownSections)
	for _, k := range known {
		k.read(root, k.key)
		if strings.HasPrefix(k.key, "callboard.") {
			accepted = append(accepted, k.key)
		}
	}
	warnings := slices.Clone(c.notes)
	if ours := c.root.field("callboard"); ours != nil {
		warnings = append(warnings, unknownKeys(ours, []string{"callboard"}, accepted)...)
	}
	return append(sortedProblems(trial.problems), sortedProblems(warnings)...)
}

// unknownKeys lists the keys of n that are neither accepted nor on the way to an accepted key.
func unknownKeys(n *node, path []string, accepted []string) []*Problem {
	var problems []*Problem
	for _, key := range n.keys {
		child, at := n.fields[key], append(slices.Clip(path), key)
		switch matchKey(at, accepted) {
		case keyAccepted:
		case keyOnTheWay:
			problems = append(problems, unknownKeys(child, at, accepted)...)
		default:
			problems = append(problems, &Problem{Severity: Warning, At: child.at, Key: strings.Join(at, "."),
				Message: "is not a key that Callboard knows" + suggest(at, accepted)})
		}
	}
	return problems
}

type keyMatch uint8

const (
	keyUnknown keyMatch = iota
	keyOnTheWay
	keyAccepted
)

func matchKey(path, accepted []string) keyMatch {
	best := keyUnknown
	for _, pattern := range accepted {
		parts := strings.Split(pattern, ".")
		common := min(len(parts), len(path))
		matches := true
		for i := range common {
			matches = matches && (parts[i] == "*" || parts[i] == path[i])
		}
		switch {
		case matches && len(parts) <= len(path):
			return keyAccepted
		case matches:
			best = keyOnTheWay
		}
	}
	return best
}

// suggest names the accepted key that differs from path by a slip of the keyboard.
func suggest(path, accepted []string) string {
	wrong := path[len(path)-1]
	for _, pattern := range accepted {
		parts := strings.Split(pattern, ".")
		if len(parts) < len(path) || !slices.Equal(parts[:len(path)-1], path[:len(path)-1]) {
			continue
		}
		if right := parts[len(path)-1]; EditDistance(strings.ToLower(wrong), strings.ToLower(right)) <= 2 {
			return fmt.Sprintf("; did you mean %s?", strings.Join(parts[:len(path)], "."))
		}
	}
	return ""
}

// EditDistance is the number of bytes to insert, remove or replace until a is b (Levenshtein).
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
