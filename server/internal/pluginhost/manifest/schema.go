package manifest

import _ "embed" // the schema

//go:embed plugin.schema.json
var schema string

// Schema is the JSON Schema (draft 2020-12) of plugin.yaml, for editors and other programs. It says what a schema can say;
// the parser is stricter where a rule compares values: how large a size may be, which ranges of versions mean something.
func Schema() string { return schema }
