package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText writes the result for a person.
func (r Result) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Replication test of volume %s on %s, seen from %s\n", r.Volume, r.Path, r.Node)
	switch {
	case r.Alone:
		fmt.Fprintf(&b, "No other node mounts it there, so there is no other client to compare with.\n")
		fmt.Fprintf(&b, "%d of %d files were written, read back, listed and removed here.\n", r.RoundsCompleted, r.Rounds)
	case len(r.Peers) > 0:
		fmt.Fprintf(&b, "%d nodes, met after %s; %d of %d rounds done; each node looked every %s\n",
			len(r.Peers)+1, show(r.MeetingSeconds), r.RoundsCompleted, r.Rounds, show(r.PollIntervalSeconds))
		r.writePeers(&b)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	fmt.Fprintf(&b, "\n%s\n", r.verdict())
	_, err := w.Write(b.Bytes())
	return err
}

func (r Result) writePeers(b *bytes.Buffer) {
	width := len("Node")
	for _, p := range r.Peers {
		width = max(width, len(p.Node))
	}
	table := func(title, columns string, row func(PeerResult) string) {
		fmt.Fprintf(b, "\n%s\n", title)
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(t, "%-*s\t%s\t\n", width, "Node", columns)
		for _, p := range r.Peers {
			fmt.Fprintf(t, "%-*s\t%s\t\n", width, p.Node, row(p))
		}
		_ = t.Flush() // a bytes.Buffer takes everything
	}
	const columns = "Files\tFastest\tMedian\tSlowest\tOne way, about"
	table("A file made here: until the answer of the node that read it was back (round trip)", columns,
		func(p PeerResult) string { return p.Seen.row() })
	table("The same file removed here: until the answer that it is gone was back (round trip)", columns,
		func(p PeerResult) string { return p.Removed.row() })
	table("Files of the others, as seen here", "Read\tGone\tWrong", func(p PeerResult) string {
		return fmt.Sprintf("%d\t%d\t%d", p.Observed.FilesRead, p.Observed.RemovalsSeen, p.Observed.FilesWrong)
	})
	fmt.Fprintf(b, "\nNo clocks were compared. One way takes at most the round trip; \"about\" supposes that an answer, a new file too,\n"+
		"takes as long to be seen as a file: half of the first median. A round trip contains about two looks.\n")
}

func (d Delays) row() string {
	if d.Count == 0 {
		return "0\t-\t-\t-\t-"
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", d.Count, show(d.MinRoundTripSeconds), show(d.MedianRoundTripSeconds),
		show(d.MaxRoundTripSeconds), show(d.OneWayEstimateSeconds))
}

func (r Result) verdict() string {
	var failed *FailedError
	switch {
	case errors.As(r.failure(), &failed):
		return "FAILED:\n  " + strings.Join(failed.Failures, "\n  ")
	case !r.Complete:
		return "INCOMPLETE: the test ended early."
	case r.Alone:
		return "Writing, reading and removing work."
	default:
		return "Every other node saw every file of this one, and its removal."
	}
}

// show prints seconds to a hundredth of a millisecond below a second, and to
// a millisecond above.
func show(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3f s", d.Seconds())
}
