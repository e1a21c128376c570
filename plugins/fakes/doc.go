// Command fakes stands in for the services that the official plugins talk to, with sample data and without a network:
//
//	fakes                               # serve until interrupted
//	fakes -port 0 -- callboard serve …  # serve while a command runs, on any free ports
//
// Each service gets a port of 127.0.0.1 of its own. What it serves where is printed, and stands in the environment of the
// command as FAKE_SENTRY_URL and its like; app-config.yaml beside this file configures the plugins with these. Services are
// reachable before the command starts, and end with it.
//
// The sample data belongs to the components of examples/catalog.
package main
