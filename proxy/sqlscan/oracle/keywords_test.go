package oracle

import (
	"regexp"
	"strings"
	"testing"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// keywordPlaces are statements in which any word may stand, K, whose meaning depends on what kind of keyword it is.
var keywordPlaces = []string{
	"SET K = 1", "SET K TO 1", "SET LOCAL K = 1", "SET SESSION K TO 1", "SET K.x = 1", "SET SESSION K.x = 1", "SET x.K = 1",
	"SET K FROM CURRENT", "SET LOCAL K FROM CURRENT", "SET K TO DEFAULT", "SET K", "SET K x", "SET K 'x'", "SET SESSION K 'x'",
	"SET LOCAL K x", "SET SESSION SESSION K = 1", "SET SESSION CHARACTERISTICS K TRANSACTION READ ONLY", "SET K AS TRANSACTION READ ONLY",
	"SET x = K", "SET x TO 1, K", "SET x K 1", "SET x TO K x", "SET TIME K", "SET TIME K 'x'", "SET TIME ZONE K", "SET TIME ZONE INTERVAL '1' K",
	"SET NAMES K", "SET SCHEMA K", "SET ROLE K", "SET SESSION AUTHORIZATION K", "SET XML OPTION K", "SET XML K DOCUMENT",
	"SET TRANSACTION K", "SET TRANSACTION K 'x'", "SET TRANSACTION READ K", "SET TRANSACTION ISOLATION LEVEL K",
	"SET CONSTRAINTS K DEFERRED", "SET CONSTRAINTS x.K IMMEDIATE", "SET CONSTRAINTS ALL K", "SET CONSTRAINTS K = 1",
	"RESET K", "RESET K.x", "RESET x.K", "RESET TIME K", "RESET SESSION K", "RESET ALL K", "SHOW K", "SHOW K.x", "SHOW x.K", "SHOW TIME K",
	"SHOW SESSION K", "SHOW TRANSACTION ISOLATION K", "DISCARD K", "DISCARD ALL K",
	"PREPARE K AS SELECT 1", "PREPARE K (int) AS SELECT 1", "PREPARE p AS K", "PREPARE p AS K x", "PREPARE p (K) AS SELECT 1", "PREPARE p K SELECT 1",
	"PREPARE p AS (K 1)", "EXECUTE K", "EXECUTE K (1)", "EXECUTE p (K)", "EXECUTE p (1, K)", "EXECUTE p K", "DEALLOCATE K", "DEALLOCATE PREPARE K",
	"EXPLAIN K", "EXPLAIN ANALYZE K p", "SAVEPOINT K", "RELEASE K",
	"SELECT K('a.b', 'c', true)", "SELECT set_config(K, 'c', true)", "SELECT set_config('a.b', 'c', K)", "SELECT set_config(K 'a.b', 'c', true)",
	"SELECT set_config('a.b'::K, 'c', true)", "SELECT K.set_config('a.b', 'c', true)", "SELECT set_config(K.name, 'c', true) FROM pg_settings K",
	"SELECT current_setting(K)", "SELECT x.K FROM x", "SELECT set_config('a.b', 'c', true) K", "K set_config('a.b', 'c', true)",
}

var keyword = regexp.MustCompile(`\bK\b`)

// TestKeywords puts every keyword of Postgres where a word decides what a statement is.
func TestKeywords(t *testing.T) {
	n := 0
	for name := range pg_query.Token_value {
		word := strings.ToLower(strings.TrimSuffix(name, "_P"))
		if word == "system_user" { // see sqlscan's keywords: reserved since 16 only
			continue
		}
		n++
		for _, place := range keywordPlaces {
			sql := keyword.ReplaceAllString(place, word)
			if err := comparePlan(sql, true); err != nil {
				t.Errorf("%q: %v", sql, err)
			}
		}
	}
	if n < 450 {
		t.Errorf("%d keywords only", n)
	}
}
