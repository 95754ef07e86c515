package proxytest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Target is a server to play a script to.
type Target struct {
	// Dial returns a connection whose next byte is the first of the StartupMessage: after TLS, where there is TLS.
	Dial     func(ctx context.Context) (net.Conn, error)
	User     string
	Password string
	Database string
	// Startup goes into every StartupMessage, before a script's own parameters.
	Startup []Parameter
}

// connection is one session with a Target.
type connection struct {
	nc         net.Conn
	pid, key   []byte // of BackendKeyData
	transcript transcript
}

// patience is how long a server may be silent where an answer is awaited. A step that runs into it has failed.
const patience = 15 * time.Second

// maxMessage bounds what is read of a server that is not in step.
const maxMessage = 64 << 20

func (t Target) connect(ctx context.Context) (*connection, error) {
	nc, err := t.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	return &connection{nc: nc}, nil
}

// login sends the StartupMessage and answers the password request. Its transcript has what comes behind AuthenticationOk:
// how a server authenticates is its own. It ends at ReadyForQuery, or where the server does.
func (t Target) login(c *connection, s *Script) error {
	body := binary.BigEndian.AppendUint32(nil, uint32(s.Major)<<16|uint32(s.Minor))
	parameters := []Parameter{{"user", t.User}, {"database", t.Database}}
	parameters = append(append(parameters, t.Startup...), s.Startup...)
	for _, p := range parameters {
		body = append(append(body, p.Name...), 0)
		body = append(append(body, p.Value...), 0)
	}
	body = append(body, 0)
	packet := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	if _, err := c.nc.Write(append(packet, body...)); err != nil {
		return fmt.Errorf("proxytest: startup: %w", err)
	}
	for {
		typ, body, err := c.read()
		if err != nil {
			return c.ended(err)
		}
		switch typ {
		case 'R':
			if code := binary.BigEndian.Uint32(body); code == pgproto3.AuthTypeCleartextPassword {
				out, err := (&pgproto3.PasswordMessage{Password: t.Password}).Encode(nil)
				if err != nil {
					return fmt.Errorf("proxytest: password: %w", err)
				}
				if _, err := c.nc.Write(out); err != nil {
					return fmt.Errorf("proxytest: password: %w", err)
				}
			} else if code != pgproto3.AuthTypeOk {
				return fmt.Errorf("proxytest: the server asks for authentication %d", code)
			}
			continue
		case 'K':
			c.pid, c.key = body[:4], body[4:]
		}
		c.transcript.message(typ, body)
		if typ == 'Z' {
			return nil
		}
	}
}

// read returns the server's next message.
func (c *connection) read() (byte, []byte, error) {
	if err := c.nc.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	var header [5]byte
	if _, err := io.ReadFull(c.nc, header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(header[1:])
	if n < 4 || n > maxMessage {
		return 0, nil, fmt.Errorf("the server sent a message %q of length %d", header[0], n)
	}
	body := make([]byte, n-4)
	_, err := io.ReadFull(c.nc, body)
	return header[0], body, err
}

// ended notes in the transcript that nothing more came.
func (c *connection) ended(err error) error {
	switch n, ok := errors.AsType[net.Error](err); {
	case ok && n.Timeout():
		c.transcript.note("(nothing more)")
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.transcript.note("(closed within a message)")
	default: // a reset is an end too: it depends on what lay unread
		c.transcript.note("(closed)")
	}
	return errEnded
}

var errEnded = errors.New("proxytest: the session has ended")

// cancel sends CancelRequests until stop is closed: whether the statement has begun cannot be seen from here.
func (t Target) cancel(ctx context.Context, c *connection, stop <-chan struct{}) {
	packet := binary.BigEndian.AppendUint32(nil, uint32(8+len(c.pid)+len(c.key)))
	packet = binary.BigEndian.AppendUint32(packet, 1234<<16|5678)
	packet = append(append(packet, c.pid...), c.key...)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if nc, err := t.Dial(ctx); err == nil {
			_, _ = nc.Write(packet) // a lost one is followed by the next
			_, _ = io.Copy(io.Discard, nc)
			_ = nc.Close()
		}
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
