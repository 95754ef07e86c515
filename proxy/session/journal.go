package session

import "slices"

// A cycle's messages name statements when they come; its statements run, and fail, later. What has been named behind the point of
// failure has to be undone then: Postgres would have skipped it. Everything that may fail or name something has an order, which
// is when Postgres does it.

// journal is what has been done to names in the cycle.
type journal struct {
	entries []entry
	clock   int // the order given last
	now     int // the order of what is done to names now
}

// entry is one name that means something else since.
type entry struct {
	order int
	name  string
	old   *preparedStatement // nil: there was none
	added *preparedStatement // nil: it was dropped
}

// tick begins something that comes behind everything so far.
func (j *journal) tick() int {
	j.clock++
	j.now = j.clock
	return j.clock
}

// note keeps what name means before it is changed to added.
func (p *preparedStatements) note(name string, added *preparedStatement) {
	p.journal.entries = append(p.journal.entries, entry{p.journal.now, name, p.byName[name], added})
}

// answered ends the undoing: what was done has been answered.
func (p *preparedStatements) answered() {
	clear(p.journal.entries)
	p.journal.entries = p.journal.entries[:0]
	if cap(p.journal.entries) > keptSteps {
		p.journal.entries = nil
	}
}

// undoBehind takes back what was done behind order.
func (p *preparedStatements) undoBehind(order int) {
	p.undo(func(e *entry) bool { return e.order > order })
}

// undoParse takes back that st was added, and all behind it. The unnamed statement that it was to replace is gone: Postgres drops that
// before it reads the new one. It returns the order of the Parse.
func (p *preparedStatements) undoParse(st *preparedStatement) (order int) {
	for i := range p.journal.entries {
		if e := &p.journal.entries[i]; e.added == st {
			order = e.order
			p.undo(func(o *entry) bool { return o.order > order || o.added == st })
			return order
		}
	}
	return 0
}

func (p *preparedStatements) undo(which func(*entry) bool) {
	all := p.journal.entries
	for i := len(all) - 1; i >= 0; i-- {
		if e := &all[i]; which(e) {
			if st, ok := p.byName[e.name]; ok {
				p.bytes -= st.counted
				delete(p.byName, e.name)
			}
			if e.old != nil {
				e.old.counted = e.old.size()
				p.bytes += e.old.counted
				p.byName[e.name] = e.old
			}
		}
	}
	p.journal.entries = slices.DeleteFunc(all, func(e entry) bool { return which(&e) })
}
