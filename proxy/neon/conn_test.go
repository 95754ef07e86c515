package neon

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// script is a connection that gives what it is told, piece by piece, and takes everything.
type script struct {
	net.Conn
	pieces chan string
}

func (s *script) Read(p []byte) (int, error) {
	text, ok := <-s.pieces
	if !ok {
		return 0, io.EOF
	}
	return copy(p, text), nil
}
func (s *script) Write(p []byte) (int, error) { return len(p), nil }
func (s *script) Close() error                { return nil }

// TestConnLetsOnlyRepliesThrough drives a connection as net/http does, at moments that a socket gives only by chance.
func TestConnLetsOnlyRepliesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		buf := make([]byte, 4096)
		read := func(c *conn) string {
			n, err := c.Read(buf)
			if err != nil {
				return err.Error()
			}
			return string(buf[:n])
		}
		start := func() (*conn, *script) {
			s := &script{pieces: make(chan string, 9)}
			c := newConn(s)
			return c, s
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		const header = "HTTP/1.1 200 OK\r\n\r\n"

		// The header goes through, its body when its length is known, and nothing more.
		c, s := start()
		request := c.begin()
		_, _ = c.Write([]byte("x"))
		s.pieces <- header + "abcdef"
		want(read(c), header)
		c.expect(request, 4)
		want(read(c), "abcd")
		want(read(c), errUnsolicited.Error())
		c.begin()
		if _, err := c.Write([]byte("x")); err != errSealed {
			t.Errorf("%v", err)
		}

		// Bytes that come before a request was written.
		c, s = start()
		s.pieces <- "x"
		want(read(c), errUnsolicited.Error())

		// Bytes behind a reply of unknown length are net/http's to judge.
		c, s = start()
		request = c.begin()
		_, _ = c.Write([]byte("x"))
		s.pieces <- header
		want(read(c), header)
		c.expect(request, -1)
		s.pieces <- "abc"
		want(read(c), "abc")

		// A reader waits for the length of a body when the next request begins: its bytes are nobody's.
		c, s = start()
		request = c.begin()
		_, _ = c.Write([]byte("x"))
		s.pieces <- header
		want(read(c), header)
		s.pieces <- "forged"
		done := make(chan string)
		go func() { done <- read(c) }()
		synctest.Wait()
		c.begin()
		c.expect(request, 6)
		want(<-done, errUnsolicited.Error())
		if n, err := c.Write([]byte("x")); n != 0 || err != errSealed {
			t.Errorf("%d, %v", n, err)
		}

		// ... or when the connection is closed.
		c, s = start()
		c.begin()
		_, _ = c.Write([]byte("x"))
		s.pieces <- header + "abc"
		want(read(c), header)
		go func() { done <- read(c) }()
		synctest.Wait()
		_ = c.Close()
		want(<-done, net.ErrClosed.Error())
	})
}

// FuzzHeader: wherever a reply is split, the end of its header is where net/http finds it.
func FuzzHeader(f *testing.F) {
	for _, text := range []string{"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", "HTTP/1.1 102 P\r\n\r\nHTTP/1.1   103 E\n\nHTTP/1.1 400 B\r\nA: b\n\nbody",
		"HTTP/1.1 200 OK\nA: b\r\r\nB: c\n\r\nx", "HTTP/1.1 101 S\r\n\r\n", "\r\n\r\n"} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		var h header
		at := 0
		for step := 1 + int(piece); at < len(data) && !h.done; {
			at += h.scan(data[at:min(at+step, len(data))])
		}
		// net/http's way: interim replies, then one that is none.
		rest := bytes.NewReader(data)
		for {
			br := bufio.NewReader(rest)
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				if h.done && (err == io.EOF || err == io.ErrUnexpectedEOF) {
					t.Fatalf("%q: header ends at %d, net/http waits for more", data, at)
				}
				return
			}
			end := len(data) - rest.Len() - br.Buffered()
			if resp.StatusCode == http.StatusSwitchingProtocols {
				return // the connection is given up
			}
			if resp.StatusCode < 100 || resp.StatusCode > 199 {
				if !h.done || at != end {
					t.Fatalf("%q: header ends at %d (%v), net/http says %d", data, at, h.done, end)
				}
				return
			}
			rest = bytes.NewReader(data[end:])
			data, at = data[end:], at-end
		}
	})
}
