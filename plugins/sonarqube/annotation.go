package main

import (
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	projectAnnotation = "sonarqube.org/project-key"
	branchAnnotation  = "sonarqube.org/branch"
)

// project is what SonarQube measures. An empty branch is the project's main one.
type project struct{ instance, key, branch string }

// annotatedProject reads the annotations of an entity. named is how the caller named it.
func annotatedProject(e sdk.Entity, named string) (project, error) {
	value := strings.TrimSpace(e.Annotation(projectAnnotation))
	if value == "" {
		return project{}, apierror.Inputf("Entity %s is missing the %s annotation", named, projectAnnotation)
	}
	p := parseProject(value)
	p.branch = strings.TrimSpace(e.Annotation(branchAnnotation))
	if p.key == "" {
		return project{}, apierror.Inputf("Entity %s: annotation %s is %q; it must be [instance/]project", named, projectAnnotation, value)
	}
	return p, nil
}

// maxBranch is the longest name of a branch in SonarQube.
const maxBranch = 255

// onBranch turns to another branch, where a caller names one.
func (p *project) onBranch(name string) error {
	if len(name) > maxBranch {
		return apierror.Inputf("branch must have at most %d bytes", maxBranch)
	}
	if name != "" {
		p.branch = name
	}
	return nil
}

// parseProject splits "[instance/]key" at the first slash, so that a key that has one needs its instance written.
func parseProject(value string) project {
	if instance, key, named := strings.Cut(value, "/"); named {
		return project{instance: orDefault(instance), key: key}
	}
	return project{instance: defaultInstance, key: value}
}

// spellings are the values of the annotation that mean this project.
func (p project) spellings() []string {
	if p.instance == defaultInstance && !strings.Contains(p.key, "/") {
		return []string{p.key, defaultInstance + "/" + p.key}
	}
	return []string{p.instance + "/" + p.key}
}

func orDefault(instance string) string {
	if instance == "" {
		return defaultInstance
	}
	return instance
}

// id is the beginning of the project's keys in caches; the branch comes after it.
func (p project) id() string { return p.instance + "\x00" + p.key + "\x00" }
