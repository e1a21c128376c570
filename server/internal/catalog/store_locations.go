package catalog

import (
	"context"
	"database/sql"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// locationRow is a registered location as stored.
type locationRow struct {
	Location
	Presence string
}

func (r locationRow) spec() LocationSpec {
	return LocationSpec{Type: r.Type, Target: r.Target, Presence: r.Presence}
}

const locationColumns = "SELECT id, type, target, presence, location_entity_ref FROM catalog_locations"

func scanLocations(into *[]locationRow) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var r locationRow
		err := rows.Scan(&r.ID, &r.Type, &r.Target, &r.Presence, &r.EntityRef)
		*into = append(*into, r)
		return err
	}
}

// locations lists registered locations in the order of their ids, after the given one; limit 0 = all.
func (d database) locations(ctx context.Context, after string, limit int) (list []locationRow, err error) {
	if limit == 0 {
		err = each(ctx, d.db.Read(), scanLocations(&list), locationColumns+" WHERE id > ? ORDER BY id", after)
	} else {
		err = each(ctx, d.db.Read(), scanLocations(&list), locationColumns+" WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	}
	return list, err
}

func (d database) location(ctx context.Context, db bun.IDB, id string) (locationRow, error) {
	var list []locationRow
	if err := each(ctx, db, scanLocations(&list), locationColumns+" WHERE id = ?", id); err != nil {
		return locationRow{}, err
	}
	if len(list) == 0 {
		return locationRow{}, apierror.NotFoundf("Found no location with ID %s", id)
	}
	return list[0], nil
}

func locationAt(ctx context.Context, db bun.IDB, l entity.Location) (row locationRow, found bool, err error) {
	var list []locationRow
	if err := each(ctx, db, scanLocations(&list), locationColumns+" WHERE type = ? AND target = ?", l.Type, l.Target); err != nil || len(list) == 0 {
		return locationRow{}, false, err
	}
	return list[0], true, nil
}

// addLocation registers a location, or returns the one that is there.
func (d database) addLocation(ctx context.Context, spec LocationSpec) (row locationRow, existed bool, err error) {
	err = d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if row, existed, err = locationAt(ctx, tx, spec.location()); err != nil || existed {
			return err
		}
		row = locationRow{Location{uuid.NewString(), spec.Type, spec.Target, locationEntityRef(spec.location())}, spec.Presence}
		// A location that was pointed elsewhere keeps its ref, which may be the one that this target would get.
		taken, err := texts(ctx, tx, "SELECT id FROM catalog_locations WHERE location_entity_ref = ?", row.EntityRef)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			row.EntityRef = locationEntityRef(entity.Location{Type: row.Type, Target: row.Target + "#" + row.ID})
		}
		err = execute(ctx, tx, "INSERT INTO catalog_locations (id, type, target, presence, location_entity_ref) VALUES (?, ?, ?, ?, ?)",
			row.ID, row.Type, row.Target, row.Presence, row.EntityRef)
		return err
	})
	return row, existed, err
}

func (d database) moveLocation(ctx context.Context, id string, spec LocationSpec) (row locationRow, err error) {
	err = d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		other, taken, err := locationAt(ctx, tx, spec.location())
		if err != nil {
			return err
		}
		if taken && other.ID != id {
			return alreadyExists(spec)
		}
		if row, err = d.location(ctx, tx, id); err != nil {
			return err
		}
		row.Type, row.Target, row.Presence = spec.Type, spec.Target, spec.Presence
		err = execute(ctx, tx, "UPDATE catalog_locations SET type = ?, target = ?, presence = ? WHERE id = ?", row.Type, row.Target, row.Presence, id)
		return err
	})
	return row, err
}

func (d database) removeLocation(ctx context.Context, id string) (row locationRow, err error) {
	err = d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if row, err = d.location(ctx, tx, id); err != nil {
			return err
		}
		err = execute(ctx, tx, "DELETE FROM catalog_locations WHERE id = ?", id)
		return err
	})
	return row, err
}

func alreadyExists(spec LocationSpec) error {
	return apierror.Conflictf("Location %s already exists", spec.location())
}
