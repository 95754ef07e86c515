package catalog

import (
	"encoding/binary"
	"errors"
)

// columns cuts a DataRow body into exactly as many values as dst has room for; nil is NULL. The values are parts of body.
func columns(body []byte, dst [][]byte) error {
	if len(body) < 2 || int(binary.BigEndian.Uint16(body)) != len(dst) {
		return errors.New("another number of columns")
	}
	body = body[2:]
	for i := range dst {
		if len(body) < 4 {
			return errors.New("a row that is cut")
		}
		n := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if n == -1 {
			dst[i] = nil
			continue
		}
		if n < 0 || int(n) > len(body) {
			return errors.New("a row that is cut")
		}
		dst[i], body = body[:n:n], body[n:]
	}
	return nil
}
