package gluster_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// The session of a volume web with a volume copy of another pool, recorded on GlusterFS 10.3 while it copied. The user and password of the volume are left out.
const recordedGeorep = "testdata/glusterfs-10.3/georep-"

// georepStore has the session's files, with some of them replaced: those named with nil are not there.
func georepStore(t *testing.T, replaced map[string][]byte) gluster.Store {
	t.Helper()
	const session = "geo-replication/web_n3_copy/"
	files := map[string][]byte{
		"vols/web/info":               read(t, recordedGeorep+"info.txt"),
		session + "monitor.status":    read(t, recordedGeorep+"monitor.status"),
		session + "gsyncd.conf":       read(t, recordedGeorep+"gsyncd.conf"),
		session + "brick_%2Fb.status": read(t, recordedGeorep+"active.json"),
	}
	maps.Copy(files, replaced)
	s := gluster.Store{Dir: t.TempDir()}
	for name, text := range files {
		path := filepath.Join(s.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if text == nil {
			continue
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var copied = gluster.Secondary{Host: "n3", Volume: "copy", VolumeID: "615e91c8-26af-409e-a843-4b6a2b74f8e3"}

func TestARecordedSessionIsRead(t *testing.T) {
	t.Parallel()
	s := georepStore(t, nil)
	secondaries, err := s.Secondaries("web")
	if diff := cmp.Diff([]gluster.Secondary{copied}, secondaries); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	session, err := s.GeorepSession("web", copied)
	if want := (gluster.GeorepSession{Status: "Started", Checkpoint: 1795718012}); session != want || err != nil {
		t.Errorf("%+v, %v", session, err)
	}
	worker, err := s.GeorepWorker("web", copied, "/b")
	want := gluster.GeorepWorker{Status: "Active", Crawl: "Changelog Crawl", LastSynced: 1795718015, CheckpointTime: 1795718012, CheckpointCompleted: 1795718019}
	if worker != want || err != nil {
		t.Errorf("%+v, %v", worker, err)
	}
	for name, status := range map[string]string{"passive": "Passive", "faulty": "Faulty", "initializing": "Initializing..."} {
		if w, err := gluster.ParseGeorepWorker(read(t, recordedGeorep+name+".json")); err != nil || w.Status != status {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
}

func TestSecondariesOfEveryForm(t *testing.T) {
	t.Parallel()
	s := georepStore(t, map[string][]byte{"vols/web/info": []byte(`secondary10=u:ssh://late::copy:id
slave1=u:ssh://geo@dr.example.com::old
slave-count=3
secondary2=u:ssh://fd77::13::six:id
secondary3=u:ssh://again@late::copy:id
`)})
	got, err := s.Secondaries("web")
	want := []gluster.Secondary{
		{User: "geo", Host: "dr.example.com", Volume: "old"},
		{Host: "fd77::13", Volume: "six", VolumeID: "id"},
		{User: "again", Host: "late", Volume: "copy", VolumeID: "id"}, // whose files are those of the other
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{"", "u", "u:ssh://", "u:ssh://::v", "u:ssh://h::", "u:ssh://h::/x:id", "u:ssh://../..::v", "ssh://h::v"} {
		s := georepStore(t, map[string][]byte{"vols/web/info": []byte("secondary1=" + bad + "\n")})
		if _, err := s.Secondaries("web"); !errors.Is(err, gluster.ErrMalformed) || !strings.Contains(err.Error(), "vols/web/info") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Files that are just made, half there or gone are no error; what cannot be understood is one that names the file.
func TestFilesOfASessionThatAreNotAsUsual(t *testing.T) {
	t.Parallel()
	const session = "geo-replication/web_n3_copy/"
	none := gluster.GeorepWorker{Status: "N/A", Crawl: "N/A"}
	for _, text := range [][]byte{nil, {}, []byte("\n")} {
		s := georepStore(t, map[string][]byte{session + "monitor.status": text, session + "gsyncd.conf": text, session + "brick_%2Fb.status": text})
		if got, err := s.GeorepSession("web", copied); got != (gluster.GeorepSession{}) || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if got, err := s.GeorepWorker("web", copied, "/b"); got != none || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	active := string(read(t, recordedGeorep+"active.json"))
	long := []byte(strings.Repeat(" ", 65<<10))
	for file, texts := range map[string][]string{
		"monitor.status": {"Running", "Started Started", string(long)},
		"gsyncd.conf":    {"[vars]\ncheckpoint = now\n", "checkpoint=-1", string(long)},
		"brick_%2Fb.status": {
			active[:100], "[]", `{"worker_status": "Asleep"}`, `{"crawl_status": "x"}`, `{"failures": -1}`, `{"last_synced": -1}`, `{"last_synced": "N/A"}`,
			`{"data": 1e99}`, string(long),
		},
	} {
		for _, text := range texts {
			s := georepStore(t, map[string][]byte{session + file: []byte(text)})
			got, err := s.GeorepSession("web", copied)
			w, werr := s.GeorepWorker("web", copied, "/b")
			err = errors.Join(err, werr)
			if !errors.Is(err, gluster.ErrMalformed) || !strings.Contains(err.Error(), session+file) {
				t.Errorf("%s %.40q: %v", file, text, err)
			}
			if (file == "monitor.status") != (got.Status == "") || (file == "gsyncd.conf") != (got.Checkpoint == 0) || (file == "brick_%2Fb.status") != (w == none) {
				t.Errorf("%s %.40q: %+v, %+v", file, text, got, w)
			}
		}
	}
}

func TestTheLockOfAMonitorIsSeenAndNotTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	look := func(wantRunning, wantNoted bool) {
		t.Helper()
		if running, noted, err := gluster.GeorepMonitor(dir, "web", copied); running != wantRunning || noted != wantNoted || err != nil {
			t.Errorf("running %v, noted %v, %v", running, noted, err)
		}
	}
	look(false, false)
	f, err := os.Create(filepath.Join(dir, "gsyncd-web-n3-copy.pid"))
	if err != nil {
		t.Fatal(err)
	}
	look(false, true)
	// A lock of the open file, not of this process, whose own locks do not keep it out.
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	for range 2 {
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
			t.Fatal(err)
		}
		look(true, true)
	}
	// Given back and not only closed: a child that another test is just starting has the open file too, and with it the lock, for a moment.
	lock.Type = unix.F_UNLCK
	if err := errors.Join(unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock), f.Close()); err != nil {
		t.Fatal(err)
	}
	look(false, true)
}

func TestBrickChanged(t *testing.T) {
	t.Parallel()
	const id = "DA32A6B6-83e8-4b11-b30b-ae120a761461"
	value := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 1795717851), 450000)
	dir := t.TempDir()
	if got, err := gluster.BrickChanged(dir, id); got != 0 || err != nil {
		t.Errorf("of a directory without a mark: %v, %v", got, err)
	}
	for _, c := range []struct {
		value []byte
		want  float64
		fails bool
	}{{value, 1795717851.45, false}, {value[:7], 0, true}, {append(value, 0), 0, true}} {
		if err := unix.Setxattr(dir, "trusted.glusterfs."+strings.ToLower(id)+".xtime", c.value, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := gluster.BrickChanged(dir, id); got != c.want || errors.Is(err, gluster.ErrMalformed) != c.fails {
			t.Errorf("%x: %v, %v", c.value, got, err)
		}
	}
	if _, err := gluster.BrickChanged(filepath.Join(dir, "missing"), id); !errors.Is(err, unix.ENOENT) {
		t.Errorf("of a missing directory: %v", err)
	}
}
