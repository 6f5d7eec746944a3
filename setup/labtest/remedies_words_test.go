package labtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"brickyard/setup/check"
)

// byCheck has, for each kind of difference, the test that does what check says about it, or why none does.
func byCheck() map[check.Kind]string {
	const every = "followed by TestCheckFindsWhatHealInfoCannotSee"
	return map[check.Kind]string{
		check.Missing: every, check.Size: every, check.Content: every, check.Mode: every, check.Owner: every,
		check.Target: every, check.XattrKind: every, check.NoGFIDKind: every,
		check.Extra:        "with three bricks only; what it says is that of a missing one, which is followed",
		check.GFID:         "its command is followed, with another path, by TestRunbooksOfServersAndClientsAreFollowedToTheEnd (split-brain)",
		check.TypeKind:     "as gfid",
		check.UnreadableKd: "only looks",
	}
}

// byRecover has what recover says that a person must decide, by words of it, and the test that does so, or why none does.
func byRecover() map[string]string {
	return map[string]string{
		"move it away if its files are no longer needed":      "followed by TestRunbooksOfBricksAreFollowedToTheEnd",
		": run gluster-setup apply":                           "followed by TestRunbooksOfBricksAreFollowedToTheEnd",
		"no brick of the replica set holds a complete copy":   "followed by TestRunbooksOfServersAndClientsAreFollowedToTheEnd",
		"until both say the same; correct volumes.":           "the state is made by TestAnEditedFileTouchesNoBrick; the correction is that of volume-shape, which is followed",
		"give the directory to root alone":                    "that of brick-exposed, which is followed",
		"replace it by the directory itself":                  "the directory is the person's to find",
		"the brick is half filled, its source is gone":        "ends in the command of a volume without a complete copy, which is followed",
		"glusterd was told %s to start the brick and it does": "followed by TestABrickThatGlusterdCannotStartIsStartedLessAndLessOften",
	}
}

// sources are the texts of the files that a pattern finds, of tests or of the program.
func sources(t *testing.T, pattern string, tests bool) string {
	t.Helper()
	var text strings.Builder
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %q, %v", pattern, files, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") != tests {
			continue
		}
		b, err := os.ReadFile(f) //nolint:gosec // our own source
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	return text.String()
}

// Nobody adds something that a person must do, and that no test does, without saying so.
func TestHowManyRemediesOfCheckAndRecoverAreFollowed(t *testing.T) {
	t.Parallel()
	tests := sources(t, "*.go", true)
	followed, left := 0, []string{}
	count := func(what, how string) {
		name, is := strings.CutPrefix(how, "followed by ")
		switch {
		case !is:
			left = append(left, what+": "+how)
		case !strings.Contains(tests, "func "+name+"("):
			t.Errorf("%s: there is no %s", what, name)
		default:
			followed++
		}
	}
	for _, k := range check.Kinds() {
		how, ok := byCheck()[k]
		if !ok {
			t.Errorf("nobody does what check says about %s: %q; say in byCheck which test does, or why none", k, check.Remedy(k))
			continue
		}
		count("check: "+string(k), how)
	}
	stops := regexp.MustCompile(`(?m)Decision\{Stop, .*$|^\treturn fmt.Sprintf\("glusterd was told .*$`)
	text := sources(t, "../recovery/*.go", false)
	said := stops.FindAllString(text, -1)
	used := map[string]bool{}
	for _, s := range said {
		known := false
		for words := range byRecover() {
			if strings.Contains(s, words) {
				known, used[words] = true, true
			}
		}
		if !known {
			t.Errorf("nobody does what recover says: %s; say in byRecover which test does, or why none", s)
		}
	}
	for words, how := range byRecover() {
		if !used[words] {
			t.Errorf("recover no longer says %q: take it out of byRecover", words)
		}
		count("recover: "+words, how)
	}
	t.Logf("%d remedies, %d of them followed to the end; the others:\n%s", followed+len(left), followed, strings.Join(left, "\n"))
}
