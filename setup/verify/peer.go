package verify

import (
	"fmt"
	"time"
)

// peer is another client node as this run knows it.
type peer struct {
	node  string
	token string // of the run that was met

	seen, removed []time.Duration // round trips
	failures      Failures
	details       []string
	lost          bool // failed once: not waited for in later rounds
}

// message returns what the peer's run said, if it did.
func (s *session) message(p *peer, kind string, round int) (message, bool) {
	m, ok := s.messages[name{kind: kind, token: p.token, round: round, node: p.node}]
	return m, ok
}

func (s *session) said(p *peer, kind string, round int) bool {
	_, ok := s.message(p, kind, round)
	return ok
}

// candidate finds the peer's run that answered this one. If there are
// several, as after a restart, the one that answered last is meant.
func (s *session) candidate(p *peer) (string, bool) {
	var token string
	var at time.Time
	for run := range s.runs {
		if run.node != p.node || !s.listed[run.String()] {
			continue
		}
		met, ok := s.messages[name{kind: kindMet, token: run.token, node: p.node}]
		_, quit := s.messages[name{kind: kindQuit, token: run.token, node: p.node}]
		if ok && !quit && (token == "" || met.at.After(at)) {
			token, at = run.token, met.at
		}
	}
	return token, token != ""
}

// absence says why a peer has not been met.
func (s *session) absence(p *peer) string {
	for m := range s.messages {
		if m.kind == kindQuit && m.node == p.node {
			return p.node + " (was here and gave up)"
		}
	}
	for run := range s.runs {
		if run.node == p.node && s.listed[run.String()] {
			return p.node + " (a run of it is announced on the volume, but does not answer)"
		}
	}
	return p.node
}

// judgeSeen decides on a peer after the wait for a round's file.
func (s *session) judgeSeen(p *peer, round int, sum string, made time.Time) {
	m, seen := s.message(p, kindSeen, round)
	switch {
	case seen && m.sum == sum:
		p.seen = append(p.seen, m.at.Sub(made))
	case seen:
		p.fail(&p.failures.WrongContent, "round %d: read another content (checksum %s instead of %s)", round, m.sum, sum)
	case s.said(p, kindQuit, 0):
		p.fail(&p.failures.Left, "round %d: ended its run early", round)
	case s.said(p, kindWrong, round):
		p.fail(&p.failures.WrongContent, "round %d: read a wrong content, and no other within %s", round, s.cfg.Patience)
	default:
		p.fail(&p.failures.NotSeen, "round %d: did not see the file within %s", round, s.cfg.Patience)
	}
}

// judgeGone decides on a peer after the wait for a removal.
func (s *session) judgeGone(p *peer, round int, removed time.Time) {
	m, gone := s.message(p, kindGone, round)
	switch {
	case gone:
		p.removed = append(p.removed, m.at.Sub(removed))
	case s.said(p, kindQuit, 0):
		p.fail(&p.failures.Left, "round %d: ended its run early", round)
	case s.said(p, kindOpens, round):
		p.fail(&p.failures.StillThere, "round %d: could still open the file %s after its removal, though it was not listed any more", round, s.cfg.Patience)
	default:
		p.fail(&p.failures.StillThere, "round %d: still listed the file %s after its removal, or did not answer", round, s.cfg.Patience)
	}
}

func (p *peer) fail(count *int, format string, args ...any) {
	*count++
	p.lost = true
	p.details = append(p.details, fmt.Sprintf(format, args...))
}

// result adds what this node saw of the peer's files.
func (s *session) result(p *peer) PeerResult {
	// Answers are new files, as the files of the rounds are.
	answer := median(p.seen) / 2
	r := PeerResult{
		Node:     p.node,
		Seen:     delays(p.seen, answer),
		Removed:  delays(p.removed, answer),
		Failures: p.failures,
		Details:  append([]string{}, p.details...),
	}
	for file, w := range s.files {
		if file.node != p.node || file.token != p.token {
			continue
		}
		switch {
		case w.wrong != "":
			r.Observed.FilesWrong++
			r.Details = append(r.Details, fmt.Sprintf("its file of round %d was wrong here: %s", file.round, w.wrong))
		case w.seen:
			r.Observed.FilesRead++
		}
		if w.seen && w.gone {
			r.Observed.RemovalsSeen++
		}
	}
	return r
}
