package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"
)

// session is one run on one node. Everything happens in one goroutine: look
// takes in what the volume shows and answers it, the phases decide when to
// look and what to do next.
type session struct {
	cfg   Config
	vol   volume
	token string
	group string   // directory shared with the peers
	inbox string   // this run's directory
	made  string   // the round's file while it exists, "" otherwise
	dirs  []string // directories that this run made or found, outermost first
	peers []*peer

	runs     map[name]bool        // runs of peers that have our "met"
	listed   map[string]bool      // the last listing of group
	files    map[name]*watched    // files of peers
	read     map[string]bool      // names that the inbox has shown
	messages map[name]message     // what they say; keys without checksum
	news     map[string]time.Time // when something new of a node was last seen
	old      []string             // paths that were an hour old when this run began
	notes    []string
}

type message struct {
	at  time.Time
	sum string
}

// watched is a peer's file as this node sees it.
type watched struct {
	seen, gone, notedWrong, notedOpens bool
	wrong                              string // why the content is not right; "" once it is
}

func newSession(cfg Config, fsys fileSystem) *session {
	s := &session{
		cfg:      cfg,
		vol:      volume{fs: fsys, patience: cfg.Patience},
		token:    newToken(),
		group:    path.Join(baseDir, groupName(cfg.Volume, cfg.Path)),
		runs:     map[name]bool{},
		files:    map[name]*watched{},
		read:     map[string]bool{},
		messages: map[name]message{},
		news:     map[string]time.Time{},
	}
	s.inbox = path.Join(s.group, s.own(kindRun, 0).String())
	for _, node := range cfg.Peers {
		s.peers = append(s.peers, &peer{node: node})
	}
	return s
}

// own is a name made by this run.
func (s *session) own(kind string, round int) name {
	return name{kind: kind, token: s.token, round: round, node: s.cfg.Node}
}

// errReplaced means that this run's inbox is gone.
var errReplaced = errors.New("the directory of this run was removed: was verify started twice on this node?")

// look takes in what the volume shows now, and answers it.
func (s *session) look(ctx context.Context) error {
	names, err := s.vol.list(ctx, s.group)
	if missing(err) {
		return errReplaced
	}
	if err != nil {
		return err
	}
	slices.Sort(names)
	s.listed = make(map[string]bool, len(names))
	var files []name
	for _, text := range names {
		s.listed[text] = true
		n, ok := parseName(text)
		if !ok || !slices.Contains(s.cfg.Peers, n.node) {
			continue
		}
		switch n.kind {
		case kindRun:
			if err := s.greet(ctx, n); err != nil {
				return err
			}
		case kindFile: // sorted before runs, which have to be known first
			files = append(files, n)
		}
	}
	for _, file := range files {
		if err := s.answer(ctx, file); err != nil {
			return err
		}
	}
	if err := s.answerRemovals(ctx); err != nil {
		return err
	}
	return s.readInbox(ctx)
}

// greet tells a peer's run that it was found.
func (s *session) greet(ctx context.Context, run name) error {
	if s.runs[run] {
		return nil
	}
	delivered, err := s.post(ctx, run.token, run.node, s.own(kindMet, 0))
	if delivered {
		s.runs[run] = true
		s.news[run.node] = time.Now()
	}
	return err
}

// post puts a message into the inbox of a peer's run. It reports false if
// that run is not there any more.
func (s *session) post(ctx context.Context, token, node string, message name) (bool, error) {
	run := name{kind: kindRun, token: token, node: node}
	err := s.vol.create(ctx, path.Join(s.group, run.String(), message.String()), nil)
	switch {
	case err == nil || errors.Is(err, fs.ErrExist):
		return true, nil
	case missing(err):
		return false, nil
	default:
		return false, err
	}
}

// answer reads a peer's file until its content is right.
func (s *session) answer(ctx context.Context, file name) error {
	if !s.runs[name{kind: kindRun, token: file.token, node: file.node}] {
		return nil
	}
	w := s.files[file]
	if w == nil {
		w = &watched{}
		s.files[file] = w
		s.news[file.node] = time.Now()
	}
	if w.seen {
		return nil
	}
	content, err := s.vol.read(ctx, path.Join(s.group, file.String()))
	if missing(err) {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if err == nil {
		err = check(file, content)
	}
	reply := s.own(kindSeen, file.round)
	if err != nil {
		// The file may still be in writing, so this is no verdict yet.
		w.wrong = err.Error()
		if w.notedWrong {
			return nil
		}
		w.notedWrong = true
		reply.kind = kindWrong
	} else {
		w.seen, w.wrong = true, ""
		reply.sum = checksum(content)
	}
	_, err = s.post(ctx, file.token, file.node, reply)
	return err
}

// answerRemovals looks for files that were seen and are not listed any more.
func (s *session) answerRemovals(ctx context.Context) error {
	for file, w := range s.files {
		if w.gone || s.listed[file.String()] {
			continue
		}
		if !w.seen {
			w.gone = true // removed before it was right: its maker gave up
			continue
		}
		_, err := s.vol.read(ctx, path.Join(s.group, file.String()))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		reply := s.own(kindGone, file.round)
		switch {
		case missing(err):
			w.gone = true
			s.news[file.node] = time.Now()
		case w.notedOpens:
			continue
		default:
			w.notedOpens = true
			reply.kind = kindOpens
		}
		if _, err := s.post(ctx, file.token, file.node, reply); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) readInbox(ctx context.Context) error {
	names, err := s.vol.list(ctx, s.inbox)
	if missing(err) {
		return errReplaced
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for _, text := range names {
		if s.read[text] {
			continue
		}
		s.read[text] = true
		if n, ok := parseName(text); ok {
			m := message{at: now, sum: n.sum}
			n.sum = ""
			s.messages[n] = m
			s.news[n.node] = now
		}
	}
	return nil
}

// until looks again and again until the condition holds, and reports whether
// it did within the limit.
func (s *session) until(ctx context.Context, limit time.Duration, holds func() bool) (bool, error) {
	begin := time.Now()
	for {
		if err := s.look(ctx); err != nil {
			return false, err
		}
		if holds() {
			return true, nil
		}
		if time.Since(begin) >= limit {
			return false, nil
		}
		if err := sleepFor(ctx, s.cfg.Interval); err != nil {
			return false, err
		}
	}
}

func sleepFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// note keeps a sentence for the report.
func (s *session) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
