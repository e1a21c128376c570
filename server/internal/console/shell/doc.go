// Package shell is what all pages of the console have in common: the frame of navigation, search and theme around them,
// style sheet and script, the headers of every answer, and who looks ([Viewer]).
//
// Pages are rendered on the server and work without scripts. Nothing but the console's own script runs on them.
package shell
