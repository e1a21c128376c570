// Package embedpage serves what browsers load from outside /api for widgets: the script of embedding pages, the shell of
// frames, the module federation remote for Backstage frontends and the files of document viewers.
//
//	/embed/v1/embed.js, embed.json, assets/…                    scripts and styles, for pages of every origin
//	/embed/v1/frame/<plugin>/<widget>?app=<id>                  the shell that a frame loads
//	/embed/v1/viewers/<viewer>/<file>                           viewers from npm
//	/.backstage/dynamic-features/remotes, <package>/<file>      what Backstage's feature loader asks for
//
// Nothing here asks for credentials, so nothing here tells of entities or people: a shell is empty until its script has
// been given a token by the page around it. Which pages may be around it is the list of origins of the embedding app
// that the address names.
//
// Files are those that were embedded when the program was built. They are found by their whole name, among names that are
// known from the start: no path is cleaned, joined or redirected.
//
// Where to look: pages.go what answers where; files.go built files and how they are sent; assets.go the widgets' scripts;
// frame.go, question.go the shell and what may be asked of it; remotes.go, upstream.go the remote; oembed.go, routes.go the
// oEmbed provider.
package embedpage
