// Package describeoracle holds the answers to Parse and Describe to their oracle: the same messages go to a real Postgres and
// through the whole proxy to the same database, and what comes back is compared field by field, object ids included: the
// parameters' types; each column's name, table, attribute number, type, length, modifier and format; RowDescription or
// NoData; an error's SQLSTATE, message, detail, hint and position, and which of the two messages it answers.
//
// testdata has the statements, by topic, and the schema that they are about ([Corpus] says in which form). Each is asked about
// in four [Variant] forms. What differs and may is in testdata/accepted.tsv with its reason; everything else is a defect.
// cmd/describeoracle prints the report.
//
// It is for tests alone and may import devstack and whatever that stands on. Start with [Run].
package describeoracle
