package upstream

import "context"

// Upstream runs statements as the user of the request's token.
type Upstream interface {
	// Run sends one request and streams its results into sink, in the order of req.Statements. It returns nil when every
	// statement succeeded and every result was delivered whole. Else the error has an *[Error] in its chain, unless it is one
	// that sink returned, which comes back as it is. When Run fails, sink may have received a part of the results.
	//
	// ctx's end drops the request; the error then says that it may have run, and wraps context.Cause(ctx).
	Run(ctx context.Context, req *Request, sink RowSink) error
}

// Request is one round trip: a single statement in autocommit, or a batch in one transaction. The upstream does not
// keep it after Run.
type Request struct {
	Token   Token
	Subject string // the token's sub: requests in flight are shared out fairly by it

	Statements []Statement

	// Transaction makes the statements one transaction, START TRANSACTION ... COMMIT, even if there is only one. Without it
	// there is exactly one statement and it runs in autocommit.
	Transaction bool
	// The rest holds only with Transaction.
	Isolation  IsolationLevel // "" is the server's default
	ReadOnly   bool
	Deferrable bool
}

// Statement is one SQL statement with its parameters in Postgres' text format.
type Statement struct {
	SQL    string
	Params [][]byte // nil is NULL, an empty slice the empty string; bytes are valid UTF-8 without NUL
}

// IsolationLevel is spelled as SQL spells it.
type IsolationLevel string

const (
	ReadUncommitted IsolationLevel = "READ UNCOMMITTED"
	ReadCommitted   IsolationLevel = "READ COMMITTED"
	RepeatableRead  IsolationLevel = "REPEATABLE READ"
	Serializable    IsolationLevel = "SERIALIZABLE"
)

// Field describes one result column, as in a RowDescription (protocol-message-formats).
type Field struct {
	Name     string
	TableOID uint32
	Column   uint16 // attribute number in the table, 0 if none
	TypeOID  uint32
	TypeSize int16
	TypeMod  int32
}

// Completion is what the upstream says at the end of one statement.
type Completion struct {
	// Command is the first word of the command tag ("CREATE" of "CREATE TABLE"), "" for the empty query.
	Command string
	// Rows is the number in the command tag; HasRows is false when the tag has none.
	Rows    int64
	HasRows bool
}

// RowSink consumes results. Calls come in this order for each statement: Fields, then for every row NextRow and EndRow,
// then Complete. An error from any method ends the run. Back-pressure is not returning.
type RowSink interface {
	// Fields starts the result of statement i (index into Request.Statements). A statement that returns no rows has no
	// fields. The slice is valid until Complete.
	Fields(i int, fields []Field) error
	// NextRow returns the slice that the next DataRow body (int16 number of columns, then for each int32 length and bytes; length
	// -1 is NULL) is appended to. Bytes already in it are the sink's and stay.
	NextRow() []byte
	// EndRow hands back NextRow's slice, possibly moved, with exactly one DataRow body appended.
	EndRow(buf []byte) error
	// Complete ends the result of statement i.
	Complete(i int, c Completion) error
}
