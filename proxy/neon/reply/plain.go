package reply

import (
	"encoding/binary"
	"math/bits"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plain returns the length of b's leading part that stands for itself in a JSON string: up to the first quote, backslash
// or control character. The second value is not 0 if bytes beyond ASCII are among them.
//
// Eight bytes at a time (Bit Twiddling Hacks, "Determine if a word has a zero byte", "less than n"): cells are short, so
// two calls of bytes.IndexByte would cost more than the scan itself.
func plain(b []byte) (n int, beyondASCII uint64) {
	var seen uint64
	for n+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[n:])
		quote := x ^ lowBits*'"'
		slash := x ^ lowBits*'\\'
		// A borrow can raise a false flag only above a true one, so the lowest flag is always true.
		stop := ((quote - lowBits) &^ quote) | ((slash - lowBits) &^ slash) | ((x - lowBits*' ') &^ x)
		if stop &= highBits; stop != 0 {
			at := bits.TrailingZeros64(stop) &^ 7
			return n + at>>3, (seen | x&(1<<at-1)) & highBits
		}
		seen |= x
		n += 8
	}
	for n < len(b) {
		c := b[n]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		seen |= uint64(c)
		n++
	}
	return n, seen & highBits
}
