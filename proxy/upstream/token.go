package upstream

import "fmt"

// Token is a bearer token. Every way of printing it gives "[redacted]"; [Token.Reveal] is for the one place that puts
// it into an Authorization header.
//
// The text stands behind a pointer because fmt does not ask an unexported field of another struct how it prints.
type Token struct{ value *string }

const redacted = "[redacted]"

// NewToken wraps a compact JWT.
func NewToken(value string) Token { return Token{&value} }

// Reveal returns the token itself, "" of the zero Token.
func (t Token) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

func (t Token) String() string               { return redacted }
func (t Token) GoString() string             { return redacted }
func (t Token) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
