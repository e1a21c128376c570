// Package trigger starts templates without a person: by a clock, when entities change, or by a signed webhook.
//
//	callboard:
//	  scaffolder:
//	    triggers:
//	      - id: nightly-report
//	        template: template:default/report
//	        values: { depth: 3 }
//	        schedule: { cron: '0 2 * * *' } # UTC; or frequency: { hours: 6 }
//	      - id: new-service
//	        template: template:default/onboard
//	        values: { name: '${{ event.entity.metadata.name }}' }
//	        catalogChange: { filter: { kind: Component, spec.type: service } }
//	        permissions: [scaffolder.task.create, scaffolder.action.execute, catalog.location.create]
//	      - id: deploy
//	        template: template:default/deploy
//	        webhook: { secret: '${DEPLOY_SECRET}' } # POST /api/scaffolder/v2/triggers/deploy
//
// A trigger acts as the service "trigger:<id>" with the permissions that its configuration names, and its tasks are in the
// task list under that name. Of one occurrence exactly one task is made, however many replicas see it and however often
// they are killed: the task's id is derived from the trigger and the occurrence.
//
// read.go reads the configuration, engine.go starts tasks, catalog.go follows the catalog's change log from the position
// in store.go, webhook.go checks signatures, routes.go takes webhooks. The clock is the host's scheduler, which calls Fire.
package trigger
