package guc

import (
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Step is what carries out one change of settings. Either Done does it here, or Statements do it on the server, within the
// transaction of their request, and Read and Learn bring back what came of them. Both, and neither, are possible for a
// query with set_config() in it, which is a statement itself.
type Step struct {
	// Done carries it out on the session's settings, when its turn comes among the statements that are answered. nil: there is
	// nothing to do here.
	Done func(*Settings)

	// Statements are sent in this order. The first one is the client's own words where it has any; what it says is wrong, with
	// code and position, is what the client is told.
	Statements []Statement
	// Read is sent behind them. Its rows are (name, value or NULL). Its SQL is "" when there is nothing to read.
	Read upstream.Statement
	// Learn takes Read's rows, when its turn comes and the request has succeeded. nil exactly if Read is empty. Its error is
	// 54000: the bounds of a session have been passed.
	Learn func(*Settings, []Pair) *pgerr.Error

	// Alone does the same without the server. It may be used in place of Statements when the request would carry no other
	// statement: nothing is validated that could fail. nil: the server has to be asked.
	Alone func(*Settings)

	// NoEffect: a SET LOCAL. Outside a transaction block it is validated and in vain, and Postgres warns (25P01).
	NoEffect bool
}

// Statement is one statement of a [Step].
type Statement struct {
	SQL    splice.Text
	Params [][]byte
}

// Pair is a row of a Step's Read. Value is nil for NULL: the server has no such setting.
type Pair struct {
	Name  string
	Value *string
}

// own is a statement of our own making.
func own(st upstream.Statement) Statement {
	return Statement{SQL: splice.Apply(st.SQL, nil), Params: st.Params}
}
