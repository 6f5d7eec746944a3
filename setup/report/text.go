package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/fatih/color"
	"golang.org/x/term"

	"brickyard/setup/change"
)

// Text prints for persons. It is the Watcher of an apply.
type Text struct {
	out      io.Writer
	terminal bool // rewrite the waiting line instead of adding to it
	part     change.Part
	waiting  string    // what the last waiting line said
	said     time.Time // when it was printed
	live     bool      // the waiting line stands at the cursor
	width    int       // columns of the terminal
	plain    bool      // ASCII only
	failed   error     // what Finished printed last

	bold, dim, add, del, good, bad, warn *color.Color
}

// NewText returns a printer. Colour and rewriting are for terminals only. What
// is no terminal gets signs beyond ASCII only where the locale is UTF-8: there
// are callers, Puppet among them, that fail on a byte that theirs does not know.
func NewText(out io.Writer, terminal bool) *Text {
	t := &Text{out: out, terminal: terminal, width: width(out), plain: !terminal && !utf8()}
	for _, c := range []struct {
		to    **color.Color
		attrs []color.Attribute
	}{
		{&t.bold, []color.Attribute{color.Bold}},
		{&t.dim, []color.Attribute{color.Faint}},
		{&t.add, []color.Attribute{color.FgGreen}},
		{&t.del, []color.Attribute{color.FgRed}},
		{&t.good, []color.Attribute{color.FgGreen, color.Bold}},
		{&t.bad, []color.Attribute{color.FgRed, color.Bold}},
		{&t.warn, []color.Attribute{color.FgYellow, color.Bold}},
	} {
		*c.to = color.New(c.attrs...)
		if terminal {
			(*c.to).EnableColor()
		} else {
			(*c.to).DisableColor()
		}
	}
	return t
}

// utf8 reports whether the locale of this process is UTF-8.
func utf8() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.HasSuffix(locale, "utf-8") || strings.HasSuffix(locale, "utf8")
}

// sign returns the sign, or what stands for it in ASCII.
func (t *Text) sign(sign, ascii string) string {
	if t.plain {
		return ascii
	}
	return sign
}

// width returns the columns of a terminal, 80 where they cannot be known.
func width(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 { //nolint:gosec // a descriptor fits
			return w
		}
	}
	return 80
}

func (t *Text) printf(format string, args ...any) {
	t.clear()
	fmt.Fprintf(t.out, format, args...) //nolint:errcheck // nobody is left to tell when the terminal is gone
}

// clear removes the waiting line.
func (t *Text) clear() {
	if t.live {
		fmt.Fprint(t.out, "\r\033[K") //nolint:errcheck // as above
		t.live = false
	}
}

// Head prints what is done to which node.
func (t *Text) Head(command, node, file string) {
	t.printf("%s %s  %s\n", t.bold.Sprint(node), command, t.dim.Sprint(file))
}

func (t *Text) head(p change.Part) {
	if p != t.part {
		t.part = p
		names := map[change.Part]string{change.Host: "this machine", change.Pool: "the pool", change.Client: "client mounts"}
		t.printf("\n%s\n", t.bold.Sprint(names[p]))
	}
}

// Planned prints one change of a plan.
func (t *Text) Planned(c change.Change) {
	t.head(c.Part)
	sign := t.add.Sprint("+")
	by := ""
	if c.By != "" {
		sign, by = t.dim.Sprint(t.sign("·", "*")), t.dim.Sprintf("  (made by %s)", c.By)
	}
	t.printf("  %s %s%s\n      %s\n", sign, c, by, t.dim.Sprint(c.Why))
	t.detail(c)
	for _, n := range c.Needs {
		t.printf("      %s\n", t.dim.Sprint("waits for "+n))
	}
}

func (t *Text) detail(c change.Change) {
	for i, l := range strings.Split(strings.TrimSuffix(c.Diff, "\n"), "\n") {
		switch {
		case l == "":
		case i < 2: // the names of the file
			t.printf("      %s\n", t.bold.Sprint(l))
		case strings.HasPrefix(l, "+"):
			t.printf("      %s\n", t.add.Sprint(l))
		case strings.HasPrefix(l, "-"):
			t.printf("      %s\n", t.del.Sprint(l))
		default:
			t.printf("      %s\n", l)
		}
	}
	for _, cmd := range c.Commands {
		t.printf("      $ %s\n", cmd)
	}
}

// Started shows what is being done, on a terminal only.
func (t *Text) Started(c change.Change) {
	t.head(c.Part)
	t.show(t.dim, c.String())
}

// Finished prints a change that was made, or failed.
func (t *Text) Finished(r change.Result) {
	t.head(r.Part)
	t.waiting = "" // it was worth waiting: what comes next is said again
	sign := t.good.Sprint(t.sign("✓", "ok"))
	switch r.Status {
	case change.Partly:
		sign = t.bad.Sprint(t.sign("✗", "partly"))
	case change.Failed:
		sign = t.bad.Sprint(t.sign("✗", "failed"))
	case change.Pending, change.Done:
	}
	t.printf("  %s %s  %s\n      %s\n", sign, r.Change, t.dim.Sprintf("%.2f s", r.Duration.Seconds()), t.dim.Sprint(r.Why))
	t.detail(r.Change)
	if r.Err != nil {
		t.failed = r.Err
		t.printf("      %s %s\n", t.bad.Sprint("error:"), indent(r.Err.Error()))
	}
}

// indent keeps the further lines of a message below its first one.
func indent(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n      ") }

// repeatAfter is how often a waiting line that says the same is printed again
// where lines cannot be rewritten.
const repeatAfter = 30 * time.Second

// Waiting says what is being waited for.
func (t *Text) Waiting(p change.Part, what []string, since time.Duration) {
	t.head(p)
	words := "the next look"
	if len(what) > 0 {
		words = what[0]
	}
	if n := len(what) - 1; n > 0 {
		words += fmt.Sprintf(", and %d more", n)
	}
	if t.terminal {
		t.show(t.warn, fmt.Sprintf("waiting %.0f s for %s", since.Seconds(), words))
		return
	}
	if words == t.waiting && time.Since(t.said) < repeatAfter {
		return
	}
	t.waiting, t.said = words, time.Now()
	t.printf("  %s waiting for %s (%.0f s)\n", t.sign("…", "..."), words, since.Seconds())
}

// show puts a line at the cursor that the next one replaces; only on a
// terminal. A line that wraps could not be removed, so it is cut.
func (t *Text) show(sign *color.Color, words string) {
	if !t.terminal {
		return
	}
	t.clear()
	if w := []rune(strings.ReplaceAll(words, "\n", " ")); len(w) > t.width-5 {
		words = string(w[:max(t.width-6, 0)]) + "…"
	} else {
		words = string(w)
	}
	fmt.Fprintf(t.out, "  %s %s", sign.Sprint("…"), words) //nolint:errcheck // as above
	t.live = true
}

// Conflict prints a refusal.
func (t *Text) Conflict(c change.Conflict) {
	t.printf("\n%s %s\n  %s\n  %s %s\n", t.bad.Sprint("conflict:"), t.bold.Sprint(c.Object), c.Problem, t.dim.Sprint("remedy:"), c.Remedy)
}

// Warnings prints what apply leaves alone.
func (t *Text) Warnings(ws []string) {
	for i, w := range ws {
		if i == 0 {
			t.printf("\n")
		}
		t.printf("%s %s\n", t.warn.Sprint("warning:"), w)
	}
}

// Waits prints what a plan waits for that no change of it brings about.
func (t *Text) Waits(ws []string) {
	for i, w := range ws {
		if i == 0 {
			t.printf("\n")
		}
		t.printf("%s %s\n", t.warn.Sprint("waits for:"), w)
	}
}

// Error prints what went wrong, unless that stands below the change that
// failed already.
func (t *Text) Error(err error) {
	if t.failed != nil && t.failed.Error() == err.Error() {
		return
	}
	t.printf("\n%s %s\n", t.bad.Sprint("error:"), err)
}

// End prints the last line.
func (t *Text) End(ok bool, format string, args ...any) {
	c := t.good
	if !ok {
		c = t.bad
	}
	t.printf("\n%s\n", c.Sprintf(format, args...))
}

// Quiet is the Watcher of an apply whose output is a JSON document.
type Quiet struct{}

// Started does nothing.
func (Quiet) Started(change.Change) {}

// Finished does nothing: the Runner logs.
func (Quiet) Finished(change.Result) {}

// Waiting does nothing.
func (Quiet) Waiting(change.Part, []string, time.Duration) {}
