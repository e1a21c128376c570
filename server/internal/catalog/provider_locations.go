package catalog

import (
	"context"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

// The names of the built-in providers: they own their entities in the database.
const (
	configProviderName = "ConfigLocationProvider"
	storeProviderName  = "DefaultLocationStore"
)

// configLocations provides one Location entity for each of catalog.locations.
type configLocations struct{ locations []LocationSpec }

// readConfigLocations reads catalog.locations; mistakes are kept in section.
func readConfigLocations(section *config.Section, dir string) configLocations {
	var c configLocations
	for _, s := range section.Sections("locations") {
		spec := LocationSpec{Type: s.String("type", ""), Target: s.String("target", ""), Presence: s.String("presence", "")}
		switch {
		case spec.Type == "":
			s.Problem("type", "is required, such as file or url")
			continue
		case spec.Target == "":
			s.Problem("target", "is required: a path, a glob or a URL")
			continue
		case spec.Presence != "" && spec.Presence != "required" && spec.Presence != "optional":
			s.Problem("presence", "must be required or optional")
			continue
		}
		spec.Target = resolveTarget(dir, spec.Type, spec.Target)
		if _, err := entity.ParseLocation(spec.location().String()); err != nil {
			s.Problem("target", messageOf(err))
			continue
		}
		c.locations = append(c.locations, spec)
	}
	return c
}

func (configLocations) Name() string { return configProviderName }

func (c configLocations) Connect(ctx context.Context, conn ProviderConnection) error {
	m := Mutation{Full: true}
	for _, spec := range c.locations {
		l := spec.location()
		m.Added = append(m.Added, DeferredEntity{Entity: locationEntity(l, locationEntityName(l), spec.Presence), LocationKey: l.String()})
	}
	return conn.ApplyMutation(ctx, m)
}

func (s LocationSpec) location() entity.Location {
	return entity.Location{Type: s.Type, Target: s.Target}
}

// storedLocations provides the locations that were registered by the API.
type storedLocations struct{ db database }

func (storedLocations) Name() string { return storeProviderName }

func (s storedLocations) Connect(ctx context.Context, conn ProviderConnection) error {
	rows, err := s.db.locations(ctx, "", 0)
	if err != nil {
		return err
	}
	m := Mutation{Full: true}
	for _, r := range rows {
		m.Added = append(m.Added, r.deferred())
	}
	return conn.ApplyMutation(ctx, m)
}

// deferred is the root entity of a registered location. Its name is the one it got when it was registered.
func (r locationRow) deferred() DeferredEntity {
	l := r.spec().location()
	ref, err := entity.ParseRef(r.EntityRef, entity.Defaults{Kind: "Location"})
	name := ref.Name
	if err != nil {
		name = locationEntityName(l)
	}
	return DeferredEntity{Entity: locationEntity(l, name, r.Presence), LocationKey: l.String()}
}

var (
	_ EntityProvider = configLocations{}
	_ EntityProvider = storedLocations{}
)
