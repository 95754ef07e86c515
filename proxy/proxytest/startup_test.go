package proxytest

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// TestStartupPackets sends first packets as no client builds them.
func TestStartupPackets(t *testing.T) {
	s := startStack(t)
	const v30, cancelRequest = 3 << 16, 1234<<16 | 5678
	packet := func(code uint32, body string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
		return append(binary.BigEndian.AppendUint32(b, code), body...)
	}
	length := func(n uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), packet(v30, "user\x00x\x00\x00")[4:]...)
	}
	user := "user\x00authenticated\x00"
	for _, c := range []struct {
		name   string
		packet func(database string) []byte
	}{
		{"length 0", func(string) []byte { return length(0) }},
		{"length 7", func(string) []byte { return length(7) }},
		{"length 10005", func(string) []byte { return length(10005) }},
		{"length negative", func(string) []byte { return length(1<<32 - 1) }},
		{"HTTP", func(string) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") }},
		{"cancel without key", func(string) []byte { return packet(cancelRequest, "\x00\x00\x00\x01") }},
		{"cancel with a wrong key", func(string) []byte { return packet(cancelRequest, "\x00\x00\x00\x01abcd") }},
		{"the largest", func(db string) []byte {
			head := user + "database\x00" + db + "\x00application_name\x00"
			return packet(v30, head+strings.Repeat("x", 10000-4-len(head)-2)+"\x00\x00")
		}},
		{"no terminator", func(db string) []byte { return packet(v30, user+"database\x00"+db+"\x00") }},
		{"a name without value", func(string) []byte { return packet(v30, user+"database\x00") }},
		{"bytes behind the terminator", func(db string) []byte { return packet(v30, user+"database\x00"+db+"\x00\x00x") }},
		{"two terminators", func(db string) []byte { return packet(v30, user+"database\x00"+db+"\x00\x00\x00") }},
		{"nothing but the version", func(string) []byte { return packet(v30, "") }},
		{"no user", func(db string) []byte { return packet(v30, "database\x00"+db+"\x00\x00") }},
		{"an empty user", func(db string) []byte { return packet(v30, "user\x00\x00database\x00"+db+"\x00\x00") }},
		{"the user twice", func(db string) []byte { return packet(v30, "user\x00nobody\x00"+user+"database\x00"+db+"\x00\x00") }},
		{"an unknown database", func(string) []byte { return packet(v30, user+"database\x00nope\x00\x00") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			direct := s.oracle.Target("alice")
			want := answerTo(t, direct, c.packet(direct.Database))
			through := s.target(t, "alice")
			got := answerTo(t, through, c.packet(through.Database))
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// answerTo sends a first packet, and prints what comes up to the point where a login would go on.
func answerTo(t *testing.T, target Target, packet []byte) []string {
	t.Helper()
	c, err := target.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.nc.Close()
	if err := c.write(packet); err != nil {
		t.Fatal(err)
	}
	for {
		typ, body, err := c.read()
		if err != nil {
			_ = c.ended(err) // noted in the transcript
			return c.transcript.take()
		}
		if typ == 'R' {
			return []string{"(login goes on)"}
		}
		c.transcript.message(typ, body)
	}
}
