// Package git pushes a folder of files to a repository by the git program, which sees neither that folder nor any
// configuration but what is given here.
//
// tree.go reads the files, ignore.go knows which of them .gitignore leaves out, names.go which names may be in a
// repository, stream.go writes them for git fast-import, push.go runs the program. There is never a work tree, so hooks,
// filters, attributes and .git folders that a template brings are plain files at most, and cannot have an effect.
package git
