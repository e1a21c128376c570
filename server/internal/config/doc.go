// Package config reads Backstage's app-config.yaml: several files merged, $env/$file/$include, ${VAR} substitution,
// APP_CONFIG_* variables, and typed access that names key and source when a value is wrong. Unknown keys are kept.
//
// The way of a value: bytes → [node] tree with positions (yaml.go, json.go) → substitution and includes (transform.go,
// include.go) → merge over the earlier files (merge.go) → [Config] → [Section] getters, [Config.Print], [Config.Check],
// [Config.Frontend]. [Follower] repeats it when a file changes.
//
// Contract: "platform, config loading".
package config
