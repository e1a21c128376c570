// Package urlreader reads documents by URL for the features that take content from elsewhere: catalog locations,
// placeholders, templates. A URL is readable when its host is an integration (source-code hosts under "integrations") or
// listed in backend.reading.allow; everything else is refused before anything is dialled.
// Contract: "platform, URL readers and integrations".
//
// [Reader] is the entry. allow.go decides what may be read, guard.go what may be dialled, fetch.go reads plain URLs,
// github.go and gitlab.go speak to those hosts, resolve.go knows how their URLs relate to each other.
package urlreader
