package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// CheckUTF8 returns nil if b is valid UTF-8 without NUL, else Postgres' ERROR 22021, which names the bytes of the first
// character that is neither (report_invalid_encoding, src/backend/utils/mb/mbutils.c).
//
// [Conn.Receive] checks names and statement texts itself; a parameter in text format is for its caller to give to
// [Conn.AppendText], which knows whether it is one.
func CheckUTF8(b []byte) *pgerr.Error {
	bad := invalidAt(b)
	if bad < 0 {
		return nil
	}
	rest := b[bad:]
	var list strings.Builder
	for i := range min(sequenceLength(rest[0]), len(rest)) {
		if i > 0 {
			list.WriteByte(' ')
		}
		fmt.Fprintf(&list, "0x%02x", rest[i])
	}
	return pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, list.String())
}

// invalidAt returns the offset of the first NUL or byte that starts no valid character, -1 if there is none.
func invalidAt(b []byte) int {
	nul := indexNUL(b)
	if utf8.Valid(b) {
		return nul
	}
	for i := 0; i < len(b); {
		if b[i] == 0 {
			return i
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// sequenceLength is the number of bytes that a lead byte promises (pg_utf_mblen): 1 for a byte that is no lead byte.
func sequenceLength(lead byte) int {
	switch {
	case lead&0xe0 == 0xc0:
		return 2
	case lead&0xf0 == 0xe0:
		return 3
	case lead&0xf8 == 0xf0:
		return 4
	default:
		return 1
	}
}
