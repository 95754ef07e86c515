// Package config is every setting of pgturnstile: its name, unit, default and source, and what is refused.
//
// A setting comes from a flag, else from the environment, else from the YAML file, else from [Default]. [Load] reads
// all of them and answers with one complete [Config] or with all faults in one report ([Faults]). Nothing is guessed:
// an unknown key, a value of the wrong type and a contradiction are faults.
//
// It imports nothing of this module. Start with [Config], whose field comments are the settings' documentation (the
// table in the README is made of them), then [Default], then [Load].
package config
