package machine

import (
	"context"
	"errors"
	"time"
)

// Patience is how long a mounted file system may take to answer before it
// counts as hung.
const Patience = 2 * time.Second

// ErrSilent says that a file system did not answer within Patience.
var ErrSilent = errors.New("does not answer")

// Answers asks the file system that is mounted on a path for its state. The
// error is ErrSilent or what the file system said.
func Answers(ctx context.Context, run Exec, path string) error {
	_, err := Ask(ctx, run, "stat", "-f", "-c", "%T", path)
	return err
}

// Ask has another program ask a mounted file system, and returns what the
// program found out: a question to a hung file system cannot be taken back, and
// a process that asked cannot end before the answer. The error is ErrSilent or
// what the program said.
func Ask(ctx context.Context, run Exec, argv ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	type answer struct {
		out []byte
		err error
	}
	result := make(chan answer, 1)
	go func() {
		out, err := run(ctx, nil, argv...)
		result <- answer{out, err}
	}()
	select {
	case a := <-result:
		if a.err != nil && ctx.Err() != nil {
			return nil, ErrSilent
		}
		return a.out, a.err
	case <-ctx.Done():
		return nil, ErrSilent
	}
}
