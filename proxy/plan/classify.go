package plan

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// Classify says what a statement is. It never fails: what Postgres would refuse as a syntax error is Forward.
func Classify(stmt sqlscan.Statement, o Options) Plan {
	r := newReader(stmt.Text, o.StandardConforming)
	if !r.more {
		return Plan{Kind: Empty, Verb: VerbOther}
	}
	first := r.tok
	p := r.statement(o)
	switch p.Kind {
	case Forward:
		p.Changes = p.Changes || p.Into || p.Verb == VerbOther || p.Verb == VerbUtility && p.Returns != ReturnsRows && !maintains(r.sql, first)
	case Execute:
	default:
		return p
	}
	r.drain()
	verb := p.Verb
	if c := r.marks.called; c.feature != "" {
		p = refuse(c.feature, c.thing)
	} else if r.marks.settings {
		p = r.settingCalls(p)
	}
	p.Verb = verb
	return p
}

// maintains reports whether a utility with that first word looks after what there is and leaves every type and column as it was.
func maintains(sql string, first sqlscan.Token) bool {
	for _, word := range [...]string{"NOTIFY", "LOCK", "TRUNCATE", "ANALYZE", "ANALYSE", "VACUUM", "REFRESH", "REINDEX", "CLUSTER", "CHECKPOINT", "COMMENT"} {
		if sqlscan.Keyword(sql, first, word) {
			return true
		}
	}
	return false
}

// statement classifies what starts at the current token: a statement, or what EXPLAIN explains.
func (r *reader) statement(o Options) Plan {
	utility := Plan{Verb: VerbUtility}
	var buf [len("DEALLOCATE")]byte
	switch string(r.upper(buf[:0])) {
	case "SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "(":
		return r.query()
	case "EXPLAIN":
		return r.explain(o)

	case "BEGIN":
		r.next()
		r.optTransaction()
		return r.begin("BEGIN")
	case "START":
		r.next()
		if !r.accept("TRANSACTION") {
			return utility
		}
		return r.begin("START TRANSACTION")
	case "COMMIT", "END":
		canPrepare := r.is("COMMIT")
		r.next()
		return r.commit(canPrepare)
	case "ABORT":
		r.next()
		r.optTransaction()
		return r.chain(Control{Verb: Rollback, Tag: "ROLLBACK"})
	case "ROLLBACK":
		r.next()
		return r.rollback()
	case "SAVEPOINT":
		r.next()
		return r.savepoint(Savepoint, "SAVEPOINT")
	case "RELEASE":
		r.next()
		return r.savepoint(Release, "RELEASE")

	case "SET":
		r.next()
		return r.set()
	case "RESET":
		r.next()
		return r.reset()
	case "SHOW":
		r.next()
		return r.show()
	case "DISCARD":
		r.next()
		return r.discard()

	case "PREPARE":
		r.next()
		return r.prepare(o)
	case "EXECUTE":
		r.next()
		return r.execute()
	case "DEALLOCATE":
		r.next()
		return r.deallocate()
	case "DECLARE":
		return r.declare()
	case "FETCH":
		return refuse(FeatureFetch, "FETCH")
	case "MOVE":
		return refuse(FeatureMove, "MOVE")
	case "CLOSE":
		if r.next(); r.accept("ALL") && !r.more {
			return Plan{Kind: CloseCursors, Verb: VerbUtility}
		}
		return refuse(FeatureClose, "CLOSE")
	case "COPY":
		return refuse(FeatureCopy, "COPY")
	case "LISTEN":
		return refuse(FeatureListen, "LISTEN")
	case "UNLISTEN":
		r.next()
		return r.unlisten()

	case "CREATE":
		return r.create()
	case "ALTER":
		return r.alter(o)
	case "DROP":
		return r.drop()
	case "VACUUM":
		return Plan{Verb: VerbUtility, Alone: true}
	case "REINDEX":
		return r.reindex()
	case "CLUSTER":
		return r.cluster()
	case "CALL":
		return Plan{Verb: VerbUtility, Returns: ReturnsUnknown, calls: callsMade}
	case "COMMENT", "GRANT", "REVOKE", "SECURITY":
		return r.uncalled(utility)
	case "ANALYZE", "ANALYSE", "CHECKPOINT", "DO", "IMPORT", "LOAD", "LOCK", "NOTIFY", "REASSIGN", "REFRESH", "TRUNCATE":
		return utility
	}
	return Plan{Verb: VerbOther, Returns: ReturnsUnknown}
}

// upper appends the current token to buf if it is an unquoted word, in capitals, or an opening parenthesis. What is
// longer than buf's capacity is no keyword that is asked for: it appends nothing.
func (r *reader) upper(buf []byte) []byte {
	if r.isChar('(') {
		return append(buf, '(')
	}
	text := r.tok.Text(r.sql)
	if r.tok.Kind != sqlscan.Word || len(text) > cap(buf) {
		return buf
	}
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 0x20
		}
		buf = append(buf, c)
	}
	return buf
}

// uncalled is p, with the rest of the statement read and no notice taken of the functions that are named in it.
func (r *reader) uncalled(p Plan) Plan {
	r.drain()
	r.marks.called, r.marks.settings = call{}, false
	return p
}

func (r *reader) deallocate() Plan {
	if r.is("PREPARE") {
		if _, more := r.peek(); more {
			r.next()
		}
	}
	p := Plan{Kind: Deallocate, Verb: VerbUtility}
	ok := r.accept("ALL")
	if !ok {
		p.Name, ok = r.name()
	}
	if !ok || r.more {
		return Plan{Verb: VerbUtility}
	}
	return p
}

func (r *reader) unlisten() Plan {
	ok := r.acceptChar('*')
	if !ok {
		_, ok = r.name()
	}
	if !ok || r.more {
		return Plan{Verb: VerbUtility}
	}
	return Plan{Kind: Unlisten, Verb: VerbUtility}
}

func (r *reader) declare() Plan {
	for r.more && !r.is("FOR") {
		if r.is("HOLD") && r.after("WITH") {
			return refuse(FeatureWithHold, "DECLARE CURSOR WITH HOLD")
		}
		r.next()
	}
	return refuse(FeatureDeclare, "DECLARE CURSOR")
}
