package wire

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

const (
	// maxStartupBody is MAX_STARTUP_PACKET_LENGTH (src/include/libpq/pqcomm.h): what may follow the length word, in bytes.
	maxStartupBody = 10000
	minStartupBody = 4 // the version or request code

	cancelRequestCode = 1234<<16 | 5678
	sslRequestCode    = 1234<<16 | 5679
	gssencRequestCode = 1234<<16 | 5680

	// A cancel key has 4 bytes up to protocol 3.1, and up to 256 from 3.2 on (BackendKeyData).
	minSecretKey = 4
	maxSecretKey = 256

	protocolMajor = 3
	protocolMinor = 2 // the newest that is spoken: named in the refusal of another major version
)

// Startup is a packet without a type byte, one of those that can open a connection: [SSLRequest], [GSSENCRequest],
// [CancelRequest], [StartupMessage].
type Startup interface{ startup() }

// SSLRequest asks for TLS; the answer is one byte.
type SSLRequest struct{}

// GSSENCRequest asks for GSSAPI encryption; the answer is one byte.
type GSSENCRequest struct{}

// CancelRequest asks to stop the statement of another connection. It gets no answer.
type CancelRequest struct {
	ProcessID uint32
	SecretKey []byte // 4 to 256 bytes, the receiver's own
}

// StartupMessage opens a session.
type StartupMessage struct {
	Major, Minor uint16 // Major is always 3, Minor may be one that nobody has defined
	// Parameters are those of the packet, in order, duplicates kept: Postgres lets the last one win. No name is empty; names
	// and values have no NUL, but may be invalid UTF-8.
	Parameters []Parameter
}

// Parameter is one name and value of a [StartupMessage].
type Parameter struct{ Name, Value string }

func (SSLRequest) startup()     {}
func (GSSENCRequest) startup()  {}
func (CancelRequest) startup()  {}
func (StartupMessage) startup() {}

// ReadStartup reads one startup packet from r and never a byte more: what a client sent behind an SSLRequest must not
// be taken for a part of the encrypted stream (CVE-2021-23214). It allocates no more than twice what has arrived, plus 512 bytes.
//
// It returns io.EOF if r ended before the first byte, io.ErrUnexpectedEOF if it ended within the packet, r's own error,
// or a FATAL *pgerr.Error with Postgres' text: 08P01 for a broken packet, 0A000 for another major version of the
// protocol. Postgres itself only logs a wrong length, and closes.
func ReadStartup(r io.Reader) (Startup, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := int64(int32(binary.BigEndian.Uint32(length[:]))) - 4
	if n < minStartupBody || n > maxStartupBody {
		return nil, violation("invalid length of startup packet").Fatal()
	}
	body, err := readGrowing(r, int(n), 512)
	if err != nil {
		return nil, err
	}
	code, rest := binary.BigEndian.Uint32(body), body[4:]
	switch code {
	case cancelRequestCode:
		return parseCancel(rest)
	case sslRequestCode, gssencRequestCode:
		// Postgres ignores what else such a packet holds. Nobody sends more, and a peer that does is hiding something.
		if len(rest) != 0 {
			return nil, violation("invalid length of startup packet").Fatal()
		}
		if code == sslRequestCode {
			return SSLRequest{}, nil
		}
		return GSSENCRequest{}, nil
	}
	major, minor := uint16(code>>16), uint16(code)
	if major != protocolMajor {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports %d.0 to %d.%d",
			major, minor, protocolMajor, protocolMajor, protocolMinor).Fatal()
	}
	parameters, ok := parseParameters(rest)
	if !ok {
		return nil, violation("invalid startup packet layout: expected terminator as last byte").Fatal()
	}
	return StartupMessage{Major: major, Minor: minor, Parameters: parameters}, nil
}

func parseCancel(b []byte) (Startup, error) {
	if len(b) < 4+minSecretKey || len(b) > 4+maxSecretKey {
		return nil, violation("invalid length of query cancel packet").Fatal()
	}
	return CancelRequest{ProcessID: binary.BigEndian.Uint32(b), SecretKey: b[4:]}, nil
}

// parseParameters reads name NUL value NUL ... NUL. As for Postgres an empty name is the terminator, which must be the
// last byte.
func parseParameters(b []byte) ([]Parameter, bool) {
	var parameters []Parameter
	for {
		name, rest, ok := bytes.Cut(b, []byte{0})
		if !ok {
			return nil, false
		}
		if len(name) == 0 {
			return parameters, len(rest) == 0
		}
		value, rest, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return nil, false
		}
		parameters = append(parameters, Parameter{Name: string(name), Value: string(value)})
		b = rest
	}
}

// readGrowing reads n bytes from r into memory of its own, which grows as bytes arrive: a declared length costs the
// peer nothing, memory must cost it traffic. Memory that was outgrown is zeroed, it may have held a password.
func readGrowing(r io.Reader, n, start int) ([]byte, error) {
	buf := make([]byte, 0, min(n, start))
	for {
		got, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+got]
		if len(buf) == n {
			return buf, nil
		}
		if err != nil {
			clear(buf)
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		grown := make([]byte, len(buf), min(n, 2*len(buf)))
		copy(grown, buf)
		clear(buf)
		buf = grown
	}
}

// violation is an ERROR 08P01: the message's fault, the connection goes on unless the caller makes it FATAL.
func violation(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.ProtocolViolation, format, args...)
}
