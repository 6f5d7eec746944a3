package simulated

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// Fault is how a daemon answers.
type Fault int32

// The ways to answer.
const (
	Healthy     Fault = iota
	Silent            // takes requests and says nothing
	Garbage           // bytes without meaning
	Half              // the first half of the reply, and then nothing
	HalfAndGone       // the first half of the reply, and the end of the connection
	TooLong           // a length of a gigabyte
	WrongLength       // a length that ends inside the reply
	WrongBody         // a reply whose results are without meaning
	Foreign           // the reply to another call
	Gone              // the end of the connection
	faults            // how many there are
)

// Faults are all but Healthy.
func Faults() (all []Fault) {
	for f := Healthy + 1; f < faults; f++ {
		all = append(all, f)
	}
	return all
}

// String names the fault in a few words.
func (f Fault) String() string {
	return [...]string{
		"healthy", "says nothing", "garbage", "half a record", "half a record and the end", "a record of a gigabyte",
		"a record that ends inside the reply", "results without meaning", "the reply to another call", "the end of the connection",
	}[f]
}

// answer is what a daemon answers to one call: results, or why there are none (an accept_stat of RFC 5531).
type answer func(program, procedure uint32, args []byte) (results []byte, stat rpc.AcceptStat)

// Daemon is a process that listens on a unix socket, or on a TCP port of this machine.
type Daemon struct {
	// Socket is the path of its unix socket; "" where it has a port.
	Socket string

	answer answer
	count  func(program, procedure uint32, asked, answered int) // what was asked, and bytes
	asked  atomic.Int64
	fault  atomic.Int32
	served sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

// daemon is one of the node's, by the path of its socket in the node's directory, "" for a port; what it is asked counts under its kind.
func (c *Cluster) daemon(kind, socket string, a answer) *Daemon {
	if socket != "" {
		socket = c.path(socket)
	}
	return &Daemon{Socket: socket, answer: a, count: c.tally.of(kind), conns: map[net.Conn]bool{}}
}

// Address is the host and port of a daemon without a unix socket that was started.
func (d *Daemon) Address() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listener.Addr().String()
}

// Asked is how many questions it was asked.
func (d *Daemon) Asked() int { return int(d.asked.Load()) }

// Fail makes the daemon answer in a way from now on.
func (d *Daemon) Fail(how Fault) { d.fault.Store(int32(how)) }

// Start listens. A socket that is there is replaced.
func (d *Daemon) Start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		return nil
	}
	l, err := listen(d.Socket)
	if err != nil {
		return err
	}
	d.listener = l
	d.served.Go(func() { d.accept(l) })
	return nil
}

func listen(socket string) (net.Listener, error) {
	if socket == "" {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err == nil {
		l.SetUnlinkOnClose(false)
	}
	return l, err
}

// Stop ends the daemon as SIGKILL does: its socket stays behind, and nobody listens.
func (d *Daemon) Stop() {
	d.mu.Lock()
	if d.listener != nil {
		_ = d.listener.Close() //nolint:errcheck // it is gone either way
		d.listener = nil
	}
	for c := range d.conns {
		_ = c.Close() //nolint:errcheck // see above
	}
	d.mu.Unlock()
	d.served.Wait()
}

func (d *Daemon) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		if d.listener != l {
			d.mu.Unlock()
			_ = c.Close() //nolint:errcheck // it came too late
			return
		}
		d.conns[c] = true
		d.mu.Unlock()
		d.served.Go(func() {
			d.serve(c)
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
			_ = c.Close() //nolint:errcheck // read only
		})
	}
}

// maxRequest bounds a request, in bytes.
const maxRequest = 1 << 20

func (d *Daemon) serve(c net.Conn) {
	for {
		call, err := rpc.ReadRecord(c, maxRequest)
		if err != nil {
			return
		}
		reply, err := rpc.AppendRecord(nil, d.reply(call))
		if err != nil {
			return
		}
		goOn := true
		if how := Fault(d.fault.Load()); how != Healthy {
			reply, goOn = how.spoil(reply)
		}
		if _, err := c.Write(reply); err != nil || !goOn {
			return
		}
	}
}

// reply makes a reply message of a call message (RFC 5531, section 9).
func (d *Daemon) reply(call []byte) []byte {
	d.asked.Add(1)
	x := xdr.NewDecoder(call)
	xid := x.Uint32()
	x.Uint32() // call
	x.Uint32() // version of RPC
	program := x.Uint32()
	x.Uint32() // its version
	procedure := x.Uint32()
	for range 2 { // credential and verifier
		x.Uint32()
		x.Opaque()
	}
	var results []byte
	stat := rpc.GarbageArgs
	if x.Err() == nil {
		results, stat = d.answer(program, procedure, x.Rest())
	}
	var b []byte
	for _, v := range []uint32{xid, 1, 0, 0, 0, uint32(stat)} {
		b = xdr.AppendUint32(b, v)
	}
	b = append(b, results...)
	d.count(program, procedure, mark+len(call), mark+len(b))
	return b
}

// mark is the size of a record's mark, and head that of it and of a reply's header, in bytes.
const (
	mark = 4
	head = mark + 24
)

// spoil makes of a good record what a faulty daemon sends, and whether it goes on afterwards.
func (f Fault) spoil(record []byte) ([]byte, bool) {
	switch f {
	case Silent:
		return nil, true
	case Garbage:
		return bytes.Repeat([]byte("\x80\x00\x00\x20glusterd?"), 40), true
	case Half:
		return record[:len(record)/2], true
	case HalfAndGone:
		return record[:len(record)/2], false
	case TooLong:
		return append([]byte{0xc0, 0, 0, 0}, record[4:]...), true
	case WrongLength:
		return append([]byte{0x80, 0, 0, 30}, record[4:]...), true
	case WrongBody:
		for i := head; i < len(record); i++ {
			record[i] ^= 0x5a
		}
		return record, true
	case Foreign:
		record[4] ^= 0xff
		return record, true
	case Gone:
		return nil, false
	default:
		return record, true
	}
}
