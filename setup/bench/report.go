package bench

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// WriteText writes the result for a person.
func (r Result) WriteText(w io.Writer) error {
	var b bytes.Buffer
	r.writeHeader(&b)
	r.writePaths(&b)
	for _, p := range r.Paths {
		writeOperations(&b, p)
	}
	r.writeRounds(&b)
	r.writeComparisons(&b)
	for _, s := range r.Warnings {
		fmt.Fprintf(&b, "\nWarning: %s\n", s)
	}
	for _, s := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", s)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (r Result) writeHeader(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s of %s of %s on %s\n", plural(r.Rounds, "round"), plural(r.FilesPerRound, "file"),
		plural(int(r.SizeBytes), "byte"), plural(len(r.Paths), "path"))
	var options []string
	if r.Fsync {
		options = append(options, "each file is synced before it is closed")
	}
	if r.DropCache {
		options = append(options, "the kernel is asked to forget a file before it is read")
	} else {
		options = append(options, "what is read back may come from this machine's memory")
	}
	fmt.Fprintf(b, "(%s)\n", strings.Join(options, "; "))
	if !r.Complete {
		fmt.Fprintf(b, "\nINCOMPLETE: the run ended early; these are the figures until then.\n")
	}
}

func (r Result) writePaths(b *bytes.Buffer) {
	if len(r.Paths) == 0 {
		return
	}
	fmt.Fprintln(b)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Path\tFile system\tSource\tMounted on\tFree")
	for _, p := range r.Paths {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Path, p.FileSystemType, p.Source, p.MountPoint, humanize.Bytes(p.FreeBytes))
	}
	_ = t.Flush() // a bytes.Buffer takes everything
}

func writeOperations(b *bytes.Buffer, p PathResult) {
	if len(p.Operations) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", p.Path)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-9s\tTimes\tMean\tp50\tp90\tp99\tMax\t\n", "Operation")
	for _, o := range p.Operations {
		fmt.Fprintf(t, "%-9s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", o.Operation, humanize.Comma(o.Count),
			short(o.MeanSeconds), short(o.P50Seconds), short(o.P90Seconds), short(o.P99Seconds), short(o.MaxSeconds))
	}
	_ = t.Flush()
}

// writeRounds prints the articles' table: seconds of each round, side by side.
func (r Result) writeRounds(b *bytes.Buffer) {
	rounds := 0
	for _, p := range r.Paths {
		rounds = max(rounds, len(p.RoundSeconds))
	}
	if rounds == 0 {
		return
	}
	fmt.Fprintf(b, "\nSeconds a round\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(PathResult) string) {
		fmt.Fprintf(t, "%-7s\t", name)
		for _, p := range r.Paths {
			fmt.Fprintf(t, "%s\t", cell(p))
		}
		fmt.Fprintln(t)
	}
	row("Round", func(p PathResult) string { return p.Path })
	for i := range rounds {
		row(fmt.Sprintf("%5d", i+1), func(p PathResult) string {
			if i >= len(p.RoundSeconds) {
				return "-"
			}
			return fmt.Sprintf("%.3f", p.RoundSeconds[i])
		})
	}
	row("Average", func(p PathResult) string {
		if len(p.RoundSeconds) == 0 {
			return "-"
		}
		return fmt.Sprintf("%.3f", p.AverageRoundSeconds)
	})
	_ = t.Flush()
}

func (r Result) writeComparisons(b *bytes.Buffer) {
	for _, c := range r.Comparisons {
		fmt.Fprintf(b, "\n%s took %.3f times as long as %s (median of %s; half of them from %.3f to %.3f, all from %.3f to %.3f).\n",
			c.Path, c.MedianRatio, c.BasePath, plural(c.Rounds, "round"), c.FirstQuartileRatio, c.ThirdQuartileRatio, c.MinRatio, c.MaxRatio)
		fmt.Fprintf(b, "%s\n", verdict(c))
	}
}

// verdict says in words what the spread allows to say.
func verdict(c Comparison) string {
	switch {
	case c.Rounds < 4:
		return "Too few rounds for a verdict: use more --rounds."
	case c.MinRatio > 1:
		return fmt.Sprintf("%s was slower in every round.", c.Path)
	case c.MaxRatio < 1:
		return fmt.Sprintf("%s was faster in every round.", c.Path)
	case c.FirstQuartileRatio > 1:
		return fmt.Sprintf("%s was slower in most rounds.", c.Path)
	case c.ThirdQuartileRatio < 1:
		return fmt.Sprintf("%s was faster in most rounds.", c.Path)
	default:
		return "No clear difference: the rounds differ among themselves as much as the paths do."
	}
}

// short prints seconds with three digits and a unit that suits them.
func short(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= time.Second:
		return digits(seconds) + " s"
	case d >= time.Millisecond:
		return digits(seconds*1e3) + " ms"
	default:
		return digits(seconds*1e6) + " µs"
	}
}

func digits(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}
