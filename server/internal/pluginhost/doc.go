// Package pluginhost runs plugins: processes that add routes, catalog providers and processors, and more to the host.
//
// [New] reads the configuration and finds the plugins; [Host.Run] admits each one (manifest, requirements, trust,
// approval, settings), starts it and keeps it running; [Host.Reload] follows the configuration while it runs. What a
// manifest announces is mounted before its process exists, so routes answer 503 with a reason and catalog extensions
// wait, instead of not being there.
//
//	manifest   what a plugin says of itself before it runs
//	verify     whether it may run: checksums, signatures, lock file
//	sandbox    what its process may do; launch starts one process
//	supervise  one goroutine a plugin: start, probe, restart, swap, drain
//	caps       calls into it; relay is its HTTP routes
//	hostsvc    what it may ask of the host; egress is its way to the network
//
// Law: nothing in the host fails because a plugin failed. Boot does not wait for plugins, unless the configuration says
// so for one; a plugin that cannot be admitted or started costs a line in the log and a state that tells why.
//
// Operators reach the running host by a unix socket in its data folder (control.go); the console shows the same facts.
package pluginhost
