package plan

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// create classifies CREATE.
func (r *reader) create() Plan {
	p := Plan{Verb: VerbUtility}
	r.next()
	r.acceptAll("OR", "REPLACE")
	if (r.is("LOCAL") || r.is("GLOBAL")) && (r.nextIs("TEMP") || r.nextIs("TEMPORARY")) {
		r.next()
	}
	if r.is("TEMP") || r.is("TEMPORARY") {
		return r.createTemporary()
	}
	table := false
	switch {
	case r.acceptAll("UNIQUE", "INDEX"), r.accept("INDEX"):
		p.Alone = r.accept("CONCURRENTLY")
		return p
	case r.accept("DATABASE"), r.accept("TABLESPACE"):
		p.Alone = true
		return p
	case r.accept("SUBSCRIPTION"):
		p.Alone = r.createsSlot()
		return p
	case r.accept("TABLE"), r.acceptAll("UNLOGGED", "TABLE"):
		table = true
	case r.acceptAll("FOREIGN", "TABLE"), r.acceptAll("MATERIALIZED", "VIEW"), r.acceptAll("UNLOGGED", "MATERIALIZED", "VIEW"),
		r.acceptAll("RECURSIVE", "VIEW"), r.acceptAll("UNLOGGED", "SEQUENCE"), r.acceptAll("TEXT", "SEARCH", "CONFIGURATION"),
		r.acceptAll("TEXT", "SEARCH", "DICTIONARY"), r.acceptAll("TEXT", "SEARCH", "PARSER"),
		r.acceptAll("TEXT", "SEARCH", "TEMPLATE"), r.acceptAll("OPERATOR", "CLASS"), r.acceptAll("OPERATOR", "FAMILY"),
		r.acceptAll("DEFAULT", "CONVERSION"):
	default:
		r.next() // the one word that names the kind of object
	}
	r.acceptAll("IF", "NOT", "EXISTS")
	if r.temporarySchema() {
		return refuse(FeatureTemp, "CREATE in the schema pg_temp")
	}
	p.Creates = !r.hasSchema()
	r.objectName()
	for table && r.more && !r.marks.as {
		r.next()
	}
	if table && r.marks.as {
		p.asQuery, p.calls = true, callsMade
		if r.next(); r.is("EXECUTE") {
			return refuse(FeatureExecute, "CREATE TABLE AS EXECUTE")
		}
	}
	return p
}

// hasSchema reports whether the name that starts here has one before it.
func (r *reader) hasSchema() bool {
	ahead := *r
	_, ok := ahead.name()
	return ok && ahead.isChar('.')
}

// objectName skips the name of what is created, which is no call: a parenthesis behind it opens columns or parameters.
func (r *reader) objectName() {
	before := r.marks
	_, ok := r.name()
	for ok && r.acceptChar('.') {
		if ok = r.more && r.tok.IsIdent(); ok {
			r.ident()
		}
	}
	r.marks.called, r.marks.settings, r.marks.callsFrom = before.called, before.settings, r.tok.Start
}

func (r *reader) createTemporary() Plan {
	r.next()
	kind := "TABLE"
	for _, k := range [...]string{"VIEW", "SEQUENCE"} {
		if r.is(k) || r.nextIs(k) {
			kind = k
		}
	}
	return refuse(FeatureTemp, "CREATE TEMPORARY "+kind)
}

// createsSlot reports whether CREATE SUBSCRIPTION creates a replication slot, which no transaction block allows: unless
// an option says that it does not.
func (r *reader) createsSlot() bool {
	for ; r.more; r.next() {
		if r.depth > 0 && r.prev.Is(r.sql, '=') && r.falsehood() {
			return false
		}
	}
	return true
}

// alter classifies ALTER.
func (r *reader) alter(o Options) Plan {
	p := Plan{Verb: VerbUtility}
	r.next()
	switch {
	case r.userMapping():
	case r.accept("ROLE"), r.accept("USER"):
		if r.ownRole(o.Role) {
			return refuse(FeatureAlterRole, "ALTER ROLE of the session's own role")
		}
	case r.accept("SYSTEM"):
		p.Alone = true
	case r.accept("DATABASE"):
		_, ok := r.name()
		p.Alone = ok && r.acceptAll("SET", "TABLESPACE")
	case r.accept("SUBSCRIPTION"):
		p.Alone = r.refreshes()
	case r.accept("TABLE"), r.acceptAll("FOREIGN", "TABLE"):
		for ; r.more && !p.Alone; r.next() {
			p.Alone = r.depth == 0 && r.is("CONCURRENTLY")
		}
	case r.is("FUNCTION"), r.is("PROCEDURE"), r.is("ROUTINE"), r.is("AGGREGATE"), r.is("EXTENSION"):
		return r.uncalled(p)
	}
	return p
}

// ownRole reports whether the RoleSpec here, or ALL, takes the role in.
func (r *reader) ownRole(role string) bool {
	switch {
	case r.is("ALL"), r.is("CURRENT_USER"), r.is("CURRENT_ROLE"), r.is("SESSION_USER"):
		return true
	case !r.more || !sqlscan.IsNonReserved(r.sql, r.tok):
		return false
	}
	return sqlscan.Ident(r.sql, r.tok) == role
}

// refreshes reports whether ALTER SUBSCRIPTION copies the list of published tables, which no transaction block allows.
func (r *reader) refreshes() bool {
	r.name()
	publication := false
	switch {
	case r.acceptAll("REFRESH", "PUBLICATION"):
		return true
	case r.accept("ADD"), r.accept("DROP"), r.accept("SET"):
		publication = r.accept("PUBLICATION")
	}
	for ; r.more && publication; r.next() {
		if r.depth > 0 && r.prev.Is(r.sql, '=') && r.falsehood() {
			return false
		}
	}
	return publication
}

// drop classifies DROP.
func (r *reader) drop() Plan {
	p := Plan{Verb: VerbUtility}
	r.next()
	switch {
	case r.accept("DATABASE"), r.accept("TABLESPACE"), r.accept("SUBSCRIPTION"), r.acceptAll("INDEX", "CONCURRENTLY"):
		p.Alone = true
	}
	return r.uncalled(p)
}

// reindex classifies REINDEX.
func (r *reader) reindex() Plan {
	p := Plan{Verb: VerbUtility}
	r.next()
	if r.isChar('(') {
		outer := r.depth - 1
		for r.more && r.depth > outer {
			if r.tok.IsIdent() && sqlscan.Ident(r.sql, r.tok) == "concurrently" {
				r.next()
				p.Alone = !r.falsehood()
				continue
			}
			r.next()
		}
		r.next()
	}
	p.Alone = p.Alone || r.is("DATABASE") || r.is("SYSTEM") || r.is("SCHEMA")
	r.next()
	p.Alone = p.Alone || r.is("CONCURRENTLY")
	return p
}

// cluster classifies CLUSTER: of all tables it runs a transaction for each.
func (r *reader) cluster() Plan {
	r.next()
	if outer := r.depth - 1; r.isChar('(') {
		r.toDepth(outer)
	}
	r.accept("VERBOSE")
	return Plan{Verb: VerbUtility, Alone: !r.more}
}
