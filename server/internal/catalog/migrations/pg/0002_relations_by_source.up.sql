-- Stitching reads the relations of one source: with all of them in the index it need not visit the table for each.
DROP INDEX catalog_relations_source;
CREATE INDEX catalog_relations_source ON catalog_relations (source_entity_ref, type, target_entity_ref);
-- Nothing looks for relations by target: the reverse relation has that entity as its source.
DROP INDEX catalog_relations_target;
