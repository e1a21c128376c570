// Package workspace is the folder of one task's files. Everything in it is reached through an [os.Root], so that no name
// and no chain of links that a template, an archive or a program brings leads out of it, also when it changes between a
// check and its use. Names are relative with slashes; absolute ones are taken when they are within the folder.
//
// dir.go opens and ends folders, resolve.go says what a name leads to, file.go has the everyday operations, glob.go
// patterns, copy.go trees, archive.go what comes packed, serialise.go folders as data.
package workspace
