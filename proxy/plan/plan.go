package plan

import "github.com/pgturnstile/pgturnstile/proxy/pgerr"

// Kind is what is to be done with a statement.
type Kind uint8

const (
	Forward            Kind = iota // sent to the upstream as it stands
	TransactionControl             // see Control
	Set                            // see Setting: one of the kept settings
	Show                           // see Setting: one of the kept settings; SHOW of any other is Forward
	Deallocate                     // of the session's prepared statement Name; "" is ALL
	Unlisten                       // UNLISTEN, in a session that listens to nothing
	CloseCursors                   // CLOSE ALL
	Refuse                         // see Refusal and Feature
	Empty                          // no token at all
)

// Verb is a bounded label of what a statement does first.
type Verb string

const (
	VerbSelect  Verb = "select" // also VALUES and TABLE
	VerbInsert  Verb = "insert"
	VerbUpdate  Verb = "update"
	VerbDelete  Verb = "delete"
	VerbMerge   Verb = "merge"
	VerbUtility Verb = "utility" // every other statement of Postgres
	VerbOther   Verb = "other"   // none of Postgres' statements
)

// modifies reports whether the verb is that of a data-modifying statement.
func (v Verb) modifies() bool {
	return v == VerbInsert || v == VerbUpdate || v == VerbDelete || v == VerbMerge
}

// Rows says whether a statement that succeeds gives a result set, be it empty or without columns.
type Rows uint8

const (
	ReturnsNothing Rows = iota
	ReturnsRows
	ReturnsUnknown // CALL: rows if the procedure has output parameters
)

// Plan is what one statement is. It is a value; what it points to is never changed once Classify has returned it.
type Plan struct {
	Kind Kind
	Verb Verb

	Returns Rows
	// ReadOnlyShape: by its words alone a read. SELECT, VALUES, TABLE, SHOW, EXPLAIN without ANALYZE, no locking
	// clause, no INTO, no data-modifying CTE. The functions it calls may still write.
	ReadOnlyShape bool
	// ReadOnlyMatters: in a READ ONLY transaction its result or effect may be another, without an error. It calls a function
	// that may write and catch the error, or shows a setting.
	ReadOnlyMatters bool
	// ReturningDML: it modifies data by its words and returns rows.
	ReturningDML bool
	// Alone: it cannot run inside a transaction block (25001).
	Alone bool

	Control *Control // TransactionControl
	Setting *Setting // Set, Show
	Name    string   // Deallocate: the statement's name, "" is ALL

	Refusal *pgerr.Error // Refuse: never nil then
	Feature Feature      // Refuse: what for

	asQuery bool // CREATE TABLE ... AS
}

// ControlVerb is one command of transaction control.
type ControlVerb uint8

const (
	Begin ControlVerb = iota // also START TRANSACTION
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
)

// Control is a transaction command.
type Control struct {
	Verb      ControlVerb
	Savepoint string // Savepoint, Release, RollbackTo: its name
	Chain     bool   // Commit, Rollback: AND CHAIN
	Tag       string // the tag on success: BEGIN, START TRANSACTION, COMMIT, ROLLBACK, SAVEPOINT, RELEASE

	// Of Begin: the modes, of each the last that is given, as Postgres takes them.
	Isolation  string // READ UNCOMMITTED, READ COMMITTED, REPEATABLE READ, SERIALIZABLE; "": not given
	ReadOnly   *bool  // nil: not given
	Deferrable *bool  // nil: not given
	// TransactionModes is the modes' source, "" without any: what may stand behind SET TRANSACTION.
	TransactionModes string
}

// Setting is the subject of SET or SHOW.
type Setting struct {
	Name    string // lower case
	Local   bool   // SET LOCAL
	Default bool   // SET ... TO DEFAULT
	Value   string // the first of the values, as Postgres makes a text of it
	Values  int    // how many there are; only settings that are lists may have more than one
}

// Options is what the meaning of a statement depends on beside its text.
type Options struct {
	StandardConforming bool   // the setting standard_conforming_strings
	Role               string // the role that the session's statements run as
}
