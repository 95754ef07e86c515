package plan

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// reader walks the tokens of one statement once and notes on the way what may stand anywhere in it. It belongs to one
// call of [Classify].
type reader struct {
	sql   string
	scan  sqlscan.Scanner
	tok   sqlscan.Token // the current token; behind the last one an empty one
	more  bool          // false behind the last one; the statement's own semicolon is none
	prev  sqlscan.Token // the token before tok
	depth int           // brackets that are open behind tok
	marks marks
}

// marks is what has been seen so far, tok included.
type marks struct {
	called    call // the first call of a function whose effect or result would not be true here
	impure    bool // a call of a function that is not one of pureCalls
	locks     bool // FOR UPDATE, FOR SHARE and so on, anywhere
	returning bool // RETURNING outside brackets
	as        bool // AS outside brackets
	into      int  // where the text behind the first INTO starts; 0: there is none

	settings  bool // what settingCalls looks for may be in it
	callsFrom int  // before it no parenthesis opens a call

	qualified bool          // callee has a schema's name before it
	field     bool          // the last point stands behind an expression, of which it selects a field
	callee    sqlscan.Token // the identifier that a ( right here would call; none if its End is 0
}

func newReader(sql string, standardConforming bool) reader {
	r := reader{sql: sql, scan: sqlscan.New(sql, standardConforming)}
	r.more = true
	r.tok.Kind = sqlscan.Punct
	r.next()
	return r
}

// next goes to the next token and notes what it says.
func (r *reader) next() {
	if !r.more {
		return
	}
	r.prev = r.tok
	t, ok := r.scan.Next()
	if ok && t.Kind == sqlscan.Punct && r.sql[t.Start] == ';' {
		rest := r.scan
		_, ok = rest.Next() // the last one ends the statement
	}
	if !ok {
		r.more, r.tok = false, sqlscan.Token{Kind: sqlscan.Punct, Start: len(r.sql), End: len(r.sql)}
		return
	}
	r.tok = t
	switch t.Kind {
	case sqlscan.Word:
		r.markWord()
	case sqlscan.QuotedIdent, sqlscan.UIdent:
		r.marks.callee, r.marks.qualified = t, r.afterPoint()
		if n := t.End - t.Start - len(`""`); t.Kind == sqlscan.UIdent || n == len(settingsView) || mayBeField(n) {
			r.markQuoted()
		}
	case sqlscan.String:
		r.markString()
	case sqlscan.Punct:
		r.markPunct()
	default:
		r.marks.callee.End = 0
	}
}

func (r *reader) markWord() {
	m := &r.marks
	n := r.tok.End - r.tok.Start
	switch n {
	case 2:
		if r.depth == 0 && r.is("AS") {
			m.as = m.as || !r.afterPoint()
		} else {
			m.locks = m.locks || r.is("NO") && r.after("FOR")
		}
	case 3:
		m.locks = m.locks || r.is("KEY") && r.after("FOR")
	case 4:
		if m.into == 0 && r.is("INTO") && !r.afterPoint() && !r.after("AS") {
			m.into = r.tok.End
		}
	case 5:
		m.locks = m.locks || r.is("SHARE") && r.after("FOR")
	case 6:
		m.locks = m.locks || r.is("UPDATE") && r.after("FOR")
	case 7:
		if r.prev.Kind == sqlscan.UIdent && r.is("UESCAPE") {
			return // the clause belongs to the identifier
		}
	case len(settingsView):
		m.settings = m.settings || r.is("PG_SETTINGS")
	case len(preparedView):
		m.settings = m.settings || r.is("PG_PREPARED_STATEMENTS")
	case 9:
		if r.depth == 0 && r.is("RETURNING") {
			m.returning = m.returning || !r.afterPoint() && !r.after("AS")
		}
	}
	m.callee, m.qualified = r.tok, r.afterPoint()
	if m.qualified && mayBeField(n) {
		r.markField()
	}
}

func (r *reader) markQuoted() {
	if r.marks.qualified {
		r.markField()
	}
	switch text := r.tok.Text(r.sql); {
	case r.tok.Kind == sqlscan.UIdent:
		r.marks.settings = true // to be decoded, if it gets so far
	case len(text) == len(settingsView)+2:
		r.marks.settings = r.marks.settings || text[1:len(text)-1] == settingsView
	case len(text) == len(preparedView)+2:
		r.marks.settings = r.marks.settings || text[1:len(text)-1] == preparedView
	}
}

func (r *reader) markString() {
	if m := &r.marks; !(m.callee.Kind == sqlscan.UIdent && r.after("UESCAPE")) {
		m.callee.End = 0
	}
}

func (r *reader) markPunct() {
	m := &r.marks
	switch r.sql[r.tok.Start] {
	case '(':
		r.depth++
		if m.callee.End > 0 {
			r.markCall(m.callee)
		}
	case '[':
		r.depth++
	case '.':
		r.marks.field = r.prev.Kind == sqlscan.Param || r.prev.Is(r.sql, ')') || r.prev.Is(r.sql, ']')
	case ')', ']':
		if r.depth > 0 {
			r.depth--
		}
	}
	m.callee.End = 0
}

func (r *reader) markCall(name sqlscan.Token) {
	r.marks.impure = r.marks.impure || r.marks.qualified || !pureCall(r.sql, name)
	r.markRefused(refusedCall(r.sql, name))
}

// mayBeField reports whether a name of n bytes may be one that markField looks for, or preparedView.
func mayBeField(n int) bool { return n == len("setseed") || n >= len("current_setting") }

// markField looks at a name behind a point, which is a call too if it is no column's: (argument).function, and t.function where
// t is the only column of a function in FROM. For those of the functions that may well name a column only the first is one.
func (r *reader) markField() {
	switch c := refusedCall(r.sql, r.tok); c.feature {
	case FeatureLastval: // has no argument
	case FeatureCurrval:
		if !r.marks.field {
			return
		}
		fallthrough
	default:
		r.markRefused(c)
	}
}

func (r *reader) markRefused(c call) {
	switch c.feature {
	case "":
	case featureSettings:
		r.marks.settings = true
	default:
		if r.marks.called.feature == "" {
			r.marks.called = c
		}
	}
}

// is reports whether the current token is the keyword upper.
func (r *reader) is(upper string) bool { return r.more && sqlscan.Keyword(r.sql, r.tok, upper) }

// after reports whether the token before the current one is the keyword upper.
func (r *reader) after(upper string) bool { return sqlscan.Keyword(r.sql, r.prev, upper) }

// afterPoint reports whether the current token is behind a point: then no keyword counts.
func (r *reader) afterPoint() bool { return r.prev.Is(r.sql, '.') }

// isChar reports whether the current token is the one character c.
func (r *reader) isChar(c byte) bool { return r.more && r.tok.Is(r.sql, c) }

// nextIsChar is isChar for the token behind the current one.
func (r *reader) nextIsChar(c byte) bool {
	t, more := r.peek()
	return more && t.Is(r.sql, c)
}

// accept goes on behind the keyword upper if it is the current token.
func (r *reader) accept(upper string) bool {
	ok := r.is(upper)
	if ok {
		r.next()
	}
	return ok
}

// acceptAll accepts all of the keywords in their order, or none of them.
func (r *reader) acceptAll(upper ...string) bool {
	saved := *r
	for _, u := range upper {
		if !r.accept(u) {
			*r = saved
			return false
		}
	}
	return true
}

// acceptChar is accept for a one-character token.
func (r *reader) acceptChar(c byte) bool {
	ok := r.isChar(c)
	if ok {
		r.next()
	}
	return ok
}

// peek is the token behind the current one; false if there is none.
func (r *reader) peek() (sqlscan.Token, bool) {
	ahead := *r
	ahead.next()
	return ahead.tok, ahead.more
}

// name takes an identifier that the grammar calls a ColId, with its UESCAPE clause.
func (r *reader) name() (string, bool) {
	if !r.more || !sqlscan.IsColID(r.sql, r.tok) {
		return "", false
	}
	name := r.ident()
	return name, name != ""
}

// ident takes the current token, which is an identifier, with its UESCAPE clause.
func (r *reader) ident() string {
	name := sqlscan.Ident(r.sql, r.tok)
	unicode := r.tok.Kind == sqlscan.UIdent
	r.next()
	if unicode && r.accept("UESCAPE") && r.more && r.tok.Kind == sqlscan.String {
		r.next()
	}
	return name
}

// toDepth goes on until no more than that many brackets are open, behind the bracket that closed the last one.
func (r *reader) toDepth(depth int) {
	for r.more && r.depth > depth {
		r.next()
	}
	r.next()
}

// drain reads the rest, for the marks.
func (r *reader) drain() {
	for r.more {
		r.next()
	}
}
