package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// journalLogger logs for the journal when stderr goes there: each line begins
// with its syslog priority, so that warnings are warnings.
func journalLogger(w io.Writer) *slog.Logger {
	// The variable is inherited by programs whose words go elsewhere.
	if journals, _ := journal.StderrIsJournalStream(); !journals {
		return logger(w, slog.LevelInfo)
	}
	buf := &bytes.Buffer{}
	text := slog.NewTextHandler(buf, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{} // the journal has both
		}
		return a
	}})
	return slog.New(&journalHandler{text: text, buf: buf, out: w, mu: &sync.Mutex{}})
}

// journalHandler puts the priority in front of what text writes to buf.
type journalHandler struct {
	text slog.Handler
	buf  *bytes.Buffer
	out  io.Writer
	mu   *sync.Mutex
}

// Enabled is that of the text.
func (h *journalHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.text.Enabled(ctx, l)
}

// WithAttrs returns a handler that adds attributes to every line.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journalHandler{text: h.text.WithAttrs(attrs), buf: h.buf, out: h.out, mu: h.mu}
}

// WithGroup returns a handler that puts further attributes into a group.
func (h *journalHandler) WithGroup(name string) slog.Handler {
	return &journalHandler{text: h.text.WithGroup(name), buf: h.buf, out: h.out, mu: h.mu}
}

// Handle writes one line with the priority of sd-daemon(3) in front.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
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
