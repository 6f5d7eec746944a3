package recovery

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Where GlusterFS's daemons of a node say what is wrong.
const (
	logDir      = "/var/log/glusterfs"
	glusterdLog = logDir + "/glusterd.log"
)

// brickLog is where the process of a brick logs.
func brickLog(path string) string {
	return logDir + "/bricks/" + strings.ReplaceAll(strings.Trim(path, "/"), "/", "-") + ".log"
}

// Reason says in GlusterFS's own words why a brick that it was told to start then does not run: the last error of the
// brick's process where it began, and the first of glusterd otherwise, because what follows there only repeats that it failed.
func Reason(path string, since time.Time) string {
	if all := errorsIn(brickLog(path), since); len(all) > 0 {
		return fmt.Sprintf(" (%q)", all[len(all)-1])
	}
	if words := firstAbout(path, errorsIn(glusterdLog, since)); words != "" {
		return fmt.Sprintf(" (%q)", words)
	}
	return ""
}

// firstAbout is the first error that names the brick, or else the first of all.
func firstAbout(path string, all []string) string {
	for _, words := range all {
		if strings.Contains(words, path) {
			return words
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// errorsIn are the errors that the end of a log has since then.
func errorsIn(file string, since time.Time) []string {
	const most = 256 << 10
	f, err := os.Open(file) //nolint:gosec // GlusterFS's
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // read only
	if end, err := f.Seek(0, io.SeekEnd); err == nil && end > most {
		_, err = f.Seek(-most, io.SeekEnd)
		if err != nil {
			return nil
		}
	} else if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil
	}
	var out []string
	for line := range bytes.Lines(text) {
		if words, ok := parseError(string(line), since); ok {
			out = append(out, words)
		}
	}
	return out
}

// parseError returns what a line of a log says, where it is an error since then:
//
//	[2026-11-28 12:00:00.123456 +0000] E [MSGID: 106005] [file.c:1:function] 0-management: words
//
// Before GlusterFS 8 the time has no zone; it is always UTC (gf_time_fmt, libglusterfs, 3.12 to 11.1).
func parseError(line string, since time.Time) (words string, ok bool) {
	stamp, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	if !ok || len(stamp) < len(time.DateTime) || !strings.HasPrefix(line, "[") {
		return "", false
	}
	at, err := time.Parse(time.DateTime, stamp[:len(time.DateTime)])
	if err != nil || at.Before(since.Add(-time.Second)) || len(rest) < 2 || rest[1] != ' ' || !strings.Contains("ECA", rest[:1]) {
		return "", false
	}
	const most = 300
	if _, said, found := strings.Cut(rest, "] "); found {
		rest = said
	}
	for strings.HasPrefix(rest, "[") {
		_, said, found := strings.Cut(rest, "] ")
		if !found {
			break
		}
		rest = said
	}
	if _, said, found := strings.Cut(rest, ": "); found { // the translator
		rest = said
	}
	rest = sanitize(rest)
	return rest[:min(len(rest), most)], rest != ""
}
