// Package bridge carries the browser files that are built from the npm packages beside it: the custom elements, the module
// federation remote for Backstage and the document viewers. build.sh writes them below dist, where the compiler embeds them.
// A binary that was compiled before they were built has an empty tree, so callers look for the file that they need.
package bridge

import (
	"embed"
	"io/fs"
)

// The directory is embedded whole, so that a build without browser files has something to embed: its README.
//
//go:embed all:dist
var dist embed.FS

// Files are the built browser files: widgets/ (embed.js and what it loads), remote/ (mf-manifest.json and its chunks) and
// viewers/<name>/. Each of the three is missing when it was not built.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil { // only a malformed name makes Sub fail
		panic(err)
	}
	return files
}
