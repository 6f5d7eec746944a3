package machine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brickyard/setup/machine"
)

func TestAnswers(t *testing.T) {
	if err := machine.Answers(t.Context(), machine.Run, "/"); err != nil {
		t.Errorf("the root file system: %v", err)
	}
	if err := machine.Answers(t.Context(), machine.Run, "/nothing/here"); err == nil || errors.Is(err, machine.ErrSilent) {
		t.Errorf("a path that is not there: %v", err)
	}
	// A program that waits for a hung file system does not even end when it is killed.
	began := time.Now()
	end := make(chan struct{})
	defer close(end)
	hang := func(context.Context, []string, ...string) ([]byte, error) { <-end; return nil, nil }
	if err := machine.Answers(t.Context(), hang, "/"); !errors.Is(err, machine.ErrSilent) || time.Since(began) > machine.Patience+5*time.Minute {
		t.Errorf("a hung file system after %v: %v", time.Since(began), err)
	}
}
