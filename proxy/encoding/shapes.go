package encoding

// shape is how the bytes of an encoding make characters: src/common/wchar.c's verifychar and mblen functions. Both are given
// text that starts with a byte that is not ASCII.
type shape struct {
	// length is that of the character at the start of b, 0 if there is none.
	length func(b []byte) int
	// promised is the length that the first bytes promise: errors name so many bytes of the text.
	promised func(b []byte) int
}

const (
	singleShift2 = 0x8e // EUC: the next byte belongs to code set 2
	singleShift3 = 0x8f // EUC: the next two bytes belong to code set 3
)

var (
	singleByte = shape{length: one, promised: one}
	eucJP      = shape{length: lengthEUCJP, promised: promisedEUC}
	eucKR      = shape{length: lengthEUCKR, promised: promisedEUC}
	eucCN      = shape{length: lengthEUCKR, promised: promisedEUCCN}
	shiftJIS   = shape{length: lengthShiftJIS, promised: promisedShiftJIS}
	anyTrail   = shape{length: lengthAnyTrail, promised: two} // BIG5, GBK and UHC
	gb18030    = shape{length: lengthGB18030, promised: promisedGB18030}
)

func one([]byte) int { return 1 }
func two([]byte) int { return 2 }

func within(c, low, high byte) bool { return c >= low && c <= high }

func isEUC(b []byte) bool {
	for _, c := range b {
		if !within(c, 0xa1, 0xfe) {
			return false
		}
	}
	return true
}

func promisedEUC(b []byte) int {
	if b[0] == singleShift3 {
		return 3
	}
	return 2
}

func promisedEUCCN(b []byte) int {
	if b[0] == singleShift2 || b[0] == singleShift3 {
		return 3
	}
	return 2
}

func lengthEUCJP(b []byte) int {
	n := promisedEUC(b)
	switch {
	case len(b) < n:
		return 0
	case b[0] == singleShift2:
		if !within(b[1], 0xa1, 0xdf) {
			return 0
		}
	case b[0] == singleShift3:
		if !isEUC(b[1:3]) {
			return 0
		}
	case !isEUC(b[:2]):
		return 0
	}
	return n
}

func lengthEUCKR(b []byte) int {
	if len(b) < 2 || !isEUC(b[:2]) {
		return 0
	}
	return 2
}

func promisedShiftJIS(b []byte) int {
	if within(b[0], 0xa1, 0xdf) {
		return 1
	}
	return 2
}

func lengthShiftJIS(b []byte) int {
	if promisedShiftJIS(b) == 1 {
		return 1
	}
	if len(b) < 2 || !within(b[0], 0x81, 0x9f) && !within(b[0], 0xe0, 0xfc) || !within(b[1], 0x40, 0x7e) && !within(b[1], 0x80, 0xfc) {
		return 0
	}
	return 2
}

// lengthAnyTrail takes every second byte but NUL, and the one pair that PostgreSQL keeps for "surely invalid".
func lengthAnyTrail(b []byte) int {
	if len(b) < 2 || b[1] == 0 || b[0] == 0x8d && b[1] == ' ' {
		return 0
	}
	return 2
}

func promisedGB18030(b []byte) int {
	if len(b) > 1 && within(b[1], 0x30, 0x39) {
		return 4
	}
	return 2
}

func lengthGB18030(b []byte) int {
	n := promisedGB18030(b)
	switch {
	case len(b) < n || !within(b[0], 0x81, 0xfe):
		return 0
	case n == 4:
		if !within(b[2], 0x81, 0xfe) || !within(b[3], 0x30, 0x39) {
			return 0
		}
	case !within(b[1], 0x40, 0x7e) && !within(b[1], 0x80, 0xfe):
		return 0
	}
	return n
}
