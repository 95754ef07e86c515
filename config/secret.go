package config

import "fmt"

// Secret is a setting that is never printed: every way of writing it gives "[redacted]" (and nothing when it is empty,
// so that a missing one can be seen). [Secret.Reveal] is for the one place that needs it.
//
// The text stands behind a pointer because fmt does not ask an unexported field of another struct how it prints.
type Secret struct{ text *string }

const redacted = "[redacted]"

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[redacted]", or "" for the empty secret.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return redacted
}

// GoString is [Secret.String] for the verb %#v.
func (s Secret) GoString() string { return s.String() }

// Format is [Secret.String] for every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is [Secret.String] for JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
