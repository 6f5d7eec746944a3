package rpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brickyard/gluster/rpc"
)

// words makes a message of big-endian numbers.
func words(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func reply(xid uint32, results ...uint32) []byte {
	return words(append([]uint32{xid, 1, 0, 0, 0, 0}, results...)...)
}

// daemon listens on a unix socket and gives each record that it reads to answer, whose records it
// sends back. An answer of nil closes the connection.
func daemon(t *testing.T, answer func(call []byte) [][]byte) rpc.Dialer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	conns := make(chan net.Conn, 100)
	t.Cleanup(func() {
		_ = listener.Close() //nolint:errcheck // the end of the test
		for len(conns) > 0 {
			_ = (<-conns).Close() //nolint:errcheck // the end of the test
		}
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns <- conn
			wg.Go(func() { serve(conn, answer) })
		}
	})
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
}

func serve(conn net.Conn, answer func(call []byte) [][]byte) {
	defer func() { _ = conn.Close() }() //nolint:errcheck // the end of the test
	for {
		call, err := rpc.ReadRecord(conn, 1<<20)
		if err != nil {
			return
		}
		records := answer(call)
		if records == nil {
			return
		}
		for _, r := range records {
			b, err := rpc.AppendRecord(nil, r)
			if err != nil {
				return
			}
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}
}

func xidOf(call []byte) uint32 { return binary.BigEndian.Uint32(call) }

func TestCallSendsWhatGlusterdExpects(t *testing.T) {
	var got []byte
	dial := daemon(t, func(call []byte) [][]byte {
		got = bytes.Clone(call)
		return [][]byte{reply(xidOf(call), 42)}
	})
	c := rpc.NewConn(dial, 0, 0)
	results, err := c.Call(t.Context(), rpc.Procedure{Program: 1238463, Version: 2, Number: 5}, []byte("args"))
	if err != nil || !bytes.Equal(results, words(42)) {
		t.Fatalf("%v, %v", results, err)
	}
	want := append(words(1, 0, 2, 1238463, 2, 5, 0, 0, 0, 0), "args"...)
	if !bytes.Equal(got, want) {
		t.Errorf("sent %x, want %x", got, want)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestCallSkipsCallsOfTheDaemon(t *testing.T) {
	fetchspec := words(7, 0, 2, 52743234, 1, 1, 0, 0, 0, 0)
	dial := daemon(t, func(call []byte) [][]byte {
		return [][]byte{fetchspec, fetchspec, reply(xidOf(call), 1), fetchspec}
	})
	c := rpc.NewConn(dial, 0, 0)
	for range 3 {
		if results, err := c.Call(t.Context(), rpc.Procedure{}, nil); err != nil || len(results) != 4 {
			t.Errorf("%v, %v", results, err)
		}
	}
}

func TestCallConnectsAgainWhereTheDaemonWentAway(t *testing.T) {
	var calls atomic.Int32
	dial := daemon(t, func(call []byte) [][]byte {
		if calls.Add(1) == 2 {
			return nil
		}
		return [][]byte{reply(xidOf(call))}
	})
	c := rpc.NewConn(dial, 0, 0)
	for range 2 {
		if _, err := c.Call(t.Context(), rpc.Procedure{}, nil); err != nil {
			t.Error(err)
		}
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("%d calls arrived, want 3", n)
	}
}

func TestCallRefusedByTheDaemonKeepsTheConnection(t *testing.T) {
	n := 0
	answers := [][]uint32{{1, 0, 0, 0, 3}, {1, 1, 1, 1}, {1, 0, 0, 0, 0}}
	dial := daemon(t, func(call []byte) [][]byte {
		n++
		return [][]byte{words(append([]uint32{xidOf(call)}, answers[n-1]...)...)}
	})
	dials := 0
	c := rpc.NewConn(func(ctx context.Context) (net.Conn, error) {
		dials++
		return dial(ctx)
	}, 0, 0)
	var rejected *rpc.RejectedError
	if _, err := c.Call(t.Context(), rpc.Procedure{Program: 9, Version: 8, Number: 7}, nil); !errors.As(err, &rejected) ||
		rejected.Stat != rpc.ProcUnavail || err.Error() != "rpc: 9 v8 procedure 7: PROC_UNAVAIL" {
		t.Errorf("%v", err)
	}
	if _, err := c.Call(t.Context(), rpc.Procedure{}, nil); !errors.As(err, &rejected) || !rejected.Denied {
		t.Errorf("%v", err)
	}
	if _, err := c.Call(t.Context(), rpc.Procedure{}, nil); err != nil || dials != 1 {
		t.Errorf("%v after %d connections", err, dials)
	}
}

func TestCallEndsInTime(t *testing.T) {
	dial := daemon(t, func([]byte) [][]byte { return [][]byte{} }) // never answers
	c := rpc.NewConn(dial, 50*time.Millisecond, 0)
	started := time.Now()
	if _, err := c.Call(t.Context(), rpc.Procedure{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a deadline: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Call(ctx, rpc.Procedure{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := c.Call(ctx, rpc.Procedure{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	if took := time.Since(started); took > 10*time.Minute { // an hour is what it might have waited
		t.Errorf("took %s", took)
	}
}

func TestCallerWaitsForItsTurnInTime(t *testing.T) {
	release := make(chan struct{})
	dial := daemon(t, func(call []byte) [][]byte {
		<-release
		return [][]byte{reply(xidOf(call))}
	})
	c := rpc.NewConn(dial, 0, 0)
	first := make(chan error)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := c.Call(t.Context(), rpc.Procedure{}, nil)
		first <- err
	}()
	<-started
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Call(ctx, rpc.Procedure{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("first: %v", err)
	}
}

func TestCallRefusesStrangeReplies(t *testing.T) {
	for name, tc := range map[string]struct {
		record []byte
		text   string
	}{
		"another call's":    {reply(99), "reply to call 99"},
		"too short":         {words(1, 1), "message ends inside a value"},
		"verifier too long": {words(1, 1, 0, 0, 1<<31), "message ends inside a value"},
		"beyond the limit":  {make([]byte, 2000), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			c := rpc.NewConn(daemon(t, func([]byte) [][]byte { return [][]byte{tc.record} }), 0, 1000)
			if _, err := c.Call(t.Context(), rpc.Procedure{}, nil); err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestReadRecord(t *testing.T) {
	for _, tc := range []struct {
		name   string
		stream []byte
		want   string
		err    error
	}{
		{"one fragment", append(words(1<<31|3), "abc"...), "abc", nil},
		{"two fragments", append(append(append(words(3), "abc"...), words(1<<31|2)...), "de"...), "abcde", nil},
		{"an empty record", words(1 << 31), "", nil},
		{"the end of the stream", nil, "", io.EOF},
		{"an end inside the mark", []byte{128, 0}, "", io.ErrUnexpectedEOF},
		{"an end inside a fragment", append(words(1<<31|3), 'a'), "", io.ErrUnexpectedEOF},
		{"an end between fragments", append(words(1), 'a'), "", io.ErrUnexpectedEOF},
		{"a fragment beyond the limit", words(1<<31 | 65), "", rpc.ErrTooLarge},
		{"the longest fragment", words(1<<32 - 1), "", rpc.ErrTooLarge},
		{"fragments without end", make([]byte, 1<<16), "", rpc.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := rpc.ReadRecord(bytes.NewReader(tc.stream), 64)
			if string(got) != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// FuzzReadRecord checks that a record is never longer than the limit or than what was received.
func FuzzReadRecord(f *testing.F) {
	f.Add(append(words(1<<31|3), "abc"...))
	f.Add(append(append(append(words(3), "abc"...), words(1<<31|2)...), "de"...))
	f.Add(words(1<<32 - 1))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 1 << 10
		msg, err := rpc.ReadRecord(bytes.NewReader(stream), limit)
		if len(msg) > limit || len(msg) > len(stream) {
			t.Errorf("%d bytes from %d", len(msg), len(stream))
		}
		if err != nil {
			return
		}
		again, err := rpc.AppendRecord(nil, msg)
		if err != nil {
			t.Fatal(err)
		}
		if msg2, err := rpc.ReadRecord(bytes.NewReader(again), limit); err != nil || !bytes.Equal(msg, msg2) {
			t.Errorf("%x became %x, %v", msg, msg2, err)
		}
	})
}

// FuzzReply gives a Conn whatever a daemon might answer.
func FuzzReply(f *testing.F) {
	f.Add(reply(1, 42))
	f.Add(words(1, 1, 1, 1))
	f.Add(words(1, 1, 0, 0, 8, 1, 2, 0))
	f.Fuzz(func(t *testing.T, record []byte) {
		near, far := net.Pipe()
		go serve(far, func([]byte) [][]byte { return [][]byte{record, reply(1)} })
		c := rpc.NewConn(func(context.Context) (net.Conn, error) { return near, nil }, time.Second, 1<<16)
		if results, err := c.Call(t.Context(), rpc.Procedure{}, nil); err == nil && len(results) > len(record) {
			t.Errorf("%d bytes of results from %d", len(results), len(record))
		}
		_ = c.Close() //nolint:errcheck // a pipe
	})
}
