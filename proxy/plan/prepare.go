package plan

import (
	"strconv"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// PrepareStmt is SQL's PREPARE.
type PrepareStmt struct {
	Name     string
	TypeList string // the parameters' types as written, with the parentheses; "" without any
	Body     string // the statement that is prepared, without the semicolon: it shares the text's memory
	// BodyStart is the byte offset of Body in the text. What Inner has of offsets are those in Body.
	BodyStart int
	Inner     Plan // always Forward: a PREPARE of what is refused is refused
}

// ExecuteStmt is SQL's EXECUTE.
type ExecuteStmt struct {
	Name string
	Args []Arg // the first maxArgs of them
	// Count is how many there are.
	Count int
}

// maxArgs bounds the arguments that are kept: more than any statement has parameters.
const maxArgs = 1 << 16

// ArgKind is the kind of one argument.
type ArgKind uint8

const (
	ArgOther  ArgKind = iota // any other expression: only the server can tell its value
	ArgString                // a string literal in any spelling, of unknown type
	ArgNumber                // a number, with a sign or without
	ArgNull
	ArgBool
	ArgParam
)

// Arg is one argument of an EXECUTE.
type Arg struct {
	Kind ArgKind
	// Value is of ArgString the decoded text, of ArgBool true or false, of ArgNumber the number: an integer in decimal, any
	// other as written, which is valid input of every numeric type but not always what Postgres would print.
	Value      string
	Param      int // ArgParam: n of $n
	Start, End int // the bytes of the argument in the text
}

// prepare classifies what follows PREPARE.
func (r *reader) prepare(o Options) Plan {
	invalid := Plan{Verb: VerbUtility}
	if r.is("TRANSACTION") {
		if t, more := r.peek(); more && t.Kind == sqlscan.String {
			return refuse(FeaturePrepareTransaction, "PREPARE TRANSACTION")
		}
	}
	st := &PrepareStmt{}
	var ok bool
	if st.Name, ok = r.name(); !ok {
		return invalid
	}
	if r.isChar('(') {
		start, outer := r.tok.Start, r.depth-1
		if r.next(); r.isChar(')') {
			return invalid
		}
		for r.more && r.depth > outer {
			r.next()
		}
		st.TypeList = r.sql[start:r.tok.End]
		r.next()
	}
	if !r.accept("AS") || !r.preparable() {
		return invalid
	}
	st.BodyStart = r.tok.Start
	r.drain()
	st.Body = r.sql[st.BodyStart:r.prev.End]
	st.Inner = Classify(sqlscan.Statement{Text: st.Body}, o)
	if st.Inner.Kind == Refuse {
		inner := st.Inner
		inner.Verb = VerbUtility
		return inner
	}
	return Plan{Kind: Prepare, Verb: VerbUtility, Prepare: st, calls: callsShown}
}

// preparable reports whether a PreparableStmt starts here. What else EXPLAIN takes cannot be prepared.
func (r *reader) preparable() bool {
	for _, word := range [...]string{"SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE"} {
		if r.is(word) {
			return true
		}
	}
	return r.isChar('(')
}

// execute classifies what follows EXECUTE.
func (r *reader) execute() Plan {
	invalid := Plan{Verb: VerbUtility}
	st := &ExecuteStmt{}
	before := r.marks
	var ok bool
	if st.Name, ok = r.name(); !ok {
		return invalid
	}
	// A parenthesis here is no call.
	r.marks.called, r.marks.settings, r.marks.callsFrom = before.called, before.settings, r.tok.Start
	if r.isChar('(') {
		outer := r.depth - 1
		r.next()
		for {
			arg, ok := r.argument(outer + 1)
			if !ok {
				return invalid
			}
			if st.Count++; st.Count <= maxArgs {
				st.Args = append(st.Args, arg)
			}
			if !r.acceptChar(',') {
				break
			}
		}
		if !r.acceptChar(')') {
			return invalid
		}
	}
	if r.more {
		return invalid
	}
	return Plan{Kind: Execute, Verb: VerbUtility, Returns: ReturnsUnknown, Execute: st, calls: callsMade}
}

// argument takes one argument of a list whose parenthesis is the depth-th that is open.
func (r *reader) argument(depth int) (Arg, bool) {
	arg := Arg{Start: r.tok.Start}
	ahead := *r
	if ahead.literal(&arg) && ahead.more && ahead.depth <= depth && (ahead.isChar(',') || ahead.isChar(')')) {
		*r = ahead
		arg.End = r.prev.End
		return arg, true
	}
	arg = Arg{Start: arg.Start}
	for r.more && !(r.depth == depth && r.isChar(',')) && r.depth >= depth {
		r.next()
	}
	arg.End = r.prev.End
	return arg, r.more && arg.End > arg.Start
}

// literal takes a constant or a parameter.
func (r *reader) literal(arg *Arg) bool {
	switch {
	case !r.more:
		return false
	case r.tok.Kind == sqlscan.String:
		arg.Kind = ArgString
		var ok bool
		arg.Value, ok = r.constant()
		return ok
	case r.tok.Kind == sqlscan.Param:
		if arg.Kind, arg.Param = ArgParam, paramNumber(r.tok.Text(r.sql)[1:]); arg.Param == 0 {
			return false
		}
	case r.is("NULL"):
		arg.Kind = ArgNull
	case r.is("TRUE"):
		arg.Kind, arg.Value = ArgBool, "true"
	case r.is("FALSE"):
		arg.Kind, arg.Value = ArgBool, "false"
	default:
		minus := r.isChar('-')
		if minus || r.isChar('+') {
			r.next()
		}
		if !r.more || r.tok.Kind != sqlscan.Number {
			return false
		}
		var ok bool
		if arg.Value, ok = argNumber(r.tok.Text(r.sql), minus); !ok {
			return false
		}
		arg.Kind = ArgNumber
	}
	r.next()
	return true
}

// paramNumber is n of $n; what is no int32 is no parameter, and 0 here.
func paramNumber(digits string) int {
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// argNumber is a number as input of a numeric type.
func argNumber(literal string, minus bool) (string, bool) {
	base, digits := radix(literal)
	n, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err == nil && n == 0:
		return "0", true
	case err == nil:
		digits = strconv.FormatUint(n, 10)
	case base != 10:
		return "", false
	}
	if minus {
		digits = "-" + digits
	}
	return digits, true
}
