// Package scm is the scaffolder's actions for source-code hosts: GitHub, GitLab, and any git remote. What the reference has
// is offered with its schemas, words and checkpoints, so that templates run unchanged. Contract page: scaffolder, §5.
//
// scm.go says what is offered, step.go what all actions have in common, hosts.go which hosts there are and with which
// credentials, repourl.go reads the repoUrl of inputs. The actions of one host stand in files that begin with its name;
// git.go pushes. autocomplete.go answers what forms ask. Package rest speaks to the hosts, package git runs git, package
// scmtest has hosts for tests.
package scm
