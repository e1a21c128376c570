// Package notifications answers /api/notifications: short messages that services send to users, to the members of
// groups, to the owners of entities, or to everybody. Contract: "platform, notifications".
//
// A user sees what was sent to them and what was broadcast, and nothing of anybody else; only services send. What is new
// or changed is pushed to open pages over the signals channel "notifications".
//
// service.go is what pages use, send.go what services use, recipients.go who is meant, settings.go who wants to hear
// what; cleaner.go forgets old notifications.
package notifications
