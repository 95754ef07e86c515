package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Plaintext says whether a listener accepts a token without TLS.
type Plaintext string

// The values of [Plaintext].
const (
	PlaintextNever    Plaintext = "never"
	PlaintextLoopback Plaintext = "loopback" // on loopback addresses and Unix sockets only
	PlaintextAlways   Plaintext = "always"
)

// TLSVersion is the oldest TLS version of a listener.
type TLSVersion string

// The values of [TLSVersion].
const (
	TLS12 TLSVersion = "1.2"
	TLS13 TLSVersion = "1.3"
)

// TokenUse is the kind of Cognito token that an issuer's entry accepts.
type TokenUse string

// The values of [TokenUse].
const (
	TokenUseAccess TokenUse = "access"
	TokenUseID     TokenUse = "id"
	TokenUseAny    TokenUse = "any"
)

// LogLevel is the least level that is written.
type LogLevel string

// The values of [LogLevel].
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// LogFormat is the form of a log record.
type LogFormat string

// The values of [LogFormat].
const (
	FormatJSON LogFormat = "json"
	FormatText LogFormat = "text"
)

// UserPolicy is the user name that a client must send. The zero value is `any`: the token alone decides.
type UserPolicy struct {
	// Name of the string claim that the startup user must equal, byte by byte. Empty: any user name is accepted.
	Claim string `yaml:"claim"`
}

// Any reports whether every user name is accepted.
func (p UserPolicy) Any() bool { return p.Claim == "" }

// userPolicyAny is how the zero UserPolicy is written.
const userPolicyAny = "any"

// Size is a number of bytes, written with a unit: B, kB, MB, GB. As in Postgres' own settings each is 1024 of the one
// before; KiB, MiB and GiB mean the same.
type Size int64

// The units of [Size].
const (
	Byte     Size = 1
	Kilobyte      = 1024 * Byte
	Megabyte      = 1024 * Kilobyte
	Gigabyte      = 1024 * Megabyte
)

// String returns s in the largest unit that divides it.
func (s Size) String() string {
	switch {
	case s == 0:
		return "0"
	case s%Gigabyte == 0:
		return fmt.Sprintf("%dGB", int64(s/Gigabyte))
	case s%Megabyte == 0:
		return fmt.Sprintf("%dMB", int64(s/Megabyte))
	case s%Kilobyte == 0:
		return fmt.Sprintf("%dkB", int64(s/Kilobyte))
	}
	return fmt.Sprintf("%dB", int64(s))
}

var errSize = errors.New(`expected a size with its unit, like "64MB" (B, kB, MB, GB)`)

// parseSize reads a whole number and a unit; white space may stand between them. Only 0 needs no unit.
func parseSize(text string) (Size, error) {
	digits := len(text)
	for i, c := range []byte(text) {
		if c < '0' || c > '9' {
			digits = i
			break
		}
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil {
		return 0, errSize
	}
	unit := map[string]Size{
		"B": Byte, "kB": Kilobyte, "KB": Kilobyte, "KiB": Kilobyte,
		"MB": Megabyte, "MiB": Megabyte, "GB": Gigabyte, "GiB": Gigabyte,
	}[strings.TrimLeft(text[digits:], " ")]
	switch {
	case unit == 0 && n == 0 && digits == len(text):
		return 0, nil
	case unit == 0 || n > math.MaxInt64/int64(unit):
		return 0, errSize
	}
	return Size(n) * unit, nil
}
