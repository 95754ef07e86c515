package neon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/reply"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"go.uber.org/zap"
)

// attempt sends the request once and reads its reply. again says why nothing of it ran, if so; no row has then reached the
// sink. free reports that nobody reads body any more.
func (c *Client) attempt(ctx context.Context, req *upstream.Request, header http.Header, body []byte, sink upstream.RowSink) (again retryReason, free bool, err error) {
	f := &flight{}
	start := time.Now()
	status, jwtError, size := 0, false, int64(0)
	id := ""
	defer func() {
		free = f.bodyFree()
		c.metrics.answered(status, jwtError, start)
		if ce := c.log.Check(zap.DebugLevel, "upstream request"); ce != nil {
			ce.Write(zap.String("endpoint", c.cfg.Name), zap.Int("status", status), zap.String("neon_request_id", id),
				zap.Duration("duration", time.Since(start)), zap.Int64("bytes_in", size), zap.Int("bytes_out", len(body)),
				zap.String("sqlstate", sqlState(err)), zap.String("fault", faultReason(err)))
		}
	}()

	resp, sendErr := c.transport.RoundTrip(c.request(ctx, f, header, body))
	if sendErr != nil {
		again, err = c.unanswered(ctx, f, sendErr)
		return again, false, err
	}
	defer resp.Body.Close() // closes the connection unless the reply has been read to its end
	c.metrics.ttfb.Observe(time.Since(start).Seconds())
	status, id = resp.StatusCode, requestID(resp.Header)
	f.expect(resp.ContentLength)

	if enc := resp.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return retryNever, false, lost(pgerr.New(pgerr.ConnectionFailure, "Neon's reply is compressed, which was not asked for"), id)
	}
	rd := getReader()
	defer putReader(rd)
	in := &boundedBody{body: resp.Body, length: resp.ContentLength, max: c.cfg.MaxReply, complete: rd.scanner.Complete}
	defer func() {
		size = in.read
		c.metrics.bytes.Observe(float64(in.read))
	}()

	if status != http.StatusOK {
		in.max = largestReply // bounded by the scanner
		a := answer{status: status, body: rd.scanner.Error(in, rd.window), requestID: id, batch: req.Transaction, token: req.Token.Reveal()}
		r := a.refusal()
		jwtError = r.token
		return r.retry, false, r.err
	}
	if resp.ContentLength > c.cfg.MaxReply {
		return retryNever, false, c.replyTooLarge(id)
	}
	err = rd.scanner.Results(in, rd.window, len(req.Statements), req.Transaction, sink)
	if fault, ok := errors.AsType[*reply.Error](err); ok {
		err = c.unread(ctx, fault, id)
	}
	return retryNever, false, err
}

// unanswered maps the failure of a request to which no answer came.
func (c *Client) unanswered(ctx context.Context, f *flight, err error) (retryReason, error) {
	unwritten := f.nothingWritten()
	if ctx.Err() != nil {
		if unwritten {
			return retryNever, dropped(ctx, upstream.NotRun, "")
		}
		return retryNever, dropped(ctx, upstream.Unknown, "")
	}
	if !unwritten {
		return retryNever, lost(pgerr.New(pgerr.ConnectionFailure, "the connection to Neon broke before the answer came").Because(err), "")
	}
	dial, ok := errors.AsType[dialError](err)
	if !ok {
		return retryNotWritten, notRun(pgerr.New(pgerr.UnableToConnect, "the connection to Neon broke before the request was sent").WithHint(hintAgain).Because(err))
	}
	if dial.permanent() {
		return retryNever, notRun(pgerr.New(pgerr.UnableToConnect, "could not connect to Neon: its certificate does not verify").WithHint(hintRoute).Because(err))
	}
	return retryDial, notRun(pgerr.New(pgerr.UnableToConnect, "could not connect to Neon").WithHint(hintAgain).Because(err))
}

// unread maps a reply of status 200 that was not taken to its end. The statements have run.
func (c *Client) unread(ctx context.Context, fault *reply.Error, id string) error {
	switch {
	case errors.Is(fault, errReplyTooLarge):
		return c.replyTooLarge(id)
	case fault.Cause == nil:
		return lost(pgerr.New(pgerr.ConnectionFailure, "Neon's reply is malformed: %s", fault.Reason).Because(fault), id)
	case ctx.Err() != nil:
		return dropped(ctx, upstream.Unknown, id)
	case errors.Is(fault, io.ErrUnexpectedEOF):
		return lost(pgerr.New(pgerr.ConnectionFailure, "Neon's reply ends early").Because(fault), id)
	}
	return lost(pgerr.New(pgerr.ConnectionFailure, "the connection to Neon broke in the middle of the reply").Because(fault), id)
}

func (c *Client) replyTooLarge(id string) error {
	return lost(pgerr.New(pgerr.ProgramLimitExceeded, "the result is larger than %d bytes", c.cfg.MaxReply).WithHint(hintLimit), id)
}

// notRun is an error of a request of which nothing ran.
func notRun(e *pgerr.Error) error { return &upstream.Error{PG: e, Outcome: upstream.NotRun} }

// lost is an error of a request that may have run.
func lost(e *pgerr.Error, id string) error {
	return &upstream.Error{PG: withDetail(e, upstream.Unknown, id), Outcome: upstream.Unknown, RequestID: id}
}

// dropped is the error of a request that ctx ended.
func dropped(ctx context.Context, o upstream.Outcome, id string) error {
	e := pgerr.New(pgerr.QueryCanceled, "canceling statement: the request to Neon was dropped").Because(context.Cause(ctx))
	return &upstream.Error{PG: withDetail(e, o, id), Outcome: o, RequestID: id}
}

// sqlState and faultReason say for a log line what kind of error it was: closed vocabularies both.
func sqlState(err error) string {
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		return e.PG.Code
	}
	return ""
}

func faultReason(err error) string {
	if e, ok := errors.AsType[*reply.Error](err); ok {
		return e.Reason
	}
	return ""
}
