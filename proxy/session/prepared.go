package session

import (
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// maxPreparedBytes bounds what one session's prepared statements take. Postgres has its memory; many sessions share ours.
const maxPreparedBytes = 64 << 20

// preparedSize is about what a prepared statement takes beside its texts, in bytes.
const preparedSize = 320

// preparedStatement is a parsed statement of the extended protocol. Immutable.
type preparedStatement struct {
	name   string
	plan   plan.Plan
	text   string
	params int // the highest $n
}

func (st *preparedStatement) size() int { return preparedSize + len(st.name) + len(st.text) }

// preparedStatements are a session's, by name; "" is the unnamed one. They outlive transactions and errors.
type preparedStatements struct {
	byName map[string]*preparedStatement
	bytes  int
}

// add keeps a statement. A named one must not exist (42P05); the unnamed one is replaced.
func (p *preparedStatements) add(st *preparedStatement) *pgerr.Error {
	if _, exists := p.byName[st.name]; exists && st.name != "" {
		return pgerr.New(pgerr.DuplicatePreparedStatement, `prepared statement "%s" already exists`, st.name)
	}
	p.drop(st.name)
	size := st.size()
	if p.bytes+size > maxPreparedBytes {
		return pgerr.New(pgerr.OutOfMemory, "the prepared statements of this session would take more than %d bytes", maxPreparedBytes).
			WithHint("Close prepared statements that are not used any more.")
	}
	if p.byName == nil {
		p.byName = map[string]*preparedStatement{}
	}
	p.byName[st.name] = st
	p.bytes += size
	return nil
}

// get finds a statement by name (26000).
func (p *preparedStatements) get(name string) (*preparedStatement, *pgerr.Error) {
	if st, ok := p.byName[name]; ok {
		return st, nil
	}
	return nil, unknownStatement(name)
}

func unknownStatement(name string) *pgerr.Error {
	if name == "" {
		return pgerr.New(pgerr.InvalidSQLStatementName, "unnamed prepared statement does not exist")
	}
	return pgerr.New(pgerr.InvalidSQLStatementName, `prepared statement "%s" does not exist`, name)
}

// drop forgets a statement; it reports whether there was one.
func (p *preparedStatements) drop(name string) bool {
	st, ok := p.byName[name]
	if ok {
		p.bytes -= st.size()
		delete(p.byName, name)
	}
	return ok
}

// dropAll is DEALLOCATE ALL: the named ones go, the unnamed one stays (DropAllPreparedStatements).
func (p *preparedStatements) dropAll() {
	for name := range p.byName {
		if name != "" {
			p.drop(name)
		}
	}
}

// portal is a bound statement. It lives to the end of its cycle.
type portal struct {
	name     string
	stmt     *preparedStatement
	params   [][]byte
	executed bool
}
