package host

import "testing"

func TestComplaint(t *testing.T) {
	for _, tt := range []struct{ record, name, want string }{
		{"2,812,5140900,-;EXT4-fs error (device sdc1): ext4_lookup:1701: inode #2: bad entry\n SUBSYSTEM=block\n", "sdc1", "EXT4-fs error (device sdc1): ext4_lookup:1701: inode #2: bad entry"},
		{"3,812,5140900,-;blk_update_request: I/O error, dev sdc, sector 8", "sdc", "blk_update_request: I/O error, dev sdc, sector 8"},
		{"3,812,5140900,-;I/O error, dev sdc1, sector 8", "sdc", ""},
		{"6,812,5140900,-;EXT4-fs (sdc1): mounted filesystem", "sdc1", ""},
		{"x,1,2;sdc1", "sdc1", ""},
		{"no record sdc1", "sdc1", ""},
		{"3,1,2,-;anything", "", ""},
	} {
		if got := complaint([]byte(tt.record), tt.name); got != tt.want {
			t.Errorf("complaint(%q, %q) = %q, want %q", tt.record, tt.name, got, tt.want)
		}
	}
}

func TestErrorsBehavior(t *testing.T) {
	b := make([]byte, superSize)
	b[superMagic], b[superMagic+1] = 0x53, 0xef
	for v, want := range map[byte]string{1: "continue", 2: "remount-ro", 3: "panic", 0: "", 9: ""} {
		b[superErrors] = v
		if got := errorsBehavior(b); got != want {
			t.Errorf("s_errors %d: %q, want %q", v, got, want)
		}
	}
	b[superMagic] = 0
	if got := errorsBehavior(b); got != "" {
		t.Errorf("no super block: %q", got)
	}
	if got := errorsBehavior(b[:8]); got != "" {
		t.Errorf("a short read: %q", got)
	}
}
