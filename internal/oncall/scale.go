package main

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/prometheus/common/model"
)

// scaled is a duration of a rule by which the rule waits or looks back: for, keep_firing_for, a window, an offset.
// Thresholds, such as the seconds for which a mount has been stuck, are measured by the exporters and stay.
var scaled = regexp.MustCompile(`(?m)(^\s*(?:for|keep_firing_for): |\[|\boffset )([0-9][0-9a-z]*)\b`)

// scale divides the durations of rules, so that a fault and its end show sooner, and changes nothing else.
func scale(rules string, by int) (string, error) {
	if by < 1 {
		return "", fmt.Errorf("durations divided by %d: take 1 or more", by)
	}
	var errs []error
	out := scaled.ReplaceAllStringFunc(rules, func(found string) string {
		parts := scaled.FindStringSubmatch(found)
		d, err := model.ParseDuration(parts[2])
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", found, err))
			return found
		}
		if by == 1 {
			return found
		}
		shorter := time.Duration(d) / time.Duration(by)
		// Prometheus knows nothing finer than milliseconds, and refuses a window of 0.
		return parts[1] + model.Duration(max(shorter.Truncate(time.Millisecond), time.Millisecond)).String()
	})
	return out, errors.Join(errs...)
}
