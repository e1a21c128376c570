package manager

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Annotations of the original.
const (
	ServiceAnnotation  = "kong-manager/service-name"
	InstanceAnnotation = "kong-manager/instance"
)

// permitted asks the portal's policy. Services act for themselves, and have been let in by the host.
func (c *call) permitted(p sdk.Permission) error {
	switch {
	case c.caller.IsService():
		return nil
	case !c.caller.IsUser():
		return apierror.New(apierror.Authentication, "Kong's services are for signed-in users: the request brings no token")
	case c.caller.UserToken() == "":
		return apierror.New(apierror.NotAllowed, "the policy cannot be asked: the plugin must be approved with onBehalfOf")
	}
	allowed, err := c.host.Permission.Authorize(c.r.Context(), c.caller.UserToken(), sdk.PermissionRequest{Permission: p})
	if err == nil && !allowed[0] {
		err = apierror.NotAllowedf("you lack the permission %s", p.Name)
	}
	return err
}

// visible fails unless the caller may see the service of the path, or that of the path's route; change fails unless the
// caller may change it.
func (c *call) visible() error { return c.access(false) }

func (c *call) change() error { return c.access(true) }

func (c *call) access(change bool) error {
	names, err := c.serviceNames()
	if err != nil || c.caller.IsService() {
		return err
	}
	seen := false
	for e, err := range c.host.Catalog.As(c.caller).Query(c.r.Context(), sdk.Query{Filters: filters(names)}) {
		if err != nil {
			return err
		}
		if !c.names(e, names) {
			continue
		}
		if seen = true; !change || c.config.ByPolicy || c.owns(e) {
			return nil
		}
	}
	switch {
	case !seen:
		return apierror.NotFoundf("No entity that you may read has the annotation %s with service %s, and %s with %s", ServiceAnnotation, names[0], InstanceAnnotation, c.to.name)
	case slices.ContainsFunc(c.config.Operators, c.is):
		return nil
	}
	return apierror.NotAllowedf("service %s may be changed by the owners of its entity", names[0])
}

// serviceNames are the ways in which annotations may name the service.
func (c *call) serviceNames() ([]string, error) {
	var s struct{ ID, Name string }
	var err error
	if name, named := c.values["service"]; named {
		err = c.ask("GET", nil, &s, "services", name)
	} else {
		var r struct {
			Service struct{ ID string } `json:"service"`
		}
		if err = c.ask("GET", nil, &r, "routes", c.values["route"]); err == nil {
			if r.Service.ID == "" {
				return nil, apierror.NotFoundf("route %s belongs to no service", c.values["route"])
			}
			err = c.ask("GET", nil, &s, "services", r.Service.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	if s.Name == "" {
		return []string{s.ID}, nil
	}
	return []string{s.Name, s.ID}, nil
}

func filters(names []string) []string {
	var list []string
	for _, name := range names {
		if name != "" && !strings.Contains(name, ",") { // of another meaning to the catalog
			list = append(list, "metadata.annotations."+ServiceAnnotation+"="+name)
		}
	}
	if list == nil {
		list = []string{"kind=none"} // no filter would be everything
	}
	return list
}

// names reports whether an entity names the service at this instance. The catalog compares without case, Kong does not.
func (c *call) names(e sdk.Entity, names []string) bool {
	if !slices.Contains(names, strings.TrimSpace(e.Annotation(ServiceAnnotation))) {
		return false
	}
	instances := e.Annotation(InstanceAnnotation)
	if instances == "" {
		return len(c.config.instances) == 1
	}
	for name := range strings.SplitSeq(instances, ",") {
		if strings.TrimSpace(name) == c.to.name {
			return true
		}
	}
	return false
}

func (c *call) owns(e sdk.Entity) bool {
	return slices.ContainsFunc(related(e, "ownedBy"), c.is)
}

// is reports whether the caller is a user, or belongs to a group.
func (c *call) is(ref string) bool {
	return slices.ContainsFunc(c.caller.OwnershipRefs, func(own string) bool { return strings.EqualFold(own, ref) })
}

// related are the refs that an entity is related to.
func related(e sdk.Entity, kind string) []string {
	var refs []string
	list, _ := e["relations"].([]any)
	for _, one := range list {
		relation, _ := one.(map[string]any)
		if ref, is := relation["targetRef"].(string); is && relation["type"] == kind {
			refs = append(refs, ref)
		}
	}
	return refs
}
