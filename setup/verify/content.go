package verify

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

const bodySize = 4096 // random bytes in a round's file

// newContent makes the content of a round's file: a line that names the file
// and has the checksum of the random bytes that follow.
func newContent(file name) []byte {
	body := make([]byte, bodySize)
	_, _ = rand.Read(body) // never fails
	return append(header(file, body), body...)
}

func header(file name, body []byte) []byte {
	return fmt.Appendf(nil, "gluster-setup verify %s %x\n", file, sha256.Sum256(body))
}

// checksum is what a reader answers with.
func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// check says what is wrong with the content of a round's file, if anything.
func check(file name, content []byte) error {
	if len(content) == 0 {
		return errors.New("the file is empty")
	}
	line, body, found := bytes.Cut(content, []byte("\n"))
	if !found || !bytes.HasPrefix(line, []byte("gluster-setup verify ")) {
		return errors.New("the first line is not the file's")
	}
	if len(body) != bodySize {
		return fmt.Errorf("%d of %d bytes are there", len(body), bodySize)
	}
	if !bytes.Equal(content[:len(line)+1], header(file, body)) {
		return errors.New("the checksum or the name in the file is another one")
	}
	return nil
}
