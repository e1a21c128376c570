package builtin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

type registerInput struct {
	CatalogInfoURL, RepoContentsURL string
	CatalogInfoPath                 *string
	Optional                        bool
}

// url is the file to register.
func (in registerInput) url(reader Reader) (string, error) {
	if in.CatalogInfoURL != "" {
		return in.CatalogInfoURL, nil
	}
	if reader.Integration(in.RepoContentsURL) == "" {
		return "", apierror.Inputf("No integration found for host %s", in.RepoContentsURL)
	}
	file := "/catalog-info.yaml"
	if in.CatalogInfoPath != nil {
		file = *in.CatalogInfoPath
	}
	return reader.ResolveURL(file, in.RepoContentsURL)
}

// registering is the checkpoint that makes catalog:register repeatable: while it stands, a location that is already there
// is taken for the one that the interrupted run added.
const registering = "registering"

func catalogRegister(catalog Catalog, reader Reader) action.Action {
	return define(repeatable(describe("catalog:register")), func(ctx context.Context, in registerInput, r *run) error {
		target, err := in.url(reader)
		if err != nil {
			return err
		}
		if err := r.info("Registering %s in the catalog", target); err != nil {
			return err
		}
		if err := register(ctx, catalog, r, target); err != nil && (!in.Optional || ctx.Err() != nil) {
			return err
		}
		entities, err := catalog.Preview(ctx, r.Initiator, target)
		if err != nil && (!in.Optional || ctx.Err() != nil) {
			return err
		}
		if main := mainEntity(entities); main != nil {
			if err := r.output("entityRef", main.Ref().String()); err != nil {
				return err
			}
		}
		return r.output("catalogInfoUrl", target)
	})
}

func register(ctx context.Context, catalog Catalog, r *run, target string) error {
	mark, err := jsvalue.JSON(target)
	if err != nil {
		return err
	}
	interrupted := string(r.Checkpoints[registering]) == string(mark)
	if err := r.to.Checkpoint(registering, mark); err != nil {
		return err
	}
	err = catalog.Register(ctx, r.Initiator, target)
	switch {
	case err == nil, interrupted && apierror.Has(err, apierror.Conflict):
		return nil
	case ctx.Err() != nil:
		return err // what came of it is not known
	}
	// It was not added, so that a later run does not take another's location for its own.
	return cmp.Or(err, r.to.Checkpoint(registering, json.RawMessage("null")))
}

// mainEntity is the one that a location is about: a component if it has one, else the first that was not generated.
func mainEntity(entities []entity.Entity) entity.Entity {
	var named entity.Entity
	for _, e := range entities {
		if strings.HasPrefix(e.Name(), "generated-") {
			continue
		}
		if e.Kind() == "Component" {
			return e
		}
		if named == nil {
			named = e
		}
	}
	if named == nil && len(entities) > 0 {
		return entities[0]
	}
	return named
}

func catalogWrite() action.Action {
	type input struct {
		FilePath string
		Entity   json.RawMessage
	}
	return define(repeatable(dryRunnable(describe("catalog:write"))), func(_ context.Context, in input, r *run) error {
		name := cmp.Or(in.FilePath, "catalog-info.yaml")
		if err := r.info("Writing %s", name); err != nil {
			return err
		}
		dir, err := r.files()
		if err != nil {
			return err
		}
		document, err := descriptor(in.Entity, r.Template.EntityRef)
		if err != nil {
			return err
		}
		return dir.WriteFile(name, document, newFile)
	})
}

type catalogFetchInput struct {
	EntityRef                     string
	EntityRefs                    []string
	Optional                      bool
	DefaultKind, DefaultNamespace string
}

func catalogFetch(catalog Catalog) action.Action {
	return define(repeatable(dryRunnable(describe("catalog:fetch"))), func(ctx context.Context, in catalogFetchInput, r *run) error {
		if in.EntityRef == "" && in.EntityRefs == nil {
			if in.Optional {
				return nil
			}
			return errors.New("Missing entity reference or references")
		}
		if in.EntityRef != "" {
			found, err := in.fetch(ctx, catalog, r, []string{in.EntityRef})
			if err != nil {
				return err
			}
			if err := r.to.Output("entity", found[0]); err != nil {
				return err
			}
		}
		if in.EntityRefs == nil {
			return nil
		}
		found, err := in.fetch(ctx, catalog, r, in.EntityRefs)
		if err != nil {
			return err
		}
		return r.output("entities", found)
	})
}

// fetch is the entities of refs, with null for each that is not there and may be missing.
func (in catalogFetchInput) fetch(ctx context.Context, catalog Catalog, r *run, written []string) ([]json.RawMessage, error) {
	refs := make([]entity.Ref, len(written))
	for i, text := range written {
		var err error
		if refs[i], err = entity.ParseRef(text, entity.Defaults{Kind: in.DefaultKind, Namespace: in.DefaultNamespace}); err != nil {
			return nil, err
		}
	}
	found, err := catalog.Entities(ctx, r.Initiator, refs)
	if err != nil {
		return nil, err
	}
	if len(found) != len(refs) {
		return nil, fmt.Errorf("the catalog answered %d entities for %d refs", len(found), len(refs))
	}
	for i, text := range written {
		if found[i] != nil {
			continue
		}
		if !in.Optional {
			return nil, fmt.Errorf("Entity %s not found", text)
		}
		found[i] = json.RawMessage("null")
	}
	return found, nil
}
