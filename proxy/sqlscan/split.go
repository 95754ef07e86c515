package sqlscan

import (
	"iter"
	"unicode/utf8"
)

// Statement is one statement of a text.
type Statement struct {
	// Text is the source from behind the previous semicolon up to and including its own, comments and all, so that
	// Postgres says "at or near" what it would say of the whole text. It shares the text's memory.
	Text string
	// Start is Text's byte offset in the text.
	Start int
	// CharStart is the number of characters before Text in the text: an error position in Text plus CharStart is one
	// in the text.
	CharStart int
	// Tokens counts the tokens without the closing semicolon.
	Tokens int
	// MaxParam is the highest n of all $n, 0 without any; it ends at 2147483647.
	MaxParam int
	// Bad says that a token is Bad: Postgres refuses the whole text.
	Bad bool
	// Unbalanced says that Bad is set, that brackets do not pair, or that a BEGIN ATOMIC body has no END.
	Unbalanced bool
}

// Split appends the statements of sql to dst, see [Statements].
func Split(dst []Statement, sql string, standardConforming bool) []Statement {
	split(sql, standardConforming, func(st Statement) bool {
		dst = append(dst, st)
		return true
	})
	return dst
}

// Statements yields the statements of sql: the segments between semicolons that hold at least one token. It reads no
// further than it is asked to, so a text of very many statements costs no more than those that are taken.
//
// A semicolon separates unless it stands in brackets (the action list of CREATE RULE; elsewhere Postgres refuses it, and
// does so as well when it gets both halves in one) or in the BEGIN ATOMIC body of CREATE [OR REPLACE]
// FUNCTION|PROCEDURE.
func Statements(sql string, standardConforming bool) iter.Seq[Statement] {
	return func(yield func(Statement) bool) { split(sql, standardConforming, yield) }
}

func split(sql string, standardConforming bool, yield func(Statement) bool) {
	s := New(sql, standardConforming)
	var cut splitter
	var cur Statement
	for {
		t, ok := s.Next()
		if !ok {
			break
		}
		if t.Kind == Punct && sql[t.Start] == ';' && cut.separates() {
			if cur.Tokens > 0 && !yield(cur.finish(sql, t.End, &cut)) {
				return
			}
			chars := cur.CharStart + utf8.RuneCountInString(sql[cur.Start:t.End])
			cur, cut = Statement{Start: t.End, CharStart: chars}, splitter{}
			continue
		}
		cur.Tokens++
		switch t.Kind {
		case Bad:
			cur.Bad = true
		case Param:
			cur.MaxParam = max(cur.MaxParam, paramNumber(sql[t.Start+1:t.End]))
		}
		cut.see(sql, t)
	}
	if cur.Tokens > 0 {
		yield(cur.finish(sql, len(sql), &cut))
	}
}

func (s Statement) finish(sql string, end int, cut *splitter) Statement {
	s.Text = sql[s.Start:end]
	s.Unbalanced = s.Bad || cut.unpaired || cut.depth > 0 || cut.bodies > 0
	return s
}

// paramNumber reads decimal digits; from 2147483647 on it stays there.
func paramNumber(digits string) int {
	n := 0
	for i := range len(digits) {
		if n = n*10 + int(digits[i]-'0'); n > 1<<31-1 {
			return 1<<31 - 1
		}
	}
	return n
}

// splitter follows one statement, token by token, to know which semicolons are its own.
//
// A body's END is recognised where a statement of the body would start, behind ATOMIC or a semicolon: no statement can
// start with END there, while inside one END may close a CASE or be a column's label.
type splitter struct {
	depth    int    // open brackets
	kinds    uint64 // the innermost 64 of them, the last one lowest: 1 is [
	unpaired bool   // a bracket closed what it did not open
	bodies   int    // open BEGIN ATOMIC bodies
	head     head
}

// head is how far a statement, or a statement of a body, has shown that it is a CREATE FUNCTION.
type head uint8

const (
	headStart    head = iota // no token yet
	headCreate               // CREATE
	headOr                   // CREATE OR
	headReplace              // CREATE OR REPLACE
	headFunction             // ... FUNCTION or PROCEDURE: a body may come
	headBegin                // ... and the last token was BEGIN, outside brackets
	headOther                // anything else
)

func (p *splitter) separates() bool { return p.depth == 0 && p.bodies == 0 }

func (p *splitter) see(sql string, t Token) {
	switch t.Kind {
	case Word:
		if p.head != headOther && p.depth == 0 {
			p.word(sql, t)
		}
		return
	case Punct:
		switch sql[t.Start] {
		case '(':
			p.open(0)
		case '[':
			p.open(1)
		case ')':
			p.close(0)
		case ']':
			p.close(1)
		case ';':
			if p.depth == 0 { // separates statements of a body
				p.head = headStart
				return
			}
		}
	}
	switch p.head {
	case headFunction:
	case headBegin:
		p.head = headFunction
	default:
		p.head = headOther
	}
}

func (p *splitter) word(sql string, t Token) {
	was := p.head
	p.head = headOther
	switch was {
	case headStart:
		if Keyword(sql, t, "CREATE") {
			p.head = headCreate
		} else if p.bodies > 0 && Keyword(sql, t, "END") {
			p.bodies--
		}
	case headCreate:
		if Keyword(sql, t, "OR") {
			p.head = headOr
		} else {
			p.routine(sql, t)
		}
	case headOr:
		if Keyword(sql, t, "REPLACE") {
			p.head = headReplace
		}
	case headReplace:
		p.routine(sql, t)
	case headFunction, headBegin:
		switch {
		case Keyword(sql, t, "BEGIN"):
			p.head = headBegin
		case was == headBegin && Keyword(sql, t, "ATOMIC"):
			p.bodies++
			p.head = headStart
		default:
			p.head = headFunction
		}
	}
}

func (p *splitter) routine(sql string, t Token) {
	if Keyword(sql, t, "FUNCTION") || Keyword(sql, t, "PROCEDURE") {
		p.head = headFunction
	}
}

func (p *splitter) open(kind uint64) {
	p.depth++
	p.kinds = p.kinds<<1 | kind
}

func (p *splitter) close(kind uint64) {
	if p.depth == 0 || p.depth <= 64 && p.kinds&1 != kind {
		p.unpaired = true
	}
	if p.depth > 0 {
		p.depth--
		p.kinds >>= 1
	}
}
