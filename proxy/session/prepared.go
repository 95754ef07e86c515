package session

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"unsafe"

	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxPreparedBytes bounds what one session's prepared statements take. Postgres has its memory; many sessions share ours.
const maxPreparedBytes = 64 << 20

// preparedSize is about what a prepared statement takes beside its texts, in bytes.
const preparedSize = 512

// preparedStatement is a parsed statement, of the protocol or of SQL's PREPARE. The session owns it; what is not set when it is made
// is learned once and then never changes.
type preparedStatement struct {
	name   string
	plan   plan.Plan
	query  describe.Query // what was parsed, with the settings of then
	params int            // how many parameters Bind has to give
	// highest is the highest n of $n in the text that was parsed.
	highest int
	// literals are those in the text that hang on settings.
	literals literals

	// description is what the server says of it; nil: it was not asked yet.
	description *describe.Description
	// described is about what the description takes, and counted what the session's bound counts of the statement, in bytes.
	described, counted int
	// epoch is the Describer's when the description was found true last.
	epoch uint64
	// path is the session's path at that time.
	path string
	// shape is a hash of the result that its first execution had, where there is no description; nil: none yet.
	shape *uint64
	// pin is the text that gives the parameters their types; nil: not made yet, or not needed.
	pin *describe.Pinned
	// executes is, of an EXECUTE, the statement that its name meant when this was parsed, through all EXECUTEs on the way (its result is
	// fixed then, see PlanCacheComputeResultDesc in plancache.c); nil: there was none.
	executes *preparedStatement
	// rides: it was parsed in this cycle and is executed in it, so that the server need not be asked first.
	rides bool
}

// size is what the session's bound counts.
func (st *preparedStatement) size() int {
	text := len(st.query.Text)
	if st.params > 0 {
		text *= 2 // pinned
	}
	n := preparedSize + len(st.name) + text + len(st.query.TypeList) + len(st.query.Settings) + 8*len(st.query.Declared) + st.described
	n += planSize(&st.plan)
	if st.executes != nil {
		n += st.executes.size() // it may be kept by nothing else
	}
	return n
}

// Sizes of what plans keep, in bytes.
const (
	argumentSize  = int(unsafe.Sizeof(plan.Arg{}))
	setConfigSize = int(unsafe.Sizeof(plan.SetConfig{}))
)

// planSize is about what a plan takes beside the text.
func planSize(p *plan.Plan) (n int) {
	if p.Execute != nil {
		n += argumentSize * cap(p.Execute.Args)
	}
	if p.Calls != nil {
		n += setConfigSize * cap(p.Calls.Assigns)
	}
	if p.Prepare != nil {
		n += planSize(&p.Prepare.Inner)
	}
	return n
}

// here reports whether st is answered without the server.
func (s *Session) here(st *preparedStatement) bool {
	switch st.plan.Kind {
	case plan.Forward, plan.Prepare, plan.Execute:
		return false
	case plan.Show:
		_, _, ok := s.settings.Value(st.plan.Setting.Name, s.facts)
		return ok
	default:
		return true
	}
}

// types are the types that were promised for the parameters: described, or else declared. nil: none were.
func (st *preparedStatement) types() []uint32 {
	if st.description != nil {
		return st.description.Params
	}
	return st.query.Declared
}

// sameShape reports whether fields are what was promised, or would be if nothing was yet (plancache.c compares tuple descriptors
// without a table's name).
func (st *preparedStatement) sameShape(fields []upstream.Field) bool {
	if d := st.description; d != nil && d.Err == nil {
		return slices.EqualFunc(d.Fields, fields, func(p, f upstream.Field) bool {
			return p.Name == f.Name && p.TypeOID == f.TypeOID && p.TypeMod == f.TypeMod
		})
	}
	shape := shapeOf(fields)
	if st.shape == nil {
		st.shape = &shape
	}
	return *st.shape == shape
}

// shapeSeed makes it impossible to choose columns of the same hash.
var shapeSeed = maphash.MakeSeed()

// shapeOf is a hash of what must not change between two executions: there may be very many columns of very many statements.
func shapeOf(fields []upstream.Field) uint64 {
	var h maphash.Hash
	h.SetSeed(shapeSeed)
	var fixed [12]byte
	for i := range fields {
		f := &fields[i]
		binary.BigEndian.PutUint32(fixed[:], uint32(len(f.Name)))
		binary.BigEndian.PutUint32(fixed[4:], f.TypeOID)
		binary.BigEndian.PutUint32(fixed[8:], uint32(f.TypeMod))
		_, _ = h.Write(fixed[:]) // no hash fails
		_, _ = h.WriteString(f.Name)
	}
	return h.Sum64()
}

// preparedStatements are a session's, by name; "" is the unnamed one. They outlive transactions and errors.
type preparedStatements struct {
	byName map[string]*preparedStatement
	bytes  int
	// journal is what this cycle has done to byName.
	journal journal
}

// add keeps a statement. A named one must not exist (42P05); the unnamed one is replaced.
func (p *preparedStatements) add(st *preparedStatement) *pgerr.Error {
	if err := p.free(st.name); err != nil {
		return err
	}
	p.drop(st.name)
	size := st.size()
	if p.bytes+size > maxPreparedBytes {
		return errPreparedBytes
	}
	if p.byName == nil {
		p.byName = map[string]*preparedStatement{}
	}
	p.note(st.name, st)
	p.byName[st.name] = st
	st.counted = size
	p.bytes += size
	return nil
}

var errPreparedBytes = pgerr.New(pgerr.OutOfMemory, "the prepared statements of this session would take more than %d bytes", maxPreparedBytes).
	WithHint("Close prepared statements that are not used any more.")

// fieldSize is about what the description of a column takes beside its name, in bytes.
const fieldSize = 64

// describe keeps what the server says of st, which sizes it anew.
func (p *preparedStatements) describe(st *preparedStatement, d *describe.Description) *pgerr.Error {
	kept := p.byName[st.name] == st
	before := st.size()
	described := 4 * len(d.Params)
	for _, f := range d.Fields {
		described += fieldSize + len(f.Name)
	}
	if kept && p.bytes+described > maxPreparedBytes {
		return errPreparedBytes
	}
	st.description, st.described, st.params = d, described, len(d.Params)
	if kept {
		st.counted += st.size() - before
		p.bytes += st.size() - before
	}
	return nil
}

// free is the error for a name that is taken.
func (p *preparedStatements) free(name string) *pgerr.Error {
	if _, exists := p.byName[name]; exists && name != "" {
		return pgerr.New(pgerr.DuplicatePreparedStatement, `prepared statement "%s" already exists`, name)
	}
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

// executed is the statement that st executes, if it is EXECUTE: never one itself.
func (p *preparedStatements) executed(st *preparedStatement) *preparedStatement {
	if st.plan.Kind != plan.Execute {
		return nil
	}
	inner := p.byName[st.plan.Execute.Name]
	if inner != nil && inner.plan.Kind == plan.Execute {
		return inner.executes
	}
	return inner
}

// takes reports whether Postgres looks at the arguments of an EXECUTE: as far as is known there is such a statement, with as many
// parameters.
func (p *preparedStatements) takes(e *plan.ExecuteStmt) bool {
	st, ok := p.byName[e.Name]
	return ok && (st.description == nil || len(e.Args) > 0 && len(st.description.Params) == len(e.Args))
}

// drop forgets a statement; it reports whether there was one.
func (p *preparedStatements) drop(name string) bool {
	st, ok := p.byName[name]
	if ok {
		p.note(name, nil)
		p.bytes -= st.counted
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
	executes *preparedStatement // of EXECUTE, see preparedStatement: as it was at Bind
	params   [][]byte
	executed bool
}
