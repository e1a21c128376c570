// Package conformance replays recorded request and response cases of the reference, a stock Backstage backend, against
// any base URL and says what differs. The cases, their fixture catalog and its configuration are data in testdata; the
// package's test starts the whole program on them. Nothing here is part of the product binary.
//
// testdata/cases/<area>.jsonl holds one [Case] a line; testdata/fixtures/suite.json names ports, locations and how many
// entities the fixture catalog yields. testdata/exceptions.json lists the cases that are not met, each with its reason:
// the test fails when another one fails, and also when a listed one passes, unless its reason begins with "sometimes: ".
package conformance
