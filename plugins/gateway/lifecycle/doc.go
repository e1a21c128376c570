// Package lifecycle is the life of an API key, which is the same at every gateway: an application asks for access to an API,
// a policy and perhaps a person agree, keys are issued, rotated, suspended and revoked, and end by themselves.
//
// It keeps documents in a key-value store that several hosts share, and no secret: of a key it knows the gateway's id, a
// prefix, the SHA-256 of the secret (which has at least 128 bits of chance, so that it cannot be guessed from its hash) and
// when it ends. A secret is told once, in the answer to the call that made it.
//
// # How nothing is lost
//
// A write at a gateway and the note of it cannot be one transaction. So each write first leaves an [Intent] in the document
// that it is about, then calls the gateway, then replaces the intent by the outcome; each step is a compare-and-swap. A
// key's operation is the id of its [Credential], which the gateway keeps beside the key. [Engine.Sweep], which one host runs
// every minute, ends what was begun and has not ended within its lease:
//
//   - A key whose secret was not told is revoked, and its credential says so. That also holds for a key of which it is not
//     known whether the caller has received it: [Engine.Told] was not reached. Nothing is ever told twice.
//   - After a call that failed or was interrupted, its key is looked for again during 15 minutes, because the gateway may
//     carry it out late.
//   - Suspending, resuming, revoking, granting and withdrawing go forward until they are done.
//
// # What is proven
//
// When a key was revoked, suspended, or has ended, its proof says when and how this was seen: by a request through the
// gateway that was refused, if the caller presents the secret, which nobody else has; otherwise by the gateway's management
// API, which no longer lists it. The latter says nothing about data planes that lag behind.
//
//	app.go        applications and what they have access to      access.go    asking for access, and deciding
//	credential.go keys                                           issue.go     making them; rotate.go, end.go
//	gate.go       what policies are asked                        sweep.go     recovery, expiry
//	store.go      documents                                      probe.go     proof of propagation
//	engine.go     what all of it is made of                      drift.go     what the gateway has that should not be
//	trail.go      who did what
package lifecycle
