package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// startup builds a packet with a true length word.
func startup(code uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(binary.BigEndian.AppendUint32(b, code), body...)
}

const (
	v30 = 3 << 16
	v32 = 3<<16 | 2
)

// wantError checks that err is a *pgerr.Error of that severity, code and message.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok {
		t.Fatalf("error is %v, want %s", err, want)
	}
	if e.Error() != want {
		t.Errorf("error is %s, want %s", e, want)
	}
}

func TestReadStartup(t *testing.T) {
	key256 := strings.Repeat("k", 256)
	long := "user\x00" + strings.Repeat("u", 10000-4-5-2) + "\x00\x00" // exactly MAX_STARTUP_PACKET_LENGTH after the length word
	for _, c := range []struct {
		name   string
		packet []byte
		want   Startup
	}{
		{"SSLRequest", startup(sslRequestCode, ""), SSLRequest{}},
		{"GSSENCRequest", startup(gssencRequestCode, ""), GSSENCRequest{}},
		{"cancel, short key", startup(cancelRequestCode, "\x00\x00\x01\x00abcd"), CancelRequest{ProcessID: 256, SecretKey: []byte("abcd")}},
		{"cancel, long key", startup(cancelRequestCode, "\xff\xff\xff\xff"+key256), CancelRequest{ProcessID: 1<<32 - 1, SecretKey: []byte(key256)}},
		{"no parameters", startup(v30, "\x00"), StartupMessage{Major: 3}},
		{"parameters", startup(v32, "user\x00alice\x00database\x00db\x00\x00"),
			StartupMessage{Major: 3, Minor: 2, Parameters: []Parameter{{"user", "alice"}, {"database", "db"}}}},
		{"duplicates, empty value, no UTF-8", startup(3<<16|9999, "user\x00a\x00user\x00b\x00options\x00\x00x\x00\xff\x00\x00"),
			StartupMessage{Major: 3, Minor: 9999, Parameters: []Parameter{{"user", "a"}, {"user", "b"}, {"options", ""}, {"x", "\xff"}}}},
		{"largest", startup(v30, long), StartupMessage{Major: 3, Parameters: []Parameter{{"user", strings.Repeat("u", 9989)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// What follows the packet must stay unread, and reads may be as short as they like.
			behind := bytes.NewReader(append(bytes.Clone(c.packet), "Q behind"...))
			got, err := ReadStartup(iotest.OneByteReader(behind))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
			if rest, _ := io.ReadAll(behind); string(rest) != "Q behind" {
				t.Errorf("left behind the packet: %q", rest)
			}
		})
	}
}

func TestReadStartupRefuses(t *testing.T) {
	word := func(n uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), "\x00\x03\x00\x00user\x00"...)
	}
	const (
		length = "FATAL 08P01: invalid length of startup packet"
		layout = "FATAL 08P01: invalid startup packet layout: expected terminator as last byte"
		cancel = "FATAL 08P01: invalid length of query cancel packet"
	)
	for _, c := range []struct {
		name   string
		packet []byte
		want   string
	}{
		{"length 0", word(0), length},
		{"length 3", word(3), length},
		{"length 7", word(7), length},
		{"length 10005", word(10005), length},
		{"length 2^31-1", word(1<<31 - 1), length},
		{"length negative", word(1<<32 - 1), length},
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), length},
		{"nothing behind the version", startup(v30, ""), layout},
		{"no terminator", startup(v30, "user\x00a\x00"), layout},
		{"no value", startup(v30, "user\x00"), layout},
		{"name without end", startup(v30, "user"), layout},
		{"bytes behind the terminator", startup(v30, "user\x00a\x00\x00x"), layout},
		{"second terminator", startup(v30, "user\x00a\x00\x00\x00"), layout},
		{"SSLRequest with more in it", startup(sslRequestCode, "x"), length},
		{"cancel without key", startup(cancelRequestCode, "\x00\x00\x00\x01"), cancel},
		{"cancel with 3 bytes of key", startup(cancelRequestCode, "\x00\x00\x00\x01abc"), cancel},
		{"cancel with 257 bytes of key", startup(cancelRequestCode, "\x00\x00\x00\x01"+strings.Repeat("k", 257)), cancel},
		{"protocol 2.0", startup(2<<16, "user\x00a\x00\x00"), "FATAL 0A000: unsupported frontend protocol 2.0: server supports 3.0 to 3.2"},
		{"protocol 4.0", startup(4<<16, ""), "FATAL 0A000: unsupported frontend protocol 4.0: server supports 3.0 to 3.2"},
		{"odd request code", startup(1234<<16|5681, ""), "FATAL 0A000: unsupported frontend protocol 1234.5681: server supports 3.0 to 3.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadStartup(bytes.NewReader(c.packet))
			wantError(t, err, c.want)
		})
	}
}

func TestReadStartupEnds(t *testing.T) {
	packet := startup(v30, "user\x00a\x00\x00")
	for n := range packet {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := ReadStartup(bytes.NewReader(packet[:n])); err != want {
			t.Errorf("after %d bytes: %v, want %v", n, err, want)
		}
	}
}

func TestReadStartupManyParameters(t *testing.T) {
	got, err := ReadStartup(bytes.NewReader(startup(v30, strings.Repeat("a\x00\x00", 3000)+"\x00")))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.(StartupMessage).Parameters); n != 3000 {
		t.Errorf("%d parameters, want 3000", n)
	}
}

func FuzzReadStartup(f *testing.F) {
	f.Add(startup(sslRequestCode, ""))
	f.Add(startup(cancelRequestCode, "\x00\x00\x00\x01abcd"))
	f.Add(startup(v32, "user\x00alice\x00database\x00db\x00\x00"))
	f.Add(startup(v30, "user\x00\x00\x00\x00"))
	f.Add([]byte{0, 0, 0x27, 0x14, 0, 3, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := bytes.NewReader(data)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := ReadStartup(whole)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(64*len(data)+64<<10) {
			t.Errorf("%d bytes allocated for %d received", grown, len(data))
		}
		if err == nil {
			declared := int(binary.BigEndian.Uint32(data))
			if read := len(data) - whole.Len(); read != declared {
				t.Errorf("%d bytes read of a packet of %d", read, declared)
			}
		}
		split, splitErr := ReadStartup(iotest.HalfReader(bytes.NewReader(data)))
		if !reflect.DeepEqual(got, split) || (err == nil) != (splitErr == nil) {
			t.Errorf("whole: %#v, %v; split: %#v, %v", got, err, split, splitErr)
		}
	})
}
