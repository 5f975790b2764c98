package itest

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestReadmePicture makes the picture that the README shows of the report, of
// what its first command reads. To make it anew:
//
//	TRAILSCAN_PICTURES=$PWD/docs go -C itest test -run TestReadmePicture
func TestReadmePicture(t *testing.T) {
	if os.Getenv("TRAILSCAN_PICTURES") == "" {
		t.Skip("TRAILSCAN_PICTURES names no directory for pictures")
	}
	b := blank(t)
	file := filepath.Join(t.TempDir(), "report.html")
	scan := exec.Command("go", "run", "./cmd/trailscan", "testdata/trails", "-o", file)
	scan.Dir = ".."
	if out, err := scan.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", scan, err, out)
	}
	b.size(1280, 1180)
	b.visit((&url.URL{Scheme: "file", Path: file}).String())
	b.wait(`document.querySelectorAll("#names-table tbody tr").length > 0`)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	b.keep("report.png", png)
}
