package mountwait

import (
	"context"
	"fmt"
	"time"

	"brickyard/setup/actual"
)

// How long things are looked at before they are believed.
const (
	// startTime is how long a brick is expected to start, and its disk to appear.
	startTime = 30 * time.Second
	// healedTime is how long nothing must wait to be healed: clients that were not connected yet have connected by
	// then, which they try every 3 s, and written.
	healedTime = 5 * time.Second
	// awayTime is how long the others, or the own brick, must be away: not only one question was lost.
	awayTime = 15 * time.Second
	// stalledTime is how long as many entries as ever must be left: nobody heals them.
	stalledTime = time.Minute
)

// healWait follows a node's bricks of one volume from a boot on, until a client
// on this node may be mounted: until these bricks are healed, names that were
// removed while they were away are shown, and it is this node's client that
// prefers them. The zero value has seen nothing.
type healWait struct {
	began, healed, away, fewest time.Time
	least                       int
}

// condition is how a brick is with regard to what the others have.
type condition int

const (
	irrelevant condition = iota // it shows nothing old
	whole                       // it lacks nothing
	unseen                      // offline, or nobody is there to say what it lacks
	unknown                     // it may lack something, and nobody knows how much
	lacking                     // it lacks something
)

// state is the condition of a brick, with words for what is to be waited for.
type state struct {
	condition
	words   string
	entries int // of lacking
}

// next takes one look and says in words what to wait for; "" ends the wait, with
// a warning where it ends for another reason than that all is healed. asked is
// false where the node could not be looked at.
func (w *healWait) next(bricks []actual.Local, asked bool, now time.Time) (words, warning string) {
	if w.began.IsZero() {
		w.began, w.least = now, -1
	}
	worst := state{condition: irrelevant}
	if !asked {
		worst = state{condition: unseen, words: "this node's glusterd and bricks to answer"}
	}
	for _, l := range bricks {
		if s := stateOf(l, now.Sub(w.began) < startTime); s.condition > worst.condition {
			worst = s
		}
	}
	since := func(t *time.Time, is bool) time.Duration {
		switch {
		case !is:
			*t = time.Time{}
		case t.IsZero():
			*t = now
		}
		return now.Sub(*t)
	}
	healed, away := since(&w.healed, worst.condition == whole), since(&w.away, worst.condition == unseen)
	switch worst.condition {
	case irrelevant:
		return "", ""
	case whole:
		if healed >= healedTime {
			return "", ""
		}
	case unseen:
		if away >= awayTime {
			return "", ""
		}
	case lacking:
		if w.least < 0 || worst.entries < w.least {
			w.least, w.fewest = worst.entries, now
		}
		if now.Sub(w.fewest) >= stalledTime {
			return "", fmt.Sprintf("%d entries have waited for %s, and nobody heals them",
				worst.entries, now.Sub(w.fewest).Round(time.Second))
		}
	case unknown:
	}
	return worst.words, ""
}

// stateOf is what there is to say about one brick.
func stateOf(l actual.Local, early bool) state {
	b := l.Brick()
	name := b.Node + ":" + b.Path
	others := l.Set.Others(l.Own, func(o actual.Brick) bool { return o.Online })
	switch {
	case l.Set.Otherwise != "":
		// The brick was not looked at, and is not until a person has corrected the file.
		return state{condition: unseen, words: fmt.Sprintf("brick %s: %s", name, l.Set.Otherwise)}
	// What is filled from nothing shows nothing old.
	case !l.Set.Started, l.Tmpfs, b.GivenUp, b.Mark, b.Published == actual.IsWiped, b.Published == actual.Refilling:
		return state{}
	case b.Disk == actual.Withheld:
		return state{condition: unknown, words: fmt.Sprintf("brick %s to be compared after a power cut", name)}
	case b.Disk == actual.Unmounted && early:
		return state{condition: unknown, words: fmt.Sprintf("the disk of brick %s", name)}
	case b.Disk != actual.Stamped:
		return state{}
	case !b.Online && early:
		return state{condition: unknown, words: fmt.Sprintf("brick %s to start", name)}
	case !b.Online, len(others) == 0:
		words := fmt.Sprintf("brick %s and the others of its replica set to be online", name)
		return state{condition: unseen, words: words}
	case b.Published.Doubted():
		return state{condition: unknown, words: fmt.Sprintf("brick %s to be healed after a power cut", name)}
	case !l.Set.Heals:
		return state{} // nobody counts
	}
	pending := 0
	for _, i := range others {
		if !l.Set.Bricks[i].Counted {
			words := fmt.Sprintf("the self-heal daemon to say what brick %s lacks", name)
			return state{condition: unknown, words: words}
		}
		pending += l.Set.Bricks[i].Pending
	}
	if pending > 0 {
		return state{condition: lacking, words: fmt.Sprintf("brick %s to be healed", name), entries: pending}
	}
	return state{condition: whole, words: fmt.Sprintf("brick %s to stay as whole as it is", name)}
}

// lookOnce asks about this node's bricks of one volume, and gives up after the
// limit: a question to a disk that hangs cannot be taken back, so whoever asks
// in vain does not ask again before it has ended.
type lookOnce struct {
	observe func(context.Context) ([]actual.Local, error)
	limit   time.Duration

	under chan looked // of a question under way
}

type looked struct {
	bricks []actual.Local
	err    error
}

// look returns what there is to see; asked is false where nobody answered.
func (o *lookOnce) look(ctx context.Context) (bricks []actual.Local, asked bool) {
	if o.under == nil {
		under := make(chan looked, 1)
		go func() {
			bricks, err := o.observe(ctx)
			under <- looked{bricks, err}
		}()
		o.under = under
	}
	select {
	case l := <-o.under:
		o.under = nil
		return l.bricks, l.err == nil
	case <-time.After(o.limit):
	case <-ctx.Done():
	}
	return nil, false
}
