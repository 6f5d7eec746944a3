package verify

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The kinds of names. The first two are in the mount's directory, the others
// are messages in the inbox of the run they are for.
const (
	kindRun   = "run"   // a run and its inbox
	kindFile  = "file"  // the file of a round
	kindMet   = "met"   // the sender found this run
	kindSeen  = "seen"  // the sender read the round's file; with its checksum
	kindWrong = "wrong" // the sender read something else, at least at first
	kindGone  = "gone"  // the round's file is neither listed nor to be opened
	kindOpens = "opens" // the round's file is not listed any more, but was still opened
	kindDone  = "done"  // the sender needs no more answers
	kindQuit  = "quit"  // the sender ended early
)

// name is a file name of the protocol: KIND-TOKEN-ROUND-SUM-NODE, where TOKEN
// and NODE are those of the run that made it. ROUND and SUM are 0 where a kind
// has none.
type name struct {
	kind  string
	token string
	round int
	sum   string
	node  string
}

func (n name) String() string {
	sum := n.sum
	if sum == "" {
		sum = "0"
	}
	return fmt.Sprintf("%s-%s-%d-%s-%s", n.kind, n.token, n.round, sum, n.node)
}

// parseName reports false for a name that is not ours.
func parseName(s string) (name, bool) {
	parts := strings.SplitN(s, "-", 5)
	if len(parts) != 5 || parts[1] == "" || parts[4] == "" {
		return name{}, false
	}
	round, err := strconv.Atoi(parts[2])
	if err != nil || round < 0 {
		return name{}, false
	}
	n := name{kind: parts[0], token: parts[1], round: round, sum: parts[3], node: parts[4]}
	if n.sum == "0" {
		n.sum = ""
	}
	switch n.kind {
	case kindRun, kindFile, kindMet, kindSeen, kindWrong, kindGone, kindOpens, kindDone, kindQuit:
		return n, n.String() == s
	default:
		return name{}, false
	}
}

// newToken names a run.
func newToken() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// groupName is the directory that the nodes of one mount share.
func groupName(volume, path string) string {
	sum := sha256.Sum256([]byte(volume + "\x00" + path))
	return volume + "-" + hex.EncodeToString(sum[:4])
}
