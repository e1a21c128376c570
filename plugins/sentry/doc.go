// Sentry shows what fails in production on the pages of the catalog: open issues, events over time, the crash-free rate
// and releases.
//
// It answers two APIs. Below /api/0 it has the one call of Sentry's own API that the community's frontend makes, so that
// a proxy target can lead there; below /v1 it answers by entity. Both ask the catalog as the caller first: nobody sees a
// project that no entity he may read is annotated with.
//
// Answers of Sentry are kept for a short time, and are shown with their age while Sentry does not answer.
package main
