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
// error is ErrSilent or what the file system said. Another program asks: a
// question to a hung file system cannot be taken back, and a process that asked
// cannot end before the answer.
func Answers(ctx context.Context, run Exec, path string) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := run(ctx, nil, "stat", "-f", "-c", "%T", path)
		result <- err
	}()
	select {
	case err := <-result:
		if err != nil && ctx.Err() != nil {
			return ErrSilent
		}
		return err
	case <-ctx.Done():
		return ErrSilent
	}
}
