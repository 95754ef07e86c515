package wire

import (
	"encoding/binary"
	"io"
)

// ReadPassword reads one PasswordMessage, exactly, and returns the password without its terminator: "" if it was empty.
// max bounds the declared length, its own four bytes included, as PG_MAX_AUTH_TOKEN_LENGTH (65535) does in Postgres.
//
// It must be called before the first [Conn.Receive]. It returns io.EOF if the client closed instead, which is what
// clients do that have to ask for the password first; io.ErrUnexpectedEOF within the message; the connection's own
// error; or a FATAL *pgerr.Error 08P01. The buffer that it read into is zeroed before it returns: the string is the only copy.
func (c *Conn) ReadPassword(max int) (string, error) {
	var header [5]byte
	if _, err := io.ReadFull(c.nc, header[:1]); err != nil {
		return "", err
	}
	if header[0] != 'p' {
		return "", violation("expected password response, got message type %d", header[0]).Fatal()
	}
	if _, err := io.ReadFull(c.nc, header[1:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	length := int64(int32(binary.BigEndian.Uint32(header[1:])))
	if length < 4 || length > int64(max) {
		return "", violation("invalid message length").Fatal().
			WithDetail("A password message may have at most %d bytes.", max)
	}
	body, err := readGrowing(c.nc, int(length-4), 2048)
	if err != nil {
		return "", err
	}
	defer clear(body)
	if len(body) == 0 || indexNUL(body) != len(body)-1 {
		return "", violation("invalid password packet size").Fatal()
	}
	return string(body[:len(body)-1]), nil
}
