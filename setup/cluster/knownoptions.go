package cluster

import (
	_ "embed" // for the list of options
	"fmt"
	"slices"
	"strings"
)

//go:embed options-10.3.txt
var optionList string

// knownOptions returns the names of the volume options of GlusterFS 10.3.
func knownOptions() []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(optionList), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#")
	})
}

// isKnownOption says whether the name can be checked at all and is known.
// Anything may stand behind user.
func isKnownOption(name string, known []string) bool {
	return strings.HasPrefix(name, "user.") || slices.Contains(known, name)
}

// misspeltOption refuses a name that is no option of GlusterFS 10.3 but
// resembles one. One that resembles none may belong to another version;
// Warnings mentions it.
func misspeltOption(name string) (message, hint string) {
	known := knownOptions()
	if isKnownOption(name, known) {
		return "", ""
	}
	near := nearest(name, known)
	if near == "" || editDistance(name, near) > 3 {
		return "", ""
	}
	return fmt.Sprintf("option %s is unknown", name), fmt.Sprintf("did you mean %s?", near)
}

// unknownOptionWarnings tells of options that GlusterFS 10.3 does not have.
func unknownOptionWarnings(volume string, v Volume) []string {
	var warnings []string
	known := knownOptions()
	for _, name := range sortedKeys(v.Options) {
		if !isKnownOption(name, known) {
			warnings = append(warnings, fmt.Sprintf("volume %s has the option %s, which GlusterFS 10 does not know; other versions may.", volume, name))
		}
	}
	return warnings
}
