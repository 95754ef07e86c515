package reply

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// sink64k keeps rows in a buffer as a client's output buffer does, and drops it at 64 KiB.
type sink64k struct {
	buf  []byte
	rows int
}

func (s *sink64k) Fields(int, []upstream.Field) error { return nil }
func (s *sink64k) NextRow() []byte                    { return append(s.buf, 'D', 0, 0, 0, 0) }
func (s *sink64k) EndRow(b []byte) error {
	s.rows++
	if s.buf = b; len(b) > 64<<10 {
		s.buf = b[:0]
	}
	return nil
}
func (s *sink64k) Complete(int, upstream.Completion) error { return nil }

// benchReply has 200,000 rows of 6 text columns, about 33 MB: a tenth NULL, some escapes.
func benchReply(rows int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	b.WriteString(`{"fields":[`)
	for i := range 6 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"c%d","dataTypeID":25,"tableID":0,"columnID":0,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}`, i)
	}
	b.WriteString(`],"rows":[`)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `["%d"`, i)
		for range 5 {
			switch n := rng.IntN(40); {
			case n < 4:
				b.WriteString(`,null`)
			case n < 6:
				b.WriteString(`,"a line\nwith \"quotes\" and \\ in it"`)
			default:
				fmt.Fprintf(&b, `,"%s"`, strings.Repeat("some text ", 1+n%5))
			}
		}
		b.WriteByte(']')
	}
	fmt.Fprintf(&b, `],"command":"SELECT","rowCount":%d,"rowAsArray":true}`, rows)
	return b.Bytes()
}

func BenchmarkRows(b *testing.B) {
	const rows = 200_000
	text := benchReply(rows)
	var s Scanner
	sink := &sink64k{buf: make([]byte, 0, 128<<10)}
	window := make([]byte, 32<<10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	cpu := cpuSeconds(b)
	for b.Loop() {
		if err := s.Results(bytes.NewReader(text), window, 1, false, sink); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuSeconds(b)-cpu), "MB/CPU-s")
}

// BenchmarkRowsUTF8 has cells beyond ASCII only.
func BenchmarkRowsUTF8(b *testing.B) {
	text := `{"fields":[` + fieldA + `],"rows":[` + strings.Repeat(`["Größenwahn, ça va, 日本語のテキスト"],`, 99_999) + `["é"]],"command":"SELECT","rowCount":100000}`
	var s Scanner
	sink := &sink64k{buf: make([]byte, 0, 128<<10)}
	window := make([]byte, 32<<10)
	b.SetBytes(int64(len(text)))
	cpu := cpuSeconds(b)
	for b.Loop() {
		if err := s.Results(strings.NewReader(text), window, 1, false, sink); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuSeconds(b)-cpu), "MB/CPU-s")
}

// cpuSeconds is the process' CPU time: it holds on a machine that others use too.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// TestRowsAllocateNothing: a reply costs the same allocations whether it has ten rows or ten thousand.
func TestRowsAllocateNothing(t *testing.T) {
	var s Scanner
	sink := &sink64k{buf: make([]byte, 0, 128<<10)}
	window := make([]byte, 32<<10)
	allocs := func(text []byte) float64 {
		return testing.AllocsPerRun(5, func() {
			if err := s.Results(bytes.NewReader(text), window, 1, false, sink); err != nil {
				t.Error(err)
			}
		})
	}
	few, many := allocs(benchReply(10)), allocs(benchReply(10_000))
	if many > few {
		t.Errorf("%v allocations for 10 rows, %v for 10,000", few, many)
	}
	if sink.rows == 0 {
		t.Error("no row came")
	}
}
