package attribute

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPersonalDataBeforeWindow holds that a session which left the organization
// before the window is no finding in it. Whether such an event is read at all
// depends on where the logs are: files are read whole, and of a bucket only what
// credentials need.
func TestPersonalDataBeforeWindow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "case.txt")
	err := os.WriteFile(file, []byte(`10:00:00 assume saml:jane@example.com admin/jane@example.com ASIA1
10:02:00 assume session:admin/jane@example.com,ASIA1,10:00:00 999988887777:partner/job ASIA2 recipient=111122223333
10:40:00 call admin/jane@example.com ASIA1 10:00:00
want admin/jane@example.com: personal-data-crosses-accounts
`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2026, 11, 20, h, m, 0, 0, time.UTC) }
	for since, want := range map[time.Time]int{at(9, 0): 1, at(10, 30): 0} {
		res := audit(t, Options{Since: since, Until: at(11, 0), Lookback: 12 * time.Hour, Today: at(12, 0)}, readCase(t, file).records...)
		got := 0
		for _, f := range res.Findings {
			if f.Rule == "personal-data-crosses-accounts" {
				got++
			}
		}
		if len(res.Names) == 0 || got != want {
			t.Errorf("since %s: %d names, %d findings, want %d", since.Format(time.TimeOnly), len(res.Names), got, want)
		}
	}
}
