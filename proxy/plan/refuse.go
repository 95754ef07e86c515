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
	FeatureCurrentSetting     Feature = "current_setting"
	FeatureCurrval            Feature = "currval"
	FeatureDeclare            Feature = "declare"
	FeatureDiscard            Feature = "discard"
	FeatureExecute            Feature = "execute"
	FeatureFetch              Feature = "fetch"
	FeatureLastval            Feature = "lastval"
	FeatureListen             Feature = "listen"
	FeatureMove               Feature = "move"
	FeaturePrepare            Feature = "prepare"
	FeaturePrepareTransaction Feature = "prepare_transaction"
	FeatureReset              Feature = "reset"
	FeatureSet                Feature = "set"
	FeatureSetConfig          Feature = "set_config"
	FeatureSetConstraints     Feature = "set_constraints"
	FeatureSetRole            Feature = "set_role"
	FeatureSetseed            Feature = "setseed"
	FeatureSetTransaction     Feature = "set_transaction"
	FeatureShowAll            Feature = "show_all"
	FeatureTemp               Feature = "temp"
	FeatureWithHold           Feature = "with_hold"
)

const keptHint = "Only application_name, client_min_messages, client_encoding and extra_float_digits can be set. Ask " +
	"the owner to set others for the role or the database, or give them to a function with its SET clause."

// hints says for each Feature what to do instead.
var hints = map[Feature]string{
	FeatureAdvisoryLock: "Use pg_advisory_xact_lock or pg_try_advisory_xact_lock, whose lock ends with the transaction.",
	FeatureAlterRole: "All users of this database share the role: the change would reach every one of them. The owner " +
		"can make it on a direct connection.",
	FeatureClose:              "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureCopy:               "Use INSERT and SELECT, or a direct connection to the database.",
	FeatureCurrentSetting:     "The setting is kept outside the database. Read it with SHOW.",
	FeatureCurrval:            "Use INSERT ... RETURNING, or nextval() before the INSERT.",
	FeatureDeclare:            "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureDiscard:            "Open a new connection for a fresh session.",
	FeatureExecute:            "Prepare statements by the driver's own means, the extended query protocol.",
	FeatureFetch:              "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeatureLastval:            "Use INSERT ... RETURNING.",
	FeatureListen:             "Listen on a direct connection to the database. NOTIFY works here.",
	FeatureMove:               "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
	FeaturePrepare:            "Prepare statements by the driver's own means, the extended query protocol.",
	FeaturePrepareTransaction: "Use COMMIT.",
	FeatureReset:              "Open a new connection for fresh settings.",
	FeatureSet:                keptHint,
	FeatureSetConfig:          keptHint,
	FeatureSetConstraints:     "Declare the constraint DEFERRABLE INITIALLY DEFERRED.",
	FeatureSetRole:            "The session's role is given by its route. Connect through another route.",
	FeatureSetseed:            "For an order that can be repeated, sort by a hash, as in ORDER BY md5(id::text || 'seed').",
	FeatureSetTransaction:     "Give the modes to BEGIN, as in BEGIN ISOLATION LEVEL SERIALIZABLE.",
	FeatureShowAll:            "Use SHOW with the setting's name.",
	FeatureTemp:               "Use a CTE, an array or an unlogged table.",
	FeatureWithHold:           "Read the whole result instead of a cursor, or page with WHERE, ORDER BY and LIMIT.",
}

// refuse makes the plan of what is refused. What a client wrote may stand in thing, see [naming].
func refuse(f Feature, thing string) Plan {
	return Plan{Kind: Refuse, Verb: VerbUtility, Feature: f, Refusal: pgerr.Unsupported(thing, hints[f])}
}

// maxName bounds what a client wrote in an error's sentence, in bytes: two names.
const maxName = 2 * 64

// naming is the command with its subject, if that is of a reasonable length.
func naming(command, subject string) string {
	if len(subject) > maxName {
		return command
	}
	return command + " " + subject
}

// call is a function call that makes a statement impossible here. An empty feature: none.
type call struct {
	feature Feature
	thing   string
}

// refusedCalls holds the functions of pg_catalog whose effect or result belongs to a session of the server.
// current_setting is refused only for the settings that are kept here.
var refusedCalls = map[string]call{
	"set_config":                  {FeatureSetConfig, "set_config()"},
	"currval":                     {FeatureCurrval, "currval()"},
	"lastval":                     {FeatureLastval, "lastval()"},
	"setseed":                     {FeatureSetseed, "setseed()"},
	"current_setting":             {FeatureCurrentSetting, ""},
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
