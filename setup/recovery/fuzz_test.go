package recovery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzJournal gives the reader of the journal any text: it is nothing, or what writing it again keeps.
func FuzzJournal(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", "[]", `{"updated":"2026-11-28T00:00:00Z","bricks":[{"volume":"v","path":"/b","action":"wait","since":"2026-11-28T00:00:00Z","starts":3}]}`,
		`{"bricks":null,"emptied":[{"time":"9999-12-31T23:59:59.999999999Z"}]}`, `{"resynced":[{"duration_seconds":1e308,"entries":-1}]}`,
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "recovery.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := ReadJournal(path)
		if err != nil {
			if len(j.Bricks)+len(j.Emptied)+len(j.Unclean)+len(j.Resynced) > 0 || len(err.Error()) > 8<<10 {
				t.Errorf("%+v with an error of %d bytes", j, len(err.Error()))
			}
			return
		}
		if err := j.Write(path); err != nil {
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		again, err := ReadJournal(path)
		if err != nil || len(again.Bricks) != len(j.Bricks) || len(again.Emptied) != min(len(j.Emptied), keepPast) {
			t.Errorf("%q was read as %+v, and then as %+v, %v", text, j, again, err)
		}
		first, err := json.Marshal(j.Bricks)
		second, err2 := json.Marshal(again.Bricks)
		if err != nil || err2 != nil || string(first) != string(second) {
			t.Errorf("%s became %s: %v, %v", first, second, err, err2)
		}
	})
}
