package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// enemyUnit is started before anything of GlusterFS is: when a host boots is when most is believed.
const enemyUnit = `[Unit]
Description=Try to do harm as %[1]s
DefaultDependencies=no
After=systemd-tmpfiles-setup.service local-fs-pre.target
Conflicts=shutdown.target
Before=shutdown.target

[Service]
User=%[1]s
ExecStart=%[2]s enemy %[3]s
StandardOutput=append:%[4]s
Restart=always

[Install]
WantedBy=basic.target
`

// enemyLog has what the enemies of a host say.
func enemyLog(user string) string { return filepath.Join(workDir, "enemy-"+user) }

// untouched are files that nobody may change, on every host.
func untouched() []string {
	return []string{canary, "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/glusterfs/glusterd.vol"}
}

// enemiesOf are the users that do harm on a host: everywhere one without privileges, and root on the last client.
func (d *driver) enemiesOf(h string) []string {
	if h == d.clients[len(d.clients)-1] {
		return []string{"nobody", "root"}
	}
	return []string{"nobody"}
}

// letEnemiesIn starts the enemies on every host and notes what they must not change.
func (d *driver) letEnemiesIn(ctx context.Context) error {
	d.guarded = map[string]string{}
	d.harmed = map[string]int64{}
	for _, h := range d.all() {
		pid, err := d.pid(ctx, h)
		if err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(root(pid)+workDir, 0o755), os.WriteFile(root(pid)+canary, []byte("as it was\n"), 0o600)); err != nil {
			return err
		}
		for _, file := range untouched() {
			b, err := os.ReadFile(root(pid) + file)
			if err != nil {
				return err
			}
			d.guarded[h+":"+file] = sum(b)
		}
		var args []string
		for _, v := range d.volumes {
			if slices.Contains(d.servers, h) {
				args = append(args, "--bricks="+filepath.Dir(v.brick))
			} else {
				args = append(args, "--mounts="+v.name+"="+v.mount)
			}
		}
		for _, user := range d.enemiesOf(h) {
			unit := fmt.Sprintf(enemyUnit, user, program, strings.Join(args, " "), enemyLog(user))
			name := "reboot-enemy-" + user
			if err := os.WriteFile(root(pid)+"/etc/systemd/system/"+name+".service", []byte(unit), 0o644); err != nil {
				return err
			}
			script := "rm -f " + enemyLog(user) + " && systemctl daemon-reload && systemctl enable -q " + name + " && systemctl restart " + name
			if _, err := d.on(ctx, h, "sh", "-c", script); err != nil {
				return err
			}
		}
	}
	return nil
}

// harm says what the enemies of all hosts have achieved since the last call, and that they have tried.
func (d *driver) harm(ctx context.Context) (wrong []string, err error) {
	for _, h := range d.all() {
		pid, err := d.pid(ctx, h)
		if err != nil {
			return wrong, err
		}
		for _, user := range d.enemiesOf(h) {
			key := h + ":" + enemyLog(user)
			b, err := os.ReadFile(root(pid) + enemyLog(user))
			if err != nil {
				return wrong, err
			}
			said := string(b[min(d.harmed[key], int64(len(b))):])
			d.harmed[key] = int64(len(b))
			if !strings.Contains(said, "tried everything") {
				wrong = append(wrong, fmt.Sprintf("%s: the enemy %s has tried nothing", h, user))
			}
			for line := range strings.Lines(said) {
				if line = strings.TrimSpace(line); line != "tried everything" && !slices.Contains(wrong, h+": "+line) {
					wrong = append(wrong, h+": "+line)
				}
			}
		}
		for _, file := range untouched() {
			b, err := os.ReadFile(root(pid) + file)
			if err != nil || d.guarded[h+":"+file] != sum(b) {
				wrong = append(wrong, fmt.Sprintf("%s: %s is not what it was: %v", h, file, err))
			}
		}
	}
	return wrong, nil
}
