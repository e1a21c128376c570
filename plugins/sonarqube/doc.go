// Sonarqube shows code quality as SonarQube Server and SonarQube Cloud measure it, on the pages of entities that carry the
// annotation sonarqube.org/project-key.
//
//	main.go        what is registered
//	settings.go    what an operator writes
//	annotation.go  which project an entity names
//	access.go      which entities the caller may read: nobody sees a project but through one of them
//	engine.go      what is known of a project, and for how long
//	sonar.go       the calls to SonarQube and what they answer; measures.go maps software qualities to the older metrics
//	client.go      one instance: credentials, limits, errors (problem.go)
//	cache.go       values with their age, served on while SonarQube is down
//	routes.go      what the community frontend calls; webhook.go what SonarQube calls
//	widgets.go     quality gate, ratings, coverage, hotspots
//	health.go      what operators are told
//
// Folder fake is a SonarQube for tests and demonstrations.
package main
