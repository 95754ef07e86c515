package jwkstest

import (
	"io"
	"net/http"
	"sync"
)

// Transport answers requests by the issuer without a socket, so that a test in a synctest bubble can let time pass.
func (i *Issuer) Transport() http.RoundTripper { return transport{i} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, out := io.Pipe()
	w := &pipeWriter{header: make(http.Header), out: out, begun: make(chan struct{})}
	go func() {
		defer func() {
			if recover() != nil { // http.ErrAbortHandler: the connection ends in the middle
				w.abort()
				return
			}
			w.WriteHeader(http.StatusOK)
			_ = out.Close()
		}()
		t.handler.ServeHTTP(w, r)
		if r.Context().Err() != nil { // the handler gave up: what it sent must not look whole
			panic(http.ErrAbortHandler)
		}
	}()
	select {
	case <-w.begun:
	case <-r.Context().Done():
		_ = body.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
	switch {
	case w.aborted && r.Context().Err() != nil:
		return nil, r.Context().Err()
	case w.aborted:
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &pipeBody{body, r}, ContentLength: -1, Request: r,
	}, nil
}

// pipeWriter is the handler's side. Its fields are read by RoundTrip after begun is closed.
type pipeWriter struct {
	header  http.Header
	out     *io.PipeWriter
	once    sync.Once
	begun   chan struct{}
	status  int
	sent    http.Header
	aborted bool
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.out.Write(p)
}

// Flush is of http.Flusher: nothing is held back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *pipeWriter) abort() {
	w.once.Do(func() {
		w.aborted = true
		close(w.begun)
	})
	_ = w.out.CloseWithError(io.ErrUnexpectedEOF)
}

// pipeBody gives up with its request, as a connection's body does.
type pipeBody struct {
	*io.PipeReader
	request *http.Request
}

func (b *pipeBody) Read(p []byte) (int, error) {
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-b.request.Context().Done():
			_ = b.CloseWithError(b.request.Context().Err())
		case <-stop:
		}
	}()
	n, err := b.PipeReader.Read(p)
	if err != nil && err != io.EOF && b.request.Context().Err() != nil {
		err = b.request.Context().Err()
	}
	return n, err
}
