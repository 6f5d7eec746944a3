// Package onefile says which cluster file each node applied last, and which of two files replaced the other.
//
// Every node keeps a small file about it, its word, and the glusterds of servers hand theirs out to whoever asks, without a
// lock. A word is believed no further than this: it is shown, and a node does not change the pool after a file that others
// have replaced, until it is told to.
package onefile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"time"

	"brickyard/setup/cluster"
)

// Path is where a node keeps its word.
const Path = "/var/lib/brickyard/cluster-file.json"

// Limits of what is read of a word. Anybody could write one who can write a server's files.
const (
	maxBytes    = 8 << 10
	maxReplaced = 32
	maxNumber   = 1 << 40
)

// Word is what a node says about the cluster file that it applied last.
type Word struct {
	File string `json:"file"` // Digest of it
	// Number grows with every file that is new to the nodes: the file of the greater number replaced the other. Clocks of
	// two machines are never compared.
	Number   uint64    `json:"number"`
	Applied  time.Time `json:"applied"` // by the clock of the node, for persons
	Program  string    `json:"program"` // the version of gluster-setup
	Replaced []string  `json:"replaced,omitempty"`
}

// Digest is 32 hexadecimal digits of the SHA-256 of what a cluster file means: of the decoded file with its defaults filled
// in. Comments, the form of values and the order of keys do not count; the order of lists does.
func Digest(c *cluster.Cluster) (string, error) {
	text, err := json.Marshal(c) // has the keys of maps in order
	if err != nil {
		return "", fmt.Errorf("digest of the cluster file: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:digestBytes]), nil
}

const digestBytes = 16

var (
	digestForm  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	programForm = regexp.MustCompile(`^[0-9A-Za-z.+~_-]{1,64}$`)
)

var errWord = errors.New("it is no word about a cluster file")

// ParseWord reads a word, and believes nothing that could not be one.
func ParseWord(text []byte) (*Word, error) {
	if len(text) > maxBytes {
		return nil, errWord
	}
	w := &Word{}
	if err := json.Unmarshal(text, w); err != nil {
		return nil, fmt.Errorf("%w: %w", errWord, err)
	}
	digest := digestForm.MatchString
	if !digest(w.File) || !programForm.MatchString(w.Program) || w.Number > maxNumber || len(w.Replaced) > maxReplaced ||
		slices.ContainsFunc(w.Replaced, func(d string) bool { return !digest(d) }) {
		return nil, errWord
	}
	return w, nil
}

// ReadWord reads the word that this node keeps; nil where it has none, or one that cannot be read and is written anew.
func ReadWord(path string) (*Word, error) {
	f, err := os.Open(path) //nolint:gosec // in a directory of root's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no word is no mistake
	}
	if err != nil {
		return nil, fmt.Errorf("read which cluster file was applied last: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read which cluster file was applied last: %w", err)
	}
	w, err := ParseWord(text)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // as if there were none
	}
	return w, nil
}

// Text is the word as it is kept and handed out.
func (w Word) Text() ([]byte, error) {
	text, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write which cluster file was applied last: %w", err)
	}
	return append(text, '\n'), nil
}
