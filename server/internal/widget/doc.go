// Package widget is the seam for widgets: pieces of data that a plugin answers and the host draws. A [Widget] answers
// frames, typed tables without markup; which view they are shown in is a word of its description. The [Registry] holds
// what is installed and says what is there for an entity.
//
// The package has no routes yet: whoever draws and serves widgets asks the registry.
package widget
