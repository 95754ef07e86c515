package encoding

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

const untranslatableCharacter = "22P05"

// maxListed is how many bytes of a character an error names.
const maxListed = 8

// invalid is what is wrong with the character of that many bytes at the start of rest, in the encoding of that name
// (report_invalid_encoding, src/backend/utils/mb/mbutils.c).
func invalid(encoding string, rest []byte, length int) *pgerr.Error {
	return pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "%s": %s`, encoding, list(rest, length))
}

// untranslatable is the error for a valid character that has no equivalent (report_untranslatable_char).
func untranslatable(from, to string, rest []byte, length int) *pgerr.Error {
	return pgerr.New(untranslatableCharacter, `character with byte sequence %s in encoding "%s" has no equivalent in encoding "%s"`,
		list(rest, length), from, to)
}

func list(rest []byte, length int) string {
	var b strings.Builder
	for i, c := range rest[:min(length, len(rest), maxListed)] {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "0x%02x", c)
	}
	return b.String()
}

// CheckUTF8 returns nil if b is valid UTF-8 without NUL, else Postgres' ERROR 22021, which names the bytes of the first character that
// is neither (report_invalid_encoding, src/backend/utils/mb/mbutils.c).
func CheckUTF8(b []byte) *pgerr.Error {
	if bytes.IndexByte(b, 0) < 0 && utf8.Valid(b) {
		return nil
	}
	for i := 0; i < len(b); {
		if c := b[i]; c > 0 && c < utf8.RuneSelf {
			i++
			continue
		}
		_, size := decode(b[i:])
		if size == 0 {
			return invalid("UTF8", b[i:], lengthUTF8(b[i]))
		}
		i += size
	}
	return nil
}

// decode returns the character at the start of b and its length, 0 if there is none: NUL is none.
func decode(b []byte) (rune, int) {
	r, size := utf8.DecodeRune(b)
	if r == utf8.RuneError && size <= 1 || r == 0 {
		return 0, 0
	}
	return r, size
}

// lengthUTF8 is the number of bytes that a lead byte promises (pg_utf_mblen): 1 for a byte that is no lead byte.
func lengthUTF8(lead byte) int {
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
