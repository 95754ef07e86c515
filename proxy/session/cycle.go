package session

import (
	"slices"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
)

// cycle is what the client has asked since the last ReadyForQuery and has not been answered.
type cycle struct {
	steps []step
	size  int64 // bytes that steps and portals keep, about
	// parsed are the bytes of what was parsed: steps and portals keep it, though its name may be another's by now.
	parsed int64

	// described is the portal whose Describe waits for its Execute, nil if none does.
	described *portal
	// undo are the settings to go back to at an error, where a Flush has changed them before it is known how the transaction ends;
	// nil if none has.
	undo *guc.Settings
	// query: the steps are those of one Query, and of no pipeline before it.
	query bool
	// several is the query string of a Query with several statements that the server has not read as a whole yet.
	several string
	// flushed: a write was answered at Flush and so committed. What follows could not be in its transaction any more.
	flushed bool
	// failedAt is the order of the step at which the cycle has failed, where that is known; 0 where not.
	failedAt int
	// recodes: a step may change client_encoding.
	recodes bool

	// Of the executions among the steps, so that nobody has to look through them for each message:
	waiting int             // how many there are
	changes bool            // one may change what a statement means
	renames map[string]bool // names that one gives another meaning; "" is all of them
}

// step is one thing to do in order. Exactly one of reply, parse and exec is set.
type step struct {
	reply []byte             // whole messages
	sure  bool               // the reply is true whatever the server says of the statements
	parse *preparedStatement // ParseComplete is due
	exec  *execution
}

// execution is one statement to run, or to answer here.
type execution struct {
	plan plan.Plan
	text string // the client's
	// conforming is standard_conforming_strings as text was read.
	conforming bool
	sql        splice.Text  // what is sent
	under      *splice.Text // what sql edits, where that is an edited text itself
	params     [][]byte
	// from is the prepared statement that this executes, nil in a Query.
	from *preparedStatement
	// pinned: sql gives parameters their types. bound are params as they were before.
	pinned bool
	bound  [][]byte
	kept   []int // the indexes in bound of params; nil: all
	// executes is the statement that an EXECUTE of the extended protocol names, nil if there is none. It is looked up when the EXECUTE is
	// run unless it is fixed.
	executes *preparedStatement
	fixed    bool
	// portal is the name of the portal that is executed, in the extended protocol.
	portal string
	// prepared is the EXECUTE of SQL that this is executed by, in whose text its positions mean nothing; nil if none.
	prepared *execution
	// charStart is how many characters of the client's query string stand before text.
	charStart int
	// order is its place among all that is done in the cycle, see journal.
	order int
	// refusal, when set, is the statement's whole outcome.
	refusal *pgerr.Error

	many      bool // one of several statements of a Query
	simple    bool // of a simple Query: a RowDescription goes before its rows
	described bool // a Describe of its portal waits: RowDescription or NoData stands before the result
}

// stepSize is about what a step or a portal takes beside its texts and parameters, in bytes.
const stepSize = 256

// keptSteps bounds the room for steps that an idle session keeps.
const keptSteps = 64

func (c *cycle) reset() {
	c.answered()
	if cap(c.steps) > keptSteps {
		c.steps = nil
	}
	c.query, c.several, c.flushed, c.size, c.parsed, c.failedAt = false, "", false, 0, 0, 0
	c.undo = nil
}

// answered forgets the steps that have been run.
func (c *cycle) answered() {
	clear(c.steps)
	c.steps, c.described, c.recodes = c.steps[:0], nil, false
	c.waiting, c.changes, c.renames = 0, false, nil
}

// reply queues msg. A sure reply does not depend on what the server says.
func (c *cycle) reply(msg pgproto3.BackendMessage, sure bool) {
	var b []byte
	if n := len(c.steps); n > 0 && c.steps[n-1].reply != nil && c.steps[n-1].sure == sure {
		b, c.steps = c.steps[n-1].reply, c.steps[:n-1]
	}
	old := len(b)
	b = encode(b, msg)
	c.size += int64(len(b) - old)
	c.steps = append(c.steps, step{reply: b, sure: sure})
}

func (c *cycle) parse(st *preparedStatement) {
	c.steps = append(c.steps, step{parse: st})
	c.size += stepSize
	c.parsed += int64(len(st.name) + len(st.query.Text) + len(st.query.Settings) + 4*len(st.query.Declared) + planSize(&st.plan))
}

func (c *cycle) execute(x *execution) {
	c.steps = append(c.steps, step{exec: x})
	c.size += int64(len(x.text)) + stepSize
	if x.refusal != nil {
		return
	}
	c.waiting++
	p := &x.plan
	c.changes = c.changes || x.mayChange()
	switch {
	case p.Kind == plan.Prepare:
		c.rename(p.Prepare.Name)
	case p.Kind == plan.Deallocate:
		c.rename(p.Name)
	case p.Kind == plan.Discard && p.Discard == "ALL":
		c.rename("")
	}
}

// mayChange reports whether it may change what other statements mean.
func (x *execution) mayChange() bool {
	p := &x.plan
	if p.Kind == plan.Set && slices.Contains([]string{"application_name", "client_encoding", "client_min_messages"}, p.Setting.Name) {
		return false
	}
	return p.Changes || p.Kind == plan.Set || p.Kind == plan.Discard || p.Calls != nil && len(p.Calls.Assigns) > 0
}

func (c *cycle) rename(name string) {
	if c.renames == nil {
		c.renames = map[string]bool{}
	}
	c.renames[name] = true
}

func encode(dst []byte, msg pgproto3.BackendMessage) []byte {
	out, err := msg.Encode(dst)
	if err != nil {
		panic("BUG: a backend message does not encode: " + err.Error())
	}
	return out
}

// endsOpen reports whether running the steps would leave a transaction block open, so that nothing of them may run.
func (c *cycle) endsOpen() bool {
	open := false
	for _, st := range c.steps {
		if st.exec == nil {
			continue
		}
		if st.exec.refusal != nil {
			return false // the run ends there with an error
		}
		if st.exec.plan.Kind != plan.TransactionControl {
			continue
		}
		switch ctl := st.exec.plan.Control; ctl.Verb {
		case plan.Begin:
			open = true
		case plan.Commit, plan.Rollback:
			if ctl.Chain && !open {
				return false // 25P01 there
			}
			open = ctl.Chain
		case plan.Savepoint, plan.Release, plan.RollbackTo:
			if !open {
				return false // 25P01 there
			}
		}
	}
	return open
}
