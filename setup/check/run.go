package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"brickyard/gluster"
)

// Options say how to compare.
type Options struct {
	// Content reads the contents of files.
	Content bool
	// Rate is names a second, Bandwidth bytes a second and brick; 0 is no limit.
	Rate, Bandwidth float64
	// Listed is how many differences of a set are kept; all are counted.
	Listed int
	// Dir is a directory of its own for the clients, on which nothing else lies.
	Dir string
	// Found is told of each difference as it is found.
	Found func(volume string, set int, bricks []gluster.Brick, d Difference)
}

// SetResult is how the comparison of one replica set ended.
type SetResult struct {
	Volume   string    `json:"volume"`
	Set      int       `json:"replica_set"` // 1-based
	Bricks   []string  `json:"bricks"`      // that were compared, in the order of values
	Started  time.Time `json:"started"`
	Duration float64   `json:"duration_seconds"`
	Content  bool      `json:"content"` // contents were read
	// Complete says that every name on every brick was compared.
	Complete bool   `json:"complete"`
	Problem  string `json:"problem"` // why it is not complete
	Counts
	Differences []Difference `json:"differences"`
	LeftOut     int64        `json:"differences_left_out"`
}

// Equal reports whether the set was compared as a whole and nothing differs.
func (r SetResult) Equal() bool { return r.Complete && r.Different == 0 && r.Waiting == 0 }

// newResult is that of a set of which nothing is compared yet.
func newResult(volume string, index int, began time.Time, o Options) SetResult {
	r := SetResult{
		Volume: volume, Set: index + 1, Bricks: []string{}, Started: began.UTC().Truncate(time.Millisecond),
		Content: o.Content, Counts: Counts{Differing: map[Kind]int64{}}, Differences: []Difference{},
	}
	for _, k := range Kinds() {
		r.Differing[k] = 0
	}
	return r
}

// Skipped is the result of a set that was not compared, and why; index counts from 0.
func Skipped(volume string, index int, o Options, why string) SetResult {
	r := newResult(volume, index, time.Now(), o)
	r.Problem = why
	return r
}

// CompareSet compares the bricks of one replica set; index counts from 0. What
// goes wrong is in the result.
func CompareSet(ctx context.Context, volume string, index int, s Set, o Options) SetResult {
	began := time.Now()
	r := newResult(volume, index, began, o)
	err := compareSet(ctx, &r, s, o)
	for _, k := range Kinds() {
		r.Differing[k] += 0
	}
	if err == nil && r.Unlisted > 0 {
		err = fmt.Errorf("%d directories could not be listed", r.Unlisted)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if r.Complete = err == nil; err != nil {
		r.Problem = strings.Join(strings.Fields(err.Error()), " ")
	}
	r.Duration = time.Since(began).Round(time.Millisecond).Seconds()
	return r
}

func compareSet(ctx context.Context, r *SetResult, s Set, o Options) (err error) {
	mounts := make([]*Mount, len(s.Bricks))
	errs := make([]error, len(s.Bricks))
	done := make(chan struct{}, len(s.Bricks))
	for i := range s.Bricks {
		go func() {
			mounts[i], errs[i] = MountBrick(ctx, s, i, filepath.Join(o.Dir, fmt.Sprint(i)))
			done <- struct{}{}
		}()
	}
	for range s.Bricks {
		<-done
	}
	w := &Walker{Content: o.Content, Rate: o.Rate, Bandwidth: o.Bandwidth}
	for i, m := range mounts {
		if errs[i] != nil {
			continue
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		w.Bricks, w.Views = append(w.Bricks, s.Bricks[i]), append(w.Views, m)
		r.Bricks = append(r.Bricks, s.Bricks[i].String())
	}
	absent := errors.Join(errs...)
	if len(w.Bricks) < 2 {
		return absent
	}
	w.Found = func(d Difference) {
		if len(r.Differences) < o.Listed {
			r.Differences = append(r.Differences, d)
		} else {
			r.LeftOut++
		}
		if o.Found != nil {
			o.Found(r.Volume, r.Set, w.Bricks, d)
		}
	}
	r.Counts, err = w.Walk(ctx)
	return errors.Join(absent, err)
}
