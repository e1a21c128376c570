package signin

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

// Catalog is what sign-in asks of the catalog. Entities are shared: read only.
type Catalog interface {
	// User returns the entity with that ref, whatever its kind; false when there is none.
	User(ctx context.Context, ref entity.Canonical) (entity.Entity, bool, error)
	// UsersWith returns entities of kind User in which that field has that value, in any case; some of them are enough.
	UsersWith(ctx context.Context, field, value string) ([]entity.Entity, error)
}

// Claims are the user's ref and what the user owns things through: the own ref and those of groups.
type Claims struct {
	Subject   string   `json:"sub"`
	Ownership []string `json:"ent"`
}

// ClaimsOf are the claims of a user of the catalog: the groups are those of its memberOf relations.
func ClaimsOf(e entity.Entity) Claims {
	c := Claims{Subject: e.Ref().String()}
	c.Ownership = []string{c.Subject}
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		relation, _ := r.(map[string]any)
		target, _ := relation["targetRef"].(string)
		if relation["type"] == "memberOf" && strings.HasPrefix(target, "group:") && !slices.Contains(c.Ownership, target) {
			c.Ownership = append(c.Ownership, target)
		}
	}
	return c
}

// resolver finds the user that somebody is. Only "not found" lets the next one try.
type resolver func(ctx context.Context, who claimant) (Claims, error)

// claimant is somebody whom a provider has named.
type claimant struct {
	profile Profile
	person  person
}

// rules are the options of a resolver.
type rules struct {
	catalog Catalog
	// domains, if not nil, are the only ones that addresses may be of.
	domains []string
	// strangers may sign in: who is not in the catalog gets a ref of what the resolver looks for.
	strangers bool
}

// resolverKind makes resolvers; domains says whether it takes allowedDomains.
type resolverKind struct {
	domains bool
	make    func(r rules) resolver
}

// The resolvers that all providers have.
var common = map[string]resolverKind{
	"emailMatchingUserEntityProfileEmail":  {true, byProfileEmail},
	"emailLocalPartMatchingUserEntityName": {true, byLocalPart},
}

// with adds resolvers to others.
func with(kinds ...map[string]resolverKind) map[string]resolverKind {
	all := map[string]resolverKind{}
	for _, k := range kinds {
		maps.Copy(all, k)
	}
	return all
}

// readResolvers reads signIn.resolvers; none = nobody gets an identity, as the reference has it.
func readResolvers(s *config.Section, catalog Catalog, kinds map[string]resolverKind) []resolver {
	var all []resolver
	for _, option := range s.Sections("signIn.resolvers") {
		name := option.String("resolver", "")
		kind, ok := kinds[name]
		if !ok {
			option.Problem("resolver", fmt.Sprintf("'%s' is not available here; there are %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")))
			continue
		}
		all = append(all, kind.make(readRules(option, catalog, kind)))
	}
	return all
}

// readRules refuses options that the resolver does not have: one that is misspelt would let everybody in.
func readRules(s *config.Section, catalog Catalog, kind resolverKind) rules {
	r := rules{catalog: catalog, strangers: s.Bool("dangerouslyAllowSignInWithoutUserInCatalog", false)}
	known := []string{"resolver", "dangerouslyAllowSignInWithoutUserInCatalog"}
	if kind.domains {
		known = append(known, "allowedDomains")
		if s.Has("allowedDomains") {
			r.domains = slices.Concat([]string{}, s.Strings("allowedDomains"))
		}
	}
	for _, key := range s.Keys() {
		if !slices.Contains(known, key) {
			s.Problem(key, "is no option of this resolver; there are "+strings.Join(known[1:], ", "))
		}
	}
	return r
}

var errNoUser = apierror.New(apierror.NotFound, "User not found")

// resolve lets the resolvers try in order.
func resolve(ctx context.Context, resolvers []resolver, who claimant) (Claims, error) {
	for _, r := range resolvers {
		c, err := r(ctx, who)
		if err == nil || !apierror.Has(err, apierror.NotFound) {
			return c, err
		}
	}
	return Claims{}, apierror.New(apierror.Generic, "Failed to sign-in, unable to resolve user identity. Please verify that your catalog contains the expected User entities that would match your configured sign-in resolver.")
}

// named is the user with that name in the default namespace.
func (r rules) named(ctx context.Context, name string) (Claims, error) {
	if !usableName(name) {
		return r.stranger(name, errNoUser)
	}
	if r.catalog != nil {
		e, ok, err := r.catalog.User(ctx, userRef(name).Canonical())
		if err != nil {
			return Claims{}, fmt.Errorf("look up a user in the catalog: %w", err)
		}
		if ok {
			return ClaimsOf(e), nil
		}
	}
	return r.stranger(name, errNoUser)
}

func userRef(name string) entity.Ref {
	return entity.Ref{Kind: "User", Namespace: entity.DefaultNamespace, Name: name}
}

// usableName reports whether a name stays one when it is written into a ref.
func usableName(name string) bool {
	return name != "" && len(name) <= 254 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == ':' })
}

// stranger is who is not in the catalog, where such may sign in; otherwise it is err.
func (r rules) stranger(name string, err error) (Claims, error) {
	if !r.strangers || !apierror.Has(err, apierror.NotFound) {
		return Claims{}, err
	}
	if !usableName(name) {
		return Claims{}, apierror.New(apierror.Generic, "Login failed, what the provider names this person cannot be the name of a user")
	}
	ref := userRef(name).String()
	return Claims{Subject: ref, Ownership: []string{ref}}, nil
}

// alike are the users in which a field has a value, up to the case of plain letters: the catalog folds more than those, and
// what only looks like the value must not be it.
func (r rules) alike(ctx context.Context, field []string, value string) ([]entity.Entity, error) {
	if r.catalog == nil {
		return nil, nil
	}
	found, err := r.catalog.UsersWith(ctx, strings.Join(field, "."), value)
	if err != nil {
		return nil, fmt.Errorf("look up a user in the catalog: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(found), func(e entity.Entity) bool { return !sameText(textAt(e, field), value) }), nil
}

// having is the one user in which a field has a value.
func (r rules) having(ctx context.Context, field []string, value string) (Claims, error) {
	found, err := r.alike(ctx, field, value)
	switch {
	case err != nil:
		return Claims{}, err
	case len(found) > 1:
		return Claims{}, apierror.New(apierror.Conflict, "User lookup resulted in multiple matches")
	case len(found) == 0:
		return Claims{}, errNoUser
	}
	return ClaimsOf(found[0]), nil
}

func annotation(name string) []string { return []string{"metadata", "annotations", name} }

func textAt(e entity.Entity, path []string) string {
	var v any = map[string]any(e)
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	text, _ := v.(string)
	return text
}

func sameText(a, b string) bool { return lowerPlain(a) == lowerPlain(b) }

func lowerPlain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

var plusEmail = regexp.MustCompile(`^([^@+]+)(\+[^@]+)?(@.*)$`)

var errNoEmail = apierror.New(apierror.Generic, "Login failed, user profile does not contain an email")

// allows checks allowedDomains. The reference takes the option for both resolvers, and forgets it in one.
func (r rules) allows(domain string) error {
	if r.domains != nil && !slices.Contains(r.domains, domain) {
		return apierror.New(apierror.NotAllowed, "Sign-in user email is not from an allowed domain")
	}
	return nil
}

func byProfileEmail(r rules) resolver {
	field := []string{"spec", "profile", "email"}
	return func(ctx context.Context, who claimant) (Claims, error) {
		email := who.profile.Email
		if email == "" {
			return Claims{}, errNoEmail
		}
		if _, domain, _ := strings.Cut(email, "@"); r.allows(domain) != nil {
			return Claims{}, r.allows(domain)
		}
		c, err := r.having(ctx, field, email)
		m := plusEmail.FindStringSubmatch(email)
		if m == nil || !apierror.Has(err, apierror.NotFound) {
			return c, err
		}
		plain := m[1] + m[3]
		if plain != email {
			c, err = r.having(ctx, field, plain)
		}
		if err != nil {
			return r.stranger(plain, err)
		}
		return c, nil
	}
}

func byLocalPart(r rules) resolver {
	return func(ctx context.Context, who claimant) (Claims, error) {
		if who.profile.Email == "" {
			return Claims{}, errNoEmail
		}
		local, domain, _ := strings.Cut(who.profile.Email, "@")
		if err := r.allows(domain); err != nil {
			return Claims{}, err
		}
		return r.named(ctx, local)
	}
}

// byName looks for the user whose name is what the provider calls somebody.
func byName(name func(claimant) string, missing string) resolverKind {
	return resolverKind{make: func(r rules) resolver {
		return func(ctx context.Context, who claimant) (Claims, error) {
			if name(who) == "" {
				return Claims{}, apierror.New(apierror.Generic, missing)
			}
			return r.named(ctx, name(who))
		}
	}}
}

// byAnnotation looks for the user with an annotation; strangers are called by its value.
func byAnnotation(name string, value func(claimant) string, missing string) resolverKind {
	return resolverKind{make: func(r rules) resolver {
		return func(ctx context.Context, who claimant) (Claims, error) {
			v := value(who)
			if v == "" {
				return Claims{}, apierror.New(apierror.Generic, missing)
			}
			c, err := r.having(ctx, annotation(name), v)
			if err != nil {
				return r.stranger(v, err)
			}
			return c, nil
		}
	}}
}

// byGitHubID takes GitHub's global ids to the letter: the catalog looks them up in any case, and two people may differ in
// that alone.
func byGitHubID(r rules) resolver {
	field := annotation("github.com/user-id")
	return func(ctx context.Context, who claimant) (Claims, error) {
		id := who.person.node
		if id == "" {
			return Claims{}, apierror.New(apierror.Generic, "GitHub user profile does not contain a user ID")
		}
		found, err := r.alike(ctx, field, id)
		if err != nil {
			return Claims{}, err
		}
		exact := slices.DeleteFunc(slices.Clone(found), func(e entity.Entity) bool { return textAt(e, field) != id })
		switch {
		case len(exact) > 1:
			return Claims{}, apierror.New(apierror.Conflict, "User lookup resulted in multiple exact matches")
		case len(exact) == 1:
			return ClaimsOf(exact[0]), nil
		case len(found) > 0:
			return Claims{}, apierror.New(apierror.Generic, "GitHub user ID does not match the catalog user")
		}
		return r.stranger(id, errNoUser)
	}
}

// byGitLabID looks for an annotation that is named after the host of the instance.
func byGitLabID(r rules) resolver {
	return func(ctx context.Context, who claimant) (Claims, error) {
		switch {
		case who.person.id == "":
			return Claims{}, apierror.New(apierror.Generic, "GitLab user profile does not contain a user ID")
		case who.person.pageURL == "":
			return Claims{}, apierror.New(apierror.Generic, "GitLab user profile does not contain a profile URL")
		}
		page, ok := webAddress(who.person.pageURL)
		if !ok {
			return Claims{}, apierror.New(apierror.Generic, "GitLab user profile does not contain a valid profile URL")
		}
		c, err := r.having(ctx, annotation(page.Hostname()+"/user-id"), who.person.id)
		if err != nil {
			return r.stranger(who.person.id, err)
		}
		return c, nil
	}
}
