// Package permission decides who may do what. It mirrors contract page "platform, permission" of the reference.
//
// A feature asks an [Authorizer] before it acts; for lists it gets [Criteria] back and turns them into a filter of its
// own, so that totals and pages are of what the caller may see. [Engine] is the host's authorizer: services are decided
// by their token alone, users by a [Policy]. The owner of a resource type describes it as an [Integration]: its
// permissions, its rules, and how to load one; [Engine.Mount] publishes it, so that plugins elsewhere can ask too.
package permission
