package main

import (
	"strings"
	"testing"
)

func TestWhatIsAllowedIsTakenAsConflictsPrintIt(t *testing.T) {
	t.Parallel()
	got, err := consents([]string{"older-file:web1.example.com"})
	if err != nil || len(got) != 1 || got[0] != (consent{"older-file", "web1.example.com"}) || got[0].String() != "older-file:web1.example.com" {
		t.Errorf("%v, %v", got, err)
	}
	for text, words := range map[string]string{
		"older-file":         "is not of the form CODE:OBJECT, as in older-file:web1.example.com",
		"older-file:":        "is not of the form CODE:OBJECT",
		"":                   "is not of the form CODE:OBJECT",
		"olderfile:web1":     `nothing of code "olderfile" can be allowed, only of older-file`,
		"volume-shape:other": `nothing of code "volume-shape" can be allowed, only of older-file`,
	} {
		if _, err := consents([]string{"older-file:web1", text}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
