package wire

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// FuzzRoundTrip: a message that is accepted encodes to the very bytes that it came from. Nothing was skipped, guessed or cut.
func FuzzRoundTrip(f *testing.F) {
	for rest := session(); len(rest) > 0; {
		c := NewConn(&script{data: rest}, Limits{})
		if _, err := c.Receive(); err != nil {
			f.Fatal(err)
		}
		n := headerSize + c.in.need
		f.Add(rest[0], rest[headerSize:n])
		rest = rest[n:]
	}
	f.Fuzz(func(t *testing.T, typ byte, body []byte) {
		data := message(typ, string(body))
		msg, err := NewConn(&script{data: data}, Limits{Small: DefaultMessage}).Receive()
		if err != nil {
			return
		}
		switch msg.(type) {
		case *pgproto3.CopyDone, *pgproto3.CopyFail, *pgproto3.Terminate:
			return // obeyed whatever they hold
		}
		again, err := msg.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Errorf("%s came as\n%q and encodes to\n%q", show(msg), data, again)
		}
	})
}
