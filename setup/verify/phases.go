package verify

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// meet waits until every peer's run has answered this one.
func (s *session) meet(ctx context.Context) error {
	told := ""
	all, err := s.until(ctx, s.cfg.Timeout, func() bool {
		absent := s.absent()
		if text := strings.Join(absent, ", "); text != told && text != "" {
			told = text
			s.cfg.Waiting("waiting for verify to start on " + text)
		}
		return len(absent) == 0
	})
	if err != nil || all {
		return err
	}
	return &MissingError{Nodes: s.absent(), Volume: s.cfg.Volume, Path: s.cfg.Path, Waited: s.cfg.Timeout}
}

// absent binds peers to their runs and describes those that have none.
func (s *session) absent() []string {
	var absent []string
	for _, p := range s.peers {
		token, ok := s.candidate(p)
		p.token = token
		if !ok {
			absent = append(absent, s.absence(p))
		}
	}
	return absent
}

// rounds makes and removes this node's files. Nodes begin one interval apart,
// so that they do not all write and poll at the same moments.
func (s *session) rounds(ctx context.Context) (completed int, err error) {
	nodes := slices.Sorted(slices.Values(append([]string{s.cfg.Node}, s.cfg.Peers...)))
	turn := time.Duration(slices.Index(nodes, s.cfg.Node)) * s.cfg.Interval
	if _, err := s.until(ctx, turn, func() bool { return false }); err != nil {
		return 0, err
	}
	for round := 1; round <= s.cfg.Rounds; round++ {
		if len(s.waitedFor()) == 0 {
			return completed, nil
		}
		s.cfg.Waiting(fmt.Sprintf("round %d of %d", round, s.cfg.Rounds))
		if err := s.round(ctx, round); err != nil {
			return completed, fmt.Errorf("round %d of %d: %w", round, s.cfg.Rounds, err)
		}
		completed = round
	}
	return completed, nil
}

// waitedFor are the peers that have not failed.
func (s *session) waitedFor() []*peer {
	return slices.DeleteFunc(slices.Clone(s.peers), func(p *peer) bool { return p.lost })
}

func (s *session) round(ctx context.Context, round int) error {
	file := s.own(kindFile, round)
	content := newContent(file)
	s.made = path.Join(s.group, file.String())
	if err := s.vol.create(ctx, s.made, content); err != nil {
		return err
	}
	made := time.Now()
	if err := s.await(ctx, kindSeen, round); err != nil {
		return err
	}
	for _, p := range s.waitedFor() {
		s.judgeSeen(p, round, checksum(content), made)
	}
	if err := s.vol.remove(ctx, s.made); err != nil {
		return err
	}
	removed := time.Now()
	s.made = ""
	if err := s.await(ctx, kindGone, round); err != nil {
		return err
	}
	for _, p := range s.waitedFor() {
		s.judgeGone(p, round, removed)
	}
	return nil
}

// await looks until all peers said something, ended, or patience is over.
func (s *session) await(ctx context.Context, kind string, round int) error {
	waiting := s.waitedFor()
	_, err := s.until(ctx, s.cfg.Patience, func() bool {
		return !slices.ContainsFunc(waiting, func(p *peer) bool {
			return !s.said(p, kind, round) && !s.said(p, kindQuit, 0)
		})
	})
	return err
}

// part goes on answering until nobody needs answers: each peer said so, ended
// early, or was silent for longer than any of its own waits can take.
func (s *session) part(ctx context.Context) error {
	for _, p := range s.peers {
		if _, err := s.post(ctx, p.token, p.node, s.own(kindDone, 0)); err != nil {
			return err
		}
	}
	told := ""
	_, err := s.until(ctx, time.Duration(1<<62), func() bool {
		busy := s.busy()
		if text := strings.Join(busy, ", "); text != told && text != "" {
			told = text
			s.cfg.Waiting("waiting for verify to end on " + text)
		}
		return len(busy) == 0
	})
	for _, p := range s.peers {
		if err == nil && !p.lost && !s.said(p, kindDone, 0) && !s.said(p, kindQuit, 0) {
			s.note("%s fell silent before it was done", p.node)
		}
	}
	return err
}

func (s *session) busy() []string {
	var busy []string
	for _, p := range s.peers {
		if !s.said(p, kindDone, 0) && !s.said(p, kindQuit, 0) && time.Since(s.news[p.node]) < 2*s.cfg.Patience {
			busy = append(busy, p.node)
		}
	}
	return busy
}

// alone tests what one node can test: that the volume keeps a file as it was
// written, and lets go of it.
func (s *session) alone(ctx context.Context) (completed int, err error) {
	for round := 1; round <= s.cfg.Rounds; round++ {
		if err := s.aloneRound(ctx, s.own(kindFile, round)); err != nil {
			return completed, fmt.Errorf("round %d of %d: %w", round, s.cfg.Rounds, err)
		}
		completed = round
	}
	return completed, nil
}

func (s *session) aloneRound(ctx context.Context, file name) error {
	content := newContent(file)
	s.made = path.Join(s.group, file.String())
	if err := s.vol.create(ctx, s.made, content); err != nil {
		return err
	}
	back, err := s.vol.read(ctx, s.made)
	if err != nil {
		return err
	}
	if checksum(back) != checksum(content) {
		return &FailedError{Volume: s.cfg.Volume, Failures: []string{"a file was read back differently from what was written: " + s.made}}
	}
	if err := s.expectListed(ctx, file, true); err != nil {
		return err
	}
	if err := s.vol.remove(ctx, s.made); err != nil {
		return err
	}
	if _, err := s.vol.read(ctx, s.made); err == nil {
		return &FailedError{Volume: s.cfg.Volume, Failures: []string{"a removed file can still be opened: " + s.made}}
	} else if !missing(err) {
		return err
	}
	s.made = ""
	return s.expectListed(ctx, file, false)
}

func (s *session) expectListed(ctx context.Context, file name, want bool) error {
	names, err := s.vol.list(ctx, s.group)
	if err != nil {
		return err
	}
	if slices.Contains(names, file.String()) == want {
		return nil
	}
	what := "a file is not listed: "
	if !want {
		what = "a removed file is still listed: "
	}
	return &FailedError{Volume: s.cfg.Volume, Failures: []string{what + path.Join(s.group, file.String())}}
}
