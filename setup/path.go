package main

import (
	"errors"
	"reflect"

	"github.com/alecthomas/kong"
)

// pathFlag reads the value of a flag of the type path. An empty one, as from a
// variable of a script that is not set, is a mistake: it would mean the current
// directory, and below the wrong one lies the machine's own /etc.
type pathFlag struct{}

var errEmptyPath = errors.New("it is empty: write a path, or leave the flag out")

// Decode makes the path absolute.
func (pathFlag) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path == "" {
		return errEmptyPath
	}
	target.SetString(kong.ExpandPath(path))
	return nil
}
