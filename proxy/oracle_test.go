package proxy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
)

// Postgres is the oracle of the first packets: the same bytes go to a real server, on its Unix socket where it offers neither
// TLS nor GSSAPI, and to this one without TLS.
func TestStartupAsPostgres(t *testing.T) {
	real, err := postgres.Start(t.Context(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := real.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, withoutTLS)
	user := []string{"user", "postgres", "database", "neondb"}
	with := func(version uint32, more ...string) []byte {
		return startupPacket(version, append(slices.Clone(user), more...)...)
	}
	for _, test := range []struct {
		name  string
		sends [][]byte
		// differs is why the answers are not the same, and ours then.
		differs, ours string
	}{
		{name: "a login", sends: [][]byte{with(0x00030000)}},
		{name: "protocol 3.1", sends: [][]byte{with(0x00030001)}, differs: "Postgres 15 speaks 3.0 only, 18 and this proxy know 3.2", ours: "R"},
		{name: "protocol 3.9999", sends: [][]byte{with(0x0003270f)}, differs: "the same", ours: "v 0x30002 [] R"},
		{name: "a protocol option", sends: [][]byte{with(0x00030000, "_pq_.x", "y", "_pq_.z", "")}},
		{name: "protocol 2.0", sends: [][]byte{packet(0x00020000, make([]byte, 288)...)}},
		{name: "protocol 1.0", sends: [][]byte{packet(0x00010000)}},
		{name: "protocol 4.0", sends: [][]byte{with(0x00040000)}},
		{name: "protocol 0.0", sends: [][]byte{with(0)}},
		{name: "protocol 65535.65535", sends: [][]byte{with(0xffffffff)}},
		{name: "an odd request", sends: [][]byte{packet(80877105)}},
		{name: "length 0", sends: [][]byte{declared(0)}},
		{name: "length 3", sends: [][]byte{declared(3)}},
		{name: "length 4", sends: [][]byte{declared(4)}},
		{name: "length 7", sends: [][]byte{declared(7)}},
		{name: "length 8", sends: [][]byte{packet(0x00030000)}},
		{name: "length 9", sends: [][]byte{packet(0x00030000, 0)}},
		{name: "the longest", sends: [][]byte{with(0x00030000, "application_name", strings.Repeat("n", 10000-4-len("user\x00postgres\x00database\x00neondb\x00application_name\x00\x00\x00")))}},
		{name: "one byte more", sends: [][]byte{declared(10005)}},
		{name: "length 0x7fffffff", sends: [][]byte{declared(0x7fffffff)}},
		{name: "a negative length", sends: [][]byte{declared(0xffffffff)}},
		{name: "HTTP", sends: [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}},
		{name: "TLS where there is none", sends: [][]byte{clientHello()}},
		{name: "no user", sends: [][]byte{startupPacket(0x00030000, "database", "neondb")}},
		{name: "no parameters", sends: [][]byte{packet(0x00030000, 0)}},
		{name: "an empty user", sends: [][]byte{startupPacket(0x00030000, "user", "")}},
		{name: "the last user is empty", sends: [][]byte{with(0x00030000, "user", "")}},
		{name: "two users", sends: [][]byte{startupPacket(0x00030000, "user", "", "user", "postgres")}},
		{name: "no terminator", sends: [][]byte{packet(0x00030000, []byte("user\x00postgres\x00")...)}},
		{name: "no terminator of a value", sends: [][]byte{packet(0x00030000, []byte("user\x00postgres")...)}},
		{name: "no value", sends: [][]byte{packet(0x00030000, []byte("user\x00postgres\x00database\x00")...)}},
		{name: "bytes behind the terminator", sends: [][]byte{packet(0x00030000, []byte("user\x00postgres\x00\x00x")...)}},
		{name: "a NUL in the user", sends: [][]byte{startupPacket(0x00030000, "user", "post\x00gres")}},
		{name: "replication=maybe", sends: [][]byte{with(0x00030000, "replication", "maybe")}},
		{name: "replication=", sends: [][]byte{with(0x00030000, "replication", "")}},
		{name: "replication=o", sends: [][]byte{with(0x00030000, "replication", "o")}},
		{name: "replication=of", sends: [][]byte{with(0x00030000, "replication", "of")}},
		{name: "replication=F", sends: [][]byte{with(0x00030000, "replication", "F")}},
		{name: "replication=No", sends: [][]byte{with(0x00030000, "replication", "No")}},
		{name: "replication=00", sends: [][]byte{with(0x00030000, "replication", "00")}},
		{name: "protocol 3.9999 and replication=maybe", sends: [][]byte{with(0x0003270f, "replication", "maybe")}},
		{name: "a protocol option without a user", sends: [][]byte{startupPacket(0x00030000, "_pq_.x", "y")}},
		{name: "replication true, then off", sends: [][]byte{with(0x00030000, "replication", "true", "replication", "off")}},
		{name: "replication maybe, then off", sends: [][]byte{with(0x00030000, "replication", "maybe", "replication", "off")}},
		{name: "replication database", sends: [][]byte{with(0x00030000, "replication", "database")},
			differs: "there is no replication here", ours: "E FATAL 0A000 a replication connection is not supported by pgturnstile"},
		{name: "a replication option without a user", sends: [][]byte{startupPacket(0x00030000, "replication", "maybe")}},
		{name: "a user that is not UTF-8", sends: [][]byte{startupPacket(0x00030000, "user", "x\xff")},
			differs: "Postgres compares bytes; here they would go into logs", ours: `E FATAL 22021 invalid byte sequence for encoding "UTF8": 0xff`},
		{name: "SSLRequest", sends: [][]byte{sslRequest, with(0x00030000)}},
		{name: "GSSENCRequest", sends: [][]byte{gssencRequest, with(0x00030000)}},
		{name: "SSLRequest, GSSENCRequest", sends: [][]byte{sslRequest, gssencRequest, with(0x00030000)}},
		{name: "GSSENCRequest, SSLRequest", sends: [][]byte{gssencRequest, sslRequest, with(0x00030000)}},
		{name: "SSLRequest twice", sends: [][]byte{sslRequest, sslRequest}},
		{name: "GSSENCRequest twice", sends: [][]byte{gssencRequest, gssencRequest}},
		{name: "SSLRequest, GSSENCRequest, SSLRequest", sends: [][]byte{sslRequest, gssencRequest, sslRequest}},
		{name: "GSSENCRequest, SSLRequest, GSSENCRequest", sends: [][]byte{gssencRequest, sslRequest, gssencRequest}},
		{name: "bytes behind SSLRequest", sends: [][]byte{join(sslRequest, with(0x00030000))},
			differs: "they are seen before the answer, not behind it", ours: "E FATAL 08P01 received unencrypted data after SSL request"},
		{name: "a longer SSLRequest", sends: [][]byte{packet(80877103, 1, 2, 3, 4), with(0x00030000)},
			differs: "Postgres ignores what else it holds", ours: "closed"},
		{name: "a cancel request", sends: [][]byte{cancelPacket(1, []byte{1, 2, 3, 4})}},
		{name: "a cancel request without a key", sends: [][]byte{cancelPacket(1, nil)}},
		{name: "a cancel request after SSLRequest", sends: [][]byte{sslRequest, cancelPacket(1, []byte{1, 2, 3, 4})}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := talk(t, "unix", filepath.Join(real.SocketDir(), fmt.Sprintf(".s.PGSQL.%d", real.Port())), test.sends)
			got := talk(t, "tcp", w.address, test.sends)
			if test.differs == "" {
				if got != want {
					t.Errorf("Postgres: %s\nhere:     %s", want, got)
				}
				return
			}
			if got != test.ours {
				t.Errorf("here: %s\nwant: %s", got, test.ours)
			}
			if got == want {
				t.Errorf("there is no difference any more: %s", got)
			}
		})
	}
}

// talk sends each packet after the answer to the one before, and spells what comes back up to the demand for a password,
// an error or the end.
func talk(t *testing.T, network, address string, sends [][]byte) string {
	t.Helper()
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(nc)
	var said []string
	for i := 0; ; {
		if i < len(sends) {
			nc.Write(sends[i]) // the server may have closed
			i++
		}
		word, last, err := spell(r)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		said = append(said, word)
		if last {
			return strings.ReplaceAll(strings.Join(said, " "), "to 3.0", "to 3.x") // Postgres 15's newest is 3.0
		}
	}
}

// spell reads one answer, and reports whether it is the last.
func spell(r *bufio.Reader) (word string, last bool, err error) {
	typ, err := r.ReadByte()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", false, errors.New("neither answers nor closes")
	}
	if err != nil {
		return "closed", true, nil
	}
	if typ == 'N' { // the one byte; there are no notices so early
		return "N", false, nil
	}
	if next, err := r.Peek(1); typ == 'E' && err == nil && next[0] == 'F' { // protocol 2: text and NUL
		text, err := r.ReadString(0)
		return fmt.Sprintf("E %q", strings.ReplaceAll(text, "to 3.2", "to 3.x")), true, err
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return "", false, err
	}
	body := make([]byte, min(binary.BigEndian.Uint32(length[:])-4, 1<<16))
	if _, err := io.ReadFull(r, body); err != nil {
		return "", false, err
	}
	switch typ {
	case 'R':
		return "R", true, nil
	case 'v':
		var v pgproto3.NegotiateProtocolVersion
		err := v.Decode(body)
		return fmt.Sprintf("v %#x %q", v.NewestMinorProtocol, v.UnrecognizedOptions), false, err
	case 'E':
		var e pgproto3.ErrorResponse
		err := e.Decode(body)
		return fmt.Sprintf("E %s %s %s", e.Severity, e.Code, strings.ReplaceAll(e.Message, "to 3.2", "to 3.x")), true, err
	}
	return "", false, fmt.Errorf("message %q", typ)
}
