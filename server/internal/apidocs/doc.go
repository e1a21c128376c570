// Package apidocs shows the descriptions of APIs that the catalog's API entities hold: as pages that a browser shows
// without a script, as fragments that other pages put in, and as an index to search in. Package spec reads OpenAPI, Swagger,
// AsyncAPI, GraphQL and Protocol Buffers into one model, package page draws it, package tree holds documents of JSON and YAML.
//
// A document is read once and kept by its text, so that a page of a large one costs what is on that page.
// A viewer sees the documents of entities that they may read, and nothing is ever fetched for one: a reference that leads
// out of a document is shown as a text. The contract is openapi.yaml.
//
// Operations can be tried through the host where the configuration allows it (package tryit). Viewers from npm have pages
// without an origin and without a network. Beside documents of APIs there is documentation for people: pages of TechDocs
// sites, written anew (package docsite), or the README beside an entity's description; docs.go chooses.
//
// A page that shows fragments of another origin has an embed token: it must allow the widget and the entity.
package apidocs
