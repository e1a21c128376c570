// Package cataloginfo reads catalog-info.yaml files and says what is wrong with them: the YAML of the reference, the
// kinds' JSON Schemas, the rules of the entity policies, with the reference's error texts. It does no I/O and knows
// nothing of the host, so that the ingestion pipeline, the validate endpoint, the command line and editors share it.
// Contract page: catalog, §1 (envelope and field rules), §2 (kinds), §3.2 (order of stages).
//
// Reading:
//
//	for doc, err := range cataloginfo.Read(data, "file:/catalog/a.yaml", cataloginfo.DefaultLimits()) { … }
//
// [Read] yields each entity document or, in its place, a [*ReadError]; one broken document does not hide the others.
// [ReadValues] is the same for documents of any shape (placeholders such as $yaml and $json). [Document.Position] turns a
// JSON pointer into a line and column. [Limits] bound what a file may cost: [DefaultLimits] for whatever comes from
// outside, [OperatorLimits] for files that the operator's own configuration names.
//
// The YAML parser is the package's own (parser.go says why); what it reads is compared with the reference's library in
// testdata.
//
// Validating, one function per stage of the pipeline:
//
//	ValidateEnvelope(e) error                       TypeError, "/metadata must have required property 'name' - …"
//	Policies(e) (entity.Entity, error)              Error; the result has its namespace filled in
//	ValidateEntity(e) error                         TypeError, the full schema (after the policies)
//	(*Kinds).Validate(e) (claimed bool, err error)  TypeError; one processor's kinds
//	Registry.Validate(e) error                      InputErrors, "Processor X threw an error while validating …"
//	Registry.Check(e) (entity.Entity, error)        the whole chain as validate-entity runs it
//
// [BuiltinKinds] and [TemplateKinds] are the reference's; [NewKinds] makes more from JSON Schemas, and a [Registry] is
// the list of those in force. [PolicyError] wraps an error of the policies as the pipeline does. [Lint] runs all of it
// over files and reports every finding with its place.
package cataloginfo
