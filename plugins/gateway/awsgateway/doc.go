// Package awsgateway drives REST APIs of Amazon API Gateway through its control plane.
//
// An API is a stage of a REST API, "a1b2c3d4e5/prod", and a plan is a usage plan. The gateway knows no applications: each has
// a disabled key that stands for it, "cb~<app>", whose tags say which plans it was given. Its keys are called
// "cb~<app>~<api>~<operation>", which makes issuing idempotent, and are told from others' so.
//
// A usage plan covers all of its stages: a key for one of them opens the others as well. A key cannot be in two plans with the
// same stage, so that a change of plans takes the key out of one before it goes into the other, and there is a moment without
// access. Keys identify callers and limits are kept as well as the gateway can, which AWS calls best effort; methods must ask
// for keys (apiKeyRequired). HTTP APIs have no keys.
//
//	driver.go     options, capabilities, health
//	control.go    calls to the control plane: signatures, throttling, lists, what its errors mean
//	stage.go      APIs and plans
//	key.go        keys and the applications that they stand for
//	access.go     which plans keys are in
//	quota.go      what is left of a plan
//
// Package sigv4 signs; folder awsfake is an API Gateway for tests and demonstrations.
package awsgateway
