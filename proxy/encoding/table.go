package encoding

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// table is the characters of one encoding, both ways. It is immutable once built.
//
// A code is a character's bytes as one big-endian number; of four bytes (GB18030) it is fourBytes plus the rank of the
// sequence among all of four bytes.
type table struct {
	one   [0x80]rune // by the byte's lower bits; 0 is no character, here and below
	two   []rune     // by the code's lower 15 bits
	three []rune     // by the code's lower 15 bits: EUC's code set 3 alone has any
	four  []rune     // by rank
	back  [256]*[256]uint32
}

const (
	fourBytes = 1 << 24

	// basicRanks is how many ranks GB18030 has for the rest of the Basic Multilingual Plane.
	basicRanks = 39420
	// firstSupplementary is the rank of U+10000; the others follow in their order.
	firstSupplementary = 189000
)

// run is a stretch of exceptions: code, code+1, ... are the characters char, char+1, ...; those of char 0 are none. In
// the other direction char, char+1, ... become code, code+1, ...; those of code 0 have none.
type run struct {
	code  uint32
	char  rune
	count int
}

// source is what a table is made of.
type source struct {
	shape    shape
	text     encoding.Encoding
	lastWins bool // of several codes for one character the last is what the character becomes
}

// build makes a table from x/text's and the places where PostgreSQL has others.
func build(s source, exceptions, backExceptions []run) *table {
	t := &table{}
	t.take(s)
	for _, e := range exceptions {
		for i := range e.count {
			c := e.char
			if c != 0 {
				c += rune(i)
			}
			t.set(e.code+uint32(i), c)
		}
	}
	t.invert(s.lastWins)
	for _, e := range backExceptions {
		for i := range e.count {
			c := e.code
			if c != 0 {
				c += uint32(i)
			}
			t.setBack(e.char+rune(i), c)
		}
	}
	return t
}

// take fills the table with x/text's characters, as far as the shape allows their bytes.
func (t *table) take(s source) {
	decoder := s.text.NewDecoder()
	each(s.shape, func(sequence []byte) {
		var out [2 * utf8.UTFMax]byte
		n, read, err := decoder.Transform(out[:], sequence, true)
		decoder.Reset()
		r, size := utf8.DecodeRune(out[:n])
		if err == nil && read == len(sequence) && size == n && r != utf8.RuneError {
			t.set(codeOf(sequence), r)
		}
	})
}

// each calls f with every sequence that the shape allows, in the order of codes; of four bytes with those of basicRanks
// only.
func each(s shape, f func(sequence []byte)) {
	var b [3]byte
	try := func(n int) {
		if s.length(b[:n]) == n {
			f(b[:n])
		}
	}
	for lead := 0x80; lead <= 0xff; lead++ {
		b[0] = byte(lead)
		try(1)
	}
	for code := 0x8000; code <= 0xffff; code++ {
		b[0], b[1] = byte(code>>8), byte(code)
		try(2)
	}
	for code := 0x8000; code <= 0xffff; code++ {
		b = [3]byte{singleShift3, byte(code >> 8), byte(code)}
		try(3)
	}
	for rank := range uint32(basicRanks) {
		if sequence := appendCode(nil, fourBytes+rank); s.length(sequence) == 4 {
			f(sequence)
		}
	}
}

// codeOf is the code of one character.
func codeOf(sequence []byte) uint32 {
	if len(sequence) == 4 {
		b := sequence
		return fourBytes + ((uint32(b[0]-0x81)*10+uint32(b[1]-0x30))*126+uint32(b[2]-0x81))*10 + uint32(b[3]-0x30)
	}
	var code uint32
	for _, b := range sequence {
		code = code<<8 | uint32(b)
	}
	return code
}

// appendCode appends the character with that code.
func appendCode(dst []byte, code uint32) []byte {
	switch {
	case code >= fourBytes:
		rank := code - fourBytes
		return append(dst, byte(0x81+rank/12600), byte(0x30+rank/1260%10), byte(0x81+rank/10%126), byte(0x30+rank%10))
	case code > 0xffff:
		return append(dst, byte(code>>16), byte(code>>8), byte(code))
	case code > 0xff:
		return append(dst, byte(code>>8), byte(code))
	default:
		return append(dst, byte(code))
	}
}

// char is the character with that code, 0 if there is none.
func (t *table) char(code uint32) rune {
	switch {
	case code >= fourBytes:
		switch rank := code - fourBytes; {
		case int(rank) < len(t.four):
			return t.four[rank]
		case rank >= firstSupplementary && rank-firstSupplementary <= utf8.MaxRune-0x10000:
			return rune(rank-firstSupplementary) + 0x10000
		}
		return 0
	case code > 0xffff:
		return at(t.three, code&0x7fff)
	case code > 0xff:
		return at(t.two, code&0x7fff)
	default:
		return t.one[code&0x7f]
	}
}

func at(chars []rune, i uint32) rune {
	if chars == nil {
		return 0
	}
	return chars[i]
}

func (t *table) set(code uint32, c rune) {
	switch {
	case code >= fourBytes:
		put(&t.four, basicRanks, code-fourBytes, c)
	case code > 0xffff:
		put(&t.three, 0x8000, code&0x7fff, c)
	case code > 0xff:
		put(&t.two, 0x8000, code&0x7fff, c)
	default:
		t.one[code&0x7f] = c
	}
}

func put(chars *[]rune, size int, i uint32, c rune) {
	if *chars == nil {
		*chars = make([]rune, size)
	}
	(*chars)[i] = c
}

// code is that of a character outside ASCII, 0 if it has none.
func (t *table) code(c rune) uint32 {
	if c > 0xffff {
		if t.four != nil {
			return fourBytes + firstSupplementary + uint32(c-0x10000)
		}
		return 0
	}
	page := t.back[c>>8]
	if page == nil {
		return 0
	}
	return page[c&0xff]
}

func (t *table) setBack(c rune, code uint32) {
	if t.back[c>>8] == nil {
		t.back[c>>8] = new([256]uint32)
	}
	t.back[c>>8][c&0xff] = code
}

func (t *table) invert(lastWins bool) {
	add := func(code uint32, c rune) {
		if c >= utf8.RuneSelf && c <= 0xffff && (lastWins || t.code(c) == 0) {
			t.setBack(c, code)
		}
	}
	for i, c := range t.one {
		add(0x80|uint32(i), c)
	}
	for i, c := range t.two {
		add(0x8000|uint32(i), c)
	}
	for i, c := range t.three {
		add(singleShift3<<16|0x8000|uint32(i), c)
	}
	for i, c := range t.four {
		add(fourBytes+uint32(i), c)
	}
}
