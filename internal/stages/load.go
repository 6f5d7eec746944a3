package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
)

// loadCmd is what other work on the machine is like: processes that compute, and others that write and flush.
type loadCmd struct {
	Spin int    `default:"8" help:"Threads that compute."`
	Sync int    `default:"8" help:"Threads that write files and flush them."`
	Dir  string `required:"" help:"Where they write; it is made, and removed at the end."`
}

// Run ends when standard input does.
func (c *loadCmd) Run(context.Context) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	// A thread for each, not one for each processor.
	runtime.GOMAXPROCS(c.Spin + c.Sync)
	var over atomic.Bool
	for range c.Spin {
		go func() {
			for n := 0; !over.Load(); n++ {
			}
		}()
	}
	failed := make(chan error, c.Sync)
	for i := range c.Sync {
		go func() {
			for !over.Load() {
				if err := flushOnce(filepath.Join(c.Dir, strconv.Itoa(i))); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	over.Store(true)
	for range c.Sync {
		if e := <-failed; err == nil {
			err = e
		}
	}
	if e := os.RemoveAll(c.Dir); err == nil {
		err = e
	}
	return err
}

func flushOnce(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4<<20))
	return errors.Join(err, f.Sync(), f.Close())
}
