package neontest_test

import (
	"os"
	"strings"
	"testing"
)

// testdata/predicted.jsonl was not recorded: its answers follow from the published source of Neon's proxy, of pg_session_jwt
// and of the libraries they use, in the versions of the recording. "why" names the place. It goes where the recording does not.
func TestPredicted(t *testing.T) {
	if os.Getenv(conformanceEnv+"ENDPOINT_NORMAL") != "" || os.Getenv(conformanceEnv+"EXCHANGES") != "" {
		t.Skip("the environment is set from outside: TestConformance is what was asked for")
	}
	c := ownConformance(t, "predicted")
	if version := admin(t, c.adminDSN, "SHOW server_version_num"); !strings.HasPrefix(version, "15") {
		t.Skipf("the predictions are about PostgreSQL 15, as the recording: this is %s", version)
	}
	c.own = false // differences.json is about the recording
	c.exchanges = readLines[exchange](t, "testdata/predicted.jsonl")
	for i := range c.exchanges {
		const header = "Neon-Connection-String"
		h := c.exchanges[i].Request.Headers
		if text, ok := h[header]; ok {
			h[header] = strings.NewReplacer("/neondb", "/predicted", "/neon%64b", "/predicte%64").Replace(text)
		}
	}
	c.run(t)
}
