package permission

import (
	"context"

	"github.com/callboard/callboard/server/internal/principal"
)

// Fake is an [Authorizer] for tests of features: it answers by permission name, and allows what it does not know.
type Fake map[string]Decision

// Authorize implements [Authorizer].
func (f Fake) Authorize(_ context.Context, _ *principal.Principal, perm Permission) (Decision, error) {
	if d, ok := f[perm.Name]; ok {
		return d, nil
	}
	return Decision{Result: Allow}, nil
}
