package session

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// batch is a group as one request, with the way back from an error's position to the client's query string.
type batch struct {
	req *upstream.Request
	// prologue is the number of statements before the first member's.
	prologue int
	headed   bool // the session's settings are among them
	places   []place
	layout   layout

	// Room for what a batch of one statement takes.
	request upstream.Request
	one     [1]place
}

// place is one member in the batch.
type place struct {
	start     int // the spaces before its text
	charStart int // characters before it in the client's query string
	text      splice.Text
	under     *splice.Text // the original of text is itself an edited text
	ours      bool         // no word of it is the client's
}

// back maps a position in the statement as it was sent, without the spaces, to the client's query string.
func (p *place) back(position int32) int32 {
	if p.ours {
		return 0
	}
	position = p.text.Back(position)
	if p.under != nil {
		position = p.under.Back(position)
	}
	return position + int32(p.charStart)
}

// layout is how a batch makes up for an upstream that does not say which of several statements failed: each is moved by spaces
// before it.
type layout uint8

const (
	// asWritten: there is one statement, or each position counts from its own statement's start.
	asWritten layout = iota
	// aligned: each statement stands where it stands in the client's query string, and every position is right as it comes.
	aligned
	// apart: no two statements share a position, so that it tells whose it is.
	apart
	// lost: the spaces would have been too many; a position means nothing.
	lost
)

// maxPadding bounds the spaces before statements, in bytes over a whole batch.
const maxPadding = 256 << 10

// batch makes the group's request.
func (s *Session) batch(g *group, how outcome) (*batch, *pgerr.Error) {
	b := &batch{}
	isolation, readOnly, deferrable := s.settings.Transaction(s.facts)
	if g.modes.isolation != "" {
		isolation = g.modes.isolation
	}
	if g.modes.readOnly != nil {
		readOnly = g.modes.readOnly
	}
	if g.modes.deferrable != nil {
		deferrable = g.modes.deferrable
	}
	head, headed, err := s.settings.Head(s.facts, false)
	if err != nil {
		return nil, err
	}
	req := &b.request
	*req = upstream.Request{
		Statements:  make([]upstream.Statement, 0, g.sent),
		Transaction: g.explicit || g.many || g.sent > 1 || how == rollback || headed || isolation != "" || readOnly != nil || deferrable != nil,
		Isolation:   isolation,
		ReadOnly:    readOnly != nil && *readOnly,
		Deferrable:  deferrable != nil && *deferrable,
	}
	// The headers can only switch these on; the role's default may be on.
	var off []string
	if explicitOff(readOnly) {
		off = append(off, "READ WRITE")
	}
	if explicitOff(deferrable) {
		off = append(off, "NOT DEFERRABLE")
	}
	if off != nil {
		req.Statements = append(req.Statements, upstream.Statement{SQL: "SET TRANSACTION " + strings.Join(off, ", ")})
	}
	if headed {
		req.Statements = append(req.Statements, head)
	}
	b.req, b.headed, b.prologue = req, headed, len(req.Statements)
	b.arrange(g)
	sent := 0
	for _, m := range g.members {
		st := upstream.Statement{}
		switch {
		case m.hidden != nil:
			st = upstream.Statement{SQL: m.hidden.sql.SQL(), Params: m.hidden.params}
		case m.exec != nil:
			if m.exec.plan.Alone && (headed || b.prologue > 0) {
				return nil, s.cannotRunAlone()
			}
			if m.exec.plan.ReturningDML {
				req.Transaction = true // a reply that is too large must undo it
			}
			st = upstream.Statement{SQL: m.exec.sql.SQL(), Params: m.exec.params}
		default:
			continue
		}
		if pad := b.places[sent].start; pad > 0 {
			st.SQL = strings.Repeat(" ", pad) + st.SQL
		}
		sent++
		req.Statements = append(req.Statements, st)
	}
	if how == rollback {
		req.Statements = append(req.Statements, upstream.Statement{SQL: "ROLLBACK"})
	}
	return b, nil
}

func explicitOff(b *bool) bool { return b != nil && !*b }

// cannotRunAlone refuses what cannot run in a transaction block while the session's settings need one.
func (s *Session) cannotRunAlone() *pgerr.Error {
	s.unsupported("setting_outside_block")
	return pgerr.Unsupported("a statement that cannot run inside a transaction block, while "+s.settings.First(s.facts)+" is set,",
		"RESET "+s.settings.First(s.facts)+" first.")
}

// arrange decides where the statements stand.
func (b *batch) arrange(g *group) {
	b.places = b.one[:0]
	if g.sent > 1 {
		b.places = make([]place, 0, g.sent)
	}
	edited := false
	for _, m := range g.members {
		switch {
		case m.hidden != nil:
			b.places = append(b.places, place{charStart: m.hidden.charStart, text: m.hidden.sql, ours: !m.hidden.words})
			edited = true
		case m.exec != nil:
			b.places = append(b.places, place{charStart: m.exec.charStart, text: m.exec.sql, under: m.exec.under, ours: m.exec.prepared != nil})
			edited = edited || m.exec.sql.Edited()
		}
	}
	if len(b.places) < 2 {
		return
	}
	padding, next := 0, 0
	b.layout = aligned
	if edited {
		b.layout = apart
	}
	for i := range b.places {
		p := &b.places[i]
		p.start = p.charStart
		if edited {
			p.start = max(p.charStart, next)
			next = p.start + utf8.RuneCountInString(p.text.SQL()) + 2 // the end of input has a position too
		}
		padding += p.start
	}
	if padding > maxPadding {
		b.layout = lost
		for i := range b.places {
			b.places[i].start = 0
		}
	}
}

// mapPosition brings an error's position to the client's query string.
func (b *batch) mapPosition(e *pgerr.Error) *pgerr.Error {
	if e.Position == 0 || len(b.places) == 0 || b.layout == aligned {
		return e
	}
	c := *e
	switch b.layout {
	case asWritten:
		c.Position = b.places[0].back(e.Position)
	case apart:
		i := sort.Search(len(b.places), func(i int) bool { return b.places[i].start >= int(e.Position) })
		p := &b.places[max(i-1, 0)]
		c.Position = p.back(e.Position - int32(p.start))
	case lost:
		c.Position = 0
		if !b.ofQuery() {
			return e
		}
	}
	return &c
}

// inStatement is e with its position in the member's text as it was sent, without the spaces before it.
func (p *place) inStatement(e *pgerr.Error) *pgerr.Error {
	c := *e
	if e.Position > int32(p.start) {
		c.Position = e.Position - int32(p.start)
	}
	return &c
}

// ofQuery reports whether the statements are of a query string: those of the extended protocol each have their own positions.
func (b *batch) ofQuery() bool {
	for _, p := range b.places {
		if p.charStart > 0 || p.text.Edited() {
			return true
		}
	}
	return false
}
