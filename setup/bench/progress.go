package bench

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a progress bar, or nothing where nobody looks. A bar that
// cannot be drawn is no reason to end a benchmark, so its errors are ignored.
type progress struct {
	bar    *progressbar.ProgressBar
	rounds int
}

func newProgress(cfg Config) *progress {
	p := &progress{rounds: cfg.Rounds}
	if cfg.Progress != nil && cfg.Terminal {
		p.bar = progressbar.NewOptions64(int64(cfg.Rounds)*int64(cfg.Count)*int64(len(cfg.Paths)),
			progressbar.OptionSetWriter(cfg.Progress),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(24),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

func (p *progress) describe(round int, path string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("round %d of %d on %s", round+1, p.rounds, path))
	}
}

func (p *progress) step() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// finish takes the bar off the terminal.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
