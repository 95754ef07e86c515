package plan

import "github.com/pgturnstile/pgturnstile/proxy/pgerr"

// Kind is what is to be done with a statement.
type Kind uint8

const (
	Forward            Kind = iota // sent to the upstream as it stands
	TransactionControl             // see Control
	Set                            // SET and RESET in all their forms: see Setting
	Show                           // SHOW: see Setting.Name
	Discard                        // see Plan.Discard
	Prepare                        // SQL's PREPARE: see Plan.Prepare
	Execute                        // SQL's EXECUTE: see Plan.Execute
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

	// Into: SELECT ... INTO, which creates a table.
	Into bool
	// ModifyingCTE: a CTE of it, or of what it explains, is a data-modifying statement.
	ModifyingCTE bool
	// Changes: it may change what other statements mean, their types and columns. Everything does but queries without INTO,
	// SHOW, EXPLAIN that does not execute, transaction control, settings, and what only looks after what there is, such as VACUUM.
	Changes bool
	// Creates: it creates an object whose name may have no schema, so that search_path says where.
	Creates bool
	// PreparedView: it names the view pg_prepared_statements, or calls pg_prepared_statement().
	PreparedView bool

	Control *Control      // TransactionControl
	Setting *Setting      // Set, Show
	Discard string        // Discard: ALL, PLANS, SEQUENCES or TEMP
	Prepare *PrepareStmt  // Prepare
	Execute *ExecuteStmt  // Execute
	Name    string        // Deallocate: the statement's name, "" is ALL
	Calls   *SettingCalls // Forward, Show, Execute: what it does with settings by calls; nil: nothing

	Refusal *pgerr.Error // Refuse: never nil then
	Feature Feature      // Refuse: what for

	asQuery bool  // CREATE TABLE ... AS
	calls   calls // what becomes of the functions that it names
}

// calls says what a statement does with the function calls in it.
type calls uint8

const (
	callsKept  calls = iota // it may keep them, to be called another time
	callsMade               // it calls them
	callsShown              // it only explains them
)

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

	// Of Begin and of a Setting's Control: the modes, of each the last that is given, as Postgres takes them.
	Isolation  string // READ UNCOMMITTED, READ COMMITTED, REPEATABLE READ, SERIALIZABLE; "": not given
	ReadOnly   *bool  // nil: not given
	Deferrable *bool  // nil: not given
	// TransactionModes is the modes' source, "" without any: what may stand behind SET TRANSACTION.
	TransactionModes string
}

// SettingForm is what a SET or RESET does.
type SettingForm uint8

const (
	Assign           SettingForm = iota // SET name TO values, and the forms with keywords that mean the same
	ToDefault                           // SET name TO DEFAULT, RESET name, SET TIME ZONE LOCAL and the like
	ResetAll                            // RESET ALL
	FromCurrent                         // SET name FROM CURRENT
	Characteristics                     // SET SESSION CHARACTERISTICS AS TRANSACTION modes
	TransactionModes                    // SET TRANSACTION modes
	Snapshot                            // SET TRANSACTION SNAPSHOT
	Constraints                         // SET CONSTRAINTS
)

// Setting is the subject of SET, RESET or SHOW.
type Setting struct {
	Form SettingForm // of SET and RESET
	// Name is the setting's, in small letters, but for one with a point in it: Postgres keeps the case of a custom setting as
	// it was written first, and compares without case. It is "" where Form is not Assign, ToDefault or FromCurrent. SHOW
	// "All" is SHOW ALL, with the name all; to the other statements that is a name like any other.
	Name  string
	Local bool // SET LOCAL
	Reset bool // spelled RESET

	// Of Assign and Snapshot.
	Value   string // the first of the values, as Postgres makes a text of it
	Values  int    // how many there are; only settings that are lists may have more than one
	Literal bool   // Value is what the setting gets: false for SET TIME ZONE INTERVAL '...', where it is the literal

	// Of a SET, the bytes ScopeStart to ScopeEnd of the text have " LOCAL" in their place when it is to be SET LOCAL: an
	// empty range right behind SET, or the word SESSION or LOCAL. Both are 0 for RESET and SET CONSTRAINTS, which have no
	// such form.
	ScopeStart, ScopeEnd int

	Control *Control // the modes, of Characteristics and TransactionModes
}

// Options is what the meaning of a statement depends on beside its text.
type Options struct {
	StandardConforming bool   // the setting standard_conforming_strings
	Role               string // the role that the session's statements run as
}
