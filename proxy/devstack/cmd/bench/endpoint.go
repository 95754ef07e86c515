package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The statements that the endpoint answers by itself, so that neither a database nor its stand-in is measured.
const (
	oneStatement  = "select 1 as one"
	rowsStatement = "select * from sixty_four_megabytes"
)

// replySize is the limit of a reply by default, in bytes.
const replySize = 64 << 20

// endpoint answers the two statements with replies that are ready, and hands all else to Neon's stand-in.
type endpoint struct {
	url    string
	server *http.Server
	one    []byte
	rows   []byte
}

func newEndpoint(ctx context.Context, behind string) (*endpoint, error) {
	target, err := url.Parse(behind)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{
		url: "http://" + l.Addr().String() + "/sql",
		one: []byte(`{"fields":[{"name":"one","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,"format":"text"}],` +
			`"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}`),
		rows: rowsReply(replySize),
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = target.Scheme, target.Host, target.Path
	}}
	e.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		switch {
		case bytes.Contains(body, []byte(oneStatement)):
			reply(w, e.one)
		case bytes.Contains(body, []byte(rowsStatement)):
			reply(w, e.rows)
		default:
			r.Body = io.NopCloser(bytes.NewReader(body))
			pass.ServeHTTP(w, r)
		}
	})}
	go func() { _ = e.server.Serve(l) }() // returns at close
	return e, nil
}

func (e *endpoint) close() error { return e.server.Close() }

func reply(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Neon-Request-Id", "00000000-0000-4000-8000-000000000000")
	_, _ = w.Write(body) // a proxy that has gone is noticed at the client
}

// rowsReply is a reply of almost size bytes with rows as applications have them: a number, a time, a NULL and some text.
func rowsReply(size int) []byte {
	var b bytes.Buffer
	b.Grow(size)
	b.WriteString(`{"fields":[`)
	for i, f := range []struct {
		name      string
		oid, size int
	}{{"id", 20, 8}, {"inserted_at", 1114, 8}, {"note", 25, -1}, {"task", 25, -1}} {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":%q,"dataTypeID":%d,"tableID":16400,"columnID":%d,"dataTypeSize":%d,"dataTypeModifier":-1,"format":"text"}`, f.name, f.oid, i+1, f.size)
	}
	b.WriteString(`],"rows":[`)
	const tail = 128 // what comes behind the rows
	task := strings.Repeat("water the plants \\n", 5)
	n := 0
	for b.Len() < size-tail-256 {
		if n > 0 {
			b.WriteByte(',')
		}
		n++
		fmt.Fprintf(&b, `["%d","2026-11-24 16:04:%02d.%06d",null,"%s"]`, 1000000+n, n%60, n%1000000, task)
	}
	fmt.Fprintf(&b, `],"command":"SELECT","rowCount":%d,"rowAsArray":true}`, n)
	return b.Bytes()
}
