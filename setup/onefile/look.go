package onefile

import (
	"context"
	"errors"
	"sync"
	"time"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// Looker asks the other servers.
type Looker struct {
	Node    string
	Servers []desired.Server
	Dial    func(desired.Server) *gluster.Client
	File    string // Digest of the file of this run
	Program string // the version of this program
	Allowed bool   // to take back what others have applied since
	Timeout time.Duration

	mu    sync.Mutex
	asked time.Time
	said  []Answer
}

// fresh is how long what others said is not asked again.
const fresh = 3 * time.Second

// View asks the others, unless they have just been asked.
func (l *Looker) View(ctx context.Context) (View, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked.IsZero() || time.Since(l.asked) > fresh {
		l.said, l.asked = l.ask(ctx), time.Now()
	}
	own, err := ReadWord(Path)
	return View{Node: l.Node, File: l.File, Program: l.Program, Allowed: l.Allowed, Own: own, Others: l.said}, err
}

// Again asks the others, even if they have just been asked.
func (l *Looker) Again(ctx context.Context) (View, error) {
	l.mu.Lock()
	l.asked = time.Time{}
	l.mu.Unlock()
	return l.View(ctx)
}

// ask asks all other servers at once, each no longer than Timeout.
func (l *Looker) ask(ctx context.Context) []Answer {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	var answers []Answer
	for _, s := range l.Servers {
		if s.Name != l.Node {
			answers = append(answers, Answer{Server: s.Name})
		}
	}
	var wg sync.WaitGroup
	for _, s := range l.Servers {
		for i := range answers {
			if a := &answers[i]; a.Server == s.Name {
				wg.Go(func() {
					c := l.Dial(s)
					defer c.Close() //nolint:errcheck // a connection for reading
					text, found, err := c.ServerVolfile(ctx, desired.FileVolfile)
					a.Silent = err != nil && !errors.Is(err, gluster.ErrRefused)
					if found {
						a.Word, _ = ParseWord([]byte(text)) // what is no word says nothing
					}
				})
			}
		}
	}
	wg.Wait()
	return answers
}
