package plan

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

var (
	yes = true
	no  = false
)

// control is the plan of a transaction command that ends where the reader stands; what stands behind it makes it
// invalid grammar.
func (r *reader) control(c Control) Plan {
	if r.more {
		return Plan{Verb: VerbUtility}
	}
	return Plan{Kind: TransactionControl, Verb: VerbUtility, Control: &c}
}

// optTransaction takes WORK or TRANSACTION, if it is there.
func (r *reader) optTransaction() {
	if !r.accept("WORK") {
		r.accept("TRANSACTION")
	}
}

// begin classifies what follows BEGIN, or START TRANSACTION.
func (r *reader) begin(tag string) Plan {
	c := Control{Verb: Begin, Tag: tag}
	if !r.modes(&c) {
		return Plan{Verb: VerbUtility}
	}
	return r.control(c)
}

// modes takes transaction modes, to the end of the statement.
func (r *reader) modes(c *Control) bool {
	start := r.tok.Start
	for first := true; r.more; first = false {
		if !first {
			r.acceptChar(',')
		}
		if !r.transactionMode(c) {
			return false
		}
		c.TransactionModes = r.sql[start:r.prev.End]
	}
	return true
}

func (r *reader) transactionMode(c *Control) bool {
	switch {
	case r.acceptAll("ISOLATION", "LEVEL"):
		switch {
		case r.acceptAll("READ", "UNCOMMITTED"):
			c.Isolation = "READ UNCOMMITTED"
		case r.acceptAll("READ", "COMMITTED"):
			c.Isolation = "READ COMMITTED"
		case r.acceptAll("REPEATABLE", "READ"):
			c.Isolation = "REPEATABLE READ"
		case r.accept("SERIALIZABLE"):
			c.Isolation = "SERIALIZABLE"
		default:
			return false
		}
	case r.acceptAll("READ", "ONLY"):
		c.ReadOnly = &yes
	case r.acceptAll("READ", "WRITE"):
		c.ReadOnly = &no
	case r.accept("DEFERRABLE"):
		c.Deferrable = &yes
	case r.acceptAll("NOT", "DEFERRABLE"):
		c.Deferrable = &no
	default:
		return false
	}
	return true
}

// commit classifies what follows COMMIT or END.
func (r *reader) commit(prepared bool) Plan {
	if prepared && r.accept("PREPARED") {
		return Plan{Verb: VerbUtility, Alone: true}
	}
	r.optTransaction()
	return r.chain(Control{Verb: Commit, Tag: "COMMIT"})
}

// rollback classifies what follows ROLLBACK.
func (r *reader) rollback() Plan {
	if r.accept("PREPARED") {
		return Plan{Verb: VerbUtility, Alone: true}
	}
	r.optTransaction()
	if r.accept("TO") {
		return r.savepoint(RollbackTo, "ROLLBACK")
	}
	return r.chain(Control{Verb: Rollback, Tag: "ROLLBACK"})
}

func (r *reader) chain(c Control) Plan {
	if r.accept("AND") {
		c.Chain = !r.accept("NO")
		if !r.accept("CHAIN") {
			return Plan{Verb: VerbUtility}
		}
	}
	return r.control(c)
}

// savepoint takes a savepoint's name, before which RELEASE and ROLLBACK TO may have the word SAVEPOINT. That word alone
// is a name.
func (r *reader) savepoint(verb ControlVerb, tag string) Plan {
	if verb != Savepoint && r.is("SAVEPOINT") {
		if t, more := r.peek(); more && t.Kind != sqlscan.Punct {
			r.next()
		}
	}
	name, ok := r.name()
	if !ok {
		return Plan{Verb: VerbUtility}
	}
	return r.control(Control{Verb: verb, Savepoint: name, Tag: tag})
}
