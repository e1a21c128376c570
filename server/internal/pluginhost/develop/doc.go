// Package develop is the loop of a plugin's author: a file is saved, the plugin is built, the new build serves.
//
// It watches a folder and runs a compiler; what serves is the plugin host's affair. A build that fails changes nothing
// but what people see.
package develop
