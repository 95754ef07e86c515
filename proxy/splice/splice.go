package splice

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Edit replaces the bytes [Start,End) of an original text by New. Start == End inserts.
type Edit struct {
	Start, End int
	New        string
}

// Text is a statement's text after edits. It is a value; nothing of it changes after [Apply].
type Text struct {
	original, sql string
	edits         []Edit
}

// Apply carries out edits, which are sorted, do not overlap and lie in original; everything else is a panic that says BUG.
// Insertions at one place keep their order. The Text keeps the slice edits: it must not be changed afterwards. Without
// edits the text is original itself and nothing is allocated.
func Apply(original string, edits []Edit) Text {
	if len(edits) == 0 {
		return Text{original: original, sql: original}
	}
	size, at := len(original), 0
	for _, e := range edits {
		if e.Start < at || e.End < e.Start || e.End > len(original) {
			panic(fmt.Sprintf("BUG: edit of [%d,%d) behind %d in a text of %d bytes", e.Start, e.End, at, len(original)))
		}
		at = e.End
		size += len(e.New) - (e.End - e.Start)
	}
	var b strings.Builder
	b.Grow(size)
	at = 0
	for _, e := range edits {
		b.WriteString(original[at:e.Start])
		b.WriteString(e.New)
		at = e.End
	}
	b.WriteString(original[at:])
	return Text{original: original, sql: b.String(), edits: edits}
}

// SQL is the text after the edits.
func (t Text) SQL() string { return t.sql }

// Original is the text before the edits.
func (t Text) Original() string { return t.original }

// Edited reports whether there are edits.
func (t Text) Edited() bool { return len(t.edits) > 0 }

// Back maps an error position in SQL(), in characters from 1 as Postgres counts, to one in Original(). One inside a text
// that an edit put in becomes the start of what the edit replaced; the end of the text, and all behind it, becomes the
// end of the original plus 1. A position below 1 means that there is none and comes back as it is.
func (t Text) Back(position int32) int32 {
	if position < 1 || len(t.edits) == 0 {
		return position
	}
	at := t.offsetBack(byteOffset(t.sql, int(position)-1))
	return int32(utf8.RuneCountInString(t.original[:at])) + 1
}

// Inserted reports whether a position in SQL(), as Back takes it, lies inside a text that an edit put in.
func (t Text) Inserted(position int32) bool {
	if position < 1 {
		return false
	}
	at := byteOffset(t.sql, int(position)-1)
	for _, e := range t.edits {
		if at < e.Start {
			return false
		}
		if at < e.Start+len(e.New) {
			return true
		}
		at += e.End - e.Start - len(e.New)
	}
	return false
}

// offsetBack maps a byte offset in sql to one in original, 0 to its length.
func (t Text) offsetBack(at int) int {
	for _, e := range t.edits { // at is an offset of the text without the edits so far
		if at < e.Start {
			break
		}
		if at < e.Start+len(e.New) {
			return e.Start
		}
		at += e.End - e.Start - len(e.New)
	}
	return at
}

// byteOffset is where the character stands that has n before it; the length of s if there are not so many.
func byteOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
