package manifest

import "github.com/Masterminds/semver/v3"

// inRange takes pre-releases by their numbers: 1.4.0-rc.1 of the host is tried as 1.4.0, because a range in a manifest
// speaks of abilities and not of maturity.
func inRange(text, version string) bool {
	v, err := semver.NewVersion(version)
	if err != nil {
		return true
	}
	c, err := semver.NewConstraint(text)
	if err != nil {
		return false
	}
	numbers := semver.New(v.Major(), v.Minor(), v.Patch(), "", "")
	return c.Check(numbers)
}
