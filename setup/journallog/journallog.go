// Package journallog logs for the journal.
package journallog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// New logs for the journal when stderr goes there: each line begins with its
// syslog priority, so that warnings are warnings.
func New(w io.Writer) *slog.Logger {
	// The variable is inherited by programs whose words go elsewhere.
	if journals, _ := journal.StderrIsJournalStream(); !journals {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	buf := &bytes.Buffer{}
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{} // the journal has both
		}
		return a
	}
	text := slog.NewTextHandler(buf, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutTime})
	return slog.New(&handler{text: text, buf: buf, out: w, mu: &sync.Mutex{}})
}

// handler puts the priority in front of what text writes to buf.
type handler struct {
	text slog.Handler
	buf  *bytes.Buffer
	out  io.Writer
	mu   *sync.Mutex
}

// Enabled is that of the text.
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.text.Enabled(ctx, l)
}

// WithAttrs returns a handler that adds attributes to every line.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{text: h.text.WithAttrs(attrs), buf: h.buf, out: h.out, mu: h.mu}
}

// WithGroup returns a handler that puts further attributes into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{text: h.text.WithGroup(name), buf: h.buf, out: h.out, mu: h.mu}
}

// Handle writes one line with the priority of sd-daemon(3) in front.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf.Reset()
	priority := "<5>"
	switch {
	case r.Level >= slog.LevelError:
		priority = "<3>"
	case r.Level >= slog.LevelWarn:
		priority = "<4>"
	}
	if err := h.text.Handle(ctx, r); err != nil {
		return err
	}
	_, err := io.WriteString(h.out, priority+h.buf.String())
	return err
}
