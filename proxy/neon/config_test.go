package neon

import (
	"strings"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ host, endpoint, want string }{
		{"ep-cool-1.us-east-2.aws.neon.tech", "", "https://apiauth.us-east-2.aws.neon.tech/sql"},
		{"ep-cool-1-pooler.c-2.us-east-1.aws.neon.tech", "", "https://apiauth.c-2.us-east-1.aws.neon.tech/sql"},
		{"ep-x.azure.neon.tech", "", "https://apiauth.azure.neon.tech/sql"},
		{"ep-x.azure.neon.tech", "https://db.example.com:8443/v1/sql", "https://db.example.com:8443/v1/sql"},
		{"ep-x.azure.neon.tech", "http://127.0.0.1:4444", "http://127.0.0.1:4444/sql"},
		{"ep-x.azure.neon.tech", "http://[::1]:4444/", "http://[::1]:4444/sql"},
		{"ep-x.azure.neon.tech", "http://localhost/sql", "http://localhost/sql"},
		{"localhost", "http://localhost/sql", "http://localhost/sql"},
	} {
		cfg := Config{Host: c.host, Endpoint: c.endpoint, Database: "d", Role: "r"}
		u, err := cfg.endpoint()
		if err != nil || u.String() != c.want {
			t.Errorf("%s %s: %v, %v", c.host, c.endpoint, u, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	good := Config{Host: "ep-x.us-east-2.aws.neon.tech", Database: "d", Role: "r"}
	for name, change := range map[string]func(*Config){
		"no host name":    func(c *Config) { c.Host = "ep-x.neon.tech/evil" },
		"no host name ":   func(c *Config) { c.Host = "a@ep-x.neon.tech" },
		"no host name  ":  func(c *Config) { c.Host = "ep-x..neon.tech" },
		"no host name   ": func(c *Config) { c.Host = "" },
		"has no apiauth":  func(c *Config) { c.Host = "neon.tech" },
		"has no apiauth ": func(c *Config) { c.Host = "10.0.0.1" },
		"must be set":     func(c *Config) { c.Database = "" },
		"must be set ":    func(c *Config) { c.Role = "" },
		"NUL":             func(c *Config) { c.Database = "a\x00b" },
		"must be https":   func(c *Config) { c.Endpoint = "http://db.example.com/sql" },
		"must be https ":  func(c *Config) { c.Endpoint = "http://127.0.0.1.example.com/sql" },
		"must be https  ": func(c *Config) { c.Endpoint = "ftp://127.0.0.1/sql" },
		"path only":       func(c *Config) { c.Endpoint = "https://user:secret@db.example.com/sql" },
		"path only ":      func(c *Config) { c.Endpoint = "https://db.example.com/sql?a=b" },
		"path only  ":     func(c *Config) { c.Endpoint = "https:db.example.com" },
		"no host":         func(c *Config) { c.Endpoint = "https:///sql" },
		"no URL":          func(c *Config) { c.Endpoint = "https://us\x7fer:secret@db/" },
		"the reply limit": func(c *Config) { c.MaxReply = 1 << 30 },
		"negative":        func(c *Config) { c.InFlight = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := New(nil, nil, cfg)
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectionStringPartsStayParts(t *testing.T) {
	for _, c := range []struct{ role, database, want string }{
		{"authenticated", "neondb", "postgresql://authenticated@ep-x.neon.tech/neondb"},
		{"x@evil:p/", "db?options=-c%20x#f", "postgresql://x%40evil%3Ap%2F@ep-x.neon.tech/db%3Foptions%3D-c%2520x%23f"},
		{"rôle", "..", "postgresql://r%C3%B4le@ep-x.neon.tech/%2E%2E"},
		{"a b", "a.b\r\n", "postgresql://a%20b@ep-x.neon.tech/a.b%0D%0A"},
	} {
		cfg := Config{Host: "ep-x.neon.tech", Role: c.role, Database: c.database}
		if got := cfg.connectionString(); got != c.want {
			t.Errorf("%q %q: %s", c.role, c.database, got)
		}
	}
}
