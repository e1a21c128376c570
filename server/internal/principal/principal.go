// Package principal is the vocabulary of who is calling: a user, a service, or nobody. The auth feature produces
// principals from tokens, the HTTP edge carries them, permission and features read them. It depends on nothing.
package principal

// Kind says what sort of caller a [Principal] is.
type Kind uint8

// The kinds of callers.
const (
	None    Kind = iota // no credentials; only public routes see it
	User                // a person, directly or through a plugin (Actor)
	Service             // a plugin or an external token
)

func (k Kind) String() string { return [...]string{"none", "user", "service"}[k] }

// Principal is the caller of one request. It is immutable and may be cached and shared between requests.
type Principal struct {
	Kind Kind
	// Subject is the user entity ref of a user ("user:default/guest") or the name of a service
	// ("plugin:scaffolder", "external:ci").
	Subject string
	// Actor is the service that acts for a user ("plugin:scaffolder"), "" when the user calls directly.
	Actor string
	// Limited marks a user known by a limited token (cookie): good for reading on routes that accept cookies only.
	Limited bool
	// Token is the verified token text; empty for the host's own calls. Never logged.
	Token string
	// Restrictions bound what a service may do; nil = unrestricted.
	Restrictions *Restrictions
	// Embed bounds a page of another portal that shows widgets; nil = no such page. The rights are those of Subject, and
	// Embed is what is left of them: every handler that lets such a principal in holds it to both.
	Embed *Embed
}

// Restrictions are the access restrictions of an external token, already narrowed to the plugin being called.
type Restrictions struct {
	// Permissions lists permission names; empty = any.
	Permissions []string
	// Actions lists permission actions ("read", "create", …); empty = any.
	Actions []string
}

// Limits reports whether r narrows permissions at all.
func (r *Restrictions) Limits() bool { return r != nil && len(r.Permissions)+len(r.Actions) > 0 }

// Nobody is the caller without credentials.
var Nobody = &Principal{Kind: None}

// Host is the host calling itself on behalf of a feature ("plugin:catalog"): unrestricted.
func Host(feature string) *Principal { return &Principal{Kind: Service, Subject: "plugin:" + feature} }
