package neontest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Fault is what a request gets instead of, or around, its answer. The zero value changes nothing.
type Fault struct {
	// Status other than 0 is answered, with Body and Header, without running anything.
	Status int
	Header http.Header
	Body   string

	// Run lets the statements run first even if Status or Body replace the answer.
	Run bool
	// Delay passes before the first byte of the answer.
	Delay time.Duration
	// Close ends the connection without any answer, after Run if that is set.
	Close bool
	// CutAfter ends the connection after so many bytes of the body, if it is above 0. The Content-Length is the whole body's.
	CutAfter int
	// Drip sends the body byte by byte with this pause between.
	Drip time.Duration
	// Gzip compresses the body, asked for or not.
	Gzip bool
	// Chunked leaves Content-Length out.
	Chunked bool
	// OnReuse spares requests that are the first on their connection: those do not use the fault up.
	OnReuse bool
}

// faultList holds the faults to come.
type faultList struct {
	mu   sync.Mutex
	list []Fault
}

// Fault lets the next n requests have the fault f, after those that were told before.
func (s *Server) Fault(n int, f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for range n {
		s.faults.list = append(s.faults.list, f)
	}
}

// ClearFaults forgets the faults that no request has had yet, and returns their number.
func (s *Server) ClearFaults() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	n := len(s.faults.list)
	s.faults.list = nil
	return n
}

// take returns the fault of a request; reused says that its connection had one before.
func (l *faultList) take(reused bool) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 || l.list[0].OnReuse && !reused {
		return Fault{}, false
	}
	f := l.list[0]
	l.list = l.list[1:]
	return f, true
}

// serve answers a request with the fault; run gives the true answer.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, run func(http.ResponseWriter)) {
	truth := &recorder{header: http.Header{}, code: http.StatusOK}
	if f.Run || f.Status == 0 && !f.Close {
		run(truth)
	}
	if f.Delay > 0 && !pause(r, f.Delay) || f.Close {
		panic(http.ErrAbortHandler)
	}
	status, body := truth.code, truth.body.Bytes()
	for name, values := range truth.header {
		w.Header()[name] = values
	}
	if f.Status != 0 {
		status, body = f.Status, []byte(f.Body)
	}
	for name, values := range f.Header {
		w.Header()[name] = values
	}
	if f.Gzip {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(body) // into memory
		_ = z.Close()
		body = packed.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if f.Chunked {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(status)
	cut := f.CutAfter > 0 && f.CutAfter < len(body)
	if cut {
		body = body[:f.CutAfter]
	}
	flush := http.NewResponseController(w).Flush
	step := len(body)
	if f.Drip > 0 {
		step = 1
	}
	for len(body) > 0 {
		if _, err := w.Write(body[:step]); err != nil || flush() != nil {
			return
		}
		if body = body[step:]; f.Drip > 0 && len(body) > 0 && !pause(r, f.Drip) {
			return
		}
	}
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// pause waits for d; false if the client went before.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
