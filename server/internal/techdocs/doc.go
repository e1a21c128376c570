// Package techdocs serves documentation sites that were generated elsewhere: the "external builder, local publisher" set-up
// of the reference (techdocs.builder: external, techdocs.publisher.local.publishDirectory). Contract: "platform, TechDocs".
//
// A site lives in <publishDirectory>/<namespace>/<kind>/<name>, in lower case, with techdocs_metadata.json beside its
// pages. HTML, SVG and XML are answered as plain text: the reader in the frontend sanitises pages before it shows them,
// and opening one directly must not run its scripts on the portal's origin.
//
// sites.go reads files, routes.go answers.
package techdocs
