package wire

import (
	"io"
	"strings"
	"testing"
)

const maxPassword = 65535

func TestReadPassword(t *testing.T) {
	for _, password := range []string{"", "x", strings.Repeat("t", 1231), strings.Repeat("t", maxPassword-5)} {
		for _, chunk := range []int{0, 1} {
			s := &script{data: append(message('p', password+"\x00"), message('S', "")...), chunk: chunk}
			c := NewConn(s, Limits{})
			got, err := c.ReadPassword(maxPassword)
			if err != nil || got != password {
				t.Fatalf("password of %d bytes: %d bytes, %v", len(password), len(got), err)
			}
			if msg, err := c.Receive(); err != nil || c.Type() != 'S' {
				t.Errorf("behind the password: %T %v", msg, err)
			}
		}
	}
}

func TestReadPasswordRefuses(t *testing.T) {
	const size = "FATAL 08P01: invalid password packet size"
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"Query", message('Q', "select 1\x00"), "FATAL 08P01: expected password response, got message type 81"},
		{"Terminate", message('X', ""), "FATAL 08P01: expected password response, got message type 88"},
		{"CopyData", message('d', "x"), "FATAL 08P01: expected password response, got message type 100"},
		{"length 3", header('p', 3), "FATAL 08P01: invalid message length"},
		{"length negative", header('p', 1<<32-1), "FATAL 08P01: invalid message length"},
		{"length 65536", header('p', 65536), "FATAL 08P01: invalid message length"},
		{"length 1 GB", header('p', 1<<30), "FATAL 08P01: invalid message length"},
		{"no body", message('p', ""), size},
		{"no terminator", message('p', "x"), size},
		{"NUL in the middle", message('p', "x\x00y\x00"), size},
		{"two terminators", message('p', "x\x00\x00"), size},
	} {
		_, err := NewConn(&script{data: c.data}, Limits{}).ReadPassword(maxPassword)
		t.Run(c.name, func(t *testing.T) { wantError(t, err, c.want) })
	}
}

func TestReadPasswordEnds(t *testing.T) {
	data := message('p', "secret\x00")
	for n := range data {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := NewConn(&script{data: data[:n]}, Limits{}).ReadPassword(maxPassword); err != want {
			t.Errorf("after %d bytes: %v, want %v", n, err, want)
		}
	}
}

// spy keeps every slice that was read into.
type spy struct {
	script
	seen [][]byte
}

func (s *spy) Read(p []byte) (int, error) {
	n, err := s.script.Read(p)
	s.seen = append(s.seen, p[:n])
	return n, err
}

func TestReadPasswordLeavesNoCopy(t *testing.T) {
	for _, tail := range []string{"\x00", "\x00\x00", ""} { // accepted, refused, cut short
		s := &spy{script: script{data: message('p', strings.Repeat("secret", 1000)+"\x00"+tail)}}
		if tail == "" {
			s.data = s.data[:5000]
		}
		_, _ = NewConn(s, Limits{}).ReadPassword(maxPassword)
		for _, b := range s.seen {
			if strings.Contains(string(b), "secret") {
				t.Errorf("tail %q: %d bytes of the password are left in memory", tail, len(b))
			}
		}
	}
}
