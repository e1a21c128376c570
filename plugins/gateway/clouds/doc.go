// Package clouds holds the gateways of clouds against the life of a key as the portal leads it: its tests run package
// lifecycle over each of these drivers and its fake, whose gateway sees changes some seconds late, as those of clouds do.
package clouds
