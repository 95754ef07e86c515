//go:build race

package wire

const poisoned = true

// poison overwrites a buffer whose bytes nobody may read any more.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

// poisonInts does the same for the slices inside a message.
func poisonInts[T ~int16 | ~uint16 | ~uint32](s []T) {
	for i := range s {
		s[i] = 0x5DBD
	}
}
