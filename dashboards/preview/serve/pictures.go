package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"brickyard/dashboards/committed"
)

// pictures is what is to be taken.
type pictures struct {
	dir, state, last string
	width            int
	out              io.Writer
}

// How long all pictures and one dashboard may take, on a machine that has other things to do.
const (
	allTime  = 10 * time.Minute
	pageTime = time.Minute
)

// take has a browser draw each dashboard. A picture of a dashboard that could not be drawn is an error.
func (p pictures) take(ctx context.Context, base, dashboards string, drawn <-chan report) (err error) {
	all, err := committed.Load(dashboards)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o755); err != nil { //nolint:gosec // pictures are for everybody
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, allTime)
	defer cancel()
	b, err := start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	for _, d := range all {
		text, said, err := p.one(ctx, b, base, d.UID, drawn)
		if err != nil {
			return fmt.Errorf("%s: %w", d.UID, err)
		}
		file := filepath.Join(p.dir, strings.TrimPrefix(d.UID, "brickyard-")+"-"+p.state+".png")
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
		fmt.Fprintf(p.out, "%s: %d panels\n", file, said.Panels)
	}
	return nil
}

// one returns a picture of the whole page, as high as the page says it is.
func (p pictures) one(ctx context.Context, b *browser, base, uid string, drawn <-chan report) ([]byte, report, error) {
	if err := b.size(p.width, p.width); err != nil {
		return nil, report{}, err
	}
	address := base + "/d/" + uid + "?" + url.Values{"from": {"now-" + p.last}, "to": {"now"}}.Encode()
	if err := b.do("Page.navigate", map[string]any{"url": address}, nil); err != nil {
		return nil, report{}, err
	}
	var said report
	select {
	case said = <-drawn:
	case <-time.After(pageTime):
		return nil, said, fmt.Errorf("the page was not drawn within %s", pageTime)
	case <-ctx.Done():
		return nil, said, ctx.Err()
	}
	if said.UID != uid || len(said.Problems) > 0 {
		return nil, said, errors.New(said.String())
	}
	if err := b.size(p.width, said.Height); err != nil {
		return nil, said, err
	}
	var picture struct {
		Data string `json:"data"`
	}
	if err := b.do("Page.captureScreenshot", map[string]any{"format": "png"}, &picture); err != nil {
		return nil, said, err
	}
	text, err := base64.StdEncoding.DecodeString(picture.Data)
	return text, said, err
}

func (b *browser) size(width, height int) error {
	return b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}
