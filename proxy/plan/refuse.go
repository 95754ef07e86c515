package plan

import (
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// Feature names what is refused: a bounded metric label.
type Feature string

const (
	FeatureAdvisoryLock       Feature = "advisory_lock"
	FeatureAlterRole          Feature = "alter_role"
	FeatureClose              Feature = "close"
	FeatureCopy               Feature = "copy"
	FeatureCurrval            Feature = "currval"
	FeatureDeclare            Feature = "declare"
	FeatureExecute            Feature = "execute"
	FeatureFetch              Feature = "fetch"
	FeatureLastval            Feature = "lastval"
	FeatureListen             Feature = "listen"
	FeatureMove               Feature = "move"
	FeatureSessionJWT         Feature = "session_jwt"
	FeaturePrepareTransaction Feature = "prepare_transaction"
	FeatureSet                Feature = "set"
	FeatureSetConfig          Feature = "set_config"
	FeatureSetseed            Feature = "setseed"
	FeatureTemp               Feature = "temp"
	FeatureWithHold           Feature = "with_hold"
)

// hints says for each Feature what to do instead.
var hints = map[Feature]string{
	FeatureAdvisoryLock: "Use pg_advisory_xact_lock or pg_try_advisory_xact_lock, whose lock ends with the transaction.",
	FeatureAlterRole: "All users of this database share the role: the change would reach every one of them. The owner " +
		"can make it on a direct connection.",
	FeatureClose:              "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureCopy:               "Use INSERT and SELECT, or a direct connection to the database.",
	FeatureCurrval:            "Use INSERT ... RETURNING, or nextval() before the INSERT.",
	FeatureDeclare:            "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureExecute:            "Write the prepared statement itself in the place of EXECUTE.",
	FeatureFetch:              "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureLastval:            "Use INSERT ... RETURNING.",
	FeatureListen:             "Listen on a direct connection to the database. NOTIFY works here.",
	FeatureSessionJWT:         "It says who the user is. Connect with another token.",
	FeatureMove:               "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeaturePrepareTransaction: "Use COMMIT.",
	FeatureSet:                "Use SET or set_config().",
	FeatureSetConfig: "Give set_config() the name and is_local as literals or as $1, or the name as the column name of " +
		"pg_settings, and call it in a query.",
	FeatureSetseed:  "For an order that can be repeated, sort by a hash, as in ORDER BY md5(id::text || 'seed').",
	FeatureTemp:     "Use a CTE, an array or an unlogged table.",
	FeatureWithHold: "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
}

// refuse makes the plan of what is refused.
func refuse(f Feature, thing string) Plan {
	return Plan{Kind: Refuse, Verb: VerbUtility, Feature: f, Refusal: pgerr.Unsupported(thing, hints[f])}
}

// maxName bounds a name that a client wrote in an error's sentence, in bytes: two names.
const maxName = 2 * 64

// call is a function call that makes a statement impossible here. An empty feature: none.
type call struct {
	feature Feature
	thing   string
}

// featureSettings marks functions that are not refused by their name: see settingCalls.
const featureSettings Feature = "settings"

// refusedCalls holds the functions of pg_catalog whose effect or result belongs to a session of the server.
var refusedCalls = map[string]call{
	"currval":                     {FeatureCurrval, "currval()"},
	"lastval":                     {FeatureLastval, "lastval()"},
	"setseed":                     {FeatureSetseed, "setseed()"},
	"set_config":                  {featureSettings, ""},
	"current_setting":             {featureSettings, ""},
	"pg_show_all_settings":        {featureSettings, ""},
	"pg_client_encoding":          {featureSettings, ""},
	"pg_prepared_statement":       {featureSettings, ""},
	"pg_advisory_lock":            {FeatureAdvisoryLock, "the session advisory lock of pg_advisory_lock()"},
	"pg_advisory_lock_shared":     {FeatureAdvisoryLock, "the session advisory lock of pg_advisory_lock_shared()"},
	"pg_try_advisory_lock":        {FeatureAdvisoryLock, "the session advisory lock of pg_try_advisory_lock()"},
	"pg_try_advisory_lock_shared": {FeatureAdvisoryLock, "the session advisory lock of pg_try_advisory_lock_shared()"},
	"pg_advisory_unlock":          {FeatureAdvisoryLock, "the session advisory lock of pg_advisory_unlock()"},
	"pg_advisory_unlock_shared":   {FeatureAdvisoryLock, "the session advisory lock of pg_advisory_unlock_shared()"},
}

// refusedCall looks the function name t up. It folds in place: this is asked for every call in every statement.
func refusedCall(sql string, t sqlscan.Token) call {
	if t.Kind != sqlscan.Word {
		return refusedCalls[sqlscan.Ident(sql, t)]
	}
	var buf [len("pg_try_advisory_lock_shared")]byte
	n := t.End - t.Start
	if n < len("currval") || n > len(buf) {
		return call{}
	}
	for i := range n {
		c := sql[t.Start+i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return refusedCalls[string(buf[:n])]
}
