package neon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// flight watches one attempt: which connection it got and whether its body is still in use. Its hooks are called by the
// transport's goroutines, perhaps after the attempt has been given up.
type flight struct {
	mu    sync.Mutex
	conn  *conn // nil until one of ours is got
	num   int   // the request's number on conn
	other bool  // a connection that is not ours was got
	wrote bool  // the transport is done with the body

	body *trackedBody // of a foreign transport
}

func (f *flight) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if c, ok := info.Conn.(*conn); ok {
				f.conn, f.num = c, c.begin()
			} else {
				f.other = true
			}
		},
		WroteRequest: func(httptrace.WroteRequestInfo) {
			f.mu.Lock()
			f.wrote = true
			f.mu.Unlock()
		},
	}
}

// nothingWritten reports whether no byte of the request has left, nor ever will.
func (f *flight) nothingWritten() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.conn != nil:
		return f.conn.sealIfUnused()
	case f.other:
		return false
	case f.body != nil:
		return f.body.untouched()
	default:
		return true // no connection was ever got
	}
}

// expect tells the connection how long the reply's body is, -1 if only its framing tells.
func (f *flight) expect(length int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.expect(f.num, length)
	}
}

// bodyFree reports whether the transport will not read the request's body any more.
func (f *flight) bodyFree() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrote || f.conn == nil && !f.other && f.body == nil
}

// request makes the HTTP request of one attempt.
func (c *Client) request(ctx context.Context, f *flight, header http.Header, body []byte) *http.Request {
	r := &http.Request{
		Method:        http.MethodPost,
		URL:           c.url,
		Host:          c.url.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		ContentLength: int64(len(body)),
	}
	if c.foreign {
		f.body = &trackedBody{r: bytes.NewReader(body)}
		r.Body = f.body
	} else {
		// This form lets net/http put header and body into one write.
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return r.WithContext(httptrace.WithClientTrace(ctx, f.trace()))
}

// trackedBody knows whether it was read, for transports that report no connection.
type trackedBody struct {
	mu     sync.Mutex
	r      *bytes.Reader
	used   bool
	closed bool
}

func (b *trackedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, io.ErrClosedPipe
	}
	b.used = true
	return b.r.Read(p)
}

func (b *trackedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// untouched reports whether the body was never read, and then makes sure that it never will be.
func (b *trackedBody) untouched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		return false
	}
	b.closed = true
	return true
}
