package probe

import (
	"context"
	"encoding/json"
	"io"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// endGrace is how long a child that is to end tries to remove its files.
const endGrace = 2 * time.Second

// ChildMain is the program of the child that probes one mount: it reads requests from stdin and writes what it does to
// stdout until stdin or ctx ends, then it removes its files. It ignores SIGPIPE, and the caller must have ctx end with SIGTERM,
// which a child gets when its parent dies. It returns the exit code, and may leave goroutines behind that
// wait for a mount that hangs: the caller must exit.
func ChildMain(ctx context.Context, stdin io.Reader, stdout io.Writer) int {
	// A line for a parent that has been killed would end this process before its files are removed.
	signal.Ignore(syscall.SIGPIPE)
	decoder := json.NewDecoder(stdin)
	var cfg childConfig
	if err := decoder.Decode(&cfg); err != nil {
		return 1
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &worker{cfg: cfg, out: json.NewEncoder(stdout), gone: cancel}
	requests := make(chan request)
	go func() {
		defer cancel()
		for {
			var r request
			if err := decoder.Decode(&r); err != nil {
				return
			}
			select {
			case requests <- r:
			case <-ctx.Done():
				return
			}
		}
	}()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var echoing sync.WaitGroup
		for first := true; ; first = false {
			select {
			case <-ctx.Done():
				echoing.Wait()
				_ = removeAll(cfg) //nolint:errcheck // nobody listens any more; the next start tries again
				return
			case r := <-requests:
				c.answer(r, first)
			}
			if first {
				echoing.Go(func() { newEchoes(cfg, &volumeBoard{cfg: cfg}, func(e echoed) { c.send(message{Echo: &e}) }).run(ctx) })
			}
		}
	}()
	<-ctx.Done()
	select {
	case <-ended:
		return 0
	case <-time.After(endGrace):
		return 1
	}
}

// worker answers requests.
type worker struct {
	cfg    childConfig
	gone   func()
	probes int  // answered
	failed bool // the last one did

	mu  sync.Mutex
	out *json.Encoder
}

func (w *worker) send(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.out.Encode(m); err != nil {
		w.gone()
	}
}

func (w *worker) answer(r request, first bool) {
	rec := progress{worker: w, request: r}
	if r.Bricks {
		rec.begin("list bricks")
		// A client that does not show them is probed all the same.
		if b, err := readBricks(w.cfg.MountInfo, w.cfg.Mountpoint); err == nil {
			w.send(message{ID: r.ID, Bricks: b})
		} else {
			w.send(message{ID: r.ID, NoBricks: true, Class: classOf(err)})
		}
	}
	err := w.tidy(rec, first)
	if err == nil {
		err = probe(w.cfg, r.Size, rec)
	}
	w.probes++
	w.failed = err != nil
	done := message{ID: r.ID, Done: true}
	if err != nil {
		done.Class, done.Error = classOf(err), err.Error()
	}
	w.send(done)
}

// tidyEvery is after how many probes this node's files are looked for that a brick which was away has brought back.
const tidyEvery = 20

// tidy removes what probes left that were killed or could not remove it. While that fails there is no further probe: each
// one would leave one more.
func (w *worker) tidy(rec progress, first bool) error {
	if !first && !w.failed && w.probes%tidyEvery != 0 {
		return nil
	}
	rec.begin("remove leftovers")
	return removeLeftovers(w.cfg, first)
}

// progress tells the parent of a request's operations.
type progress struct {
	worker  *worker
	request request
}

func (p progress) begin(operation string) {
	p.worker.send(message{ID: p.request.ID, Begin: operation})
}

func (p progress) end(operation string, took time.Duration) {
	p.worker.send(message{ID: p.request.ID, End: &measurement{Operation: operation, Size: p.request.Size, Seconds: took.Seconds()}})
}
