package guard

import (
	"os"
	"testing"
)

func TestExposure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("only root gives directories away")
	}
	for _, c := range []struct {
		mode         os.FileMode
		uid          int
		says, remedy string
	}{
		{0o700, 0, "", ""},
		{0o755, 0, "", ""},
		{0o750, 0, "", ""},
		{0o770, 0, " can be written by others (0770)", "chmod go-w "},
		{0o777, 0, " can be written by others (0777)", "chmod go-w "},
		{0o700, 1234, " belongs to user 1234", "chown root "},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, c.uid, 0); err != nil {
			t.Fatal(err)
		}
		var want exposure
		if c.says != "" {
			want = exposure{dir + c.says, c.remedy + dir}
		}
		if got, found := exposureOf(dir); got != want || found != (c.says != "") {
			t.Errorf("%04o of %d: %q, %v", c.mode, c.uid, got, found)
		}
	}
	if e, found := exposureOf(t.TempDir() + "/none"); found {
		t.Error(e)
	}
}
