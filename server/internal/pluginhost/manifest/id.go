package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// ID names a plugin: its routes stand below /api/<id>, and its tokens, tables and folders carry the name.
type ID string

var idForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,49}$`)

// reserved are the ids of features that are compiled in, and names that stand beside plugins in paths and pages.
var reserved = []ID{
	"app", "auth", "catalog", "scaffolder", "search", "techdocs", "permission", "notifications", "signals", "user-settings",
	"events", "proxy", "devtools", "mcp-actions", "plugins", "console", "widgets", "api-docs", "health",
}

// Check says what keeps id from being a plugin's.
func (id ID) Check() error {
	if !idForm.MatchString(string(id)) {
		return errors.New("must be 1 to 50 lower-case letters, digits and dashes, and begin with a letter")
	}
	if slices.Contains(reserved, id) {
		return fmt.Errorf("%q is a name of the host itself; choose another", string(id))
	}
	return nil
}

// Reserved are the ids that no plugin may have.
func Reserved() []ID { return slices.Clone(reserved) }
