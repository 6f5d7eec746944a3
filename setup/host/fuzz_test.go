package host

import (
	"errors"
	"strings"
	"testing"
)

// FuzzEditVolfile gives the editor of glusterd's volume file any text. What is edited says inet6, is edited no further,
// and gets back what it was.
func FuzzEditVolfile(f *testing.F) {
	option := "volume m\n  option " + familyOption
	for _, text := range []string{
		packaged, "", "end-volume", "volume x\nend-volume\nend-volume\n", option + " \"\"\nend-volume\n", option + " \"\nend-volume\n", option + "\nend-volume\n",
		option + " inet6\nend-volume\n", packaged + ourComment + "\n", ourComment + "\n" + ourOption + "\nend-volume\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		edited, other, err := editVolfile(text, true)
		switch {
		case err != nil:
			if !errors.Is(err, errNoVolume) || edited != text {
				t.Errorf("%q: %q, %v", text, edited, err)
			}
			return
		case other != "":
			if edited != text {
				t.Errorf("%q has the family %q, and became %q", text, other, edited)
			}
			return
		}
		// Nothing to say means that glusterd's family is IPv6's now.
		if again, other, err := editVolfile(edited, true); again != edited || other != "" || err != nil {
			t.Errorf("%q became %q, then %q, %q, %v", text, edited, again, other, err)
		}
		if v, _ := value(edited); strings.Trim(v, `"`) != "inet6" {
			t.Errorf("%q became %q, in which the family is %q", text, edited, v)
		}
		if strings.Contains(text, ourComment) || edited == text {
			return
		}
		if back, other, err := editVolfile(edited, false); back != text || other != "" || err != nil {
			t.Errorf("%q became %q, and then %q, %q, %v", text, edited, back, other, err)
		}
	})
}

// value is that of the first option that sets the family.
func value(text string) (v string, found bool) {
	for l := range strings.Lines(text) {
		if words := strings.Fields(l); len(words) > 2 && words[0] == "option" && words[1] == familyOption {
			return words[2], true
		}
	}
	return "", false
}
