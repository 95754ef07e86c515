package jwkstest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Fault is what the key set's address does wrong. The zero value is a healthy answer.
type Fault struct {
	Status   int           // instead of 200
	Location string        // of a redirect, with a Status of 3xx
	Body     []byte        // instead of the key set; nil: the key set
	Type     string        // Content-Type; default application/json
	Delay    time.Duration // before the first byte
	Drip     time.Duration // pause after each byte of the body
	Size     int64         // that many spaces before the body: a body of any size
	Gzip     bool          // compress body and spaces, and say so
	CloseAt  int           // the connection ends after that many bytes of the body; 0: it does not, negative: before the answer
	Hang     bool          // no answer until the fault is replaced or the issuer closed
}

// Faults by name.
func Outage() Fault {
	return Fault{Status: http.StatusServiceUnavailable, Body: []byte("down"), Type: "text/plain"}
}
func Slow(d time.Duration) Fault { return Fault{Delay: d} }
func Drip(d time.Duration) Fault { return Fault{Drip: d} }
func HTML() Fault {
	return Fault{Body: []byte("<!DOCTYPE html><title>Sign in</title>"), Type: "text/html"}
}
func Huge() Fault                           { return Fault{Size: 1 << 30} }
func GzipBomb() Fault                       { return Fault{Size: 1 << 30, Gzip: true} }
func Redirect(status int, to string) Fault  { return Fault{Status: status, Location: to} }
func Body(format string, args ...any) Fault { return Fault{Body: fmt.Appendf(nil, format, args...)} }

// SetFault replaces the fault; Fault{} ends it.
func (i *Issuer) SetFault(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = f
	close(i.release)
	i.release = make(chan struct{})
}

func (f Fault) serve(w http.ResponseWriter, r *http.Request, body []byte, release, closed <-chan struct{}) {
	if f.Hang {
		wait(r, nil, release, closed)
	}
	if f.Delay > 0 && !wait(r, time.After(f.Delay), release, closed) {
		return
	}
	if f.Body != nil {
		body = f.Body
	}
	w.Header().Set("Content-Type", "application/json")
	if f.Type != "" {
		w.Header().Set("Content-Type", f.Type)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if f.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if f.CloseAt < 0 {
		panic(http.ErrAbortHandler)
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	f.write(w, r, io.MultiReader(io.LimitReader(spaces{}, f.Size), bytes.NewReader(body)), closed)
}

func (f Fault) write(w http.ResponseWriter, r *http.Request, body io.Reader, closed <-chan struct{}) {
	switch {
	case f.CloseAt > 0:
		_, _ = io.CopyN(w, body, int64(f.CloseAt))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case f.Gzip:
		z := gzip.NewWriter(w)
		_, _ = io.Copy(z, body)
		_ = z.Close()
	case f.Drip > 0:
		one := make([]byte, 1)
		for {
			if _, err := body.Read(one); err != nil {
				return
			}
			_, _ = w.Write(one)
			_ = http.NewResponseController(w).Flush()
			if !wait(r, time.After(f.Drip), nil, closed) {
				return
			}
		}
	default:
		_, _ = io.Copy(w, body)
	}
}

// wait reports whether the time came, before the client went or the issuer was closed.
func wait(r *http.Request, after <-chan time.Time, release, closed <-chan struct{}) bool {
	select {
	case <-after:
	case <-release:
	case <-closed:
		return false
	case <-r.Context().Done():
		return false
	}
	return true
}

// spaces is endless white space, which JSON allows before a value.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
