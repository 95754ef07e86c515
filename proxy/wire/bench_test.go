package wire

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// loop is a net.Conn whose peer sends data over and over.
type loop struct {
	net.Conn
	data []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	if l.at == len(l.data) {
		l.at = 0
	}
	n := copy(p, l.data[l.at:])
	l.at += n
	return n, nil
}

// The messages of one execution of a prepared statement.
func BenchmarkReceiveCycle(b *testing.B) {
	data := encode(
		&pgproto3.Bind{Parameters: [][]byte{[]byte("1"), []byte("some text")}, ResultFormatCodes: []int16{0}},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	c := NewConn(&loop{data: data}, Limits{})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for range 4 {
			if _, err := c.Receive(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// The one allocation is the statement's text, which is the caller's own.
func BenchmarkReceiveQuery(b *testing.B) {
	data := encode(&pgproto3.Query{String: "select id, task from todos where id = 42"})
	c := NewConn(&loop{data: data}, Limits{})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := c.Receive(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReceiveLargeBind(b *testing.B) {
	data := encode(&pgproto3.Bind{Parameters: [][]byte{make([]byte, 8<<20)}})
	c := NewConn(&loop{data: data}, Limits{})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := c.Receive(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSendRow(b *testing.B) {
	s := &script{}
	c := NewConn(s, Limits{})
	row := &pgproto3.DataRow{Values: [][]byte{[]byte("42"), []byte("some text"), nil}}
	b.ReportAllocs()
	for b.Loop() {
		c.Send(row)
		if err := c.FlushIfFull(); err != nil {
			b.Fatal(err)
		}
		s.written = s.written[:0]
	}
}

// BenchmarkIdleConn reports what a connection costs here while its client is silent after a first statement: the Conn, and
// the stack of the goroutine that waits in Receive, the pipe's own memory included.
func BenchmarkIdleConn(b *testing.B) {
	const conns = 1000
	statement := encode(&pgproto3.Query{String: "select 1"})
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var clients []net.Conn
		for range conns {
			server, client := net.Pipe()
			clients = append(clients, client)
			c := NewConn(server, Limits{})
			go func() {
				for {
					if _, err := c.Receive(); err != nil {
						return
					}
					c.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
					if c.Flush() != nil {
						return
					}
				}
			}()
			answer := make([]byte, 6)
			if _, err := client.Write(statement); err != nil {
				b.Fatal(err)
			}
			if _, err := client.Read(answer); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.GC() // the pool lets go at the second
		runtime.ReadMemStats(&after)
		used := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
		b.ReportMetric(float64(used)/conns, "B/conn")
		for _, client := range clients {
			_ = client.SetDeadline(time.Now())
			_ = client.Close()
		}
	}
}
