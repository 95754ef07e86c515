package proxytest

import (
	"os"
	"testing"
)

// directOnBothSides (PROXYTEST_DIRECT) plays every script to Postgres twice instead: what differs then is no difference of the
// proxy but of the script, which depends on more than its sessions.
var directOnBothSides = os.Getenv("PROXYTEST_DIRECT") != ""

// sides plays the script to Postgres and through the proxy, one after the other: some scripts change what all databases share.
func (s *stack) sides(t *testing.T, script *Script) (postgres, proxy []Result) {
	t.Helper()
	postgres, err := script.RunAt(t.Context(), s.oracle.config, s.oracle.Target("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if directOnBothSides {
		proxy, err = script.RunAt(t.Context(), s.oracle.config, s.oracle.Target("alice"))
	} else {
		proxy, err = script.RunAt(t.Context(), s.admin, s.target(t, "alice"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return postgres, proxy
}
