package main

import (
	"context"
	"errors"
	"fmt"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
)

// Exit codes, the same for all commands.
const (
	exitOK      = 0 // nothing to do, or done
	exitError   = 1
	exitPending = 2 // plan: changes pending
	exitRefused = 3 // unsafe or conflicting
	exitPartly  = 4 // some changes were made, not all
)

// exitStatus ends the program with a code when everything has been said.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exitCodeOf is the exit code of an error when nothing else was changed.
func exitCodeOf(err error) int {
	var conflicts change.Conflicts
	var refused change.RefusedError
	var partly *change.PartlyError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &partly):
		return exitPartly
	case errors.As(err, &conflicts), errors.As(err, &refused), errors.Is(err, gluster.ErrRefused):
		return exitRefused
	default:
		return exitError
	}
}

// reason is the word for an error in JSON documents.
func reason(err error) string {
	var conflicts change.Conflicts
	var refused change.RefusedError
	var file cluster.Errors
	var partly *change.PartlyError
	switch {
	case errors.As(err, &partly):
		return "partly"
	case errors.As(err, &conflicts):
		return "conflict"
	case errors.As(err, &refused), errors.Is(err, gluster.ErrRefused):
		return "refused"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, change.ErrDeadline), errors.Is(err, gluster.ErrTimeout):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &file):
		return "invalid"
	default:
		return "error"
	}
}
