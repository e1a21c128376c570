// Package appfrontend serves the build of a stock Backstage frontend on the host's own origin, with the configuration
// that the frontend may see put into its page.
//
// It reads the folder that `backstage-cli package build` leaves (packages/app/dist): index.html.tmpl is rendered with
// the visible configuration, static/* is served with long caching, every other path answers with the page, because
// routing is the frontend's own business. Nothing is ever written to the folder.
//
// With callboard.frontend.remotes the page loads one script before those of the build. It names one feature more to the
// app, beside those that the build found in its packages: a loader of what the host serves below
// /.backstage/dynamic-features. So a build shows the host's cards and pages without being made again.
//
// Contract: "platform, app". Not built: the public entry point for users who are not signed in (dist/public) and the
// cache of assets of earlier builds.
package appfrontend
