package config

import (
	"reflect"
	"time"
)

// Default returns the configuration that stands before file, environment and flags are read. It is not complete: an
// issuer and a route have no default.
func Default() *Config {
	listener := DefaultListener()
	listener.Name = "main"
	return &Config{
		Listeners: []Listener{listener},
		Limits: Limits{
			MaxConnections:          2000,
			MaxConnectionsPerIP:     0,
			MaxUnauthenticated:      500,
			MaxUnauthenticatedPerIP: 100,
			MaxMessageBytes:         64 * Megabyte,
			MaxTokenBytes:           16 * Kilobyte,
		},
		Timeouts: Timeouts{
			Login:       15 * time.Second,
			ClientWrite: 5 * time.Minute,
		},
		Shutdown: Shutdown{
			MinDrain: 0,
			MaxDrain: 25 * time.Second,
		},
		JWKS: JWKS{
			TTL:        time.Hour,
			StaleLimit: 24 * time.Hour,
		},
		FactsTTL: 10 * time.Minute,
		Log:      Log{Level: LevelInfo, Format: FormatJSON},
		Admin:    Admin{Address: "127.0.0.1:9090"},
	}
}

// DefaultListener returns what stands in an entry of listeners before its keys are read.
func DefaultListener() Listener {
	return Listener{
		Address:   "127.0.0.1:6432",
		TLS:       TLS{MinVersion: TLS12},
		Plaintext: PlaintextLoopback,
	}
}

// DefaultIssuer returns what stands in an entry of issuers before its keys are read.
func DefaultIssuer() Issuer {
	return Issuer{
		TokenUse:  TokenUseAccess,
		ClockSkew: 5 * time.Second,
	}
}

// DefaultRoute returns what stands in an entry of routes before its keys are read.
func DefaultRoute() Route {
	return Route{
		Role:                "authenticated",
		MaxRequestBytes:     64 * Megabyte,
		MaxReplyBytes:       64 * Megabyte,
		StatementTimeout:    5 * time.Minute,
		RequestsInFlight:    80,
		QueueWait:           10 * time.Second,
		UpstreamIdleTimeout: 20 * time.Second,
	}
}

// defaultEntry returns what a new entry of a list of t starts as.
func defaultEntry(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[Listener]():
		return reflect.ValueOf(DefaultListener())
	case reflect.TypeFor[Issuer]():
		return reflect.ValueOf(DefaultIssuer())
	case reflect.TypeFor[Route]():
		return reflect.ValueOf(DefaultRoute())
	}
	panic("BUG: the entries of this list have no defaults: " + t.String())
}
