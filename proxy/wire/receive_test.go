package wire

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// session is one of every message, as a client encodes them.
func session() []byte {
	return encode(
		&pgproto3.Query{String: "select 'ä'"},
		&pgproto3.Query{},
		&pgproto3.Parse{Name: "s", Query: "select $1::int4, $2", ParameterOIDs: []uint32{23, 0}},
		&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", ParameterFormatCodes: []int16{0, 1},
			Parameters: [][]byte{[]byte("1"), nil}, ResultFormatCodes: []int16{0}},
		&pgproto3.Bind{Parameters: [][]byte{{}, {0xff, 0}}},
		&pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Describe{ObjectType: 'P'},
		&pgproto3.Execute{Portal: "p", MaxRows: 7},
		&pgproto3.Close{ObjectType: 'P', Name: "p"},
		&pgproto3.Flush{},
		&pgproto3.Sync{},
		&pgproto3.CopyData{Data: []byte("1\t2\n")},
		&pgproto3.CopyDone{},
		&pgproto3.CopyFail{Message: "no"},
		&pgproto3.FunctionCall{Function: 99, ArgFormatCodes: []uint16{0}, Arguments: [][]byte{[]byte("x"), nil}, ResultFormatCode: 1},
		&pgproto3.Query{String: strings.Repeat("x", 3*bufferSize)},
		&pgproto3.Terminate{},
	)
}

var sessionTranscript = []string{
	`*pgproto3.Query "&{String:select 'ä'}"`,
	`*pgproto3.Query "&{String:}"`,
	`Parse "s" "select $1::int4, $2" [23 0]`,
	`Bind "p" "s" [0 1] [ "1" NULL] [0]`,
	`Bind "" "" [] [ "" "\xff\x00"] []`,
	`*pgproto3.Describe "&{ObjectType:83 Name:s}"`,
	`*pgproto3.Describe "&{ObjectType:80 Name:}"`,
	`*pgproto3.Execute "&{Portal:p MaxRows:7}"`,
	`*pgproto3.Close "&{ObjectType:80 Name:p}"`,
	`*pgproto3.Flush "&{}"`,
	`*pgproto3.Sync "&{}"`,
	`CopyData "1\t2\n"`,
	`*pgproto3.CopyDone "&{}"`,
	`*pgproto3.CopyFail "&{Message:no}"`,
	`FunctionCall 99 [0] ["x" ""] 1`,
	`*pgproto3.Query "&{String:` + strings.Repeat("x", 3*bufferSize) + `}"`,
	`*pgproto3.Terminate "&{}"`,
	`EOF`,
}

func TestReceiveSplitAnywhere(t *testing.T) {
	for _, chunk := range []int{0, 1, 2, 3, 5, 7, 4096, bufferSize - 1, bufferSize} {
		got := transcript(NewConn(&script{data: session(), chunk: chunk}, Limits{}))
		if !slices.Equal(got, sessionTranscript) {
			t.Errorf("in chunks of %d:\n%s\nwant\n%s", chunk, strings.Join(got, "\n"), strings.Join(sessionTranscript, "\n"))
		}
	}
}

// A message that lies over the buffer's end, wherever the one before it ended.
func TestReceiveAcrossTheBuffersEnd(t *testing.T) {
	for pad := bufferSize - 40; pad <= bufferSize+5; pad++ {
		data := encode(&pgproto3.CopyData{Data: bytes.Repeat([]byte{'a'}, pad)},
			&pgproto3.Bind{Parameters: [][]byte{[]byte("0123456789")}}, &pgproto3.Sync{})
		got := transcript(NewConn(&script{data: data}, Limits{}))
		if len(got) != 4 || got[1] != `Bind "" "" [] [ "0123456789"] []` || got[3] != "EOF" {
			t.Errorf("behind %d bytes: %q", pad, got[1:])
		}
	}
}

func TestReceiveRefusesFraming(t *testing.T) {
	const length = "FATAL 08P01: invalid message length"
	small := Limits{Message: 1000, Small: 20}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"type 0", []byte{0}, "FATAL 08P01: invalid frontend message type 0"},
		{"type 255", []byte{255, 0, 0, 0, 4}, "FATAL 08P01: invalid frontend message type 255"},
		{"password after login", message('p', "x\x00"), "FATAL 08P01: invalid frontend message type 112"},
		{"TLS hello", []byte{0x16, 3, 1}, "FATAL 08P01: invalid frontend message type 22"},
		{"length 0", header('S', 0), length},
		{"length 3", header('Q', 3), length},
		{"length negative", header('Q', 1<<31), length},
		{"length -1", header('Q', 1<<32-1), length},
		{"length 4 GiB wrap", header('B', 1<<31-1), length},
		{"over the large limit", header('Q', 1001), length},
		{"over the small limit", header('E', 21), length},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewConn(&script{data: c.data}, small).Receive()
			wantError(t, err, c.want)
		})
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"at the large limit", message('d', strings.Repeat("x", 996))},
		{"at the small limit", message('D', "S"+strings.Repeat("x", 14)+"\x00")},
	} {
		if _, err := NewConn(&script{data: c.data}, small).Receive(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A type is refused before its length arrives, a length before its body: nobody waits for what is refused.
func TestReceiveRefusesEarly(t *testing.T) {
	stuck := errors.New("would have waited")
	for _, data := range [][]byte{{'!'}, header('Q', 1<<30)} {
		_, err := NewConn(&script{data: data, failRead: stuck}, Limits{}).Receive()
		if err == nil || errors.Is(err, stuck) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestReceiveEnds(t *testing.T) {
	data := message('Q', "select 1\x00")
	for n := range data {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := NewConn(&script{data: data[:n]}, Limits{}).Receive(); err != want {
			t.Errorf("after %d bytes: %v, want %v", n, err, want)
		}
	}
	large := message('Q', strings.Repeat("x", 10*bufferSize)+"\x00")
	if _, err := NewConn(&script{data: large[:9*bufferSize]}, Limits{}).Receive(); err != io.ErrUnexpectedEOF {
		t.Errorf("within a large message: %v", err)
	}
}

// After a deadline has woken the reader, Receive goes on where it stood.
func TestReceiveResumes(t *testing.T) {
	for _, body := range []string{"select 1\x00", strings.Repeat("x", 5*bufferSize) + "\x00"} {
		data := message('Q', body)
		for _, at := range []int{0, 1, 4, 5, 6, len(data) / 2, len(data) - 1} {
			s := &script{data: data[:at], failRead: errDeadline}
			c := NewConn(s, Limits{})
			if _, err := c.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("after %d bytes: %v", at, err)
			}
			s.data, s.failRead = append(bytes.Clone(data[at:]), message('S', "")...), nil
			msg, err := c.Receive()
			if err != nil {
				t.Fatalf("resumed after %d of %d bytes: %v", at, len(data), err)
			}
			if q := msg.(*pgproto3.Query).String; q != body[:len(body)-1] {
				t.Errorf("resumed after %d of %d bytes: %d bytes of text", at, len(data), len(q))
			}
			if _, err := c.Receive(); err != nil || c.Type() != 'S' {
				t.Errorf("behind it: %c %v", c.Type(), err)
			}
		}
	}
}

// A declared length costs nothing until the bytes come.
func TestReceiveGrowsWithArrival(t *testing.T) {
	for _, arrived := range []int{10, 100 << 10, 1 << 20} {
		data := append(header('Q', 64<<20), make([]byte, arrived)...)
		c := NewConn(&script{data: data, chunk: 16 << 10}, Limits{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.Receive()
		runtime.ReadMemStats(&after)
		if err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(4*arrived+128<<10) {
			t.Errorf("%d bytes allocated for %d received", grown, arrived)
		}
	}
}

func TestIdleHoldsNoBuffer(t *testing.T) {
	s := &script{data: encode(&pgproto3.Bind{Parameters: make([][]byte, 1000)}, &pgproto3.Sync{}), failRead: errDeadline}
	c := NewConn(s, Limits{})
	if c.Buffered() {
		t.Error("a byte is buffered before the first read")
	}
	if _, err := c.Receive(); err != nil {
		t.Fatal(err)
	}
	if !c.Buffered() {
		t.Error("the Sync behind the Bind is not seen")
	}
	if _, err := c.Receive(); err != nil {
		t.Fatal(err)
	}
	if c.Buffered() {
		t.Error("a byte is buffered behind the last message")
	}
	if _, err := c.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if c.in.buf != nil || c.in.large != nil || c.out != nil {
		t.Error("an idle connection holds a buffer")
	}
	if n := cap(c.messages.bind.Parameters); n > maxKept {
		t.Errorf("room for %d parameters is kept", n)
	}
}

// Race builds overwrite what must not be read any more.
func TestMessageDiesAtTheNextReceive(t *testing.T) {
	if !poisoned {
		t.Skip("only race builds poison their buffers")
	}
	c := NewConn(&script{data: encode(
		&pgproto3.Bind{Parameters: [][]byte{[]byte("secret")}, ResultFormatCodes: []int16{1}},
		&pgproto3.Sync{})}, Limits{})
	msg, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	bind := msg.(*pgproto3.Bind)
	param, codes := bind.Parameters[0], bind.ResultFormatCodes
	if string(param) != "secret" {
		t.Fatalf("parameter is %q", param)
	}
	if _, err := c.Receive(); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(string(param), "secret") || codes[0] == 1 {
		t.Errorf("after the next Receive: %q, %v", param, codes)
	}
}

// Strings are the caller's own: a statement's text outlives its message.
func TestStringsOutliveTheMessage(t *testing.T) {
	long := strings.Repeat("y", 2*bufferSize)
	c := NewConn(&script{data: encode(
		&pgproto3.Parse{Name: "name", Query: "select 1"}, &pgproto3.Parse{Name: "long", Query: long},
		&pgproto3.Sync{}, &pgproto3.Query{String: strings.Repeat("z", 2*bufferSize)})}, Limits{})
	var texts []string
	for range 4 {
		msg, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := msg.(*pgproto3.Parse); ok {
			texts = append(texts, p.Name, p.Query)
		}
	}
	if want := []string{"name", "select 1", "long", long}; !slices.Equal(texts, want) {
		t.Errorf("kept texts changed: %.80q", texts)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(session(), uint16(1), uint16(3))
	f.Add(message('B', "\x00\x00\xff\xff\x00\x00"), uint16(2), uint16(1))
	f.Add(message('B', "\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00"), uint16(2), uint16(7))
	f.Add(message('P', "a\x00b\x00\xff\xff"), uint16(2), uint16(8000))
	f.Add(append(header('d', 1<<20), "x"...), uint16(9), uint16(2))
	f.Add(message('Q', "\xc3\x28\x00"), uint16(9), uint16(2))
	limits := Limits{Message: 4 << 20}
	f.Fuzz(func(t *testing.T, data []byte, first, second uint16) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := NewConn(&script{data: data}, limits)
		messages := 0
		for {
			_, err := c.Receive()
			if err != nil && !isRecoverable(err) {
				break
			}
			messages++
		}
		runtime.ReadMemStats(&after)
		// An error value and its text are the largest of what a message of 5 bytes can cost; a parameter's slice header costs 24
		// bytes for 4 received.
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(64*len(data)+1024*messages+256<<10) {
			t.Errorf("%d bytes allocated for %d received in %d messages", grown, len(data), messages)
		}
		whole := transcript(NewConn(&script{data: data}, limits))
		for _, chunk := range []int{1, 1 + int(first)%bufferSize, 1 + int(second)} {
			split := transcript(NewConn(&script{data: data, chunk: chunk}, limits))
			if !slices.Equal(whole, split) {
				t.Fatalf("in chunks of %d:\n%q\nwhole:\n%q", chunk, split, whole)
			}
		}
	})
}
