package gluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

func TestCommandsReadAsAPersonWouldTypeThem(t *testing.T) {
	two := []gluster.Brick{{Host: "n1", Path: "/b/x"}, {Host: "fd77::12", Path: "/b/with space"}}
	for _, tc := range []struct {
		command gluster.Command
		want    string
	}{
		{gluster.PeerProbe("n2"), "gluster --mode=script peer probe n2"},
		{
			gluster.VolumeCreate(gluster.VolumeSpec{Name: "v", Replica: 2, Bricks: two}),
			"gluster --mode=script volume create v replica 2 n1:/b/x 'fd77::12:/b/with space'",
		},
		{
			gluster.VolumeCreate(gluster.VolumeSpec{Name: "v", Replica: 3, Arbiter: 1, Transport: "tcp", Bricks: two[:1]}),
			"gluster --mode=script volume create v replica 3 arbiter 1 transport tcp n1:/b/x",
		},
		{gluster.VolumeCreate(gluster.VolumeSpec{Name: "v", Bricks: two[:1]}), "gluster --mode=script volume create v n1:/b/x"},
		{gluster.VolumeStart("v"), "gluster --mode=script volume start v"},
		{gluster.VolumeSet("v", "auth.allow", "10.0.*"), "gluster --mode=script volume set v auth.allow '10.0.*'"},
		{gluster.VolumeSet("v", "user.note", "it's"), `gluster --mode=script volume set v user.note 'it'\''s'`},
		{gluster.VolumeSet("v", "user.note", ""), "gluster --mode=script volume set v user.note ''"},
		{gluster.VolumeGranularHealOff("v"), "gluster --mode=script volume heal v granular-entry-heal disable"},
		{gluster.VolumeReset("v", "auth.allow"), "gluster --mode=script volume reset v auth.allow"},
		{gluster.ProfileStart("v"), "gluster --mode=script volume profile v start"},
		{
			gluster.ResetBrickCommit("v", "n1", "/b/x"),
			"gluster --mode=script volume reset-brick v n1:/b/x n1:/b/x commit",
		},
	} {
		if got := tc.command.String(); got != tc.want {
			t.Errorf("%s\nwant %s", got, tc.want)
		}
	}
}

func TestCLIReadsWhatTheProgramPrints(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><cliOutput>`
	for _, tc := range []struct {
		name, script string
		want         error
		text         string
	}{
		{"success", `echo '` + head + `<opRet>0</opRet><opErrno>0</opErrno><opErrstr/></cliOutput>'`, nil, ""},
		{"success with a bad exit status", `echo '` + head + `<opRet>0</opRet></cliOutput>'; exit 1`, nil, ""},
		{
			"a refusal with a good exit status",
			`echo '` + head + `<opRet>-1</opRet><opErrno>30800</opErrno><opErrstr>no&#10;way</opErrstr></cliOutput>'`,
			gluster.ErrRefused, "volume start v: no way",
		},
		{
			"a lock on two peers",
			`echo '` + head + `<opRet>-1</opRet><opErrno>30800</opErrno><opErrstr>Locking failed on n2. Please check log file for details.&#10;Locking failed on n3.</opErrstr></cliOutput>'`,
			gluster.ErrTransaction, "Locking failed on n2. Please check log file for details. Locking failed on n3.",
		},
		{
			"a text in the output only",
			`echo '` + head + `<opRet>-1</opRet><opErrno>30802</opErrno><opErrstr/><output>busy</output></cliOutput>'`,
			gluster.ErrTransaction, "busy",
		},
		{"no glusterd", `echo 'Connection failed. Please check if gluster daemon is operational.'; exit 1`, gluster.ErrNotRunning, "Connection failed"},
		{"a lock, without a document", `echo 'Disable granular entry heal on volume v has been unsuccessful: Another transaction is in progress for v.'; exit 1`, gluster.ErrTransaction, "unsuccessful"},
		{"a wrong usage", `echo 'unrecognized word' >&2; exit 1`, gluster.ErrRefused, "unrecognized word"},
		{"nothing", `:`, gluster.ErrMalformed, "no XML"},
		{"half a document", `echo '` + head + `<opRet>'`, gluster.ErrMalformed, "XML syntax error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gluster")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+tc.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			wantError(t, gluster.CLI{Path: path}.Run(t.Context(), gluster.VolumeStart("v")), tc.want, tc.text)
		})
	}
}

func TestCLIEndsInTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gluster")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nsleep 10000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	started := time.Now()
	wantError(t, gluster.CLI{Path: path}.Run(ctx, gluster.VolumeStart("v")), gluster.ErrTimeout, "")
	if took := time.Since(started); took > lab.Patience { // the program would sleep for longer
		t.Errorf("took %s", took)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	err := gluster.CLI{Path: path}.Run(ctx, gluster.VolumeStart("v"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, gluster.ErrTimeout) {
		t.Errorf("cancelled: %v", err)
	}
}
