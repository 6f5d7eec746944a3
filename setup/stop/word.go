package stop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Moment is a time by this machine's own count: no wall clock is in it, which may be wrong, and differs between machines.
type Moment struct {
	Boot string        // the kernel's name for this boot (/proc/sys/kernel/random/boot_id)
	Up   time.Duration // since then, sleep included (CLOCK_BOOTTIME)
}

// ThisMoment is now. It fails where /proc does not say which boot this is.
func ThisMoment() (Moment, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Moment{}, fmt.Errorf("find out which boot this is: %w", err)
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return Moment{}, fmt.Errorf("find out how long this machine is up: %w", err)
	}
	return Moment{Boot: strings.TrimSpace(string(boot)), Up: time.Duration(up.Nano())}, nil
}

// withdrawn is what a node's word is when it does not want to stop.
const withdrawn = "no"

// word is what a node that was allowed to stop leaves in its volumes. Others read that it is there, and nothing more; when
// it is over is for the node itself to say, whose moments alone compare with it.
type word struct {
	at     string // the wall clock, for persons
	moment Moment
}

func (w word) String() string {
	return fmt.Sprintf("%s,%s,%d", w.at, w.moment.Boot, int64(w.moment.Up.Seconds()))
}

// spoken returns the word in the value of an option, if there is one. That of a former version is a time alone: it has no
// moment, and is of another boot than any.
func spoken(value string) (word, bool) {
	if value == "" || value == withdrawn {
		return word{}, false
	}
	parts := strings.Split(value, ",")
	w := word{at: parts[0]}
	if len(parts) == 3 {
		if up, err := strconv.ParseInt(parts[2], 10, 64); err == nil {
			w.moment = Moment{Boot: parts[1], Up: time.Duration(up) * time.Second}
		}
	}
	return w, true
}

// wordTime is how long a node that was allowed to stop, and does not, keeps its word.
const wordTime = 30 * time.Minute

// clockTick is how finely the kernel says when a process started.
const clockTick = 10 * time.Millisecond

// passed is when a glusterd that starts is seen to have started after the word, since the boot. It is pure.
func (w word) passed() time.Duration {
	return w.moment.Up.Truncate(time.Second) + time.Second + 2*clockTick
}

// over says whether a node's own word is over: it was stopped since, as another boot or a glusterd that started
// afterwards shows, or it did not stop in half an hour. Words are told in whole seconds. It is pure.
func (w word) over(glusterd, now Moment) bool {
	return w.moment.Boot != now.Boot || w.moment.Up+time.Second < glusterd.Up || now.Up-w.moment.Up > wordTime
}
